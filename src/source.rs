//! A watched file: it is noticed that somebody wrote it, what he wrote, and what is wrong with it.
//!
//! Read in this order: `rule` decides, `look` looks, `watch` notices, and this file lets them work
//! together. What a status means is not known here, nor who wants to hear of it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use crate::resolve::Mounted;
use crate::writing::{Condition, File, Health, Report, Watch};
use ground::Ground;
use keeper::Keeper;
use look::RealDisk;
use rule::{Hint, Rule, Step};
use watch::Door;
pub use watch::Posts;

pub mod rule;

pub mod look;

mod watch;

mod ground;

mod keeper;

/// How a file is to be watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchMode {
    /// The kernel tells; by looking often where it cannot.
    #[default]
    Auto,
    /// The kernel tells, also where it may not know of every change.
    Inotify,
    /// By looking often.
    Poll,
}

/// How a path stands before anything is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Why the kernel would not tell of every change, so that it must be looked often.
    pub deaf: Option<String>,
    /// Why nothing that is written outside is seen here.
    pub replaced: Option<Mounted>,
}

/// Looks how this path stands.
pub fn survey(path: &Path) -> io::Result<Survey> {
    let Ground { deaf, replaced, .. } = Ground::survey(path)?;
    Ok(Survey { deaf, replaced: replaced.then_some(Mounted::Replaced) })
}

/// A file being watched, on a thread of its own, until this is stopped or dropped.
#[derive(Debug)]
pub struct Source {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Source {
    /// Watches `path`, sharing what it can with the others at these posts. The first thing that
    /// `report` is told is what the file says, if it says anything; then, once, its health;
    /// afterwards whatever changes. `report` may block: what happens meanwhile is folded into the
    /// newest. With what it is told comes the moment since when that is so: of a writing, when it
    /// was complete. Fails only if no thread can be started.
    pub fn start(
        posts: &Posts,
        path: &Path,
        file: File,
        mode: WatchMode,
        report: impl FnMut(Report, Instant) + Send + 'static,
    ) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let shared = Arc::new(Shared {
            start: Instant::now(),
            name: look::name_of(&path),
            lookout: Mutex::new(Lookout {
                rule: Rule::new(file, Watch::Poll),
                disk: RealDisk::new(&path),
                report: Box::new(report),
                door: None,
                link: false,
                asleep_until: Duration::ZERO,
                stop: false,
            }),
            woken: Condvar::new(),
        });
        let thread = thread::Builder::new().name(format!("source-{file}")).spawn({
            let (shared, posts) = (Arc::clone(&shared), posts.clone());
            move || {
                let keeper = Keeper::new(posts, path, mode);
                if catch_unwind(AssertUnwindSafe(|| keep(&shared, keeper))).is_err() {
                    give_up(&shared);
                }
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Ends the watch, and returns when nothing will be reported any more.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.shared.lookout().stop = true;
        self.shared.woken.notify_one();
        if let Some(thread) = self.thread.take() {
            // Its panics have been caught and told where they happened.
            drop(thread.join());
        }
    }
}

/// What the source's thread and the watcher's thread share.
#[derive(Debug)]
struct Shared {
    start: Instant,
    name: String,
    lookout: Mutex<Lookout>,
    woken: Condvar,
}

/// The rule, and what it needs to be carried out.
struct Lookout {
    rule: Rule,
    disk: RealDisk,
    /// Who wants to hear of it.
    report: Box<dyn FnMut(Report, Instant) + Send>,
    /// Where to knock.
    door: Option<Arc<Door>>,
    /// At the last look the path was a symlink.
    link: bool,
    /// When the source's thread wakes by itself.
    asleep_until: Duration,
    stop: bool,
}

impl Shared {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The lookout, also after a panic: then only `stop` and `report` are still of interest.
    fn lookout(&self) -> MutexGuard<'_, Lookout> {
        self.lookout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a hint, on the watcher's thread, and does there and then what follows from it: the
    /// knock comes round on this same thread, so that a writing is told without a change of threads.
    fn hint(&self, hint: Hint) {
        // After a panic the source's thread says the last words.
        let Ok(mut lookout) = self.lookout.lock() else { return self.woken.notify_one() };
        if lookout.stop {
            return;
        }
        let link = lookout.link;
        lookout.rule.hint(self.now(), hint);
        let until = lookout.turn(self);
        let wake = until < lookout.asleep_until || lookout.link != link;
        if wake {
            lookout.asleep_until = Duration::ZERO;
        }
        drop(lookout);
        if wake {
            self.woken.notify_one();
        }
    }
}

impl Lookout {
    fn use_watch(&mut self, now: Duration, watch: Watch, door: Option<Arc<Door>>) {
        self.door = door;
        self.rule.set_watch(now, watch);
    }

    /// Does what is to be done now; returns until when there is nothing more.
    fn turn(&mut self, shared: &Shared) -> Duration {
        loop {
            match self.rule.next(shared.now()) {
                Step::Look => {
                    let look = look::look(&mut self.disk, &shared.name);
                    self.link = look.link;
                    self.rule.looked(shared.now(), look);
                }
                Step::Knock => {
                    if let Some(door) = &self.door {
                        door.knock();
                    }
                }
                Step::Tell(told) => {
                    let since = match told {
                        Report::Written(_) => shared.start + self.rule.completed(),
                        Report::Health(_) => Instant::now(),
                    };
                    log(&shared.name, &told);
                    (self.report)(told, since);
                }
                Step::Wait(until) => return until,
            }
        }
    }
}

impl std::fmt::Debug for Lookout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookout").field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// The source's thread: keeps the watch armed, and does what time alone brings.
fn keep(shared: &Arc<Shared>, mut keeper: Keeper) {
    loop {
        keeper.tend(shared);
        // A panic on the watcher's thread is one here, too.
        let mut lookout = shared.lookout.lock().expect("no hint made the rule panic");
        if lookout.stop {
            return;
        }
        let until = lookout.turn(shared).min(keeper.next);
        if lookout.link != keeper.link {
            continue;
        }
        lookout.asleep_until = until;
        let time = until.saturating_sub(shared.now());
        drop(shared.woken.wait_timeout(lookout, time));
    }
}

fn log(name: &str, report: &Report) {
    let Report::Health(Health { state, detail, watch }) = report else {
        return;
    };
    if *state == Condition::Ok {
        info!(file = name, ?watch, "file is well");
    } else {
        warn!(file = name, ?watch, detail, "file is not well");
    }
}

/// The last words of a source that has panicked: nobody may think that the file is still watched.
fn give_up(shared: &Shared) {
    let name = &shared.name;
    error!(file = name, "the watch has ended by a panic");
    let health = Health {
        state: Condition::Unreadable,
        detail: format!("{name} is no longer watched after an error in the server"),
        watch: Watch::Poll,
    };
    let mut lookout = shared.lookout();
    let lookout = &mut *lookout;
    let last = || (lookout.report)(Report::Health(health), Instant::now());
    if catch_unwind(AssertUnwindSafe(last)).is_err() {
        error!(file = name, "and this could not be reported");
    }
}

#[cfg(test)]
mod tests;
