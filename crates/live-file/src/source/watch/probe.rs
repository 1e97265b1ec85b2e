//! What a source knocks with.

#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use notify::Event;
use notify::event::{EventKind, ModifyKind};

/// A file without a name, watched by the same inotify instance, that only its source writes. A file with a name in the
/// directory would not do: others could open it, too, and their events would be taken for the source's own.
#[derive(Debug)]
pub(in crate::source) struct Probe {
    pub(super) path: PathBuf,
    file: OwnedFd,
}

impl Probe {
    /// A probe; none where the system has no files without a name.
    pub(super) fn new() -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create, open};
            let path =
                |file: &OwnedFd| PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
            let nameless = memfd_create("probe", MemfdFlags::CLOEXEC).ok()?;
            // What is written by the descriptor that memfd_create(2) gives is told to nobody since
            // Linux 6.14; by one that was opened, it is.
            let file = open(path(&nameless), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).ok()?;
            Some(Self { path: path(&file), file })
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Writes a byte into it. The kernel tells of that after everything that happened before.
    pub(in crate::source) fn knock(&self) {
        // If that fails the knock does not come round, and the rule goes by two equal looks.
        let _ = rustix::io::pwrite(&self.file, &[0], 0);
    }

    /// Whether this event is about the probe, and not about the watched file.
    pub(super) fn is_of(&self, event: &Event) -> bool {
        event.paths.first() == Some(&self.path)
    }

    /// Whether an event about the probe is a knock.
    pub(super) fn is_knock(kind: EventKind) -> bool {
        matches!(kind, EventKind::Modify(ModifyKind::Data(_)))
    }
}
