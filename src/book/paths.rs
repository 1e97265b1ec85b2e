//! Where the book's two files are, and how they are opened for reading.
//!
//! Nothing but regular files is opened, no link is followed, and nothing waits.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::trouble::Trouble;
use live_file::lock::{self, Lock};
use live_file::resolve;

/// The two files in rotation.
#[derive(Clone, Debug)]
pub(super) struct BookPaths {
    /// The file that is written.
    pub(super) present: PathBuf,
    /// The file that was written before it.
    pub(super) older: PathBuf,
}

/// A file that is open for reading.
#[derive(Debug)]
pub(super) struct InputFile {
    pub(super) file: File,
    /// Its size when it was opened; what is written later is not read.
    pub(super) size: u64,
    /// When it was last written, in milliseconds since 1970.
    pub(super) written: u64,
    /// Which file it is.
    id: Id,
}

/// Device and inode.
pub(super) type Id = (u64, u64);

pub(super) fn id(meta: &Metadata) -> Id {
    (meta.dev(), meta.ino())
}

impl BookPaths {
    pub(super) fn new(path: &Path) -> Self {
        let mut older = path.as_os_str().to_owned();
        older.push(".1");
        Self { present: path.to_owned(), older: older.into() }
    }

    /// Takes the book's lock, or says that another server has it. A file system without locks leaves it
    /// to people to start one server only.
    pub(super) fn lock(&self) -> Result<Option<Lock>, Trouble> {
        lock::of(&self.present).map_err(|lock::Taken| Trouble::foreign(&self.present))
    }

    /// The files that there are, the older first.
    ///
    /// The present one is opened first: should it become the older one meanwhile, it is met
    /// twice, and nothing between the two is missed.
    pub(super) fn open(&self) -> Result<Vec<InputFile>, Trouble> {
        let present = open(&self.present)?;
        let older = open(&self.older)?;
        let twice =
            |older: &InputFile| present.as_ref().is_some_and(|present| present.id == older.id);
        Ok(older.filter(|older| !twice(older)).into_iter().chain(present).collect())
    }
}

/// Opens one of the files, if it is there.
pub(super) fn open(path: &Path) -> Result<Option<InputFile>, Trouble> {
    let failed = |error: io::Error| Trouble::failed(path, "read", &error);
    let found = resolve::parent(path).and_then(|place| Ok((place.stat()?, place)));
    let place = match found {
        Ok((meta, place)) if meta.is_file() => place,
        Ok((meta, _)) => return Err(Trouble::no_file(path, meta.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let file = match place.open(OFlags::RDONLY, Mode::empty()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() {
        return Err(Trouble::no_file(path, meta.file_type()));
    }
    let seconds = u64::try_from(meta.mtime()).unwrap_or(0);
    let written = seconds.saturating_mul(1_000);
    Ok(Some(InputFile { file, size: meta.len(), written, id: id(&meta) }))
}
