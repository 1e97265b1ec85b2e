//! The system calls by which a reply becomes durable, one step each, so that a test can make any
//! of them fail, or end the process before it.
//!
//! What is written, and in which order these are called, is not decided here.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};

use super::attributes::Attributes;
use crate::resolve::Place;
use crate::writing::Stamp;

/// What can go wrong, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
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

/// Asked before every step; its error is taken for the system call's.
pub(super) struct Fault(pub(super) Box<dyn Fn(Step) -> io::Result<()> + Send + Sync>);

impl Default for Fault {
    fn default() -> Self {
        Self(Box::new(|_| Ok(())))
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fault")
    }
}

/// A temporary file, removed when dropped unless it was renamed.
pub(super) struct Temp<'a> {
    /// The place that it will take, and in whose directory it is.
    place: &'a Place,
    name: OsString,
    file: Option<File>,
    fault: &'a Fault,
    renamed: bool,
}

impl<'a> Temp<'a> {
    /// A new file that takes over these attributes of the one it will replace, as far as can be.
    pub(super) fn create(
        place: &'a Place,
        name: OsString,
        before: Option<&Attributes>,
        fault: &'a Fault,
    ) -> io::Result<Self> {
        (fault.0)(Step::Create)?;
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = before.map_or(0o666, Attributes::first_mode);
        let file = openat(place.directory(), &name, flags, Mode::from_raw_mode(mode))?;
        let temp = Self { place, name, file: Some(File::from(file)), fault, renamed: false };
        if let Some(before) = before {
            before.give(temp.file()?, fault);
        }
        Ok(temp)
    }

    /// These bytes, on the disk.
    pub(super) fn write(&mut self, contents: &[u8]) -> io::Result<()> {
        (self.fault.0)(Step::Write)?;
        self.file()?.write_all(contents)?;
        (self.fault.0)(Step::Sync)?;
        self.file()?.sync_all()
    }

    /// By what the writing will be known when it has been renamed.
    pub(super) fn stamp(&self) -> io::Result<Stamp> {
        (self.fault.0)(Step::Stat)?;
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
        (self.fault.0)(Step::Rename)?;
        self.place.take(&self.name)?;
        self.renamed = true;
        Ok(())
    }

    /// Renames it as it would be renamed into its place, but to this other name, and removes it.
    pub(super) fn rename_aside(mut self, name: OsString) -> io::Result<()> {
        self.close();
        (self.fault.0)(Step::Rename)?;
        let directory = self.place.directory();
        renameat(directory, &self.name, directory, &name)?;
        self.name = name;
        Ok(())
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            // What cannot be removed now is swept at the next start.
            let _ = unlinkat(self.place.directory(), &self.name, AtFlags::empty());
        }
    }
}

/// Makes the rename durable.
pub(super) fn sync_directory(place: &Place, fault: &Fault) -> io::Result<()> {
    (fault.0)(Step::SyncDirectory)?;
    match place.sync_directory() {
        // Some network file systems know no such thing, and need none.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}
