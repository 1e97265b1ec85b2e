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

/// File systems on which others can write without this kernel's knowing: the numbers of statfs(2)
/// and linux/magic.h.
#[cfg(target_os = "linux")]
const FOREIGN: [(u32, &str); 9] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x786F_4256, "a shared folder of VirtualBox"),
];

fn needs_polling(place: &Place, mount: Option<Mount>) -> Option<String> {
    if let Some(name) = foreign(place) {
        return Some(format!("it is on {name}"));
    }
    // Writers outside reach a bind-mounted file through another directory than this.
    mount.map(|_| "it is a mount point".to_owned())
}

#[cfg(target_os = "linux")]
fn foreign(place: &Place) -> Option<&'static str> {
    use rustix::fs::fstatfs;

    let statfs = fstatfs(place.directory()).ok()?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the width of this field depends on the machine, its magic numbers have 32 bits"
    )]
    let magic = statfs.f_type as u32;
    FOREIGN.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

#[cfg(not(target_os = "linux"))]
fn foreign(_: &Place) -> Option<&'static str> {
    None
}
