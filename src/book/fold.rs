//! Keeps a storm from pushing the record out of the book: of what comes too often some entries are
//! released, and the rest is counted. Pure: it is told what time it is.
//!
//! Terms. *Author*: whoever caused an entry. A *hand* writes the files or has given the token (its
//! entries have no `from`); a *stranger* has not given it. *Held*: not in the book yet. *Released*:
//! goes into the book. *Lane*: authors who share one set of held answers, at most one reply and one
//! stale answer; a newer one replaces it.
//!
//! Of the answers of one address to one order the first of each of its stations is released, up to
//! [`STATIONS`] of them, and then the last; what came between is counted. A new connection or another
//! secret is another station, and the allowance is the address's. Long answers of strangers share one
//! lane, whatever their addresses. A hand may write [`BURST`] entries at once, and of long ones as many
//! as are worth that in bytes; beyond, its last order and its last reply are released when it pauses.
//! A stranger who may order has an allowance of its address, [`STRANGERS_BURST`]; its order also costs
//! what the held answers cost that it releases. While an order is held, so are the answers to it.
//!
//! What is held is released when the next order comes, when the run ends, and after pauses that
//! double, so that a storm that lasts a day costs some twenty lines of each address. Numbers that
//! were given and are left out become a hole.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use chadburn_v1::By;

use super::bucket::{Bucket, cost};
use super::{hole, last_number};
use crate::entry::{Entry, WIDEST, What};

/// How many entries a hand may write at once: as many as `history::REMEMBERED`. It earns one more each
/// second.
pub(super) const BURST: u32 = 1_000;

/// How many orders the strangers of one address may have written at once, where they may order.
const STRANGERS_BURST: u32 = 100;

/// How soon strangers earn one more: the orders of a day fill a fifth of the book at most.
const STRANGERS_PAUSE: Duration = Duration::from_secs(10);

/// The most that a stranger's answer may cost to go into its address's own lane, in tokens of 256 bytes.
/// In lanes of their own, a hundred of 24 KB would fill a quarter of the book with one order.
const LONG: u32 = 4;

/// A hand that has written nothing for so long has ended its storm.
const CALM: Duration = Duration::from_secs(1);

/// How many stations of one address are told apart in what they answer to one order.
const STATIONS: usize = 8;

/// How many first answers to one order are released, from all addresses together. Addresses that come
/// later share one lane.
const FIRSTS: usize = 100;

/// A first answer releases held entries with lower numbers along with it, but no more than so many;
/// else it is held, too.
const FEW: usize = 2;

/// The first pause, after which what is held is released although nothing else has happened.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest pause in the storm of a hand.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// At most so many numbers may be missing from the end of the book, or twice as many as this run's
/// widest hole, before a hole is written. After a crash the next run skips at least that many
/// (`History::unused`), so that no number is given twice.
const MANY: u64 = 1_000;

/// Decides which entries are released, and holds the others.
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
    /// First answers that are held.
    kept: Vec<Entry>,
    /// The last order of a storm, held.
    order: Option<Entry>,
    /// Since when something is held.
    since: Option<Duration>,
    /// How long it is held.
    pause: Duration,
    /// How many numbers may be missing from the end of the book now.
    leeway: u64,
    /// The allowance of all hands.
    hands: Bucket,
    /// The allowances of strangers for orders, by address.
    strangers: HashMap<Lane, Bucket>,
    /// Tokens' worth of strangers' answers released since the last order.
    answered: u32,
    /// When a hand last wrote, or anybody last ordered.
    written: Duration,
    /// The date of the latest number.
    at: u64,
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

/// A lane's answers to the present order.
#[derive(Debug, Default)]
struct Answers {
    /// Which stations' first reply or stale answer there was.
    firsts: Vec<(Option<By>, What)>,
    /// The last reply, if it is held.
    reply: Option<Entry>,
    /// The last stale answer, if it is held; it counts those before it.
    stale: Option<Entry>,
}

impl Answers {
    fn is_kept(&self) -> bool {
        self.reply.is_some() || self.stale.is_some()
    }
}

fn total(lines: &[Entry]) -> u32 {
    lines.iter().map(cost).sum()
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
            hands: Bucket::new(burst, CALM),
            strangers: HashMap::new(),
            answered: 0,
            written: Duration::ZERO,
            at: 0,
        }
    }

    /// Takes an entry at this time since the start; returns what goes into the book now.
    pub fn put(&mut self, now: Duration, entry: Entry) -> Vec<Entry> {
        match (entry.what, entry.from) {
            (What::Reply | What::Stale, Some(address)) => self.stranger(now, address, entry),
            (What::Reply | What::Stale, None) => self.hand(now, entry),
            (What::Order | What::Repeat, _) => self.order(now, entry),
            (What::Run | What::End | What::Hole, _) => {
                let mut lines = self.flush();
                lines.push(self.pass(entry));
                lines
            }
        }
    }

    /// Releases what has been held for long enough, once it is paid for.
    pub fn settle(&mut self, now: Duration) -> Vec<Entry> {
        let Some(since) = self.since else { return Vec::new() };
        let hand = self.lanes.get(&Lane::Hand).is_some_and(Answers::is_kept);
        let storm = hand || self.order.is_some();
        let pause = if storm { self.pause.min(LONGEST_PAUSE) } else { self.pause };
        let calm = storm && now >= self.written + CALM;
        let in_debt = hand && self.hands.in_debt(now) || self.order_in_debt(now);
        if in_debt || !calm && now < since.saturating_add(pause) {
            return Vec::new();
        }
        if !calm {
            self.pause = self.pause.saturating_mul(2);
        }
        let lines = self.flush_paid(now);
        self.answered = self.answered.saturating_add(total(&lines));
        lines
    }

    /// What is held, as it would be released now.
    #[must_use]
    pub fn waiting(&self) -> Vec<Entry> {
        let mut lines = self.numbered();
        let stale = self.lanes.values().filter_map(|answers| answers.stale.as_ref());
        // A stale answer has no number of its own; it takes the latest one.
        let mut stale: Vec<_> = stale.map(|it| Entry { seq: self.given, ..it.clone() }).collect();
        stale.sort_by_key(|stale| stale.at);
        lines.append(&mut stale);
        lines
    }

    fn stranger(&mut self, now: Duration, address: IpAddr, entry: Entry) -> Vec<Entry> {
        let cost = cost(&entry);
        if cost > LONG {
            return self.keep(now, Lane::Others, entry);
        }
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
            if self.order.is_some() {
                return self.keep(now, lane, entry);
            }
            self.answered = self.answered.saturating_add(cost);
            return vec![self.pass(entry)];
        }
        let before = self.numbered();
        let kept = before.iter().filter(|line| line.what != What::Hole);
        if self.order.is_some() || kept.count() > FEW || total(&before) > LONG {
            self.gives(&entry);
            self.kept.push(entry);
            return self.overdue();
        }
        let mut lines = self.let_numbered_through();
        lines.push(self.pass(entry));
        self.answered = self.answered.saturating_add(total(&lines));
        lines
    }

    fn hand(&mut self, now: Duration, entry: Entry) -> Vec<Entry> {
        self.written = now;
        if self.order.is_some() || !self.hands.pays(now, cost(&entry)) {
            return self.keep(now, Lane::Hand, entry);
        }
        let mut lines = match entry.what {
            What::Reply => self.let_numbered_through(),
            _ => Vec::new(),
        };
        lines.push(self.pass(entry));
        lines
    }

    fn order(&mut self, now: Duration, entry: Entry) -> Vec<Entry> {
        self.written = now;
        let answers = |fold: &Self| fold.answered.saturating_add(total(&fold.waiting()));
        let cost = cost(&entry).saturating_add(entry.from.map_or(0, |_| answers(self)));
        if !self.payer(now, &entry).pays(now, cost) {
            self.next_order();
            self.gives(&entry);
            self.order = Some(entry);
            self.since.get_or_insert(now);
            return self.overdue();
        }
        if self.order_in_debt(now) {
            // The held order has not been paid for: it is dropped, and its number goes into a hole.
            self.order = None;
        }
        let mut lines = self.flush_paid(now);
        self.next_order();
        self.pause = PAUSE;
        lines.push(self.pass(entry));
        lines
    }

    /// Who pays for this order.
    fn payer(&mut self, now: Duration, order: &Entry) -> &mut Bucket {
        let Some(address) = order.from else { return &mut self.hands };
        let mut lane = Lane::Address(address);
        if !self.strangers.contains_key(&lane) && self.strangers.len() >= FIRSTS {
            self.strangers.retain(|_, bucket| !bucket.is_full(now));
            if self.strangers.len() >= FIRSTS {
                lane = Lane::Others;
            }
        }
        let new = || Bucket::new(STRANGERS_BURST, STRANGERS_PAUSE);
        self.strangers.entry(lane).or_insert_with(new)
    }

    /// Whether an order is held that is not paid for yet.
    fn order_in_debt(&mut self, now: Duration) -> bool {
        let Some(order) = self.order.take() else { return false };
        let in_debt = self.payer(now, &order).in_debt(now);
        self.order = Some(order);
        in_debt
    }

    /// Releases everything that is held, and has those pay who have caused the storm.
    fn flush_paid(&mut self, now: Duration) -> Vec<Entry> {
        if let Some(order) = self.order.take() {
            self.payer(now, &order).owes(cost(&order));
            self.order = Some(order);
        }
        if let Some(hand) = self.lanes.get(&Lane::Hand) {
            self.hands.owes(hand.reply.iter().chain(&hand.stale).map(cost).sum());
        }
        self.flush()
    }

    /// Answers are to another order from now on.
    fn next_order(&mut self) {
        let mut stale: Vec<_> = self.lanes.drain().filter_map(|(_, it)| it.stale).collect();
        stale.sort_by_key(|stale| (stale.seq, stale.at));
        // The latest of them stands for all, and counts the others.
        let all = stale.into_iter().reduce(|one, later| {
            let more = 1 + one.more.unwrap_or(0) + later.more.unwrap_or(0);
            Entry { more: Some(more), ..later }
        });
        if all.is_some() {
            self.lanes.insert(Lane::Others, Answers { stale: all, ..Answers::default() });
        }
        self.kept.clear();
        self.firsts = 0;
        self.answered = 0;
    }

    /// Keeps this as the last of its lane.
    fn keep(&mut self, now: Duration, lane: Lane, entry: Entry) -> Vec<Entry> {
        let answers = self.lanes.entry(lane).or_default();
        if entry.what == What::Stale {
            let more = answers.stale.take().map(|before| 1 + before.more.unwrap_or(0));
            answers.stale = Some(Entry { more, ..entry });
        } else {
            (self.given, self.at) = (entry.seq, entry.at);
            answers.reply = Some(entry);
        }
        self.since.get_or_insert(now);
        self.overdue()
    }

    /// Notes the number of an entry that is held.
    fn gives(&mut self, entry: &Entry) {
        (self.given, self.at) = (entry.seq, entry.at);
    }

    /// Releases what has a number, if too many numbers are missing from the book.
    fn overdue(&mut self) -> Vec<Entry> {
        if self.given - self.through > self.leeway {
            return self.let_numbered_through();
        }
        Vec::new()
    }

    /// Puts this into the book. A stale answer takes the number of the last line in the book, so that
    /// numbers do not go back.
    fn pass(&mut self, mut entry: Entry) -> Entry {
        match entry.what {
            What::Stale if self.through < self.given => entry.seq = self.through,
            What::Stale => {}
            _ => (self.given, self.through) = (last_number(&entry), last_number(&entry)),
        }
        entry
    }

    /// Releases everything that is held.
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

    /// Held entries with numbers, in their order, and holes for the numbers between.
    fn numbered(&self) -> Vec<Entry> {
        let replies = self.lanes.values().filter_map(|answers| answers.reply.as_ref());
        let mut entries: Vec<_> = self.kept.iter().chain(&self.order).chain(replies).collect();
        entries.sort_by_key(|entry| entry.seq);
        let (mut lines, mut through) = (Vec::with_capacity(entries.len()), self.through);
        let left_out = |through: u64, to: u64, at| {
            let more = to.checked_sub(through).filter(|&more| more > 0);
            more.map(|more| Entry { more: Some(more), ..hole(through + 1, to, at) })
        };
        for entry in entries {
            lines.extend(left_out(through, entry.seq - 1, entry.at));
            through = entry.seq;
            lines.push(entry.clone());
        }
        lines.extend(left_out(through, self.given, self.at));
        lines
    }
}

#[cfg(test)]
mod tests;
