//! A door to knock at.

#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use notify::Event;
use rustix::fs::{Mode, OFlags};

/// A door of our own to knock at: a file without a name, under the same watch. Of a directory's
/// door strangers, the other source and the accept file's fsync are heard as well.
#[derive(Debug)]
pub(in crate::source) struct Door {
    pub(super) path: PathBuf,
    _file: OwnedFd,
}

impl Door {
    /// A door, where the system has such.
    pub(super) fn new() -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            let file = rustix::fs::memfd_create("door", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
            let path = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
            Some(Self { path, _file: file })
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Opens the door and closes it, so that the watcher tells of it after all that came before.
    pub(in crate::source) fn knock(&self) {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        // If it cannot be opened the knock does not come round, and the rule knows what to do then.
        drop(rustix::fs::open(&self.path, flags, Mode::empty()));
    }

    pub(super) fn is_of(&self, event: &Event) -> bool {
        event.paths.first() == Some(&self.path)
    }
}
