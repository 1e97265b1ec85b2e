//! A watched file: it is noticed that somebody wrote it, what he wrote, and what is wrong with it.
//!
//! Read in this order: `rule` decides, `look` looks, `watch` notices, and this file lets them work
//! together. What a status means is not known here, nor who wants to hear of it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use crate::disk::Calls;
use crate::format::Format;
use crate::resolve::Mounted;
use crate::writing::{Condition, Health, Report, Watch};
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

/// How many hints are kept while a look is out; of more it is only known that there were some.
const HINTS_MAX: usize = 64;

/// After so long a look that is out when the watch ends is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked whether a file's disk answers again.
const RETRY: Duration = Duration::from_millis(250);

/// How a file is to be watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchMode {
    /// The kernel tells; by looking often where it cannot.
    #[default]
    Auto,
    /// The kernel tells, also where it may not know of every change.
    Kernel,
    /// By looking often.
    Poll,
}

/// How a file is watched and read, and what counts as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How changes are noticed.
    pub mode: WatchMode,
    /// That there is no such file is no fault: nobody has written it yet.
    pub may_be_missing: bool,
    /// What its bytes mean.
    pub format: Format,
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
    let Ground { deaf, mount, .. } = Ground::survey(path)?;
    Ok(Survey { deaf, replaced: Mounted::check_read(mount).err() })
}

/// A file being watched, on a thread of its own, until this is stopped or dropped.
#[derive(Debug)]
pub struct Source {
    shared: Arc<Shared>,
    /// The other end is dropped when its thread has ended.
    ended: Receiver<()>,
}

impl Source {
    /// Watches `path`, sharing what it can with the others at these posts. The first thing that
    /// `report` is told is what the file says, if it says anything; then, once, its health;
    /// afterwards whatever changes. `report` may block: what happens meanwhile is folded into the
    /// newest. With what it is told comes the moment since when that is so: of a writing, when it
    /// was complete. Every call of the disk is one of `calls`; while one of them hangs there is no
    /// other. Fails only if no thread can be started.
    pub fn start(
        posts: &Posts,
        path: &Path,
        Options { mode, may_be_missing, format }: Options,
        calls: &Calls,
        report: impl FnMut(Report, Instant) + Send + 'static,
    ) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let shared = Arc::new(Shared {
            start: Instant::now(),
            name: look::name_of(&path),
            format,
            calls: calls.clone(),
            lookout: Mutex::new(Lookout {
                rule: Rule::new(may_be_missing, Watch::Poll),
                disk: Some(RealDisk::new(&path, format.max_file)),
                hints: Vec::new(),
                report: Box::new(report),
                watch: 0,
                door: None,
                link: false,
                asleep_until: Duration::ZERO,
                stop: false,
            }),
            woken: Condvar::new(),
        });
        let (running, ended) = channel();
        let name = format!("source-{}", shared.name);
        thread::Builder::new().name(name).spawn({
            let (shared, posts) = (Arc::clone(&shared), posts.clone());
            move || {
                let _running: std::sync::mpsc::Sender<()> = running;
                let keeper = Keeper::new(posts, path, mode);
                if catch_unwind(AssertUnwindSafe(|| keep(&shared, keeper))).is_err() {
                    give_up(&shared);
                }
            }
        })?;
        Ok(Self { shared, ended })
    }

    /// Ends the watch, and returns when nothing will be reported any more. A look that hangs is left
    /// behind, and ends when its disk answers.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.shared.lookout().stop = true;
        self.shared.woken.notify_one();
        self.shared.calls.wait_for(&self.ended, PATIENCE);
    }
}

/// What the source's thread and the watcher's thread share.
#[derive(Debug)]
struct Shared {
    start: Instant,
    name: String,
    format: Format,
    calls: Calls,
    lookout: Mutex<Lookout>,
    woken: Condvar,
}

/// The rule, and what it needs to be carried out.
struct Lookout {
    rule: Rule,
    /// What is looked with; nothing while a call of it is out, wherever that is made. So there is one
    /// at a time, and none is made with the lookout held.
    disk: Option<RealDisk>,
    /// What was noticed while it was out, in its order.
    hints: Vec<Hint>,
    /// Who wants to hear of it.
    report: Box<dyn FnMut(Report, Instant) + Send>,
    /// Which of the watches that there have been is in force; 0 if none is.
    watch: u64,
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

    /// Takes a hint of this watch, on the watcher's thread, and does there and then what follows from
    /// it: the knock comes round on this same thread, so that a writing is told without a change of
    /// threads. While a look is out elsewhere, whoever has made it takes the hint up.
    fn hint(&self, watch: u64, hint: Hint) {
        // After a panic the source's thread says the last words.
        let Ok(mut lookout) = self.lookout.lock() else { return self.woken.notify_one() };
        if lookout.stop || lookout.watch != watch {
            return;
        }
        lookout.noticed(hint);
        if lookout.disk.is_none() || self.calls.unanswered().is_some() {
            return;
        }
        let link = lookout.link;
        let (mut lookout, until) = self.turn(lookout);
        let wake = until < lookout.asleep_until || lookout.link != link;
        if wake {
            lookout.asleep_until = Duration::ZERO;
        }
        drop(lookout);
        if wake {
            self.woken.notify_one();
        }
    }

    /// Does what is to be done now; returns until when there is nothing more. The disk is here.
    fn turn<'a>(
        &'a self,
        mut lookout: MutexGuard<'a, Lookout>,
    ) -> (MutexGuard<'a, Lookout>, Duration) {
        while !lookout.stop {
            lookout.take_hints(self.now());
            match lookout.rule.next(self.now()) {
                Step::Look => {
                    let Some(mut disk) = lookout.disk.take() else { break };
                    drop(lookout);
                    let look =
                        || self.calls.make(|| look::look(&mut disk, &self.name, &self.format));
                    let look = catch_unwind(AssertUnwindSafe(look));
                    lookout = self.lookout();
                    // With the lookout held, so that its other thread hears of a panic.
                    let look = look.unwrap_or_else(|panic| resume_unwind(panic));
                    lookout.disk = Some(disk);
                    lookout.link = look.link;
                    lookout.rule.looked(self.now(), look);
                }
                Step::Knock => {
                    if let Some(door) = &lookout.door {
                        door.knock();
                    }
                }
                Step::Tell(told) => lookout.tell(self, told),
                Step::Wait(until) => return (lookout, until),
            }
        }
        (lookout, Duration::MAX)
    }
}

impl Lookout {
    fn use_watch(&mut self, now: Duration, number: u64, watch: Watch, door: Option<Arc<Door>>) {
        (self.watch, self.door) = (number, door);
        self.hints.clear();
        self.rule.set_watch(now, watch);
    }

    fn noticed(&mut self, hint: Hint) {
        if self.hints.len() == HINTS_MAX {
            self.hints.clear();
            self.hints.push(Hint::Lost);
        }
        self.hints.push(hint);
    }

    fn take_hints(&mut self, now: Duration) {
        for hint in self.hints.drain(..) {
            self.rule.hint(now, hint);
        }
    }

    fn tell(&mut self, shared: &Shared, told: Report) {
        let since = match told {
            Report::Written(_) => shared.start + self.rule.completed(),
            Report::Health(_) => Instant::now(),
        };
        log(&shared.name, &told);
        (self.report)(told, since);
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
        let hangs = shared.calls.unanswered().is_some();
        if !hangs {
            keeper.tend(shared);
        }
        // A panic on the watcher's thread is one here, too.
        let mut lookout = shared.lookout.lock().expect("no hint made the rule panic");
        if lookout.stop {
            return;
        }
        let until = if hangs {
            shared.now() + RETRY
        } else if lookout.disk.is_none() {
            // The watcher's thread wakes this one when its look is back.
            Duration::MAX
        } else {
            let until;
            (lookout, until) = shared.turn(lookout);
            if lookout.link != keeper.link {
                continue;
            }
            until.min(keeper.next)
        };
        if lookout.stop {
            return;
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
