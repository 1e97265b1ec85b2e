//! Files that are mounts of their own, as a container's single files are, and mounted directories that are gone.

use std::io;

use super::Place;

/// What is wrong with a file that is mounted alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mounted {
    /// What is seen is not what has the file's name outside.
    #[error("it is mounted alone and was replaced outside; mount the directory, not the file")]
    Replaced,
    /// It can be written in place only, where a reader would meet half of it.
    #[error("it is mounted alone and cannot be replaced; mount the directory, not the file")]
    Alone,
    /// What is seen is not the directory that has its name outside.
    #[error("its directory is mounted and was removed outside; mount the new one in its place")]
    Removed,
}

/// A file that is a mount of its own, or was in a directory that is one and gone, as far as shows in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount {
    /// How many names its root has.
    pub links: u32,
    /// Its root has lost the name under which it was mounted; it may have another.
    pub unlinked: bool,
    /// It is the file's directory that is mounted.
    pub directory: bool,
}

impl Mounted {
    /// Whether what is read at a name is what has that name outside. Whoever renames a file over it there
    /// is not seen here; of a root that somebody else's kernel removed only the number of names tells.
    pub fn check_read(mount: Option<Mount>) -> Result<(), Self> {
        match mount {
            Some(Mount { directory: true, .. }) => Err(Self::Removed),
            Some(mount) if mount.links == 0 || mount.unlinked => Err(Self::Replaced),
            _ => Ok(()),
        }
    }

    /// Whether a file can be renamed over what stands at a name.
    pub fn check_replace(mount: Option<Mount>) -> Result<(), Self> {
        match mount {
            Some(Mount { directory: true, .. }) => Err(Self::Removed),
            Some(_) => Err(Self::Alone),
            None => Ok(()),
        }
    }
}

impl From<Mounted> for io::Error {
    fn from(mounted: Mounted) -> Self {
        Self::new(io::ErrorKind::ResourceBusy, mounted)
    }
}

#[cfg(target_os = "linux")]
impl Place {
    /// What is mounted at this very name, if anything; or the mounted directory, if it is gone.
    #[must_use]
    pub fn mount(&self) -> Option<Mount> {
        use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

        let stat = |flags: AtFlags, name: &std::ffi::OsStr| {
            let flags = flags | AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
            let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
            statx(&self.directory, name, flags, wanted).ok()
        };
        let directory = || stat(AtFlags::EMPTY_PATH, "".as_ref());
        let Some(here) = stat(AtFlags::empty(), &self.name) else {
            let gone = directory().filter(|it| it.stx_nlink == 0 && is_unlinked(it.stx_mnt_id));
            return gone.map(|_| Mount { links: 0, unlinked: true, directory: true });
        };
        let root = if here.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
            here.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
        } else {
            // Before Linux 5.8 the devices must do: on overlayfs they may differ.
            let above = directory()?;
            (here.stx_dev_major, here.stx_dev_minor) != (above.stx_dev_major, above.stx_dev_minor)
        };
        let unlinked = || is_unlinked(here.stx_mnt_id);
        root.then(|| Mount { links: here.stx_nlink, unlinked: unlinked(), directory: false })
    }
}

#[cfg(not(target_os = "linux"))]
impl Place {
    /// Elsewhere no single files are mounted.
    #[must_use]
    pub fn mount(&self) -> Option<Mount> {
        let _ = (&self.directory, &self.name);
        None
    }
}

/// Whether the root of the mount with this number has lost its name (`proc_pid_mountinfo(5)`).
#[cfg(target_os = "linux")]
fn is_unlinked(id: u64) -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let id = id.to_string();
    mounts.lines().any(|line| {
        let mut fields = line.split(' ');
        fields.next() == Some(&id) && fields.nth(2).is_some_and(|root| root.ends_with("//deleted"))
    })
}
