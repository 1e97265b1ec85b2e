//! A door to knock at.

#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use notify::Event;
use notify::event::{EventKind, ModifyKind};

/// A door of our own to knock at: a file without a name, under the same watch. Of a directory's
/// door strangers, the other source and the accept file's fsync are heard as well.
#[derive(Debug)]
pub(in crate::source) struct Door {
    pub(super) path: PathBuf,
    file: OwnedFd,
}

impl Door {
    /// A door, where the system has such.
    pub(super) fn new() -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create, open};
            let path =
                |file: &OwnedFd| PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
            let nameless = memfd_create("door", MemfdFlags::CLOEXEC).ok()?;
            // What is written by the descriptor that memfd_create(2) gives is told to nobody since
            // Linux 6.14; by one that was opened, it is.
            let file = open(path(&nameless), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).ok()?;
            Some(Self { path: path(&file), file })
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Writes to the door, so that the watcher tells of it after all that came before.
    pub(in crate::source) fn knock(&self) {
        // If it cannot be written the knock does not come round, and the rule knows what to do then.
        let _ = rustix::io::pwrite(&self.file, &[0], 0);
    }

    /// Whether this is about the door, and not about the file.
    pub(super) fn is_of(&self, event: &Event) -> bool {
        event.paths.first() == Some(&self.path)
    }

    /// Whether what befell the door is a knock.
    pub(super) fn is_knock(kind: EventKind) -> bool {
        matches!(kind, EventKind::Modify(ModifyKind::Data(_)))
    }
}
