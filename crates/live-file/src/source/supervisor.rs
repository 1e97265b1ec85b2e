//! Keeps one source subscribed to the kernel's news of whatever is now at its path.
//!
//! It decides when to subscribe anew and when to poll instead; hints do not pass through here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::location::Location;
use super::look::RealDisk;
use super::rule::after;
use super::watch::{KERNEL, Subscription, WatchError, Watches};
use super::{Shared, WatchMode};
use crate::writing::Watch;

/// How often it is checked that the right directory is watched.
const CHECK: Duration = Duration::from_secs(1);

/// After how long it is tried again where the kernel refused to watch.
const RETRY: Duration = Duration::from_secs(10);

/// Keeps the subscription on what is now at the path.
pub(super) struct Supervisor {
    watches: Watches,
    path: PathBuf,
    mode: WatchMode,
    subscription: Option<Subscription>,
    /// How many subscriptions there have been.
    number: u64,
    /// The look on which the last check was made saw a symlink.
    pub(super) link: bool,
    /// When to check again.
    pub(super) next: Duration,
    /// That there is no watch was said in the log.
    said: bool,
}

impl Supervisor {
    pub(super) fn new(watches: Watches, path: PathBuf, mode: WatchMode) -> Self {
        let (next, subscription, number) = (Duration::ZERO, None, 0);
        Self { watches, path, mode, subscription, number, link: false, next, said: false }
    }

    /// Subscribes anew if it is time to check and the path leads somewhere else. The state is not locked
    /// meanwhile, since the watch's thread, which notify waits for, may be waiting for it. Nothing is done
    /// while a look is out.
    pub(super) fn check_if_due(&mut self, shared: &Arc<Shared>) {
        let (now, mut state) = (shared.now(), shared.state());
        let link = state.link;
        if now < self.next && link == self.link {
            return;
        }
        let Some(mut disk) = state.disk.take() else { return };
        drop(state);
        self.link = link;
        self.next = after(now, CHECK);
        shared.calls.make(|| self.check(shared, now, &mut disk));
        shared.state().disk = Some(disk);
    }

    fn check(&mut self, shared: &Arc<Shared>, now: Duration, disk: &mut RealDisk) {
        let location = match Location::survey(&self.path) {
            Ok(location) => location,
            // What was watched is gone, and the old subscription does no harm.
            Err(_) if self.subscription.is_some() || self.mode == WatchMode::Poll => return,
            Err(error) => return self.do_without(shared, &WatchError::Directory(error)),
        };
        disk.set_mount(location.mount);
        let holds =
            self.subscription.as_ref().is_some_and(|subscription| subscription.holds(&location));
        if holds || self.mode == WatchMode::Poll {
            return;
        }
        if let (WatchMode::Auto, Some(reason)) = (self.mode, &location.needs_polling) {
            let reason = WatchError::Unreliable(reason.clone());
            return self.do_without(shared, &reason);
        }
        self.number += 1;
        let number = self.number;
        let tell = {
            let shared = Arc::clone(shared);
            move |hint| shared.hint(number, hint)
        };
        match Subscription::new(&self.watches, location, tell) {
            Ok(subscription) => {
                let probe = subscription.probe();
                self.subscription = Some(subscription);
                if std::mem::take(&mut self.said) {
                    info!(file = shared.name, "changes are noticed by the kernel again");
                }
                shared.state().use_watch(shared.now(), number, KERNEL, probe);
            }
            Err(error) => {
                self.next = now + RETRY;
                self.do_without(shared, &error);
            }
        }
    }

    fn do_without(&mut self, shared: &Shared, reason: &WatchError) {
        if !std::mem::replace(&mut self.said, true) {
            warn!(file = shared.name, %reason, "no watch, so the file is looked at often");
        }
        if self.subscription.take().is_some() {
            shared.state().use_watch(shared.now(), 0, Watch::Poll, None);
        }
    }
}
