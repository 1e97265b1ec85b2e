//! How changes of a file are noticed: the only module that knows notify.
//!
//! The directory is watched, not the file: a file renamed in is another one. What the events say
//! is boiled down to hints; that a file is written, or what it says, is not known here.
//!
//! Files in one directory share a watch of the kernel's, so that an event is taken from the kernel
//! and taken apart once.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use rustix::io::Errno;

use super::location::{DirectoryId, Location};
use super::rule::Hint;
use crate::disk::Calls;
use crate::writing::Watch;
use hints::hint_of;
pub(super) use probe::Probe;

mod hints;
mod probe;

/// A look on the watch's thread that takes so long hangs.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the kernel's watch is called here.
pub(super) const KERNEL: Watch =
    if cfg!(target_os = "macos") { Watch::Fsevents } else { Watch::Inotify };

/// The directories that the kernel watches: one watch, descriptor and thread for all files in one directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches(Arc<Mutex<Vec<Weak<DirectoryWatch>>>>);

/// A watch of the kernel's on one directory, for all sources of files in it.
#[derive(Debug)]
struct DirectoryWatch {
    /// The directory.
    dir: PathBuf,
    /// Which directory that is.
    id: DirectoryId,
    subscribers: Arc<Mutex<Subscribers>>,
    /// What its thread does for one subscriber; a look at his file may hang.
    calls: Calls,
    watcher: Mutex<RecommendedWatcher>,
}

/// A list that is replaced, never changed: telling subscribers may take long, and whoever subscribes or leaves
/// does not wait for that.
type Subscribers = Arc<Vec<Arc<Subscriber>>>;

/// The source of one file in the directory.
struct Subscriber {
    location: Location,
    probe: Option<Arc<Probe>>,
    tell: Box<dyn Fn(Hint) + Send + Sync>,
    /// Tells this subscriber from the others.
    id: Arc<()>,
}

/// One source's part in a watch; dropping it ends it.
#[derive(Debug)]
pub(super) struct Subscription {
    /// How things stood when it began.
    location: Location,
    probe: Option<Arc<Probe>>,
    watch: Arc<DirectoryWatch>,
    id: Arc<()>,
}

/// Why there is no watch, with advice for whoever can do something about it.
#[derive(Debug, thiserror::Error)]
pub(super) enum WatchError {
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
    Unreliable(String),
    /// Anything else.
    #[error("{0}")]
    Other(notify::Error),
}

impl From<notify::Error> for WatchError {
    fn from(error: notify::Error) -> Self {
        let exhausted = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
        match &error.kind {
            notify::ErrorKind::MaxFilesWatch => Self::Watches,
            notify::ErrorKind::Io(io) if exhausted.contains(&io.raw_os_error()) => Self::Instances,
            _ => Self::Other(error),
        }
    }
}

impl Watches {
    /// The watch for this location: one that is there already, if the location needs no other directory.
    fn get(&self, location: &Location) -> Result<Arc<DirectoryWatch>, WatchError> {
        if let Some(other) = location.other_dir() {
            let watch = DirectoryWatch::new(location)?;
            watch.watch(other)?;
            return Ok(Arc::new(watch));
        }
        {
            let mut watches = locked(&self.0);
            watches.retain(|watch| watch.strong_count() > 0);
            let here = |watch: &Arc<DirectoryWatch>| watch.is_at(location) && !watch.hangs();
            if let Some(watch) = watches.iter().filter_map(Weak::upgrade).find(here) {
                return Ok(watch);
            }
        }
        // Without the lock: it may take as long as the disk likes, and others watch other directories.
        let watch = Arc::new(DirectoryWatch::new(location)?);
        locked(&self.0).push(Arc::downgrade(&watch));
        Ok(watch)
    }
}

impl DirectoryWatch {
    fn new(location: &Location) -> Result<Self, WatchError> {
        let (subscribers, calls): (Arc<Mutex<Subscribers>>, Calls) = Default::default();
        let (told, out) = (Arc::clone(&subscribers), calls.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let subscribers = Arc::clone(&locked(&told));
            for subscriber in subscribers.iter() {
                // A panic in one source is reported by that source; the others go on.
                let notified = || catch_unwind(AssertUnwindSafe(|| subscriber.notify(&event)));
                drop(out.make(notified));
            }
        })?;
        let (dir, id, watcher) = (location.dir.clone(), location.id, watcher.into());
        let watch = Self { dir, id, subscribers, calls, watcher };
        watch.watch(&location.dir)?;
        Ok(watch)
    }

    fn is_at(&self, location: &Location) -> bool {
        (&self.dir, self.id) == (&location.dir, location.id)
    }

    /// Its thread hangs in a look at one of the files; the other sources need another watch.
    fn hangs(&self) -> bool {
        self.calls.longest().is_some_and(|time| time >= PATIENCE)
    }

    fn watch(&self, path: &Path) -> notify::Result<()> {
        locked(&self.watcher).watch(path, RecursiveMode::NonRecursive)
    }
}

impl Subscriber {
    fn notify(&self, event: &notify::Result<Event>) {
        let hint = match event {
            Ok(event) if self.probe.as_ref().is_some_and(|probe| probe.is_of(event)) => {
                Probe::is_knock(event.kind).then_some(Hint::Knocked)
            }
            Ok(event) => hint_of(&self.location, event),
            // What was lost with an error is not known.
            Err(_) => Some(Hint::Lost),
        };
        if let Some(hint) = hint {
            (self.tell)(hint);
        }
    }
}

impl std::fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscriber").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Subscription {
    /// Subscribes to what happens at this location. `tell` is called with every hint, on the watch's thread.
    pub(super) fn new(
        watches: &Watches,
        location: Location,
        tell: impl Fn(Hint) + Send + Sync + 'static,
    ) -> Result<Self, WatchError> {
        let watch = watches.get(&location)?;
        // Without a probe every writing takes two looks.
        let probe = Probe::new().filter(|probe| watch.watch(&probe.path).is_ok()).map(Arc::new);
        let id = Arc::new(());
        let subscriber = Subscriber {
            location: location.clone(),
            probe: probe.clone(),
            tell: Box::new(tell),
            id: Arc::clone(&id),
        };
        Arc::make_mut(&mut locked(&watch.subscribers)).push(Arc::new(subscriber));
        Ok(Self { location, probe, watch, id })
    }

    /// What the source knocks with.
    pub(super) fn probe(&self) -> Option<Arc<Probe>> {
        self.probe.clone()
    }

    /// Whether things stand as they did when it began, and hints come.
    pub(super) fn holds(&self, now: &Location) -> bool {
        self.location == *now && !self.watch.hangs()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        Arc::make_mut(&mut locked(&self.watch.subscribers))
            .retain(|subscriber| !Arc::ptr_eq(&subscriber.id, &self.id));
        // A watch whose thread hangs is dropped as a whole.
        if let Some(probe) = self.probe.as_ref().filter(|_| !self.watch.hangs()) {
            // It may be gone already, which is as good.
            drop(locked(&self.watch.watcher).unwatch(&probe.path));
        }
    }
}

/// Nothing is half changed under these locks, so what a panic leaves behind is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
