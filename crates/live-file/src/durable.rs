//! Writes a file whole and durably, or leaves it as it was.
//!
//! Contents go into a temporary file beside it, are synced, and take its place by a rename, which is synced, too. Whoever
//! reads or watches the file sees the old contents or the new ones, and after a power cut one of the two is there. The
//! new file keeps owner, group, mode and access list of the old one as far as they can be set.
//!
//! ```
//! use live_file::durable::{DurableFile, OpenError};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("answer.txt");
//! let file = DurableFile::open(&path)?;
//! let stamp = file.write(b"all is well\n")?;
//! assert_eq!(std::fs::read(&path)?, b"all is well\n");
//! assert_eq!(stamp.size, 12, "a watch of the file reports it with this date and size");
//!
//! // Nobody else writes it as long as this one is open.
//! assert!(matches!(DurableFile::open(&path), Err(OpenError::Taken(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Access, AtFlags, StatVfsMountFlags, accessat, fstatvfs};
use tracing::{debug, warn};

use crate::lock::{self, Lock};
use crate::plain::plain;
use crate::resolve::{self, Place};
use crate::writing::Stamp;
use attributes::Attributes;
use steps::{FailPoint, Stray, TempFile};
use temp_name::TempName;

mod attributes;
mod obstacle;
mod steps;
mod temp_name;
mod writer;

pub use writer::{Outcome, SubmitError, WriteJob, Writer};

/// A file that this process writes.
#[derive(Debug)]
pub struct DurableFile {
    path: PathBuf,
    name: OsString,
    /// If the path is a link, what it leads to is replaced, and not the link.
    follow: bool,
    /// Where tests make a step fail.
    fail_point: FailPoint,
    /// A temporary file that had to be left behind.
    stray: Stray,
    /// The lock file while the lock is held. None for `shared` and `unlocked`, and where it could not be taken.
    lock: Mutex<Option<Lock>>,
}

/// Why a file cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody holds the lock, perhaps this process.
    #[error("another process writes {0}")]
    Taken(String),
    /// The path cannot be one of a file.
    #[error("{0} is not the name of a file")]
    Nameless(String),
}

/// Why the contents are not in the file, in one line for a person.
#[derive(Debug, thiserror::Error)]
#[error("{name} cannot be written: {reason}")]
pub struct WriteError {
    name: String,
    reason: String,
}

impl DurableFile {
    /// Opens `path` for writing and locks `path.lock` beside it, which stays there, so that no other file opened
    /// like this, in this process or another, writes it; and removes temporary files that a killed process left. A
    /// link at `path` is replaced by a file. If the lock cannot be taken for another reason than that somebody holds
    /// it, the file is opened without.
    ///
    /// # Errors
    ///
    /// Somebody holds the lock, or the path has no file name.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut file = Self::at(path, false)?;
        let taken = |lock::Taken| OpenError::Taken(name_of(&file.path));
        let lock = lock::of(&file.path).map_err(taken)?;
        let locked = lock.is_some();
        file.lock = Mutex::new(lock);
        if locked {
            file.sweep();
        }
        Ok(file)
    }

    /// A file that others write, too. A link at `path` is followed, as they follow it. Nothing is locked, and no
    /// temporary file removed: it may be another writer's, in use.
    pub fn shared(path: &Path) -> Result<Self, OpenError> {
        Self::at(path, true)
    }

    /// For a survey and a rehearsal only: takes no lock, so that another process may be writing the file.
    pub fn unlocked(path: &Path) -> Result<Self, OpenError> {
        Self::at(path, false)
    }

    fn at(path: &Path, follow: bool) -> Result<Self, OpenError> {
        let nameless = || OpenError::Nameless(path.display().to_string());
        let path = std::path::absolute(path).map_err(|_| nameless())?;
        let name = path.file_name().ok_or_else(nameless)?.to_owned();
        Ok(Self {
            path,
            name,
            follow,
            fail_point: FailPoint::default(),
            stray: Stray::default(),
            lock: Mutex::default(),
        })
    }

    /// Puts these bytes into the file, durably. Returns by what a watch of the file will know this writing.
    ///
    /// # Errors
    ///
    /// The file is unchanged, except when syncing the directory failed: then it is replaced, but perhaps not durably.
    pub fn write(&self, contents: &[u8]) -> Result<Stamp, WriteError> {
        let mut stamp = None;
        self.write_if(contents, |it| stamp = Some(it), || true)?;
        Ok(stamp.expect("it is prepared before it is in its place"))
    }

    /// Like [`write`](Self::write), but asks `wanted` just before the rename and fails if it is not. `prepared` gets
    /// the stamp before anybody can see the writing.
    fn write_if(
        &self,
        contents: &[u8],
        prepared: impl FnOnce(Stamp),
        wanted: impl FnOnce() -> bool,
    ) -> Result<(), WriteError> {
        self.try_write(contents, prepared, wanted).map_err(|error| self.failed(&error))
    }

    /// Whether the file could be written now, as far as that shows without touching anything.
    pub fn survey(&self) -> Result<(), WriteError> {
        let surveyed = || {
            self.check_lock()?;
            let place = self.place()?;
            self.before(&place)?;
            let directory = place.directory();
            let disk = fstatvfs(directory)?;
            if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            let access = Access::WRITE_OK | Access::EXEC_OK;
            accessat(directory, ".", access, AtFlags::EACCESS)?;
            // Some is kept for root, and some file systems count in their own way: only a try tells.
            let is_full =
                disk.f_blocks > 0 && disk.f_bavail == 0 || disk.f_files > 0 && disk.f_favail == 0;
            if is_full { self.try_rehearse() } else { Ok(()) }
        };
        surveyed().map_err(|error: io::Error| self.failed(&error))
    }

    /// Whether the file could be written now: everything is done as for a write, but with two temporary names.
    pub fn rehearse(&self) -> Result<(), WriteError> {
        self.try_rehearse().map_err(|error| self.failed(&error))
    }

    fn try_rehearse(&self) -> io::Result<()> {
        self.check_lock()?;
        let place = self.place()?;
        let before = self.before(&place)?;
        let names = TempName::of(place.name());
        let mut temp = TempFile::create(
            &place,
            names.fresh(),
            before.attributes(),
            &self.fail_point,
            &self.stray,
        )?;
        temp.write(b"rehearsal\n")?;
        temp.rename_aside(&names.fresh())
    }

    fn failed(&self, error: &io::Error) -> WriteError {
        WriteError { name: self.shown(), reason: plain(error) }
    }

    /// Its name in a sentence.
    fn shown(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    fn try_write(
        &self,
        contents: &[u8],
        prepared: impl FnOnce(Stamp),
        wanted: impl FnOnce() -> bool,
    ) -> io::Result<()> {
        self.check_lock()?;
        let place = self.place()?;
        let before = self.before(&place)?;
        if let Existing::Other(kind) = before {
            warn!(file = %self.path.display(), kind, "what stands in the file's place is replaced");
        }
        let temp = TempName::of(place.name()).fresh();
        let mut temp =
            TempFile::create(&place, temp, before.attributes(), &self.fail_point, &self.stray)?;
        temp.write(contents)?;
        prepared(temp.stamp()?);
        temp.close();
        if !wanted() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        temp.rename()?;
        steps::sync_directory(&place, &self.fail_point)
    }

    /// Fails if another process has taken the lock, because it was removed.
    fn check_lock(&self) -> io::Result<()> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let taken =
            |lock::Taken| io::Error::new(io::ErrorKind::ResourceBusy, "another process writes it");
        lock.as_mut().map_or(Ok(()), |lock| lock.renew().map_err(taken))
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
    fn before(&self, place: &Place) -> io::Result<Existing> {
        obstacle::check_place(place)?;
        let meta = match place.stat() {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Existing::Nothing),
            Err(error) => return Err(error),
        };
        let kind = meta.file_type();
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // A device is everybody's, as /dev/null is, and what stands behind a link may be somebody's.
        let is_device = kind.is_block_device() || kind.is_char_device();
        if is_device || self.follow && !kind.is_file() {
            return Err(io::Error::other("it is no file, and none takes its place"));
        }
        obstacle::check(place, &meta)?;
        if kind.is_file() {
            return Ok(Existing::File(Attributes::of(place, &meta)));
        }
        Ok(Existing::Other(if kind.is_symlink() { "symlink" } else { "special file" }))
    }
}

/// What is at the path before it is written.
#[derive(Debug)]
enum Existing {
    Nothing,
    /// A file, whose attributes are to be kept.
    File(Attributes),
    /// Something else that can be replaced.
    Other(&'static str),
}

impl Existing {
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
