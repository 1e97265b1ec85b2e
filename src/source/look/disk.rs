//! The path on the real disk.
//!
//! It knows how to ask without waiting; what to ask, and how often, is decided elsewhere.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::{Disk, Kind, Meta};
use crate::writing::Stamp;

/// The path on the real disk.
#[derive(Clone, Debug)]
pub struct RealDisk {
    path: PathBuf,
}

impl RealDisk {
    /// A disk of this one path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl Disk for RealDisk {
    type Open = File;

    fn stat(&mut self) -> io::Result<Meta> {
        let meta = self.path.symlink_metadata()?;
        if !meta.is_symlink() {
            return Ok(meta_of(&meta));
        }
        Ok(Meta { link: true, ..meta_of(&self.path.metadata()?) })
    }

    fn open(&mut self) -> io::Result<File> {
        // Not waiting and no terminal: what stands there may have changed since it was looked at.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(File::from(rustix::fs::open(&self.path, flags, Mode::empty())?))
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
}

fn meta_of(meta: &std::fs::Metadata) -> Meta {
    let kind = meta.file_type();
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
        stamp: Stamp {
            device: meta.dev(),
            inode: meta.ino(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
        },
        size: meta.size(),
        link: false,
    }
}
