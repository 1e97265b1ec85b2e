//! Where a watched file is: its directory, where a symlink leads, and whether the kernel tells of every
//! change there.
//!
//! It compares and remembers; what follows from a difference is decided elsewhere.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::resolve::{self, Mount, Place};

/// What a watch depends on. When it is not what it was, its source must subscribe anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// The file's path, its directory resolved.
    pub(super) file: PathBuf,
    /// Its directory, resolved.
    pub(super) dir: PathBuf,
    /// Which directory that is: it can be replaced by another of the same name.
    pub(super) id: DirectoryId,
    /// Where the path leads if it is itself a symlink.
    pub(super) target: Target,
    /// Why the kernel would not tell of every change, if so.
    pub(super) needs_polling: Option<String>,
    /// How it is mounted alone, if it is.
    pub(super) mount: Option<Mount>,
}

/// Which directory one is. A new one often gets the number of the one just removed, and what is
/// mounted again is what it was, while a watch of the kernel's is gone; so its birth and its mount
/// count as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DirectoryId {
    device: u64,
    inode: u64,
    /// When it was made, where the file system knows.
    born: Option<SystemTime>,
    /// Which mount it is reached through, where the kernel tells.
    mount: u64,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// It is no symlink, or there is nothing at it.
    Itself,
    /// It is a symlink that leads nowhere, or is not to be followed.
    Nowhere,
    /// It is a symlink to this file, in this directory.
    There(PathBuf, DirectoryId),
}

impl Location {
    /// How things stand now.
    pub(super) fn survey(path: &Path) -> io::Result<Self> {
        let place = resolve::parent(path)?;
        let file = place.path().to_owned();
        let dir = file.parent().ok_or(io::ErrorKind::NotFound)?.to_owned();
        let (target, place) = match place.stat() {
            Ok(meta) if meta.is_symlink() => match resolve::resolve(path) {
                Ok(there) if there.stat().is_ok() => {
                    let file = there.path().to_owned();
                    let id = DirectoryId::of(file.parent().unwrap_or(&file))?;
                    (Target::There(file, id), there)
                }
                _ => (Target::Nowhere, place),
            },
            _ => (Target::Itself, place),
        };
        let mount = place.mount();
        let needs_polling = needs_polling(&place, mount);
        Ok(Self { id: DirectoryId::of(&dir)?, file, dir, target, needs_polling, mount })
    }

    /// The directory of a symlink's target, if it is another one.
    pub(super) fn other_dir(&self) -> Option<&Path> {
        match &self.target {
            Target::There(there, _) => there.parent().filter(|dir| *dir != self.dir),
            _ => None,
        }
    }
}

impl DirectoryId {
    fn of(dir: &Path) -> io::Result<Self> {
        let meta = fs::metadata(dir)?;
        let born = meta.created().ok();
        Ok(Self { device: meta.dev(), inode: meta.ino(), born, mount: mount_of(dir) })
    }
}

/// A number that no later mount gets again (Linux 6.8); before that one of those that exist.
#[cfg(target_os = "linux")]
fn mount_of(dir: &Path) -> u64 {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

    /// `STATX_MNT_ID_UNIQUE` of linux/stat.h.
    const UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);
    statx(CWD, dir, AtFlags::empty(), StatxFlags::MNT_ID | UNIQUE).map_or(0, |it| it.stx_mnt_id)
}

#[cfg(not(target_os = "linux"))]
fn mount_of(_dir: &Path) -> u64 {
    0
}

fn needs_polling(place: &Place, mount: Option<Mount>) -> Option<String> {
    if let Some(name) = place.foreign() {
        return Some(format!("it is on {name}"));
    }
    // Writers outside reach a bind-mounted file through another directory than this.
    mount.map(|_| "it is a mount point".to_owned())
}
