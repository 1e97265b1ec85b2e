//! The system calls of a durable write, one step each, so that a test can make any of them fail, or end
//! the process before it. Their order is decided elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};

use super::attributes::Attributes;
use crate::resolve::Place;
use crate::writing::Stamp;

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteStep {
    Create,
    Own,
    Acl,
    Mode,
    Write,
    Sync,
    Stat,
    Rename,
    SyncDirectory,
    Remove,
}

/// Called before every step; its error is taken for the system call's.
pub(super) struct FailPoint(pub(super) Box<dyn Fn(WriteStep) -> io::Result<()> + Send + Sync>);

impl Default for FailPoint {
    fn default() -> Self {
        Self(Box::new(|_| Ok(())))
    }
}

impl std::fmt::Debug for FailPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FailPoint")
    }
}

/// A temporary file that could be neither renamed nor removed. As long as it cannot be removed no other is made, or
/// they would become more with each try.
#[derive(Debug, Default)]
pub(super) struct Stray(Mutex<Option<OsString>>);

impl Stray {
    fn remove(&self, place: &Place, fail_point: &FailPoint) -> io::Result<()> {
        let mut name = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stray) = &*name else { return Ok(()) };
        match remove(place, stray, fail_point) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => {
                *name = None;
                Ok(())
            }
        }
    }
}

fn remove(place: &Place, name: &OsStr, fail_point: &FailPoint) -> io::Result<()> {
    (fail_point.0)(WriteStep::Remove)?;
    Ok(unlinkat(place.directory(), name, AtFlags::empty())?)
}

/// A temporary file, removed when dropped unless it was renamed.
pub(super) struct TempFile<'a> {
    /// The place that it will take; it is in the same directory.
    place: &'a Place,
    name: OsString,
    file: Option<File>,
    fail_point: &'a FailPoint,
    /// Keeps its name if it has to stay.
    stray: &'a Stray,
    renamed: bool,
}

impl<'a> TempFile<'a> {
    /// A new file that takes over these attributes of the one it will replace, as far as can be.
    pub(super) fn create(
        place: &'a Place,
        name: OsString,
        before: Option<&Attributes>,
        fail_point: &'a FailPoint,
        stray: &'a Stray,
    ) -> io::Result<Self> {
        stray.remove(place, fail_point)?;
        (fail_point.0)(WriteStep::Create)?;
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = before.map_or(0o666, Attributes::first_mode);
        let file = openat(place.directory(), &name, flags, Mode::from_raw_mode(mode))?;
        let file = Some(File::from(file));
        let temp = Self { place, name, file, fail_point, stray, renamed: false };
        if let Some(before) = before {
            before.give(temp.file()?, fail_point);
        }
        Ok(temp)
    }

    /// These bytes, on the disk.
    pub(super) fn write(&mut self, contents: &[u8]) -> io::Result<()> {
        (self.fail_point.0)(WriteStep::Write)?;
        self.file()?.write_all(contents)?;
        (self.fail_point.0)(WriteStep::Sync)?;
        self.file()?.sync_all()
    }

    /// What a watch will report of it once it has been renamed.
    pub(super) fn stamp(&self) -> io::Result<Stamp> {
        (self.fail_point.0)(WriteStep::Stat)?;
        let meta = self.file()?.metadata()?;
        Ok(Stamp { mtime: (meta.mtime(), meta.mtime_nsec()), size: meta.size() })
    }

    /// Closes it before it is renamed, because a close under the new name would look like one more
    /// writing to whoever watches.
    pub(super) fn close(&mut self) {
        self.file = None;
    }

    /// Puts it in its place.
    pub(super) fn rename(mut self) -> io::Result<()> {
        self.close();
        (self.fail_point.0)(WriteStep::Rename)?;
        self.place.take(&self.name)?;
        self.renamed = true;
        Ok(())
    }

    /// Renames it as it would be renamed into its place, but to this other name, and removes it.
    pub(super) fn rename_aside(mut self, name: &OsStr) -> io::Result<()> {
        self.close();
        (self.fail_point.0)(WriteStep::Rename)?;
        let directory = self.place.directory();
        renameat(directory, &self.name, directory, name)?;
        self.renamed = true;
        // Where something can be renamed it can mostly be removed; what cannot is swept at the next start.
        let _ = remove(self.place, name, self.fail_point);
        Ok(())
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for TempFile<'_> {
    fn drop(&mut self) {
        if !self.renamed && remove(self.place, &self.name, self.fail_point).is_err() {
            let mut stray = self.stray.0.lock().unwrap_or_else(PoisonError::into_inner);
            *stray = Some(std::mem::take(&mut self.name));
        }
    }
}

/// Makes the rename durable.
pub(super) fn sync_directory(place: &Place, fail_point: &FailPoint) -> io::Result<()> {
    (fail_point.0)(WriteStep::SyncDirectory)?;
    match place.sync_directory() {
        // Some network file systems know no such thing, and need none.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}
