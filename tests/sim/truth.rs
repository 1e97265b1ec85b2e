//! What really stood in a watched file, moment by moment, and whether what a source tells of it
//! is true: nothing torn, nothing made up, nothing out of order, nothing that stood for long lost.

use chadburn::file::File;
use live_file::writing::{Condition, Health, Moment, Report, Stamp, Writing};

use crate::book::{Book, MS, SECOND};
use crate::clerk::Credit;
use again::is_near;

mod again;

/// What has not changed for so long counts as finished, whoever holds it open: 100 ms, less the
/// time that a look may take, because it sees the file at its beginning and is judged by its end.
const STOOD: u64 = 80 * MS;

/// How much later than it was replaced a writing may still be told.
const STALE: u64 = SECOND;

/// What a reader would see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// A status.
    Text(String),
    /// None, for this reason.
    Fault(Condition),
}

/// Why it is looked at what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody has changed the content.
    Written,
    /// Somebody has changed that of another file, which once had the name.
    WrittenElsewhere,
    /// Somebody has closed it who could change it.
    Closed,
    /// Another file was renamed over it.
    MovedOver,
    /// A file was renamed to where none stood.
    MovedIn,
    /// Anything else.
    Other,
}

/// How many of those that stood there are remembered through a calm: more than a server remembers
/// of its own writings that it has not read back.
const REMEMBERED: usize = 256;

/// Something that stood in the file without a change.
#[derive(Clone, Debug)]
pub struct Stand {
    /// Its date and size.
    stamp: Option<Stamp>,
    /// What it said.
    sight: Sight,
    /// Since when.
    from: u64,
    /// Until when.
    to: u64,
    /// At some moment nobody was in the middle of writing it.
    whole: bool,
    /// The stations that may have caused it; none if another hand did.
    by: Vec<Credit>,
    /// The same bytes stood there before, and at most their date was set back: no writing of its own.
    old: bool,
    /// It has the date of the moment at which it came to stand there.
    dated_now: bool,
    /// Since when, after something was told, a close after a change or a rename over it has been heard.
    heard: Option<u64>,
}

/// What stood in one file, and what was told of it.
#[derive(Debug)]
pub struct Truth {
    file: File,
    book: Book,
    stands: Vec<Stand>,
    /// The first stand that may be told next.
    next: usize,
    /// Since when a source watches without a break.
    watched: Option<u64>,
    /// When the kernel last told anything of it.
    stirred: u64,
    /// For how long a writing must stand to be told for certain.
    patience: u64,
    /// What was told last, and when.
    told: Option<Writing>,
    told_at: u64,
    /// When the source knocked last, and whether that has come round.
    knocked: (u64, bool),
    /// When it had knocked last as something was told: what was done later counts anew.
    since: u64,
    /// When somebody changed the content last, of any file that has had the name, and of the one that is seen.
    changed: u64,
    changed_here: u64,
    /// Until when the kernel has not told of something that was done.
    late: u64,
    /// When the look began that brought what was told last, if it shows by itself what was done since.
    looked: Option<u64>,
    /// When what was closed last had been changed, or something was renamed over it.
    done: u64,
    /// When a file was renamed last to where none stood.
    moved_in: u64,
    /// The kernel tells nothing.
    polled: bool,
    /// When hints were last missed, or came late.
    missed: u64,
    /// When the clock was set last.
    clock_set: u64,
    /// The health that was told last.
    health: Option<Condition>,
    /// How many writings were told, and how many of them before anybody could have looked twice.
    pub prompt: (u64, u64),
}

impl Truth {
    /// Nothing is known of what stands there.
    #[must_use]
    pub fn new(file: File, book: Book) -> Self {
        Self {
            file,
            book,
            stands: Vec::new(),
            next: 0,
            watched: None,
            stirred: 0,
            patience: SECOND,
            told: None,
            told_at: 0,
            knocked: (0, true),
            since: 0,
            changed: 0,
            changed_here: 0,
            late: 0,
            looked: None,
            done: 0,
            moved_in: 0,
            polled: false,
            missed: 0,
            clock_set: 0,
            health: None,
            prompt: (0, 0),
        }
    }

    /// This stands there now. `whole`: nobody is in the middle of writing it.
    pub fn stands(
        &mut self,
        stamp: Option<Stamp>,
        sight: Sight,
        whole: bool,
        by: &[Credit],
        (cause, clock): (Cause, Moment),
    ) {
        let now = self.book.now();
        self.judge_standing();
        match cause {
            Cause::Written => (self.changed, self.changed_here) = (now, now),
            Cause::WrittenElsewhere => self.changed = now,
            Cause::MovedIn => self.moved_in = now,
            Cause::Closed | Cause::MovedOver | Cause::Other => {}
        }
        let (old, heard) = self.comes_again(stamp, &sight, cause, clock);
        match self.stands.last_mut() {
            Some(last) if (last.stamp, &last.sight, &*last.by) == (stamp, &sight, by) => {
                last.whole |= whole;
            }
            last => {
                if let Some(last) = last {
                    last.to = now;
                }
                let file = self.file;
                let marks = (if whole { "whole" } else { "torn" }, if old { "old" } else { "new" });
                self.book.note(|| format!("{file}: stands {sight:?} {stamp:?} {marks:?} {by:?}"));
                let (from, to, by) = (now, u64::MAX, by.to_vec());
                let dated_now = stamp.is_some_and(|it| is_near(it.mtime, clock));
                let stand = Stand { stamp, sight, from, to, whole, by, old, dated_now, heard };
                self.stands.push(stand);
            }
        }
        if matches!(cause, Cause::Closed | Cause::MovedOver) {
            self.is_done(cause);
        }
    }

    /// The kernel tells something of this file.
    pub fn stirs(&mut self) {
        self.judge_standing();
        self.stirred = self.book.now();
    }

    /// A source begins to watch, and knows nothing.
    pub fn source_starts(&mut self) {
        self.next = self.stands.len().saturating_sub(1);
        (self.told, self.health) = (None, None);
        self.told_at = self.book.now();
    }

    /// It watches from now on in such a way that it must tell what stands for so long. `None`:
    /// nobody watches.
    pub fn watched(&mut self, patience: Option<u64>, polled: bool) {
        self.watched = patience.map(|_| self.book.now());
        self.polled = polled;
        self.patience = patience.unwrap_or(self.patience);
    }

    /// It goes on to be watched, or is again, in such a way that it must tell what stands for so long.
    pub fn is_watched_for(&mut self, patience: u64) {
        self.watched.get_or_insert(self.book.now());
        self.patience = patience;
    }

    /// The stations lose the credit for whatever stood there.
    pub fn forget_authors(&mut self) {
        for stand in &mut self.stands {
            stand.by.clear();
        }
    }

    /// Forgets what stood there long ago.
    pub fn forget(&mut self) {
        let old = self.stands.len().saturating_sub(REMEMBERED).min(self.next);
        self.stands.drain(..old);
        self.next -= old;
    }

    /// What stands there now.
    #[must_use]
    pub fn now(&self) -> &Sight {
        &self.stands.last().expect("the disk is looked at before all else").sight
    }

    /// Whether its source has told that something is wrong with it.
    #[must_use]
    pub fn is_ill(&self) -> bool {
        self.health != Some(Condition::Ok)
    }

    /// A source tells this after a look that began then, if it shows what was done since. Returns who may be credited
    /// with a writing; nobody means `file`.
    pub fn told(&mut self, report: &Report, looked: Option<u64>) -> Vec<Vec<Credit>> {
        self.looked = looked.filter(|_| self.clock_set == 0);
        match report {
            Report::Written(writing) => self.written(writing),
            Report::Health(health) => {
                self.told_health(health);
                Vec::new()
            }
        }
    }

    fn written(&mut self, writing: &Writing) -> Vec<Vec<Credit>> {
        let now = self.book.now();
        let same = |stand: &Stand| {
            stand.stamp == Some(writing.stamp)
                && matches!(&stand.sight, Sight::Text(text) if *text == writing.text)
        };
        let finished = |stand: &Stand| stand.whole || stand.to.min(now) - stand.from >= STOOD;
        let later = &self.stands[self.next..];
        let mut indices = (self.next..).zip(later);
        let fits = |(index, stand): (usize, &Stand)| {
            same(stand) && finished(stand) && !(stand.old && self.is_told(index))
        };
        let Some(index) = indices.position(fits) else {
            let why = match () {
                () if later.iter().any(|it| same(it) && finished(it)) => "was not written again",
                () if later.iter().any(same) => "was never finished",
                () if self.stands.iter().any(same) => "is told twice or out of order",
                () => "was never written",
            };
            self.book.fail(format!("{}: {writing:?} {why}", self.file));
            return Vec::new();
        };
        // A number that comes round with the same time and text makes two writings one.
        let by = self.stands.iter().filter(|stand| same(stand));
        let by = by.map(|stand| stand.by.clone()).collect();
        let last = later.iter().rfind(|stand| same(stand)).map_or(0, |stand| stand.to);
        self.book.hold(last == u64::MAX || now - last < STALE, || {
            format!("{}: {writing:?} was replaced {} ms ago", self.file, (now - last) / MS)
        });
        self.prompt.0 += 1;
        self.prompt.1 += u64::from(now - later[index].from < STOOD);
        self.next += index + 1;
        self.told = Some(writing.clone());
        (self.told_at, self.since) = (now, self.knocked.0);
        self.stands_again(None);
        by
    }

    fn told_health(&mut self, health: &Health) {
        let now = self.book.now();
        let was = |stand: &Stand| match (health.state, &stand.sight) {
            (Condition::Ok, Sight::Text(_)) => true,
            (Condition::Ok, Sight::Fault(fault)) => self.no_fault(*fault),
            (state, Sight::Fault(fault)) => is_named(*fault, state),
            (_, Sight::Text(_)) => false,
        };
        let lately = |stand: &&Stand| stand.to == u64::MAX || now - stand.to < STALE;
        // It is no news that it is still told to be so, should only the watch be another.
        let so = self.health == Some(health.state)
            || self.stands.iter().rev().take_while(lately).any(was);
        self.book.hold(so, || format!("{}: {:?} was not so", self.file, health.state));
        self.health = Some(health.state);
    }

    /// Nobody has answered yet, and that is well.
    fn no_fault(&self, fault: Condition) -> bool {
        (self.file, fault) == (File::Accept, Condition::Missing)
    }

    /// What has stood for long enough must have been told.
    pub fn judge_standing(&self) {
        let (Some(watched), Some(last)) = (self.watched, self.stands.last()) else { return };
        // Whoever writes on a file that was removed is heard under its old name, and whether the
        // name came back with it is not.
        let missing = last.sight == Sight::Fault(Condition::Missing);
        let stirred = if missing { self.stirred } else { 0 };
        if self.book.now() < last.from.max(watched).max(stirred).max(self.late) + self.patience {
            return;
        }
        let so = match &last.sight {
            Sight::Text(text) => {
                let told = self.told.as_ref().filter(|told| told.text == *text);
                let told = told.filter(|told| last.size() == Some(told.stamp.size));
                told.is_some_and(|told| self.need_not_be_told(last, told.stamp.mtime))
                    && self.health == Some(Condition::Ok)
            }
            Sight::Fault(fault) if self.no_fault(*fault) => self.health == Some(Condition::Ok),
            Sight::Fault(fault) => self.health.is_some_and(|state| is_named(*fault, state)),
        };
        self.book.hold(so, || {
            let (told, health) = (&self.told, &self.health);
            format!("{}: {last:?} was not told, but {told:?} {health:?}", self.file)
        });
    }
}

/// Whether this fault may be called so: UTF-16 without its mark is named as that, and here it is a text with NULs.
fn is_named(fault: Condition, state: Condition) -> bool {
    fault == state || (fault, state) == (Condition::NotText, Condition::NotUtf8)
}

impl Stand {
    fn is_text(&self) -> bool {
        matches!(self.sight, Sight::Text(_))
    }

    fn size(&self) -> Option<u64> {
        self.stamp.map(|stamp| stamp.size)
    }
}
