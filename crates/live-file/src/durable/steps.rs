//! The system calls of a durable write, one step each, so that a test can make any of them fail, or end
//! the process before it. Their order is decided elsewhere.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;

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

/// A temporary file, removed when dropped unless it was renamed.
pub(super) struct TempFile<'a> {
    /// The place that it will take; it is in the same directory.
    place: &'a Place,
    name: OsString,
    file: Option<File>,
    fail_point: &'a FailPoint,
    renamed: bool,
}

impl<'a> TempFile<'a> {
    /// A new file that takes over these attributes of the one it will replace, as far as can be.
    pub(super) fn create(
        place: &'a Place,
        name: OsString,
        before: Option<&Attributes>,
        fail_point: &'a FailPoint,
    ) -> io::Result<Self> {
        (fail_point.0)(WriteStep::Create)?;
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = before.map_or(0o666, Attributes::first_mode);
        let file = openat(place.directory(), &name, flags, Mode::from_raw_mode(mode))?;
        let temp = Self { place, name, file: Some(File::from(file)), fail_point, renamed: false };
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
    pub(super) fn rename_aside(mut self, name: OsString) -> io::Result<()> {
        self.close();
        (self.fail_point.0)(WriteStep::Rename)?;
        let directory = self.place.directory();
        renameat(directory, &self.name, directory, &name)?;
        self.name = name;
        Ok(())
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for TempFile<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed now is swept at the next start.
            let _ = unlinkat(self.place.directory(), &self.name, AtFlags::empty());
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
