//! Keeps a storm from pushing the record out of the book: of what comes too often some is let
//! through, and the rest is counted.
//!
//! A *stranger* has not given the token. Of the answers of one address to one order the first of
//! each of its stations goes through, up to [`STATIONS`] of them, and then the last; what came
//! between is counted. A new connection or another secret is another station, and the allowance is
//! the address's. A *hand* writes the files, or has given the token. It may write [`BURST`] entries
//! at once; beyond, the last order and the last reply are let through when it rests.
//!
//! What is kept is let through when the next order comes, when the run ends, and after pauses that
//! double, so that a storm that lasts a day costs some twenty lines of each address. Numbers that
//! were given and are left out become a hole. Pure: it is told what time it is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use chadburn_v1::By;

use super::{hole, last_number};
use crate::entry::{Entry, WIDEST, What};

/// How many entries a hand may write at once: as many states as are remembered. It earns one more
/// with each second in which it writes nothing.
pub(super) const BURST: u32 = 1_000;

/// A hand that has written nothing for so long has ended its storm.
const CALM: Duration = Duration::from_secs(1);

/// How many stations of one address are told apart in what they answer to one order.
const STATIONS: usize = 8;

/// How many first answers to one order go through, from all addresses together. Whoever comes later
/// counts as one.
const FIRSTS: usize = 100;

/// A first answer takes no more than so many others through with it that wait under lesser numbers;
/// else it waits with them.
const FEW: usize = 2;

/// The first pause, after which what is kept is let through although nothing else has happened.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest pause in the storm of a hand.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// So many numbers are left out before a hole tells of them, or twice as many as the widest hole of
/// this run has: a run that ends badly has given no more than those of which nothing was written.
const MANY: u64 = 1_000;

/// What is let through and what is kept.
#[derive(Debug)]
pub struct Fold {
    /// The latest number that was given.
    given: u64,
    /// Every number up to this one is in the book, or in a hole.
    through: u64,
    /// What is known of the present order's answers.
    lanes: HashMap<Lane, Answers>,
    /// How many first answers to the present order there were.
    firsts: usize,
    /// First answers that wait.
    kept: Vec<Entry>,
    /// The last order of a storm.
    order: Option<Entry>,
    /// Since when something is kept.
    since: Option<Duration>,
    /// How long it is kept.
    pause: Duration,
    /// How many numbers may be left out before a hole tells of them.
    leeway: u64,
    /// How many entries hands may write now, and how many at most.
    credit: u32,
    burst: u32,
    /// When a hand last wrote.
    written: Duration,
}

/// Those who share an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lane {
    /// Whoever writes the files, or has given the token.
    Hand,
    /// Whoever comes from this address.
    Address(IpAddr),
    /// Whoever comes from another address when there were too many.
    Others,
}

/// What a lane has answered to the present order.
#[derive(Debug, Default)]
struct Answers {
    /// Which stations' first reply or stale answer there was.
    firsts: Vec<(Option<By>, What)>,
    /// The last reply, if it waits.
    reply: Option<Entry>,
    /// The last stale answer, if it waits; it counts those before it.
    stale: Option<Entry>,
}

impl Fold {
    /// Nothing has happened yet. A hand may write so many entries at once.
    #[must_use]
    pub fn new(burst: u32) -> Self {
        Self {
            given: 0,
            through: 0,
            lanes: HashMap::new(),
            firsts: 0,
            kept: Vec::new(),
            order: None,
            since: None,
            pause: PAUSE,
            leeway: MANY,
            credit: burst,
            burst,
            written: Duration::ZERO,
        }
    }

    /// Takes an entry at this time since the start; returns what goes into the book now.
    pub fn put(&mut self, now: Duration, entry: Entry) -> Vec<Entry> {
        match (entry.what, entry.from) {
            (What::Reply | What::Stale, Some(address)) => self.stranger(now, address, entry),
            (What::Reply | What::Stale | What::Order | What::Repeat, _) => self.hand(now, entry),
            (What::Run | What::End | What::Hole, _) => {
                let mut lines = self.flush();
                lines.push(self.pass(entry));
                lines
            }
        }
    }

    /// Lets through what has been kept for long enough.
    pub fn settle(&mut self, now: Duration) -> Vec<Entry> {
        let Some(since) = self.since else { return Vec::new() };
        let hand = self.lanes.get(&Lane::Hand);
        let storm = self.order.is_some()
            || hand.is_some_and(|hand| hand.reply.is_some() || hand.stale.is_some());
        let pause = if storm { self.pause.min(LONGEST_PAUSE) } else { self.pause };
        if storm && now >= self.written + CALM {
            return self.flush();
        }
        if now < since.saturating_add(pause) {
            return Vec::new();
        }
        self.pause = self.pause.saturating_mul(2);
        self.flush()
    }

    /// What is kept, as it would be let through now.
    #[must_use]
    pub fn waiting(&self) -> Vec<Entry> {
        let mut lines = self.numbered();
        let stale = self.lanes.values().filter_map(|answers| answers.stale.as_ref());
        // These have the number of what is before them.
        let mut stale: Vec<_> = stale.map(|it| Entry { seq: self.given, ..it.clone() }).collect();
        stale.sort_by_key(|stale| stale.at);
        lines.append(&mut stale);
        lines
    }

    fn stranger(&mut self, now: Duration, address: IpAddr, entry: Entry) -> Vec<Entry> {
        let full = self.firsts >= FIRSTS;
        let own = Lane::Address(address);
        let lane = if full && !self.lanes.contains_key(&own) { Lane::Others } else { own };
        let firsts = &mut self.lanes.entry(lane).or_default().firsts;
        let who = (entry.by, entry.what);
        if full || firsts.len() >= STATIONS || firsts.contains(&who) {
            return self.keep(now, lane, entry);
        }
        firsts.push(who);
        self.firsts += 1;
        if entry.what == What::Stale {
            return vec![self.pass(entry)];
        }
        let replies = self.lanes.values().filter(|answers| answers.reply.is_some()).count();
        if self.kept.len() + replies > FEW {
            self.given = entry.seq;
            self.kept.push(entry);
            return self.overdue();
        }
        let mut lines = self.let_numbered_through();
        lines.push(self.pass(entry));
        lines
    }

    fn hand(&mut self, now: Duration, entry: Entry) -> Vec<Entry> {
        let rest = now.saturating_sub(std::mem::replace(&mut self.written, now)).as_secs();
        let earned = u32::try_from(rest).unwrap_or(u32::MAX);
        self.credit = self.credit.saturating_add(earned).min(self.burst);
        let is_order = matches!(entry.what, What::Order | What::Repeat);
        let Some(left) = self.credit.checked_sub(1) else {
            if !is_order {
                return self.keep(now, Lane::Hand, entry);
            }
            self.next_order();
            self.given = entry.seq;
            self.order = Some(entry);
            self.since.get_or_insert(now);
            return self.overdue();
        };
        self.credit = left;
        let mut lines = match entry.what {
            _ if is_order => self.flush(),
            What::Reply => self.let_numbered_through(),
            _ => Vec::new(),
        };
        if is_order {
            self.next_order();
            self.pause = PAUSE;
        }
        lines.push(self.pass(entry));
        lines
    }

    /// Answers are to another order from now on.
    fn next_order(&mut self) {
        let stale = self.lanes.drain().filter_map(|(_, answers)| answers.stale);
        let all = stale.reduce(|one, other| {
            let more = 1 + one.more.unwrap_or(0) + other.more.unwrap_or(0);
            Entry { more: Some(more), ..other }
        });
        if all.is_some() {
            self.lanes.insert(Lane::Others, Answers { stale: all, ..Answers::default() });
        }
        self.kept.clear();
        self.firsts = 0;
    }

    /// Keeps this as the last of its lane.
    fn keep(&mut self, now: Duration, lane: Lane, entry: Entry) -> Vec<Entry> {
        let answers = self.lanes.entry(lane).or_default();
        if entry.what == What::Stale {
            let more = answers.stale.take().map(|before| 1 + before.more.unwrap_or(0));
            answers.stale = Some(Entry { more, ..entry });
        } else {
            self.given = entry.seq;
            answers.reply = Some(entry);
        }
        self.since.get_or_insert(now);
        self.overdue()
    }

    /// Lets through what waits under numbers, if too many of them are not told of.
    fn overdue(&mut self) -> Vec<Entry> {
        if self.given - self.through > self.leeway {
            return self.let_numbered_through();
        }
        Vec::new()
    }

    /// This goes into the book as it is.
    fn pass(&mut self, mut entry: Entry) -> Entry {
        match entry.what {
            What::Stale if self.through < self.given => entry.seq = self.through,
            What::Stale => {}
            _ => (self.given, self.through) = (last_number(&entry), last_number(&entry)),
        }
        entry
    }

    /// Lets through everything that is kept.
    pub fn flush(&mut self) -> Vec<Entry> {
        let lines = self.waiting();
        self.let_numbered_through();
        for answers in self.lanes.values_mut() {
            answers.stale = None;
        }
        self.since = None;
        lines
    }

    fn let_numbered_through(&mut self) -> Vec<Entry> {
        let lines = self.numbered();
        self.kept.clear();
        self.order = None;
        for answers in self.lanes.values_mut() {
            answers.reply = None;
        }
        self.through = self.given;
        let widest = lines.iter().filter_map(|line| line.more).max().unwrap_or(0);
        self.leeway = self.leeway.max(2 * widest).min(WIDEST);
        if self.lanes.values().all(|answers| answers.stale.is_none()) {
            self.since = None;
        }
        lines
    }

    /// What waits under numbers, in their order, and holes for the numbers between.
    fn numbered(&self) -> Vec<Entry> {
        let replies = self.lanes.values().filter_map(|answers| answers.reply.as_ref());
        let mut entries: Vec<_> = self.kept.iter().chain(&self.order).chain(replies).collect();
        entries.sort_by_key(|entry| entry.seq);
        let (mut lines, mut through) = (Vec::with_capacity(entries.len()), self.through);
        for entry in entries {
            if let Some(more) = (entry.seq - through).checked_sub(1).filter(|&more| more > 0) {
                let hole = hole(through + 1, entry.seq - 1, entry.at);
                lines.push(Entry { more: Some(more), ..hole });
            }
            through = entry.seq;
            lines.push(entry.clone());
        }
        lines
    }
}

#[cfg(test)]
mod tests;
