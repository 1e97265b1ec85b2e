//! The path on the real disk.
//!
//! It knows how to ask without waiting; what to ask, and how often, is decided elsewhere.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags};

use super::{Disk, Kind, Meta, Version};
use crate::resolve::{self, Mount, Place};
use crate::writing::{Moment, Stamp};

/// The path on the real disk.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    /// The size above which a file is not read, in bytes.
    max_file: u64,
    /// Where its links led when it was asked what stands there; nothing, if its last name is none.
    place: Option<Place>,
    /// How it is mounted alone, if it is; whoever surveys says so.
    mount: Option<Mount>,
}

impl RealDisk {
    /// A disk of this one path, of which no file of more than `max_file` bytes is read.
    #[must_use]
    pub fn new(path: &Path, max_file: u64) -> Self {
        Self { path: path.to_owned(), max_file, place: None, mount: None }
    }

    /// Says how what is at the path is mounted alone, if it is.
    pub(in crate::source) fn set_mount(&mut self, mount: Option<Mount>) {
        self.mount = mount;
    }
}

impl Disk for RealDisk {
    type Open = File;

    fn mount(&self) -> Option<Mount> {
        self.mount
    }

    fn stat(&mut self) -> io::Result<Meta> {
        self.place = None;
        // Nothing is said of a file that can be read before it was opened, and that judges the way.
        match self.path.symlink_metadata() {
            Ok(meta) if meta.is_file() && meta.len() <= self.max_file => return Ok(meta_of(&meta)),
            _ => {}
        }
        let (meta, place) = resolve::stat(&self.path)?;
        let link = place.is_link();
        self.place = Some(place);
        Ok(Meta { link, ..meta_of(&meta) })
    }

    fn open(&mut self) -> io::Result<File> {
        match self.place.take() {
            Some(place) => place.open(OFlags::RDONLY, Mode::empty()),
            None => resolve::open(&self.path, OFlags::RDONLY),
        }
    }

    fn fstat(&mut self, open: &mut File) -> io::Result<Meta> {
        Ok(meta_of(&open.metadata()?))
    }

    fn read(&mut self, open: &mut File, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; limit];
        let mut filled = 0;
        while filled < limit {
            match open.read_at(&mut bytes[filled..], filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn clock(&mut self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), i64::from(since.subsec_nanos()))
    }
}

fn meta_of(meta: &std::fs::Metadata) -> Meta {
    let kind = meta.file_type();
    let version = Version {
        file: (meta.dev(), meta.ino(), meta.created().ok()),
        changed: (meta.ctime(), meta.ctime_nsec()),
    };
    Meta {
        kind: if kind.is_file() {
            Kind::Regular
        } else if kind.is_dir() {
            Kind::Directory
        } else if kind.is_fifo() {
            Kind::Fifo
        } else if kind.is_socket() {
            Kind::Socket
        } else {
            Kind::Device
        },
        stamp: Stamp { mtime: (meta.mtime(), meta.mtime_nsec()), size: meta.size() },
        link: false,
        // Whole seconds are those of a file system that rounds, or makes it up.
        version: (version.changed.1 != 0).then_some(version),
    }
}
