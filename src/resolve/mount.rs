//! Files that are mounts of their own, as a container's single files are.

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
}

impl From<Mounted> for io::Error {
    fn from(mounted: Mounted) -> Self {
        Self::new(io::ErrorKind::ResourceBusy, mounted)
    }
}

impl Place {
    /// Whether something is mounted at this very name.
    #[must_use]
    pub fn is_mount_point(&self) -> bool {
        self.mount().is_some()
    }

    /// Whether what is mounted at this name has lost its own: whoever renames a file over it outside
    /// is not seen here.
    #[must_use]
    pub fn is_replaced_outside(&self) -> bool {
        self.mount().is_some_and(|mount| mount.links == 0 || is_unlinked(mount.id))
    }
}

/// The mount at a place.
struct Mount {
    /// Its number in `/proc/self/mountinfo`.
    id: u64,
    /// How many names its root has.
    links: u32,
}

#[cfg(target_os = "linux")]
impl Place {
    fn mount(&self) -> Option<Mount> {
        use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

        let stat = |flags: AtFlags, name: &std::ffi::OsStr| {
            let flags = flags | AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
            let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
            statx(&self.directory, name, flags, wanted).ok()
        };
        let here = stat(AtFlags::empty(), &self.name)?;
        let root = if here.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
            here.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
        } else {
            // Before Linux 5.8 the devices must do: on overlayfs they may differ.
            let above = stat(AtFlags::EMPTY_PATH, "".as_ref())?;
            (here.stx_dev_major, here.stx_dev_minor) != (above.stx_dev_major, above.stx_dev_minor)
        };
        root.then_some(Mount { id: here.stx_mnt_id, links: here.stx_nlink })
    }
}

#[cfg(not(target_os = "linux"))]
impl Place {
    fn mount(&self) -> Option<Mount> {
        let _ = (&self.directory, &self.name);
        None
    }
}

/// Whether the root of this mount has lost its name; it may have another (`proc_pid_mountinfo(5)`).
fn is_unlinked(id: u64) -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let id = id.to_string();
    mounts.lines().any(|line| {
        let mut fields = line.split(' ');
        fields.next() == Some(&id) && fields.nth(2).is_some_and(|root| root.ends_with("//deleted"))
    })
}
