//! Watches a file that others write, and reports each completed writing and whatever is wrong with the file.
//!
//! [`rule`] decides what a writing is, [`look`] reads the file, the private `watch` hears what the kernel tells, and
//! this file runs them on threads. `rule` and `look` are public so that a simulator can run them on a disk of its
//! own. They do no IO themselves: `rule` is a state machine without a clock, and `look` asks a [`look::Disk`].

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use crate::disk::Calls;
use crate::format::Format;
use crate::resolve::Mounted;
use crate::writing::{Condition, Health, Report, Watch};
use location::Location;
use look::{Look, RealDisk};
use rule::{EVERY, Hint, Rule, Step};
use supervisor::Supervisor;
use tasks::{Next, Task, Tasks, Waker};
use watch::{Probe, Subscription, Watches};

pub mod rule;

pub mod look;

mod watch;

mod location;

mod supervisor;

mod tasks;

/// How many hints are kept while a look is out. When there are more, all are replaced by one `Hint::Lost`.
const HINTS_MAX: usize = 64;

/// For how long a look that is out is waited for when the source stops. Some programs have a second to end.
const PATIENCE: Duration = Duration::from_millis(250);

/// How often it is checked whether a disk that hangs answers again.
const RETRY: Duration = Duration::from_millis(250);

/// How a file is to be watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchMode {
    /// By the kernel's notifications; by polling where those are not to be had, or do not tell of all changes
    /// (network file systems, files that are mount points).
    #[default]
    Auto,
    /// By the kernel's notifications wherever they are to be had. What they do not tell of is found by a look
    /// every second.
    Kernel,
    /// By ten looks a second.
    Poll,
}

/// How a file is watched and read, and what counts as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How changes are noticed.
    pub mode: WatchMode,
    /// A file that does not exist is reported as well: nobody has written it yet.
    pub may_be_missing: bool,
    /// What its bytes mean.
    pub format: Format,
}

/// How well a path can be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Why the kernel would not tell of every change, so that `WatchMode::Auto` polls: what the file is on, or that
    /// the kernel has no watch left for this user.
    pub needs_polling: Option<String>,
    /// Set if the file was mounted alone and then replaced outside: nothing that is written there is seen here.
    pub replaced: Option<Mounted>,
}

/// How well this path can be watched. Nothing is changed for it, and a watch is made only to be dropped at once.
///
/// ```
/// let directory = tempfile::tempdir()?;
/// let survey = live_file::survey(&directory.path().join("not-yet-there.txt"))?;
/// assert_eq!(survey.replaced, None);
/// match survey.needs_polling {
///     None => println!("the kernel tells of every change"),
///     Some(why) => println!("{why}: the file would be polled"),
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// The directory does not exist, cannot be searched, or a link on the way is not to be followed.
pub fn survey(path: &Path) -> io::Result<Survey> {
    let location = Location::survey(path)?;
    let replaced = Mounted::check_read(location.mount).err();
    let needs_polling = location.needs_polling.clone();
    let refused = || Subscription::new(&Watches::default(), location, |_| {}).err();
    let needs_polling = needs_polling.or_else(|| refused().map(|why| why.to_string()));
    Ok(Survey { needs_polling, replaced })
}

/// What sources share that are given the same pool, or clones of it: two threads for all of them, of which each that a
/// disk holds up is replaced while there are not more than four; and for each directory one watch of the kernel's, with
/// a thread and a descriptor.
#[derive(Clone, Debug)]
pub struct Pool {
    tasks: Tasks,
    watches: Watches,
    /// Since when its sources count their time.
    start: Instant,
}

impl Default for Pool {
    fn default() -> Self {
        Self { tasks: Tasks::default(), watches: Watches::default(), start: Instant::now() }
    }
}

/// Watches one file: [`Source::start`] with a pool of its own, for whoever needs neither the date of a report
/// nor to know whether the disk hangs.
///
/// ```
/// use std::sync::mpsc::channel;
///
/// use live_file::{Options, Report, watch};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("status.txt");
/// std::fs::write(&path, "7\n")?;
/// let (tell, told) = channel();
/// let source = watch(&path, Options::default(), move |report| drop(tell.send(report)))?;
/// assert!(matches!(told.recv()?, Report::Written(writing) if writing.text == "7\n"));
/// assert!(matches!(told.recv()?, Report::Health(health) if health.is_well()));
///
/// std::fs::write(&path, "8\n")?;
/// assert!(matches!(told.recv()?, Report::Written(writing) if writing.text == "8\n"));
/// source.stop();
/// assert!(told.recv().is_err(), "nothing is reported any more");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// No thread can be started. Anything that is wrong with the file is a report.
pub fn watch(
    path: &Path,
    options: Options,
    mut report: impl FnMut(Report) + Send + 'static,
) -> io::Result<Source> {
    let (pool, calls) = (Pool::default(), Calls::default());
    Source::start(&pool, path, options, &calls, move |it, _| report(it))
}

/// A file being watched until this is stopped or dropped.
#[derive(Debug)]
pub struct Source {
    shared: Arc<Shared>,
    /// What is due by time alone.
    task: Task,
}

impl Source {
    /// Watches `path`, and calls `report` from threads of the pool, never twice at the same time: first with what
    /// the file says, if it has a text, then once with its health, afterwards with whatever changes. With each
    /// report comes the moment since which it holds; for a writing, when it was complete.
    ///
    /// `report` may block. What happens meanwhile is folded, so that it then hears of the newest writing only.
    /// If it panics, it is called once more with `Condition::Unreadable`, and the source has ended.
    ///
    /// Every call of the disk is counted in `calls`; while one of them hangs no other is made.
    ///
    /// # Errors
    ///
    /// No thread can be started. Anything that is wrong with the file is a report.
    pub fn start(
        pool: &Pool,
        path: &Path,
        Options { mode, may_be_missing, format }: Options,
        calls: &Calls,
        report: impl FnMut(Report, Instant) + Send + 'static,
    ) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let shared = Arc::new(Shared {
            start: pool.start,
            name: look::name_of(&path),
            format,
            calls: calls.clone(),
            state: Mutex::new(State {
                rule: Rule::new(may_be_missing, Watch::Poll),
                disk: Some(RealDisk::new(&path, format.max_file)),
                hints: Vec::new(),
                report: Box::new(report),
                watch: 0,
                probe: None,
                link: false,
                look: None,
                asleep_until: Duration::ZERO,
                stop: false,
            }),
            waker: pool.tasks.waker(),
        });
        let mut supervisor = Supervisor::new(pool.watches.clone(), path, mode);
        let task = pool.tasks.begin(shared.waker.clone(), {
            let shared = Arc::clone(&shared);
            move || {
                let next = catch_unwind(AssertUnwindSafe(|| run(&shared, &mut supervisor)));
                next.unwrap_or_else(|_| {
                    give_up(&shared);
                    Next::Over
                })
            }
        })?;
        Ok(Self { shared, task })
    }

    /// Ends the watch, as dropping it does, and returns when nothing will be reported any more. A look that
    /// hangs is left behind, and ends when its disk answers.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.task.end(&self.shared.calls, PATIENCE);
    }
}

/// What the source's task and the watch's thread share.
#[derive(Debug)]
struct Shared {
    start: Instant,
    name: String,
    format: Format,
    calls: Calls,
    state: Mutex<State>,
    /// Wakes the task.
    waker: Waker,
}

/// The rule, and what is needed to do what it says.
struct State {
    rule: Rule,
    /// What the file is read with. Whoever makes a call takes it out, so that there is one call at a time, and none
    /// with the state locked.
    disk: Option<RealDisk>,
    /// What was noticed while a call was out, in order.
    hints: Vec<Hint>,
    report: Box<dyn FnMut(Report, Instant) + Send>,
    /// The number of the present subscription; 0 if there is none.
    watch: u64,
    /// What to knock with.
    probe: Option<Arc<Probe>>,
    /// At the last look the path was a symlink.
    link: bool,
    /// What that look saw.
    look: Option<Look>,
    /// When the task is due.
    asleep_until: Duration,
    stop: bool,
}

/// For how long there is nothing to do, unless a hint comes.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Duration,
    /// A knock should come before.
    for_knock: bool,
}

impl Pause {
    /// Whether a task that sleeps until then must be woken for it. It need not for a knock that will most probably come:
    /// should that be lost, the next look finds out, if there is to be one.
    fn wakes(self, asleep_until: Duration, now: Duration, knocks: bool) -> bool {
        let finds_out = asleep_until <= now + 2 * EVERY;
        self.until < asleep_until && !(self.for_knock && knocks && finds_out)
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The state, also after a panic: then only `stop` and `report` are used.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a hint of this subscription on the watch's thread, and does at once what follows from it. A knock
    /// comes round on the same thread, so a writing is reported without a change of threads. While a look is
    /// out on the other thread, that one takes the hint.
    fn hint(&self, watch: u64, hint: Hint) {
        // After a panic the task makes the last report.
        let Ok(mut state) = self.state.lock() else { return self.waker.wake() };
        if state.stop || state.watch != watch {
            return;
        }
        state.noticed(hint);
        if state.disk.is_none() || self.calls.unanswered().is_some() {
            return;
        }
        let link = state.link;
        let (mut state, pause) = self.turn(state);
        let knocks = state.probe.is_some();
        let wake = pause.wakes(state.asleep_until, self.now(), knocks) || state.link != link;
        if wake {
            state.asleep_until = Duration::ZERO;
        }
        drop(state);
        if wake {
            self.waker.wake();
        }
    }

    /// Does what is to be done now, and then there is nothing more for a while. No call may be out.
    fn turn<'a>(&'a self, mut state: MutexGuard<'a, State>) -> (MutexGuard<'a, State>, Pause) {
        while !state.stop {
            state.take_hints(self.now());
            match state.rule.next(self.now()) {
                step @ (Step::Look | Step::Glance) => {
                    let Some(mut disk) = state.disk.take() else { break };
                    let last = state.look.take().filter(|_| step == Step::Glance);
                    drop(state);
                    let (name, format) = (&*self.name, &self.format);
                    let look = || {
                        self.calls.make(|| match &last {
                            Some(last) => look::glance(&mut disk, name, format, last),
                            None => look::look(&mut disk, name, format),
                        })
                    };
                    let look = catch_unwind(AssertUnwindSafe(look));
                    state = self.state();
                    // With the state locked, so that the task finds the lock poisoned.
                    let look = look.unwrap_or_else(|panic| resume_unwind(panic));
                    state.disk = Some(disk);
                    state.link = look.link;
                    state.look = Some(look.clone());
                    state.rule.looked(self.now(), look);
                }
                Step::Knock => {
                    if let Some(probe) = &state.probe {
                        probe.knock();
                    }
                }
                Step::Tell(told) => state.tell(self, told),
                Step::Wait(until) => return (state, Pause { until, for_knock: false }),
                Step::AwaitKnock(until) => return (state, Pause { until, for_knock: true }),
            }
        }
        (state, Pause { until: Duration::MAX, for_knock: false })
    }
}

impl State {
    fn use_watch(&mut self, now: Duration, number: u64, watch: Watch, probe: Option<Arc<Probe>>) {
        (self.watch, self.probe) = (number, probe);
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

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// The source's task: keeps the subscription, and does what is due by time alone.
fn run(shared: &Arc<Shared>, supervisor: &mut Supervisor) -> Next {
    loop {
        let hangs = shared.calls.unanswered().is_some();
        if !hangs {
            supervisor.check_if_due(shared);
        }
        // A panic on the watch's thread has poisoned the lock, and ends the task, too.
        let mut state = shared.state.lock().expect("no hint made the rule panic");
        if state.stop {
            return Next::Over;
        }
        let until = if hangs {
            shared.now() + RETRY
        } else if state.disk.is_none() {
            // The watch's thread wakes the task when its look is back.
            Duration::MAX
        } else {
            let pause;
            (state, pause) = shared.turn(state);
            if state.link != supervisor.link {
                continue;
            }
            pause.until.min(supervisor.next)
        };
        if state.stop {
            return Next::Over;
        }
        state.asleep_until = until;
        return Next::At(shared.start.checked_add(until));
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

/// The last report of a source that has panicked, so that nobody takes the file for watched.
fn give_up(shared: &Shared) {
    let name = &shared.name;
    error!(file = name, "the watch has ended by a panic");
    let health = Health {
        state: Condition::Unreadable,
        detail: format!("{name} is no longer watched after an error in this program"),
        watch: Watch::Poll,
    };
    let mut state = shared.state();
    let state = &mut *state;
    let last = || (state.report)(Report::Health(health), Instant::now());
    if catch_unwind(AssertUnwindSafe(last)).is_err() {
        error!(file = name, "and this could not be reported");
    }
}

#[cfg(test)]
mod tests;
