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

mod lanes;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use self::lanes::{Answers, Lane, total};
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

/// How soon a hand earns one more entry.
const HAND_EARNS: Duration = Duration::from_secs(1);

/// A hand that has written nothing for so long has ended its storm.
const STORM_END: Duration = Duration::from_secs(1);

/// How many stations of one address are told apart in what they answer to one order.
const STATIONS: usize = 8;

/// How many first answers to one order are released, from all addresses together. Addresses that come
/// later share one lane.
const FIRST_ANSWERS_MAX: usize = 100;

/// How many addresses of strangers have an allowance of their own for orders. Addresses that come later
/// share one.
const STRANGERS_MAX: usize = 100;

/// A first answer releases held entries with lower numbers along with it, but no more than so many;
/// else it is held, too.
const RELEASED_WITH_MAX: usize = 2;

/// The first pause, after which what is held is released although nothing else has happened.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest pause in the storm of a hand.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// At most so many numbers may be missing from the end of the book, or twice as many as this run's
/// widest hole, before a hole is written. After a crash the next run skips at least that many
/// (`History::unused`), so that no number is given twice.
const UNRECORDED_MAX: u64 = 1_000;

/// Decides which entries are released, and holds the others.
#[derive(Debug)]
pub struct StormFilter {
    /// The latest number that was given.
    latest_seq: u64,
    /// Every number up to this one is in the book, or in a hole.
    recorded_to: u64,
    /// What is known of the present order's answers.
    lanes: HashMap<Lane, Answers>,
    /// How many first answers to the present order there were.
    first_answers: usize,
    /// First answers that are held.
    held_firsts: Vec<Entry>,
    /// The last order of a storm, held.
    held_order: Option<Entry>,
    /// Since when something is held.
    held_since: Option<Duration>,
    /// How long it is held.
    pause: Duration,
    /// How many numbers may be missing from the end of the book now.
    unrecorded_max: u64,
    /// The allowance of all hands.
    hands: Bucket,
    /// The allowances of strangers for orders, by address.
    strangers: HashMap<Lane, Bucket>,
    /// Tokens' worth of strangers' answers released since the last order.
    answers_cost: u32,
    /// When a hand last wrote, or anybody last ordered.
    last_activity: Duration,
    /// The date of the latest number.
    latest_at: u64,
}

impl StormFilter {
    /// Nothing has happened yet. A hand may write so many entries at once.
    #[must_use]
    pub fn new(burst: u32) -> Self {
        Self {
            latest_seq: 0,
            recorded_to: 0,
            lanes: HashMap::new(),
            first_answers: 0,
            held_firsts: Vec::new(),
            held_order: None,
            held_since: None,
            pause: PAUSE,
            unrecorded_max: UNRECORDED_MAX,
            hands: Bucket::new(burst, HAND_EARNS),
            strangers: HashMap::new(),
            answers_cost: 0,
            last_activity: Duration::ZERO,
            latest_at: 0,
        }
    }

    /// Takes an entry at this time since the start; returns what goes into the book now.
    pub fn put(&mut self, now: Duration, entry: Entry) -> Vec<Entry> {
        match (entry.what, entry.from) {
            (What::Reply | What::Stale, Some(address)) => {
                self.stranger_answers(now, address, entry)
            }
            (What::Reply | What::Stale, None) => self.hand_answers(now, entry),
            (What::Order | What::Repeat, _) => self.new_order(now, entry),
            (What::Run | What::End | What::Hole, _) => {
                let mut lines = self.release_all();
                lines.push(self.release(entry));
                lines
            }
        }
    }

    /// Releases what has been held for long enough, once it is paid for.
    pub fn release_due(&mut self, now: Duration) -> Vec<Entry> {
        let Some(since) = self.held_since else { return Vec::new() };
        let hand = self.lanes.get(&Lane::Hand).is_some_and(Answers::is_held);
        let storm = hand || self.held_order.is_some();
        let pause = if storm { self.pause.min(LONGEST_PAUSE) } else { self.pause };
        let calm = storm && now >= self.last_activity + STORM_END;
        let in_debt = hand && self.hands.in_debt(now) || self.order_in_debt(now);
        if in_debt || !calm && now < since.saturating_add(pause) {
            return Vec::new();
        }
        if !calm {
            self.pause = self.pause.saturating_mul(2);
        }
        let lines = self.release_paid(now);
        self.answers_cost = self.answers_cost.saturating_add(total(&lines));
        lines
    }

    /// What is held, as it would be released now.
    #[must_use]
    pub fn held(&self) -> Vec<Entry> {
        let mut lines = self.numbered();
        let stale = self.lanes.values().filter_map(|answers| answers.stale.as_ref());
        // A stale answer has no number of its own; it takes the latest one.
        let mut stale: Vec<_> =
            stale.map(|it| Entry { seq: self.latest_seq, ..it.clone() }).collect();
        stale.sort_by_key(|stale| stale.at);
        lines.append(&mut stale);
        lines
    }

    fn stranger_answers(&mut self, now: Duration, address: IpAddr, entry: Entry) -> Vec<Entry> {
        let price = cost(&entry);
        if price > LONG {
            return self.hold(now, Lane::Others, entry);
        }
        let full = self.first_answers >= FIRST_ANSWERS_MAX;
        let own = Lane::Address(address);
        let lane = if full && !self.lanes.contains_key(&own) { Lane::Others } else { own };
        let firsts = &mut self.lanes.entry(lane).or_default().firsts;
        let who = (entry.by, entry.what);
        if full || firsts.len() >= STATIONS || firsts.contains(&who) {
            return self.hold(now, lane, entry);
        }
        firsts.push(who);
        self.first_answers += 1;
        if entry.what == What::Stale {
            if self.held_order.is_some() {
                return self.hold(now, lane, entry);
            }
            self.answers_cost = self.answers_cost.saturating_add(price);
            return vec![self.release(entry)];
        }
        let before = self.numbered();
        let held = before.iter().filter(|line| line.what != What::Hole);
        if self.held_order.is_some() || held.count() > RELEASED_WITH_MAX || total(&before) > LONG {
            self.note_number(&entry);
            self.held_firsts.push(entry);
            return self.overdue();
        }
        let mut lines = self.release_numbered();
        lines.push(self.release(entry));
        self.answers_cost = self.answers_cost.saturating_add(total(&lines));
        lines
    }

    fn hand_answers(&mut self, now: Duration, entry: Entry) -> Vec<Entry> {
        self.last_activity = now;
        if self.held_order.is_some() || !self.hands.pays(now, cost(&entry)) {
            return self.hold(now, Lane::Hand, entry);
        }
        let mut lines = match entry.what {
            What::Reply => self.release_numbered(),
            _ => Vec::new(),
        };
        lines.push(self.release(entry));
        lines
    }

    fn new_order(&mut self, now: Duration, entry: Entry) -> Vec<Entry> {
        self.last_activity = now;
        let answers_price =
            |filter: &Self| filter.answers_cost.saturating_add(total(&filter.held()));
        let price = cost(&entry).saturating_add(entry.from.map_or(0, |_| answers_price(self)));
        if !self.payer(now, &entry).pays(now, price) {
            self.next_order();
            self.note_number(&entry);
            self.held_order = Some(entry);
            self.held_since.get_or_insert(now);
            return self.overdue();
        }
        if self.order_in_debt(now) {
            // The held order has not been paid for: it is dropped, and its number goes into a hole.
            self.held_order = None;
        }
        let mut lines = self.release_paid(now);
        self.next_order();
        self.pause = PAUSE;
        lines.push(self.release(entry));
        lines
    }

    /// Who pays for this order.
    fn payer(&mut self, now: Duration, order: &Entry) -> &mut Bucket {
        let Some(address) = order.from else { return &mut self.hands };
        let mut lane = Lane::Address(address);
        if !self.strangers.contains_key(&lane) && self.strangers.len() >= STRANGERS_MAX {
            self.strangers.retain(|_, bucket| !bucket.is_full(now));
            if self.strangers.len() >= STRANGERS_MAX {
                lane = Lane::Others;
            }
        }
        let new = || Bucket::new(STRANGERS_BURST, STRANGERS_PAUSE);
        self.strangers.entry(lane).or_insert_with(new)
    }

    /// Whether an order is held that is not paid for yet.
    fn order_in_debt(&mut self, now: Duration) -> bool {
        let Some(order) = self.held_order.take() else { return false };
        let in_debt = self.payer(now, &order).in_debt(now);
        self.held_order = Some(order);
        in_debt
    }

    /// Releases everything that is held, and has those pay who have caused the storm.
    fn release_paid(&mut self, now: Duration) -> Vec<Entry> {
        if let Some(order) = self.held_order.take() {
            self.payer(now, &order).owes(cost(&order));
            self.held_order = Some(order);
        }
        if let Some(hand) = self.lanes.get(&Lane::Hand) {
            self.hands.owes(hand.reply.iter().chain(&hand.stale).map(cost).sum());
        }
        self.release_all()
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
        self.held_firsts.clear();
        self.first_answers = 0;
        self.answers_cost = 0;
    }

    /// Holds this as the last of its lane.
    fn hold(&mut self, now: Duration, lane: Lane, entry: Entry) -> Vec<Entry> {
        let answers = self.lanes.entry(lane).or_default();
        if entry.what == What::Stale {
            let more = answers.stale.take().map(|before| 1 + before.more.unwrap_or(0));
            answers.stale = Some(Entry { more, ..entry });
        } else {
            (self.latest_seq, self.latest_at) = (entry.seq, entry.at);
            answers.reply = Some(entry);
        }
        self.held_since.get_or_insert(now);
        self.overdue()
    }

    /// Notes the number of an entry that is held.
    fn note_number(&mut self, entry: &Entry) {
        (self.latest_seq, self.latest_at) = (entry.seq, entry.at);
    }

    /// Releases what has a number, if too many numbers are missing from the book.
    fn overdue(&mut self) -> Vec<Entry> {
        if self.latest_seq - self.recorded_to > self.unrecorded_max {
            return self.release_numbered();
        }
        Vec::new()
    }

    /// Puts this into the book. A stale answer takes the number of the last line in the book, so that
    /// numbers do not go back.
    fn release(&mut self, mut entry: Entry) -> Entry {
        match entry.what {
            What::Stale if self.recorded_to < self.latest_seq => entry.seq = self.recorded_to,
            What::Stale => {}
            _ => (self.latest_seq, self.recorded_to) = (last_number(&entry), last_number(&entry)),
        }
        entry
    }

    /// Releases everything that is held.
    pub fn release_all(&mut self) -> Vec<Entry> {
        let lines = self.held();
        self.release_numbered();
        for answers in self.lanes.values_mut() {
            answers.stale = None;
        }
        self.held_since = None;
        lines
    }

    fn release_numbered(&mut self) -> Vec<Entry> {
        let lines = self.numbered();
        self.held_firsts.clear();
        self.held_order = None;
        for answers in self.lanes.values_mut() {
            answers.reply = None;
        }
        self.recorded_to = self.latest_seq;
        let widest = lines.iter().filter_map(|line| line.more).max().unwrap_or(0);
        self.unrecorded_max = self.unrecorded_max.max(2 * widest).min(WIDEST);
        if self.lanes.values().all(|answers| answers.stale.is_none()) {
            self.held_since = None;
        }
        lines
    }

    /// Held entries with numbers, in their order, and holes for the numbers between.
    fn numbered(&self) -> Vec<Entry> {
        let replies = self.lanes.values().filter_map(|answers| answers.reply.as_ref());
        let mut entries: Vec<_> =
            self.held_firsts.iter().chain(&self.held_order).chain(replies).collect();
        entries.sort_by_key(|entry| entry.seq);
        let (mut lines, mut recorded_to) = (Vec::with_capacity(entries.len()), self.recorded_to);
        let left_out = |from: u64, to: u64, at| {
            let more = to.checked_sub(from).filter(|&more| more > 0);
            more.map(|more| Entry { more: Some(more), ..hole(from + 1, to, at) })
        };
        for entry in entries {
            lines.extend(left_out(recorded_to, entry.seq - 1, entry.at));
            recorded_to = entry.seq;
            lines.push(entry.clone());
        }
        lines.extend(left_out(recorded_to, self.latest_seq, self.latest_at));
        lines
    }
}

#[cfg(test)]
mod tests;
