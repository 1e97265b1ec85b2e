//! The accept file: a reply is in it whole and durable, or not at all.
//!
//! What a reply is, and who waits for it, is not known here. The file is written and never read:
//! what stands in it comes back through its source.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, StatVfsMountFlags, accessat, fstatvfs};
use tracing::{debug, warn};

use crate::lock;
use crate::plain::plain;
use crate::resolve::{self, Place};
use crate::writing::Stamp;
use attributes::Attributes;
use steps::{Fault, Temp};
use temp_name::TempName;

mod attributes;
mod standing;
mod steps;
mod temp_name;
mod writer;

pub use writer::{Busy, Outcome, Store, Writer};

/// The one accept file that this process writes.
#[derive(Debug)]
pub struct AcceptFile {
    path: PathBuf,
    name: OsString,
    /// If it is a link, what it leads to is replaced, and not the link.
    follow: bool,
    /// What a test makes go wrong.
    fault: Fault,
    /// Held as long as the file is written; nothing if it cannot be had for reasons that will
    /// show, and be told, at the first reply.
    lock: Option<File>,
}

/// Why the accept file must not be written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the lock.
    #[error("another server writes {0}")]
    Taken(String),
    /// The path cannot be one of a file.
    #[error("{0} is not the name of a file")]
    Nameless(String),
}

/// Why a reply is not in the accept file; one line for whoever gave it.
#[derive(Debug, thiserror::Error)]
#[error("{name} cannot be written: {reason}")]
pub struct StoreError {
    name: String,
    reason: String,
}

impl AcceptFile {
    /// Makes this process the only one that writes `path`, and sweeps away what an earlier one
    /// left half done. A link at `path` is replaced.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut file = Self::at(path, false)?;
        let taken = |lock::Taken| OpenError::Taken(name_of(&file.path));
        file.lock = lock::of(&file.path).map_err(taken)?;
        if file.lock.is_some() {
            file.sweep();
        }
        Ok(file)
    }

    /// A file that others write, too, and that is written where a link leads, since they do so there.
    /// It is not locked, and nothing is swept away: a temporary file may be another writer's, in use.
    pub fn shared(path: &Path) -> Result<Self, OpenError> {
        Self::at(path, true)
    }

    /// A file to be surveyed and rehearsed, while another process may hold its lock and write it.
    pub fn unlocked(path: &Path) -> Result<Self, OpenError> {
        Self::at(path, false)
    }

    fn at(path: &Path, follow: bool) -> Result<Self, OpenError> {
        let nameless = || OpenError::Nameless(path.display().to_string());
        let path = std::path::absolute(path).map_err(|_| nameless())?;
        let name = path.file_name().ok_or_else(nameless)?.to_owned();
        Ok(Self { path, name, follow, fault: Fault::default(), lock: None })
    }

    /// Puts these bytes into the file, durably. `noted` learns by what to know the
    /// writing again, before anybody can see it. After an error the file is as it was, unless only
    /// the last step failed, which makes the directory durable.
    pub fn store(&self, contents: &[u8], noted: impl FnOnce(Stamp)) -> Result<(), StoreError> {
        self.store_if(contents, noted, || true)
    }

    /// The same, unless nobody wants it any more just before it would be seen.
    fn store_if(
        &self,
        contents: &[u8],
        noted: impl FnOnce(Stamp),
        wanted: impl FnOnce() -> bool,
    ) -> Result<(), StoreError> {
        self.try_store(contents, noted, wanted).map_err(|error| self.failed(&error))
    }

    /// Whether it could be replaced now, as far as that shows without touching anything.
    pub fn survey(&self) -> Result<(), StoreError> {
        let surveyed = || {
            let place = self.place()?;
            Self::before(&place)?;
            let directory = place.directory();
            if fstatvfs(directory)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            let access = Access::WRITE_OK | Access::EXEC_OK;
            Ok(accessat(directory, ".", access, AtFlags::EACCESS)?)
        };
        surveyed().map_err(|error: io::Error| self.failed(&error))
    }

    /// Whether it could be replaced now, by doing all of that with two files of other names.
    pub fn rehearse(&self) -> Result<(), StoreError> {
        let rehearsed = || {
            let place = self.place()?;
            let before = Self::before(&place)?;
            let names = TempName::of(place.name());
            let mut temp = Temp::create(&place, names.fresh(), before.attributes(), &self.fault)?;
            temp.write(b"rehearsal\n")?;
            temp.rename_aside(names.fresh())
        };
        rehearsed().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> StoreError {
        StoreError { name: self.shown(), reason: plain(error) }
    }

    /// Its name in a sentence.
    fn shown(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    fn try_store(
        &self,
        contents: &[u8],
        noted: impl FnOnce(Stamp),
        wanted: impl FnOnce() -> bool,
    ) -> io::Result<()> {
        let place = self.place()?;
        let before = Self::before(&place)?;
        if let Before::Other(kind) = before {
            warn!(file = %self.path.display(), kind, "what stands in the file's place is replaced");
        }
        let temp = TempName::of(place.name()).fresh();
        let mut temp = Temp::create(&place, temp, before.attributes(), &self.fault)?;
        temp.write(contents)?;
        noted(temp.stamp()?);
        temp.close();
        if !wanted() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        temp.rename()?;
        steps::sync_directory(&place, &self.fault)
    }

    /// Where the file is written.
    fn place(&self) -> io::Result<Place> {
        if self.follow { resolve::resolve(&self.path) } else { resolve::parent(&self.path) }
    }

    /// Removes the temporary files of processes that were killed while they wrote this file. It is only for
    /// whoever knows that no other process writes it: another's may be in use. [`Self::open`] does it.
    pub fn sweep(&self) {
        let Ok(place) = self.place() else { return };
        let temp = TempName::of(place.name());
        let own = rustix::process::geteuid().as_raw();
        let ours = |meta: fs::Metadata| meta.is_file() && (own == 0 || meta.uid() == own);
        let entries = fs::read_dir(place.path().parent().unwrap_or(Path::new("/")));
        for entry in entries.into_iter().flatten().flatten() {
            if temp.is(&entry.file_name()) && entry.metadata().is_ok_and(ours) {
                match fs::remove_file(entry.path()) {
                    Ok(()) => debug!(file = %entry.path().display(), "stray temporary file swept"),
                    Err(error) => warn!(file = %entry.path().display(), %error, "cannot be swept"),
                }
            }
        }
    }

    /// What is there, if it can be replaced.
    fn before(place: &Place) -> io::Result<Before> {
        let meta = match place.stat() {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Before::Nothing),
            Err(error) => return Err(error),
        };
        if meta.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        standing::check(place, &meta)?;
        if meta.is_file() {
            return Ok(Before::File(Attributes::of(place, &meta)));
        }
        Ok(Before::Other(if meta.is_symlink() { "symlink" } else { "special file" }))
    }
}

/// What stands in the file's place before it is written.
#[derive(Debug)]
enum Before {
    Nothing,
    /// A file, whose attributes are to be kept.
    File(Attributes),
    /// Something else that can be replaced.
    Other(&'static str),
}

impl Before {
    fn attributes(&self) -> Option<&Attributes> {
        match self {
            Self::File(attributes) => Some(attributes),
            _ => None,
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
