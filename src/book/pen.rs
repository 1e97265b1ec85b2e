//! The file as it is written: whole lines at its end, turned over when it is full, opened anew when
//! somebody has taken it away.
//!
//! What has been written is known to the byte: after a write that failed half-way, whole lines stay
//! and count as written, and half a line is cut off, or ended by the next write.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{Mode, OFlags};
use tracing::{info, warn};

use super::pages::{Id, Pages, id};
use super::past::Cut;
use super::trouble::Trouble;
use live_file::resolve;

/// A system call that a test can make fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Open,
    Write,
    Cut,
    Sync,
    Rename,
}

/// For tests: called before the calls named by [`Step`]; an error that it returns stands for the call's
/// own. Of a write it returns the most bytes that may go.
pub(super) struct Fault(pub(super) Box<dyn Fn(Step) -> io::Result<usize> + Send>);

impl Default for Fault {
    fn default() -> Self {
        Self(Box::new(|_| Ok(usize::MAX)))
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fault")
    }
}

/// Ends somebody else's half a line.
const NEWLINE: &[u8] = b"\n";

/// Ends a half line that we wrote. Readers skip such lines: if only the newline was missing, the
/// entry is written again and would be in the book twice.
const TORN: &[u8] = b" torn\n";

/// The book's file, for appending: reopened when it is replaced, rotated when it is full.
#[derive(Debug)]
pub(super) struct Pen {
    pages: Pages,
    /// The largest size of a file.
    limit: u64,
    sheet: Option<Sheet>,
    /// Held as long as there is a pen: two servers would cut each other's lines.
    _lock: Option<File>,
    fault: Fault,
}

/// The open file.
#[derive(Debug)]
struct Sheet {
    file: File,
    id: Id,
    /// What the next write starts with: it ends the half line that the file ends with, if there is one.
    end: &'static [u8],
    /// Something was written that is not durable yet.
    unsynced: bool,
    /// Its name may not be durable yet.
    unlisted: bool,
}

impl Pen {
    pub(super) fn new(pages: Pages, lock: Option<File>, limit: u64, fault: Fault) -> Self {
        Self { pages, limit, sheet: None, _lock: lock, fault }
    }

    /// Opens the file that stands at the path now, or makes it, unless it is open already.
    pub(super) fn ready(&mut self) -> Result<(), Trouble> {
        self.sheet().map(drop)
    }

    /// Cuts off a torn end, unless somebody else writes the file or it has changed.
    pub(super) fn cut(&mut self, cut: &Cut) {
        let path = self.pages.present.clone();
        let done = self.sheet().and_then(|sheet| {
            let failed = |error| Trouble::failed(&path, "cut", &error);
            if sheet.file.metadata().map_err(failed)?.len() != cut.size {
                return Err(Trouble::new(&path, "is being written"));
            }
            sheet.file.set_len(cut.at).map_err(failed)?;
            sheet.end = b"";
            sheet.unsynced = true;
            Ok(())
        });
        let bytes = cut.size - cut.at;
        match done {
            Ok(()) => warn!(bytes, "the bell book ended with a torn line, which is cut off"),
            Err(trouble) => warn!(bytes, %trouble, "the bell book ends with a torn line"),
        }
    }

    /// Appends these lines; tells how many are in the file, also after an error.
    pub(super) fn append(&mut self, lines: &[Vec<u8>]) -> (usize, Result<(), Trouble>) {
        let mut written = 0;
        while written < lines.len() {
            match self.append_some(&lines[written..]) {
                Ok(count) => written += count,
                Err((count, trouble)) => return (written + count, Err(trouble)),
            }
        }
        (written, Ok(()))
    }

    /// Appends as many of these as the file has room for, with one write. Returns 0 if the file was full
    /// and has been rotated; call again.
    fn append_some(&mut self, lines: &[Vec<u8>]) -> Result<usize, (usize, Trouble)> {
        let limit = self.limit;
        let path = self.pages.present.clone();
        let failed = |error| Trouble::failed(&path, "written", &error);
        let sheet = self.sheet().map_err(|trouble| (0, trouble))?;
        let size = sheet.file.metadata().map_err(|error| (0, failed(error)))?.len();
        let ended = usize::from(!sheet.end.is_empty());
        let mut bytes = sheet.end.to_vec();
        let mut count = 0;
        for line in lines {
            let full = size + (bytes.len() + line.len()) as u64 > limit;
            // A line that no file has room for gets one of its own.
            if full && (count > 0 || size > 0) {
                break;
            }
            bytes.extend_from_slice(line);
            count += 1;
        }
        if count == 0 {
            self.turn_over().map_err(|trouble| (0, trouble))?;
            return Ok(0);
        }
        let (gone, result) = self.put(&bytes);
        // The first line break may only end the half line from before.
        let kept = bytes[..gone].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.settle(size, gone, kept);
        let whole = bytes[..kept].split_inclusive(|&byte| byte == b'\n').count();
        match result {
            Ok(()) => Ok(count),
            Err(error) => Err((whole.saturating_sub(ended), failed(error))),
        }
    }

    /// Writes this; returns how many bytes are written, also after an error.
    fn put(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let Some(sheet) = &mut self.sheet else {
            return (0, Err(io::ErrorKind::NotFound.into()));
        };
        let mut gone = 0;
        while gone < bytes.len() {
            let wrote = (self.fault.0)(Step::Write).and_then(|most| {
                let end = bytes.len().min(gone.saturating_add(most));
                io::Write::write(&mut sheet.file, &bytes[gone..end])
            });
            match wrote {
                Ok(0) => return (gone, Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => gone += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (gone, Err(error)),
            }
            sheet.unsynced = true;
        }
        (gone, Ok(()))
    }

    /// Of `gone` bytes behind the first `size`, those after `kept` are half a line: it is cut off,
    /// or the next write has to end it.
    fn settle(&mut self, size: u64, gone: usize, kept: usize) {
        let Some(sheet) = &mut self.sheet else { return };
        if gone == kept {
            if kept > 0 {
                sheet.end = b"";
            }
            return;
        }
        let cut = (self.fault.0)(Step::Cut).and_then(|_| {
            // Only what is surely ours.
            if sheet.file.metadata()?.len() != size + gone as u64 {
                return Err(io::ErrorKind::Other.into());
            }
            sheet.file.set_len(size + kept as u64)
        });
        match cut {
            Ok(()) if kept > 0 => sheet.end = b"",
            Ok(()) => {}
            Err(_) => sheet.end = TORN,
        }
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> Result<(), Trouble> {
        let Some(sheet) = self.sheet.as_mut().filter(|sheet| sheet.unsynced) else {
            return Ok(());
        };
        // If it fails, the kernel has given up what it could not write: to try again is no use.
        sheet.unsynced = false;
        let unlisted = std::mem::take(&mut sheet.unlisted);
        let synced = (self.fault.0)(Step::Sync).and_then(|_| sheet.file.sync_data());
        synced.map_err(|error| Trouble::failed(&self.pages.present, "made durable", &error))?;
        if unlisted {
            // Some file systems cannot sync a directory, and the lines themselves are safe.
            let _ = resolve::parent(&self.pages.present).and_then(|place| place.sync_directory());
        }
        Ok(())
    }

    /// Puts the file into the place of the older one; the next write begins a new one.
    fn turn_over(&mut self) -> Result<(), Trouble> {
        self.put_away();
        let renamed = (self.fault.0)(Step::Rename).and_then(|_| {
            resolve::parent(&self.pages.older)?
                .take(self.pages.present.file_name().unwrap_or_default())
        });
        renamed.map_err(|error| Trouble::failed(&self.pages.present, "turned over", &error))?;
        info!(older = %self.pages.older.display(), "the bell book is full and is turned over");
        Ok(())
    }

    /// Closes the file, if one is open.
    fn put_away(&mut self) {
        if let Err(trouble) = self.sync() {
            warn!(%trouble, "the last lines of the bell book may be lost");
        }
        self.sheet = None;
    }

    /// The open file, if it is still the one at the path; else closes it and opens or makes that one.
    fn sheet(&mut self) -> Result<&mut Sheet, Trouble> {
        let path = &self.pages.present;
        match resolve::parent(path).and_then(|place| place.stat()) {
            Ok(meta) if self.sheet.as_ref().is_some_and(|sheet| sheet.id == id(&meta)) => {}
            Ok(meta) if !meta.is_file() => {
                let trouble = Trouble::no_file(path, meta.file_type());
                self.put_away();
                return Err(trouble);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Trouble::failed(path, "written", &error));
            }
            // Another file is there now, or none.
            Ok(_) | Err(_) => self.put_away(),
        }
        if self.sheet.is_none() {
            self.sheet = Some(self.open()?);
        }
        self.sheet.as_mut().ok_or_else(|| Trouble::new(&self.pages.present, "is closed"))
    }

    fn open(&self) -> Result<Sheet, Trouble> {
        let path = &self.pages.present;
        let failed = |error: io::Error| Trouble::failed(path, "written", &error);
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::APPEND;
        (self.fault.0)(Step::Open).map_err(failed)?;
        let file = resolve::parent(path)
            .and_then(|place| place.open(flags, Mode::from_raw_mode(0o660)))
            .map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if !meta.is_file() {
            return Err(Trouble::no_file(path, meta.file_type()));
        }
        let mut last = [b'\n'];
        if let Some(end) = meta.len().checked_sub(1) {
            file.read_at(&mut last, end).map_err(failed)?;
        }
        let end = if last == [b'\n'] { b"" } else { NEWLINE };
        Ok(Sheet { file, id: id(&meta), end, unsynced: false, unlisted: meta.len() == 0 })
    }
}
