//! How changes of a file are noticed: the only place that knows notify.
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

use super::ground::{Ground, Identity};
use super::rule::Hint;
use crate::disk::Calls;
use crate::writing::Watch;
pub(super) use door::Door;
use sift::sift;

mod door;
mod sift;

/// After so long a look hangs that is made on the thread that takes the kernel's news.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the kernel's watch is called here.
pub(super) const KERNEL: Watch =
    if cfg!(target_os = "macos") { Watch::Fsevents } else { Watch::Inotify };

/// The posts that are manned. A clone knows the same.
#[derive(Clone, Debug, Default)]
pub struct Posts(Arc<Mutex<Vec<Weak<Post>>>>);

/// Where the kernel's news of a directory comes in, for everyone who keeps an eye on a file there.
#[derive(Debug)]
struct Post {
    /// The directory.
    dir: PathBuf,
    /// Which directory that is.
    id: Identity,
    /// Those who keep an eye on a file.
    eyes: Arc<Mutex<Eyes>>,
    /// What its thread does for one of them; a look of his may hang.
    turns: Calls,
    watcher: Mutex<RecommendedWatcher>,
}

/// Those who keep an eye on a file: what is told to them may take long, and nobody waits for its end
/// who comes or goes.
type Eyes = Arc<Vec<Arc<Eye>>>;

/// One who keeps an eye on a file.
struct Eye {
    ground: Ground,
    door: Option<Arc<Door>>,
    tell: Box<dyn Fn(Hint) + Send + Sync>,
    /// Tells it from the others.
    badge: Arc<()>,
}

/// A watch of the kernel's that is in force; dropping it ends it.
#[derive(Debug)]
pub(super) struct Armed {
    /// Where things stood when it was armed.
    ground: Ground,
    /// Where to knock.
    door: Option<Arc<Door>>,
    post: Arc<Post>,
    badge: Arc<()>,
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

impl Posts {
    /// The post for this ground: one that is manned, if the ground needs no directory but its own.
    fn man(&self, ground: &Ground) -> Result<Arc<Post>, NoWatch> {
        if let Some(other) = ground.other_dir() {
            let post = Post::new(ground)?;
            post.watch(other)?;
            return Ok(Arc::new(post));
        }
        {
            let mut posts = locked(&self.0);
            posts.retain(|post| post.strong_count() > 0);
            let here = |post: &Arc<Post>| post.is_at(ground) && !post.hangs();
            if let Some(post) = posts.iter().filter_map(Weak::upgrade).find(here) {
                return Ok(post);
            }
        }
        // It may take as long as the disk likes, and others have posts elsewhere.
        let post = Arc::new(Post::new(ground)?);
        locked(&self.0).push(Arc::downgrade(&post));
        Ok(post)
    }
}

impl Post {
    fn new(ground: &Ground) -> Result<Self, NoWatch> {
        let (eyes, turns): (Arc<Mutex<Eyes>>, Calls) = Default::default();
        let (told, out) = (Arc::clone(&eyes), turns.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let eyes = Arc::clone(&locked(&told));
            for eye in eyes.iter() {
                // What befalls one who is told is told where it happens; the others go on.
                let see = || catch_unwind(AssertUnwindSafe(|| eye.see(&event)));
                drop(out.make(see));
            }
        })?;
        let (dir, id, watcher) = (ground.dir.clone(), ground.id, watcher.into());
        let post = Self { dir, id, eyes, turns, watcher };
        post.watch(&ground.dir)?;
        Ok(post)
    }

    fn is_at(&self, ground: &Ground) -> bool {
        (&self.dir, self.id) == (&ground.dir, ground.id)
    }

    /// Its thread hangs in a look at somebody's file; the others need another.
    fn hangs(&self) -> bool {
        self.turns.longest().is_some_and(|time| time >= PATIENCE)
    }

    fn watch(&self, path: &Path) -> notify::Result<()> {
        locked(&self.watcher).watch(path, RecursiveMode::NonRecursive)
    }
}

impl Eye {
    fn see(&self, event: &notify::Result<Event>) {
        let hint = match event {
            Ok(event) if self.door.as_ref().is_some_and(|door| door.is_of(event)) => {
                Door::is_knock(event.kind).then_some(Hint::Knocked)
            }
            Ok(event) => sift(&self.ground, event),
            // What was lost with an error is not known.
            Err(_) => Some(Hint::Lost),
        };
        if let Some(hint) = hint {
            (self.tell)(hint);
        }
    }
}

impl std::fmt::Debug for Eye {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Eye").field("ground", &self.ground).finish_non_exhaustive()
    }
}

impl Armed {
    /// Watches; `tell` is called with every hint, on a thread of notify's.
    pub(super) fn arm(
        posts: &Posts,
        ground: Ground,
        tell: impl Fn(Hint) + Send + Sync + 'static,
    ) -> Result<Self, NoWatch> {
        let post = posts.man(&ground)?;
        // Without a door whatever is closed or renamed in must be looked at twice.
        let door = Door::new().filter(|door| post.watch(&door.path).is_ok()).map(Arc::new);
        let badge = Arc::new(());
        let eye = Eye {
            ground: ground.clone(),
            door: door.clone(),
            tell: Box::new(tell),
            badge: Arc::clone(&badge),
        };
        Arc::make_mut(&mut locked(&post.eyes)).push(Arc::new(eye));
        Ok(Self { ground, door, post, badge })
    }

    /// Where to knock.
    pub(super) fn door(&self) -> Option<Arc<Door>> {
        self.door.clone()
    }

    /// Whether things stand as they did when it was armed, and hints come.
    pub(super) fn holds(&self, now: &Ground) -> bool {
        self.ground == *now && !self.post.hangs()
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        Arc::make_mut(&mut locked(&self.post.eyes))
            .retain(|eye| !Arc::ptr_eq(&eye.badge, &self.badge));
        // One whose thread hangs ends all its watches when it is dropped.
        if let Some(door) = self.door.as_ref().filter(|_| !self.post.hangs()) {
            // A watch that is gone already is as good as one that ends now.
            drop(locked(&self.post.watcher).unwatch(&door.path));
        }
    }
}

/// What a panic leaves behind is whole: nothing is half changed under these locks.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
