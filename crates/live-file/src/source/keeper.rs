//! Keeps the watch armed on whatever is now at the path.
//!
//! It knows when to watch anew and when to do without; what is noticed does not pass through here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::ground::Ground;
use super::look::RealDisk;
use super::watch::{Armed, KERNEL, NoWatch, Posts};
use super::{Shared, WatchMode};
use crate::writing::Watch;

/// So often it is checked that the watch still watches the right directory.
const CHECK: Duration = Duration::from_secs(1);

/// So often it is tried again to watch where the kernel refused.
const RETRY: Duration = Duration::from_secs(10);

/// Keeps the watch armed on what is now at the path.
pub(super) struct Keeper {
    posts: Posts,
    path: PathBuf,
    mode: WatchMode,
    armed: Option<Armed>,
    /// How often it was armed.
    number: u64,
    /// The look on which the last check was made saw a symlink.
    pub(super) link: bool,
    /// When to check again.
    pub(super) next: Duration,
    /// That there is no watch was said in the log.
    said: bool,
}

impl Keeper {
    pub(super) fn new(posts: Posts, path: PathBuf, mode: WatchMode) -> Self {
        let (next, armed, number) = (Duration::ZERO, None, 0);
        Self { posts, path, mode, armed, number, link: false, next, said: false }
    }

    /// Arms the watch anew if it is time to check and things are not what they were. The lookout
    /// is not held meanwhile: the watcher's thread, which answers here, may be waiting for it. Nothing
    /// is done while a look is out.
    pub(super) fn tend(&mut self, shared: &Arc<Shared>) {
        let (now, mut lookout) = (shared.now(), shared.lookout());
        let link = lookout.link;
        if now < self.next && link == self.link {
            return;
        }
        let Some(mut disk) = lookout.disk.take() else { return };
        drop(lookout);
        self.link = link;
        self.next = now + CHECK;
        shared.calls.make(|| self.check(shared, now, &mut disk));
        shared.lookout().disk = Some(disk);
    }

    fn check(&mut self, shared: &Arc<Shared>, now: Duration, disk: &mut RealDisk) {
        let ground = match Ground::survey(&self.path) {
            Ok(ground) => ground,
            // What was watched is gone, and a watch of it still hurts nobody.
            Err(_) if self.armed.is_some() || self.mode == WatchMode::Poll => return,
            Err(error) => return self.do_without(shared, &NoWatch::Directory(error)),
        };
        disk.set_mount(ground.mount);
        let holds = self.armed.as_ref().is_some_and(|armed| armed.holds(&ground));
        if holds || self.mode == WatchMode::Poll {
            return;
        }
        if let (WatchMode::Auto, Some(reason)) = (self.mode, &ground.deaf) {
            let reason = NoWatch::Deaf(reason.clone());
            return self.do_without(shared, &reason);
        }
        self.number += 1;
        let number = self.number;
        let tell = {
            let shared = Arc::clone(shared);
            move |hint| shared.hint(number, hint)
        };
        match Armed::arm(&self.posts, ground, tell) {
            Ok(armed) => {
                let door = armed.door();
                self.armed = Some(armed);
                if std::mem::take(&mut self.said) {
                    info!(file = shared.name, "changes are noticed by the kernel again");
                }
                shared.lookout().use_watch(shared.now(), number, KERNEL, door);
            }
            Err(error) => {
                self.next = now + RETRY;
                self.do_without(shared, &error);
            }
        }
    }

    fn do_without(&mut self, shared: &Shared, reason: &NoWatch) {
        if !std::mem::replace(&mut self.said, true) {
            warn!(file = shared.name, %reason, "no watch, so the file is looked at often");
        }
        if self.armed.take().is_some() {
            shared.lookout().use_watch(shared.now(), 0, Watch::Poll, None);
        }
    }
}
