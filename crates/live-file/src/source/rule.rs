//! The rule of writings: when what a look saw is a finished writing, and when a fault is reported.
//!
//! A state machine without IO and without a clock. Whoever drives it passes in the time, gives it each hint of a
//! watcher as it comes, and does what [`Rule::next`] says. It remembers a few facts, never a queue: hints may come
//! in any number while a report waits to be taken.
//!
//! A writing is believed when two looks 100 ms apart saw the same, or when a hint said that its writer is done and a
//! *knock* then showed that nothing had been changed before the look was over. Between a writer's close and the look
//! the next writer may have emptied the file and written half of its text, with the hint of that still in the kernel's
//! queue. So after the look a byte is written into a file that is watched, too, and that nobody else knows of. The
//! kernel queues the hint of that behind all others, so when it comes round without a change before it, there was none.
//!
#![doc = include_str!("rule/writings.md")]

use std::time::Duration;

use candidate::{Candidate, Proof};
use handles::Handles;
use heard::{Dates, Excluded, Heard, Sight};
use knock::Knocks;

use super::look::{Fault, Look, Seen};
use crate::writing::{Condition, Health, Moment, Report, Watch, Writing};

mod candidate;
mod handles;
mod heard;
mod knock;

/// What has not changed for so long is finished, even if somebody has it open.
pub const QUIET: Duration = Duration::from_millis(100);

/// How often the file is looked at in any case, whatever the watcher tells.
pub const EVERY: Duration = Duration::from_secs(1);

/// How many times in a row it is not read. A file may be changed in memory (`mmap`), and nothing but reading shows it.
const GLANCES: u32 = 7;

/// How long a change is not looked at: mostly a close follows at once, which proves more.
const SOON: Duration = Duration::from_millis(10);

/// What a watcher noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The file was closed by somebody who could write to it.
    Closed,
    /// Another file was renamed to this name.
    MovedIn,
    /// The path is a symlink, and something it may lead through was renamed or made.
    Swapped,
    /// The text was changed, or the file made.
    Changed,
    /// Hints were lost, any of all these.
    Lost,
    /// The file was removed, or renamed away.
    Gone,
    /// The file, or its directory, has other attributes; the text is what it was.
    Stirred,
    /// The file was opened, perhaps by a look.
    Opened,
    /// A knock has come round.
    Knocked,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Say this.
    Tell(Report),
    /// Look at the file, then call [`Rule::looked`].
    Look,
    /// The same, and it need not be read if nothing about it has been changed since the last look.
    Glance,
    /// Write into the file that only this source knows of and the watcher watches.
    Knock,
    /// Nothing until then, unless a hint comes.
    Wait(Duration),
    /// The same, and it is a knock that should come: without it there is something to do at that moment.
    AwaitKnock(Duration),
}

/// The rule for one watched file.
#[derive(Debug)]
pub struct Rule {
    /// That there is no file is no fault.
    may_be_missing: bool,
    watch: Watch,
    /// The last writing that was told.
    believed: Option<Writing>,
    /// The date that the same bytes had at the last look.
    date: Moment,
    /// The version of the file that was told, or that has got nothing but other attributes since.
    sight: Option<Sight>,
    /// What was heard since that writing was told.
    heard: Heard,
    /// What has settled to be wrong.
    fault: Option<Fault>,
    /// Something has been found out, be it a fault; before that there is no health to tell.
    settled: bool,
    /// When health is told even so: a file that is written without end must not be waited for.
    settle_by: Option<Duration>,
    /// What is seen at present and neither believed nor known to be wrong.
    candidate: Option<Candidate>,
    /// A hint said that a writer is done, nothing was changed since, and nobody has looked yet.
    vouched: Option<Proof>,
    /// When that hint came.
    vouched_at: Duration,
    /// The same for the look that is being taken, or that awaits its knock.
    trusted: Option<Proof>,
    /// When that hint came.
    trusted_at: Duration,
    /// Knocks that are out.
    knocks: Knocks,
    /// A knock is to be made, so that it is known which hints are of what was seen.
    asks: bool,
    /// Who has the file open.
    handles: Handles,
    /// When to look next, if nothing is seen that must be looked at before.
    due: Duration,
    /// When the look at hand, or the last one, began.
    began: Duration,
    /// How many looks in a row need not have read the file.
    glances: u32,
    /// What is still to be told.
    written: Option<Writing>,
    /// When the last writing that was believed was complete.
    completed: Duration,
    /// The health that was told last.
    told: Option<Health>,
}

impl Rule {
    /// A rule that has seen nothing and wants to look at once. Where a file may be missing, that it is
    /// makes nobody unwell.
    #[must_use]
    pub fn new(may_be_missing: bool, watch: Watch) -> Self {
        Self {
            may_be_missing,
            watch,
            believed: None,
            date: (0, 0),
            sight: None,
            heard: Heard::default(),
            fault: None,
            settled: false,
            settle_by: None,
            candidate: None,
            vouched: None,
            vouched_at: Duration::ZERO,
            trusted: None,
            trusted_at: Duration::ZERO,
            knocks: Knocks::default(),
            asks: false,
            handles: Handles::default(),
            due: Duration::ZERO,
            began: Duration::ZERO,
            glances: 0,
            written: None,
            completed: Duration::ZERO,
            told: None,
        }
    }

    /// The file is watched anew. Hints of the old watcher count no longer, so look at once.
    pub fn set_watch(&mut self, now: Duration, watch: Watch) {
        self.watch = watch;
        (self.vouched, self.trusted) = (None, None);
        (self.knocks, self.asks) = (Knocks::default(), false);
        self.heard.misses();
        // Whoever had it open before is not known.
        self.handles.lost(now);
        self.due = self.due.min(now);
    }

    /// A watcher noticed something.
    pub fn hint(&mut self, now: Duration, hint: Hint) {
        if self.watch == Watch::Poll {
            // The last words of a watcher that has been given up.
            return;
        }
        self.heard.takes(hint);
        match hint {
            Hint::Closed if self.handles.closed(now) => self.vouch(now, Proof::Closed),
            Hint::MovedIn => self.vouch(now, Proof::Moved),
            Hint::Swapped if !self.handles.wrote(now) => self.vouch(now, Proof::Closed),
            Hint::Closed | Hint::Swapped | Hint::Gone | Hint::Stirred => self.stir(now + SOON),
            Hint::Changed => {
                (self.vouched, self.trusted) = (None, None);
                self.handles.changed(now);
                self.stir(now + SOON);
            }
            Hint::Opened => {
                self.knocks.opened();
                self.handles.opened(now);
            }
            Hint::Lost => {
                (self.vouched, self.trusted) = (None, None);
                self.handles.lost(now);
                self.look_by(now + SOON);
            }
            Hint::Knocked => self.knocked(now),
        }
    }

    /// Whether [`Rule::next`] would tell something at this moment.
    fn has_news(&mut self, now: Duration) -> bool {
        self.settled |= now >= *self.settle_by.get_or_insert(now + EVERY);
        self.written.is_some() || (self.settled && self.told.as_ref() != Some(&self.health()))
    }

    /// When the writing that was told last was complete: when the hint came that its writer is done
    /// with it, or when it had not changed for long enough.
    #[must_use]
    pub fn completed(&self) -> Duration {
        self.completed
    }

    /// What to do next. What it returns counts as done, but for a look's result.
    pub fn next(&mut self, now: Duration) -> Step {
        if std::mem::take(&mut self.asks) {
            self.knocks.made(now);
            return Step::Knock;
        }
        if self.has_news(now) {
            if let Some(writing) = self.written.take() {
                return Step::Tell(Report::Written(writing));
            }
            let health = self.health();
            self.told = Some(health.clone());
            return Step::Tell(Report::Health(health));
        }
        let candidate = self.candidate.as_mut().filter(|_| self.trusted.is_some());
        let waits = candidate.is_some() || self.heard.has_asked();
        if candidate.is_some_and(|candidate| std::mem::take(&mut candidate.knock)) {
            self.knocks.made(now);
            return Step::Knock;
        }
        if let Some(until) = self.knocks.patience(now).filter(|_| waits) {
            return Step::AwaitKnock(until);
        }
        let due = self.due();
        if now < due {
            return Step::Wait(due);
        }
        if self.knocks.patience(now).is_none() && !self.knocks.lags() {
            self.heard.no_knock_is_out();
        }
        self.trusted = self.vouched.take().filter(|_| !self.knocks.lags());
        self.trusted_at = self.vouched_at;
        self.began = now;
        self.due =
            if self.watch == Watch::Poll { now + QUIET } else { after(now + EVERY / 2, EVERY) };
        let quiet = self.candidate.is_none() && self.trusted.is_none() && self.heard.is_quiet();
        let known = self.believed.is_some() && self.fault.is_none();
        if known && quiet && self.watch == Watch::Inotify && self.glances < GLANCES {
            self.glances += 1;
            return Step::Glance;
        }
        self.glances = 0;
        Step::Look
    }

    /// A look that was asked for is over.
    pub fn looked(&mut self, now: Duration, look: Look) {
        if now >= self.began + EVERY {
            // Its disk hung. What was not seen meanwhile is no writing without end.
            self.settle_by = Some(now + EVERY);
        }
        if look.opened && self.watch == Watch::Inotify {
            self.knocks.looked();
            self.handles.looked(now);
        }
        if self.knows(&look) {
            self.settled = true;
            (self.candidate, self.trusted) = (None, None);
            return;
        }
        let sight = Sight::of(&look);
        self.heard.another_is_there(sight.is_some());
        let since = match self.candidate.take() {
            Some(before) if before.seen == look.seen => before.since,
            _ => now,
        };
        match look.seen {
            Seen::Moving => {
                self.trusted = None;
                self.due = self.due.min(now + SOON);
            }
            Seen::Text(writing) if now >= since + QUIET => {
                self.believe((writing, sight), since + QUIET, false);
            }
            Seen::Fault(fault) if now >= since + QUIET => {
                self.fault = Some(fault);
                (self.settled, self.trusted) = (true, None);
                self.handles.rest();
            }
            seen => {
                self.trusted = self.trusted.filter(|_| matches!(seen, Seen::Text(_)));
                let knock = self.trusted.is_some();
                self.candidate = Some(Candidate { seen, sight, since, knock });
            }
        }
    }

    /// When to look next: what was seen is known to be finished when it stands for long enough.
    fn due(&self) -> Duration {
        self.candidate.as_ref().map_or(self.due, |seen| self.due.min(seen.since + QUIET))
    }

    /// Whether a look brought nothing new; a known text also heals what was wrong.
    fn knows(&mut self, look: &Look) -> bool {
        match &look.seen {
            Seen::Text(writing) => {
                let sight = Sight::of(look);
                let excluded = Excluded::by(self.sight, sight);
                let known = self
                    .believed
                    .as_ref()
                    .is_some_and(|told| self.is_old(told, writing, look, excluded));
                if known {
                    self.date = writing.stamp.mtime;
                    self.heard.nothing_new(excluded);
                    let same = self.sight.zip(sight).is_some_and(|(was, is)| was.is_of(is));
                    if same && !self.heard.is_changed() {
                        self.sight = sight;
                    }
                    self.asks |= self.watch != Watch::Poll && self.heard.must_ask();
                    self.fault = None;
                }
                known
            }
            Seen::Fault(fault) => self.fault.as_ref().is_some_and(|old| old.detail == fault.detail),
            Seen::Moving => false,
        }
    }

    /// Whether these are the bytes that were told, and nobody has written them again.
    fn is_old(&self, told: &Writing, seen: &Writing, look: &Look, excluded: Excluded) -> bool {
        let (was, is) = (told.stamp, seen.stamp);
        let changed = look.version.map(|version| version.changed);
        let dates =
            Dates { told: was.mtime, before: self.date, now: is.mtime, clock: look.clock, changed };
        (&told.text, was.size) == (&seen.text, is.size)
            && !self.heard.is_written_again(dates, excluded)
    }

    fn believe(
        &mut self,
        (writing, sight): (Writing, Option<Sight>),
        completed: Duration,
        behind_knock: bool,
    ) {
        (self.completed, self.sight) = (completed, sight);
        self.date = writing.stamp.mtime;
        self.heard.told(behind_knock);
        self.asks = self.watch != Watch::Poll && self.heard.must_ask();
        self.believed = Some(writing.clone());
        self.written = Some(writing);
        self.fault = None;
        self.settled = true;
        self.trusted = None;
        self.handles.rest();
    }

    fn knocked(&mut self, now: Duration) {
        if !self.knocks.came() {
            return;
        }
        // The opens of our own looks have come round by now, so it is known who is left; unless one began after the knock.
        if !self.knocks.awaits_open() {
            self.handles.all_arrived();
        }
        self.heard.no_knock_is_out();
        if let Some(word) = self.trusted
            && !self.handles.may_write(now, word)
            && let Some(Candidate { seen: Seen::Text(writing), sight, .. }) = self.candidate.take()
        {
            self.believe((writing, sight), self.trusted_at, true);
        }
    }

    fn vouch(&mut self, now: Duration, word: Proof) {
        (self.vouched, self.vouched_at) = (Some(word), now);
        self.stir(now);
        self.due = self.due.min(now);
    }

    /// Something happened to the file: what was missing may have been there in between.
    fn stir(&mut self, time: Duration) {
        let missing =
            |seen: &Seen| matches!(seen, Seen::Fault(f) if f.condition == Condition::Missing);
        if self.candidate.as_ref().is_some_and(|candidate| missing(&candidate.seen)) {
            self.candidate = None;
        }
        self.look_by(time);
    }

    /// A candidate has its own time, unless it may be told before.
    fn look_by(&mut self, time: Duration) {
        if self.candidate.is_none() || self.trusted.is_some() {
            self.due = self.due.min(time);
        }
    }

    fn health(&self) -> Health {
        // Nobody has answered yet, and that is well.
        let fault = self
            .fault
            .as_ref()
            .filter(|fault| !(self.may_be_missing && fault.condition == Condition::Missing));
        Health {
            state: fault.map_or(Condition::Ok, |fault| fault.condition),
            detail: fault.map(|fault| fault.detail.clone()).unwrap_or_default(),
            watch: self.watch,
        }
    }
}

/// The next whole multiple of this time. Whoever looks at these moments only does so when others do, too, so that a
/// thread wakes once for all of them.
pub(super) fn after(now: Duration, interval: Duration) -> Duration {
    let whole = now.as_nanos() / interval.as_nanos() + 1;
    interval.saturating_mul(u32::try_from(whole).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
