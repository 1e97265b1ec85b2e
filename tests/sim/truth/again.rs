//! When bytes that were told before are told again, by the words of the design: dates, closes, renames,
//! and what the kernel told of them.

use live_file::writing::{Moment, Stamp};

use super::{Cause, Sight, Stand, Truth};
use crate::book::{MS, SECOND};

/// A knock that takes longer says that the watcher lags, and what it tells proves nothing: 20 ms, less
/// the time that its thread takes.
const LAGS: u64 = 15 * MS;

/// What was done longer before a look is of what it saw: 20 ms, and a tick of the clock that stamps files.
const TICK: u64 = 24 * MS;

impl Truth {
    /// Hints were missed, or come late.
    pub fn hints_are_missed(&mut self) {
        self.missed = self.book.now();
    }

    /// The kernel tells only then of something that was done.
    pub fn hints_are_late(&mut self, due: u64) {
        self.hints_are_missed();
        self.late = self.late.max(due);
    }

    /// The clock was set.
    pub fn clock_is_set(&mut self) {
        self.clock_set = self.book.now();
        // Any date may now look as if it was set to now.
        let Some(last) = self.stands.len().checked_sub(1) else { return };
        if self.told.as_ref().is_some_and(|told| self.stands[last].stamp != Some(told.stamp)) {
            let heard = self.stands[last].heard.filter(|_| !self.is_told(last));
            (self.stands[last].old, self.stands[last].heard) = (false, heard);
        }
    }

    /// The source knocks.
    pub fn knocks(&mut self) {
        self.knocked = (self.book.now(), false);
    }

    /// A knock has come round.
    pub fn knock_comes(&mut self) {
        if self.book.now() > self.knocked.0 + LAGS {
            self.hints_are_missed();
        }
        self.knocked.1 = true;
    }

    /// Whether these are bytes that stood there before, of which at most the date was set back, and
    /// whether it was heard that they were written.
    pub(super) fn comes_again(
        &self,
        stamp: Option<Stamp>,
        sight: &Sight,
        cause: Cause,
        clock: Moment,
    ) -> (bool, Option<u64>) {
        let before = self.stands.iter().rfind(|stand| stand.is_text());
        let Some((before, was, is)) = before.and_then(|it| Some((it, it.stamp?, stamp?))) else {
            return (false, None);
        };
        if (&before.sight, was.size) != (sight, is.size) {
            return (false, None);
        }
        let told = self.told.as_ref().is_some_and(|told| told.stamp == is);
        let set_back = is.mtime < was.mtime && !(is_near(is.mtime, clock) && was.mtime > clock);
        // A date that was set just before it was renamed away may not have been seen.
        let same = is == was && (cause != Cause::MovedIn || told || !before.old);
        // That it was moved may be heard only when it has another date.
        let moved = self.book.now() < self.moved_in + self.patience;
        let old = same || (cause == Cause::Other && (told || set_back && !moved));
        (old, before.heard.filter(|_| old))
    }

    /// Somebody is done with a writing, perhaps one of the same bytes with the same date.
    pub(super) fn is_done(&mut self, cause: Cause) {
        self.done = if cause == Cause::Closed { self.changed } else { self.book.now() };
        let here = cause == Cause::MovedOver || self.changed_here > self.told_at;
        let heard = (here && self.done > self.told_at).then(|| self.book.now());
        match self.stands.len().checked_sub(1) {
            Some(last) if self.stands[last].is_text() && !self.is_told(last) => {
                self.stands[last].heard = heard.or(self.stands[last].heard);
            }
            _ => self.stands_again(heard),
        }
    }

    /// What stands there and is told stands there anew if somebody is done with it since, and it may be
    /// told once more. By whom is not known: it may be one who has another file open that had its name.
    pub(super) fn stands_again(&mut self, heard: Option<u64>) {
        let last = self.stands.len().saturating_sub(1);
        if self.looked.is_some_and(|looked| self.done + TICK <= looked) {
            return;
        }
        let from = self.book.now();
        // Of what the kernel tells only later nobody knows whether it was before a look within the same tick.
        let unheard = self.done > self.since || self.late > from;
        if unheard && self.stands[last].is_text() && self.is_told(last) {
            let by = Vec::new();
            let again = Stand { from, by, old: false, heard, ..self.stands[last].clone() };
            self.stands[last].to = from;
            let file = self.file;
            self.book.note(|| format!("{file}: stands again {again:?}"));
            self.stands.push(again);
        }
    }

    /// Whether what stands there is told, perhaps under an earlier date.
    pub(super) fn is_told(&self, mut index: usize) -> bool {
        while self.stands[index].old {
            let before = self.stands[..index].iter().rposition(Stand::is_text);
            // Its beginning is forgotten, which it would not be if it was not told.
            let Some(before) = before else { return self.told.is_some() };
            index = before;
        }
        self.told.is_some() && index < self.next
    }

    /// The last that stands there has the bytes that were told, under this date. Whether it is told, or
    /// might be a date that somebody has set.
    pub(super) fn need_not_be_told(&self, last: &Stand, told: Moment) -> bool {
        let now = self.book.now();
        let heard = last.heard.filter(|_| self.missed < self.since && self.knocked.1);
        let heard = heard.is_some_and(|at| at > self.since && now >= at + self.patience);
        let later = last.stamp.is_some_and(|stamp| stamp.mtime > told);
        // After a disk has hung for so long the first look is too late to tell a date set to now from others.
        let in_time = self.watched.is_some_and(|watched| watched < last.from + 9 * SECOND);
        let dated = self.polled || last.dated_now && in_time;
        let must = heard || later && self.clock_set < self.told_at && dated;
        !must || self.is_told(self.stands.len() - 1)
    }
}

/// Within the ten seconds that the design gives to a date that is set to now.
pub(super) fn is_near(one: Moment, other: Moment) -> bool {
    let micros = |(seconds, nanos): Moment| seconds * 1_000_000 + nanos / 1_000;
    micros(one).abs_diff(micros(other)) <= 10 * SECOND
}
