//! A source: the real rule of writings and the real look, turned as `source.rs` turns them, by a
//! watcher's thread that takes hints and a thread of its own that sleeps; whichever finds that there
//! is something to do looks, knocks and reports.

use std::time::Duration;

use chadburn::file::File;
use live_file::resolve::Mount;
use live_file::source::look::{Look, Seen};
use live_file::source::rule::{EVERY, Hint, Rule, Step};
use live_file::writing::{Report, Watch};

use crate::book::{MS, SECOND};
use crate::clerk::{Credit, MOUNT_ADVICE};
use crate::faults::Fault;
use crate::ground::Ground;
use crate::rng::Rng;
use crate::weather::Watching;

/// How many looks at a file that nobody touches a second has at most: where it is polled, ten.
const LOOKS: u32 = 20;

/// How many hints are kept while a look hangs.
const HINTS: usize = 64;

/// For so long nobody must have touched a file, nor a look have hung: longer than a source may take to tell what
/// stands in it, in whichever way it watches.
const UNTOUCHED: u64 = 3 * SECOND;

/// A report, and who may be credited with what it tells.
pub type Told = (File, Report, Vec<Vec<Credit>>);

/// The source of one file.
#[derive(Debug)]
pub struct Source {
    file: File,
    rule: Rule,
    rng: Rng,
    /// When its own thread is awake again.
    pub due: u64,
    /// Until when its own thread sleeps if it is not woken.
    asleep: Duration,
    /// What waits for room before the hub.
    pub telling: Option<Told>,
    /// When it surveys next how the file is mounted.
    check: u64,
    /// How it was mounted then, if it was alone; and whether it had been replaced outside.
    mount: (Option<Mount>, bool),
    /// The look at hand hangs, since when and until when.
    hung: Option<(u64, u64)>,
    /// When it last began to look without one that hangs.
    resumed: u64,
    /// Hints that came meanwhile.
    hints: Vec<Hint>,
    /// What the latest look saw, and when it began.
    seen: Option<(u64, Look)>,
    /// It has told a health, so what the file said at the start has been told before.
    pub settled: bool,
}

impl Source {
    /// A source that begins to watch.
    pub fn start(file: File, ground: &mut Ground, mut rng: Rng) -> Self {
        let rule = Rule::new(file == File::Accept, Watch::Poll);
        ground.disk.truth[file as usize].source_starts();
        let due = ground.book.now() + rng.below(300);
        let (asleep, telling, seen) = (Duration::ZERO, None, None);
        let (hung, hints) = (None, Vec::new());
        let (check, mount, settled) = (due, (None, false), false);
        let mut source = Self {
            file,
            rule,
            rng,
            due,
            asleep,
            telling,
            check,
            mount,
            hung,
            resumed: 0,
            hints,
            seen,
            settled,
        };
        source.is_watched(ground);
        source
    }

    /// It is watched as it can be.
    fn is_watched(&mut self, ground: &mut Ground) {
        let by_kernel = ground.weather.watching == Watching::Kernel && self.mount.0.is_none();
        let polled = ground.weather.watching == Watching::Poll
            || ground.weather.watching == Watching::Kernel && self.mount.0.is_some();
        let watch = if polled { Watch::Poll } else { Watch::Inotify };
        self.rule.set_watch(now(ground), Watch::Poll);
        self.rule.set_watch(now(ground), watch);
        let patience = self.patience(ground);
        let truth = &mut ground.disk.truth[self.file as usize];
        truth.watched(Some(patience), !by_kernel);
        truth.hints_are_missed();
    }

    /// For how long a writing must stand to be told for certain.
    fn patience(&self, ground: &Ground) -> u64 {
        let mut weather = ground.weather.clone();
        let disk = &ground.disk;
        if !disk.is_mounted(self.file) && !disk.is_remounted_within(self.file, 4 * SECOND) {
            return weather.patience();
        }
        if weather.watching == Watching::Kernel {
            weather.watching = Watching::Poll;
        }
        weather.patience() + SECOND + 100 * MS
    }

    /// It looks how the file is mounted.
    fn survey(&mut self, ground: &mut Ground) {
        self.check = ground.book.now() + SECOND;
        let disk = &ground.disk;
        let mount = (disk.mounted(self.file), disk.is_replaced(self.file));
        let was = std::mem::replace(&mut self.mount, mount);
        if was.0.is_some() != mount.0.is_some() {
            let file = self.file;
            ground.book.note(|| format!("{file}: mounted {mount:?}"));
            self.is_watched(ground);
        }
        if !ground.changes {
            let patience = self.patience(ground);
            ground.disk.truth[self.file as usize].is_watched_for(patience);
        }
    }

    /// The watch is armed anew, on another directory by the same path.
    pub fn rearm(&mut self, ground: &mut Ground) {
        if self.hung.is_some() || self.mount.0.is_some() {
            // Nothing else is asked of a disk that does not answer, and what is mounted alone is polled.
            return;
        }
        ground.book.count(Fault::Rearmed);
        self.is_watched(ground);
        self.wake(ground);
    }

    /// The watcher's thread takes a hint, and does there and then what follows from it.
    pub fn hint(&mut self, ground: &mut Ground, hint: Hint) {
        let file = self.file;
        ground.book.note(|| format!("{file}: hint {hint:?}"));
        if self.hung.is_some() {
            if self.hints.len() == HINTS {
                self.hints = vec![Hint::Lost];
            }
            self.hints.push(hint);
            return;
        }
        self.take_hint(ground, hint);
        // As `source.rs` does, it relies on a knock to come.
        if self.turn(ground).is_some_and(|(until, for_knock)| until < self.asleep && !for_knock) {
            self.wake(ground);
        }
    }

    fn take_hint(&mut self, ground: &mut Ground, hint: Hint) {
        let truth = &mut ground.disk.truth[self.file as usize];
        match hint {
            Hint::Lost => truth.hints_are_missed(),
            Hint::Knocked => truth.knock_comes(),
            _ => {}
        }
        self.rule.hint(now(ground), hint);
    }

    /// Its own thread is awake, and goes on until it sleeps or has something to tell.
    pub fn run(&mut self, ground: &mut Ground) {
        self.due = u64::MAX;
        if self.telling.is_some() {
            return;
        }
        if let Some((since, _)) = self.hung.take() {
            let (file, patience) = (self.file, self.patience(ground));
            ground.book.note(|| format!("{file}: the look of {since} is back"));
            self.resumed = ground.book.now();
            self.look(ground, false);
            for hint in std::mem::take(&mut self.hints) {
                self.take_hint(ground, hint);
            }
            let polled = ground.weather.watching != Watching::Kernel || self.mount.0.is_some();
            ground.disk.truth[file as usize].watched(Some(patience), polled);
        }
        if ground.book.now() >= self.check {
            self.survey(ground);
        }
        if let Some((until, _)) = self.turn(ground) {
            self.asleep = until;
            let until = u64::try_from(until.as_micros()).expect("nobody waits so long");
            self.due = until.min(self.check).max(ground.book.now()) + self.late();
        }
    }

    /// Does what is to be done now, until there is something to tell or nothing more to do until
    /// some moment, and whether a knock should come before.
    fn turn(&mut self, ground: &mut Ground) -> Option<(Duration, bool)> {
        loop {
            match self.rule.next(now(ground)) {
                Step::Tell(report) => {
                    let file = self.file;
                    ground.book.note(|| format!("{file}: tells {report:?}"));
                    self.settled |= matches!(report, Report::Health(_));
                    // An inode that is another at each look may be the old one or another.
                    let looked = self.seen.as_ref().filter(|_| !ground.weather.renumbers);
                    let looked = looked.map(|(begun, _)| *begun);
                    let by = ground.disk.truth[file as usize].told(&report, looked);
                    self.telling = Some((file, report, by));
                    return None;
                }
                Step::Wait(until) => return Some((until, false)),
                Step::AwaitKnock(until) => return Some((until, true)),
                // Of what was replaced nothing is asked, and so nothing hangs.
                Step::Look | Step::Glance
                    if !ground.peace && !self.mount.1 && self.rng.one_in(ground.weather.hangs) =>
                {
                    ground.book.count(Fault::HungLook);
                    let now = ground.book.now();
                    let until = now + self.rng.within(3 * SECOND, 40 * SECOND);
                    (self.hung, self.due) = (Some((now, until)), until);
                    ground.disk.truth[self.file as usize].watched(None, false);
                    return None;
                }
                Step::Look => self.look(ground, false),
                Step::Glance => self.look(ground, true),
                Step::Knock => {
                    let file = self.file;
                    ground.book.note(|| format!("{file}: knocks"));
                    ground.disk.knock(file);
                }
            }
        }
    }

    fn look(&mut self, ground: &mut Ground, glance: bool) {
        let begun = ground.book.now();
        let last = self.seen.take().map(|(_, look)| look).filter(|_| glance);
        let look = ground.look(self.file, self.mount.0, last.as_ref());
        let says = matches!(&look.seen, Seen::Fault(it) if it.detail.contains(MOUNT_ADVICE));
        let so = says == self.mount.1;
        ground.book.hold(so, || format!("{}: {:?} is seen as {look:?}", self.file, self.mount));
        self.seen = Some((begun, look.clone()));
        ground.book.looked();
        self.rule.looked(now(ground), look);
    }

    /// Since when the look at hand hangs.
    #[must_use]
    pub fn hung_since(&self) -> Option<u64> {
        self.hung.map(|(since, _)| since)
    }

    /// There was room before the hub for what it told.
    pub fn taken(&mut self, ground: &Ground) -> Option<Told> {
        let next = self.hung.map_or(ground.book.now() + 5, |(_, until)| until);
        self.due = next;
        self.telling.take()
    }

    /// Whether it has nothing to tell, and has seen for long enough what stands in the file.
    #[must_use]
    pub fn rests(&self, ground: &Ground) -> bool {
        let since = ground.disk.touched.max(self.resumed);
        let seen = self.seen.as_ref().is_some_and(|(begun, _)| *begun > since);
        let untouched = ground.book.now() >= since + UNTOUCHED;
        self.hung.is_none() && self.settled && self.telling.is_none() && seen && untouched
    }

    /// Takes all looks that are due before this moment, each at its own time, at a file that nobody
    /// has touched since the last one nor will before this moment.
    pub fn forestall(&mut self, ground: &Ground, end: u64) {
        let Some((_, seen)) = &self.seen else { return };
        let deaf = ground.disk.kernels[self.file as usize].deaf;
        // A glance opens nothing, and is one at a text that can be opened.
        let opens = seen.opened || matches!(seen.seen, Seen::Text(_));
        let end = Duration::from_micros(end);
        let (mut at, mut looks) = (now(ground).max(self.asleep), 0);
        let until = loop {
            match self.rule.next(at) {
                Step::Look | Step::Glance if looks == LOOKS => {
                    return ground.book.fail(format!("{} is looked at without end", self.file));
                }
                step @ (Step::Look | Step::Glance) => {
                    looks += 1;
                    ground.book.looked();
                    let opened = opens && step == Step::Look;
                    self.rule.looked(at, Look { opened, ..seen.clone() });
                    if opened && !deaf {
                        self.rule.hint(at, Hint::Opened);
                    }
                }
                // It asks whether hints are still on their way; in a calm there are none. It waits in vain for a
                // kernel that tells nothing.
                Step::Knock if deaf => {}
                Step::Knock => self.rule.hint(at, Hint::Knocked),
                Step::Wait(until) | Step::AwaitKnock(until) if until < end => at = until,
                Step::Wait(until) | Step::AwaitKnock(until) => break until,
                step => return ground.book.fail(format!("{}: {step:?} in a calm", self.file)),
            }
        };
        ground.book.hold(until <= end + EVERY, || format!("{} is not looked at", self.file));
        self.asleep = until;
        let until = u64::try_from(until.as_micros()).expect("nobody waits so long");
        self.due = until + self.late();
        // How it is mounted is surveyed as often, and would bring nothing.
        self.check = self.check.max(until);
    }

    fn wake(&mut self, ground: &Ground) {
        self.asleep = Duration::ZERO;
        if self.telling.is_none() && self.hung.is_none() {
            self.due = self.due.min(ground.book.now() + self.late());
        }
    }

    fn late(&mut self) -> u64 {
        if self.rng.one_in(100) { self.rng.below(8 * MS) } else { self.rng.within(5, 60) }
    }
}

fn now(ground: &Ground) -> Duration {
    Duration::from_micros(ground.book.now())
}
