//! How changes of a file are noticed: the only place that knows notify.
//!
//! The directory is watched, not the file: a file renamed in is another one. What the events say
//! is boiled down to hints; that a file is written, or what it says, is not known here.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::ground::{Ground, Target};
use super::rule::Hint;
use crate::writing::Watch;

/// What the kernel's watch is called here.
pub(super) const KERNEL: Watch =
    if cfg!(target_os = "macos") { Watch::Fsevents } else { Watch::Inotify };

/// A watch of the kernel's that is in force; dropping it ends it.
#[derive(Debug)]
pub(super) struct Armed {
    /// Where things stood when it was armed.
    ground: Ground,
    /// Where to knock.
    door: Option<Arc<Door>>,
    _watcher: RecommendedWatcher,
}

/// A door of our own to knock at: a file without a name, under the same watch. Of a directory's
/// door strangers, the other source and the accept file's fsync are heard as well.
#[derive(Debug)]
pub(super) struct Door {
    path: PathBuf,
    _file: OwnedFd,
}

/// Why there is no watch, with advice for whoever can do something about it.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoWatch {
    /// No inotify instance is left.
    #[error(
        "no inotify instance is left; raise fs.inotify.max_user_instances or the open files limit"
    )]
    Instances,
    /// No inotify watch is left.
    #[error("no inotify watch is left; raise fs.inotify.max_user_watches")]
    Watches,
    /// The directory does not exist or cannot be read.
    #[error("the directory cannot be watched: {0}")]
    Directory(#[from] io::Error),
    /// Others may write the file without the kernel's telling.
    #[error("{0}, where changes may go unnoticed")]
    Deaf(String),
    /// Anything else.
    #[error("{0}")]
    Other(notify::Error),
}

impl From<notify::Error> for NoWatch {
    fn from(error: notify::Error) -> Self {
        let exhausted = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
        match &error.kind {
            notify::ErrorKind::MaxFilesWatch => Self::Watches,
            notify::ErrorKind::Io(io) if exhausted.contains(&io.raw_os_error()) => Self::Instances,
            _ => Self::Other(error),
        }
    }
}

impl Armed {
    /// Watches; `tell` is called with every hint, on a thread of notify's.
    pub(super) fn arm(
        ground: Ground,
        tell: impl Fn(Hint) + Send + 'static,
    ) -> Result<Self, NoWatch> {
        let door = Door::new().map(Arc::new);
        let (sieve, own) = (ground.clone(), door.clone());
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let hint = match event {
                Ok(event) if own.as_ref().is_some_and(|door| door.is_of(&event)) => {
                    opens(event.kind).then_some(Hint::Knocked)
                }
                Ok(event) => sift(&sieve, &event),
                // What was lost with an error is not known.
                Err(_) => Some(Hint::Lost),
            };
            if let Some(hint) = hint {
                tell(hint);
            }
        })?;
        watcher.watch(&ground.dir, RecursiveMode::NonRecursive)?;
        if let Some(dir) = ground.other_dir() {
            watcher.watch(dir, RecursiveMode::NonRecursive)?;
        }
        // Without a door whatever is closed or renamed in must be looked at twice.
        let mut listens = |door: &Arc<Door>| watcher.watch(&door.path, RecursiveMode::NonRecursive);
        let door = door.filter(|door| listens(door).is_ok());
        Ok(Self { ground, door, _watcher: watcher })
    }

    /// Where to knock.
    pub(super) fn door(&self) -> Option<Arc<Door>> {
        self.door.clone()
    }

    /// Whether things stand as they did when it was armed.
    pub(super) fn holds(&self, now: &Ground) -> bool {
        self.ground == *now
    }
}

impl Door {
    /// A door, where the system has such.
    fn new() -> Option<Self> {
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
    pub(super) fn knock(&self) {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        // If it cannot be opened the knock does not come round, and the rule knows what to do then.
        drop(rustix::fs::open(&self.path, flags, Mode::empty()));
    }

    fn is_of(&self, event: &Event) -> bool {
        event.paths.first() == Some(&self.path)
    }
}

fn opens(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(AccessKind::Open(_)))
}

/// What an event says about the file: mostly nothing, and that is found out first.
fn sift(ground: &Ground, event: &Event) -> Option<Hint> {
    if event.need_rescan() {
        return Some(Hint::Lost);
    }
    // Compared as bare strings, because every event of every name in the directory comes by here.
    let path = event.paths.first()?.as_os_str();
    let target = match &ground.target {
        Target::There(there, _) => Some(there.as_os_str()),
        _ => None,
    };
    if path == ground.file.as_os_str() || Some(path) == target {
        of_the_file(event.kind)
    } else if path == ground.dir.as_os_str() {
        of_the_directory(event.kind)
    } else if ground.target == Target::Itself {
        None
    } else {
        of_another(event.kind)
    }
}

fn of_the_file(kind: EventKind) -> Option<Hint> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Hint::Closed),
        EventKind::Access(AccessKind::Open(_)) => Some(Hint::Opened),
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Some(Hint::MovedIn),
        // A rename comes as From, To and, saying nothing new, Both.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => None,
        EventKind::Modify(ModifyKind::Name(_) | ModifyKind::Metadata(_)) | EventKind::Remove(_) => {
            Some(Hint::Stirred)
        }
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
            Some(Hint::Changed)
        }
    }
}

fn of_the_directory(kind: EventKind) -> Option<Hint> {
    match kind {
        EventKind::Access(_) => None,
        _ => Some(Hint::Stirred),
    }
}

/// Any name may be one that the symlink leads through, as Kubernetes' `..data` is.
fn of_another(kind: EventKind) -> Option<Hint> {
    match kind {
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
            Some(Hint::Swapped)
        }
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Remove(_)
        | EventKind::Modify(ModifyKind::Name(RenameMode::From) | ModifyKind::Metadata(_)) => {
            Some(Hint::Stirred)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
