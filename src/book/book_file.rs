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

use super::past::Cut;
use super::paths::{BookPaths, Id, id};
use super::trouble::Trouble;
use live_file::lock::{self, Lock};
use live_file::resolve::{self, Mounted};

/// A system call that a test can make fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SystemCall {
    Open,
    Write,
    Cut,
    Sync,
    Rename,
}

/// For tests: called before the calls named by [`SystemCall`]; an error that it returns stands for the call's
/// own. Of a write it returns the most bytes that may go.
pub(super) struct FaultHook(pub(super) Box<dyn Fn(SystemCall) -> io::Result<usize> + Send>);

impl Default for FaultHook {
    fn default() -> Self {
        Self(Box::new(|_| Ok(usize::MAX)))
    }
}

impl std::fmt::Debug for FaultHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FaultHook")
    }
}

/// Ends somebody else's half a line.
const NEWLINE: &[u8] = b"\n";

/// Ends a half line that we wrote. Readers skip such lines: if only the newline was missing, the
/// entry is written again and would be in the book twice.
const TORN: &[u8] = b" torn\n";

/// The book's file, for appending: reopened when it is replaced, rotated when it is full.
#[derive(Debug)]
pub(super) struct BookFile {
    paths: BookPaths,
    /// The largest size of a file.
    limit: u64,
    current: Option<OpenFile>,
    /// Held as long as there is a pen: two servers would cut each other's lines.
    lock: Option<Lock>,
    fault: FaultHook,
}

/// The open file.
#[derive(Debug)]
struct OpenFile {
    file: File,
    id: Id,
    /// What the next write starts with: it ends the half line that the file ends with, if there is one.
    leading_bytes: &'static [u8],
    /// Something was written that is not durable yet.
    unsynced: bool,
    /// Its name may not be durable yet.
    directory_unsynced: bool,
}

impl BookFile {
    pub(super) fn new(paths: BookPaths, lock: Option<Lock>, limit: u64, fault: FaultHook) -> Self {
        Self { paths, limit, current: None, lock, fault }
    }

    /// Fails if another server has taken the lock, because its file was removed.
    pub(super) fn renew_lock(&mut self) -> Result<(), Trouble> {
        let renewed = self.lock.as_mut().map_or(Ok(()), Lock::renew);
        renewed.map_err(|lock::Taken| Trouble::foreign(&self.paths.present))
    }

    /// Opens the file that stands at the path now, or makes it, unless it is open already.
    pub(super) fn open_current(&mut self) -> Result<(), Trouble> {
        self.current().map(drop)
    }

    /// Cuts off a torn end, unless somebody else writes the file or it has changed.
    pub(super) fn cut(&mut self, cut: &Cut) {
        let path = self.paths.present.clone();
        let done = self.current().and_then(|current| {
            let failed = |error| Trouble::failed(&path, "cut", &error);
            if current.file.metadata().map_err(failed)?.len() != cut.size {
                return Err(Trouble::new(&path, "is being written"));
            }
            current.file.set_len(cut.at).map_err(failed)?;
            current.leading_bytes = b"";
            current.unsynced = true;
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
        let path = self.paths.present.clone();
        let failed = |error| Trouble::failed(&path, "written", &error);
        let current = self.current().map_err(|trouble| (0, trouble))?;
        let size = current.file.metadata().map_err(|error| (0, failed(error)))?.len();
        let ended = usize::from(!current.leading_bytes.is_empty());
        let mut bytes = current.leading_bytes.to_vec();
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
            self.rotate().map_err(|trouble| (0, trouble))?;
            return Ok(0);
        }
        let (written_bytes, result) = self.put(&bytes);
        // The first line break may only end the half line from before.
        let whole_bytes =
            bytes[..written_bytes].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.note_written(size, written_bytes, whole_bytes);
        let whole_lines = bytes[..whole_bytes].split_inclusive(|&byte| byte == b'\n').count();
        match result {
            Ok(()) => Ok(count),
            Err(error) => Err((whole_lines.saturating_sub(ended), failed(error))),
        }
    }

    /// Writes this; returns how many bytes are written, also after an error.
    fn put(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let Some(current) = &mut self.current else {
            return (0, Err(io::ErrorKind::NotFound.into()));
        };
        let mut written_bytes = 0;
        while written_bytes < bytes.len() {
            let wrote = (self.fault.0)(SystemCall::Write).and_then(|most| {
                let until = bytes.len().min(written_bytes.saturating_add(most));
                io::Write::write(&mut current.file, &bytes[written_bytes..until])
            });
            match wrote {
                Ok(0) => return (written_bytes, Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => written_bytes += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (written_bytes, Err(error)),
            }
            current.unsynced = true;
        }
        (written_bytes, Ok(()))
    }

    /// Of `written_bytes` behind the first `size`, those after `whole_bytes` are half a line: it is cut off,
    /// or the next write has to end it.
    fn note_written(&mut self, size: u64, written_bytes: usize, whole_bytes: usize) {
        let Some(current) = &mut self.current else { return };
        if written_bytes == whole_bytes {
            if whole_bytes > 0 {
                current.leading_bytes = b"";
            }
            return;
        }
        let cut = (self.fault.0)(SystemCall::Cut).and_then(|_| {
            // Only what is surely ours.
            if current.file.metadata()?.len() != size + written_bytes as u64 {
                return Err(io::ErrorKind::Other.into());
            }
            current.file.set_len(size + whole_bytes as u64)
        });
        match cut {
            Ok(()) if whole_bytes > 0 => current.leading_bytes = b"",
            Ok(()) => {}
            Err(_) => current.leading_bytes = TORN,
        }
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> Result<(), Trouble> {
        let Some(current) = self.current.as_mut().filter(|current| current.unsynced) else {
            return Ok(());
        };
        // If it fails, the kernel has given up what it could not write: to try again is no use.
        current.unsynced = false;
        let directory_unsynced = std::mem::take(&mut current.directory_unsynced);
        let synced = (self.fault.0)(SystemCall::Sync).and_then(|_| current.file.sync_data());
        synced.map_err(|error| Trouble::failed(&self.paths.present, "made durable", &error))?;
        if directory_unsynced {
            // Some file systems cannot sync a directory, and the lines themselves are safe.
            let _ = resolve::parent(&self.paths.present).and_then(|place| place.sync_directory());
        }
        Ok(())
    }

    /// Puts the file into the place of the older one; the next write begins a new one.
    fn rotate(&mut self) -> Result<(), Trouble> {
        self.close();
        let renamed = (self.fault.0)(SystemCall::Rename).and_then(|_| {
            Mounted::check_replace(resolve::parent(&self.paths.present)?.mount())?;
            resolve::parent(&self.paths.older)?
                .take(self.paths.present.file_name().unwrap_or_default())
        });
        renamed.map_err(|error| Trouble::failed(&self.paths.present, "turned over", &error))?;
        info!(older = %self.paths.older.display(), "the bell book is full and is turned over");
        Ok(())
    }

    /// Closes the file, if one is open.
    fn close(&mut self) {
        if let Err(trouble) = self.sync() {
            warn!(%trouble, "the last lines of the bell book may be lost");
        }
        self.current = None;
    }

    /// The open file, if it is still the one at the path; else closes it and opens or makes that one.
    fn current(&mut self) -> Result<&mut OpenFile, Trouble> {
        let path = &self.paths.present;
        let there = resolve::parent(path).and_then(|place| {
            Mounted::check_read(place.mount())?;
            place.stat()
        });
        match there {
            Ok(meta) if self.current.as_ref().is_some_and(|current| current.id == id(&meta)) => {}
            Ok(meta) if !meta.is_file() => {
                let trouble = Trouble::no_file(path, meta.file_type());
                self.close();
                return Err(trouble);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Trouble::failed(path, "written", &error));
            }
            // Another file is there now, or none.
            Ok(_) | Err(_) => self.close(),
        }
        if self.current.is_none() {
            self.current = Some(self.open()?);
        }
        self.current.as_mut().ok_or_else(|| Trouble::new(&self.paths.present, "is closed"))
    }

    fn open(&self) -> Result<OpenFile, Trouble> {
        let path = &self.paths.present;
        let failed = |error: io::Error| Trouble::failed(path, "written", &error);
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::APPEND;
        (self.fault.0)(SystemCall::Open).map_err(failed)?;
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
        let leading_bytes = if last == [b'\n'] { b"" } else { NEWLINE };
        Ok(OpenFile {
            file,
            id: id(&meta),
            leading_bytes,
            unsynced: false,
            directory_unsynced: meta.len() == 0,
        })
    }
}
