//! The telegraph: the present order, the present reply, and whether the bell rings.
//!
//! It learns of both from what stands in their files, and knows neither stations nor frames. Time
//! is given to it. [`history`] is what it remembers of earlier states.

pub mod history;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chadburn_core::bell::{self, Reading};
use chadburn_core::{Dial, Position};
use chadburn_v1::{self as v1, By, Message};

use self::history::{History, Missed};
use crate::clock::Now;
use crate::entry::{Entry, SEQ_MAX, What};
use live_file::writing::Health;

/// Which telegraph of a server: its place in the engine's table. There is one so far, and nothing may
/// rely on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TelegraphId(pub u16);

/// The only telegraph there is so far.
pub const THE_TELEGRAPH: TelegraphId = TelegraphId(0);

/// A status text, and the position that it names, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusText {
    /// The text, as it stands in the file.
    pub text: Arc<str>,
    /// The position it means, if it is on the dial.
    pub position: Option<Position>,
    /// The name of that position.
    pub name: Option<Arc<str>>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is ordered.
    pub status: StatusText,
    /// Its number; a repeat gives it a new one.
    pub seq: u64,
    /// When it was first given: UTC in milliseconds. A repeat leaves it.
    pub since: u64,
    /// When it was given or last repeated, on the monotonic clock; `None` if it comes from the bell book.
    pub given: Option<Duration>,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What is answered.
    pub status: StatusText,
    /// Its number.
    pub seq: u64,
    /// Whose it is.
    pub by: By,
    /// The name of that station, if it had one then.
    pub who: Option<Arc<str>>,
    /// When it came: UTC in milliseconds.
    pub at: u64,
}

/// Order, reply and number at some moment: what a `state` message tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TelegraphState {
    /// The number of the latest order, repeat or reply.
    pub seq: u64,
    /// When that was: UTC in milliseconds.
    pub at: u64,
    /// The order, once there is one.
    pub order: Option<Arc<Order>>,
    /// The reply, once there is one.
    pub reply: Option<Arc<Reply>>,
}

/// Who caused a writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// A station, or whoever else wrote the file.
    pub by: By,
    /// The station's name, if it had one.
    pub who: Option<Arc<str>>,
    /// The address, if a station without the token caused it.
    pub from: Option<IpAddr>,
}

impl Author {
    /// Whoever else wrote the file.
    pub const FILE: Self = Self { by: By::File, who: None, from: None };
}

/// One dial, its order and its reply.
#[derive(Debug)]
pub struct Telegraph {
    /// The dial; loaded once, for as long as the program runs.
    dial: Dial<'static>,
    /// The order and the reply as they are. The number rises strictly, and a run starts at the wall
    /// clock's milliseconds, or behind the bell book's last number, so that it rises across restarts too.
    current: TelegraphState,
    /// Earlier states, as far as they are remembered.
    history: History,
}

impl Telegraph {
    /// A telegraph without an order that remembers `history`. Its numbers start after this
    /// moment's milliseconds, or after the last one that was, or may have been, given before.
    #[must_use]
    pub fn new(dial: Dial<'static>, now: Now, mut history: History) -> Self {
        let seq = now.unix_ms.max(history.unused());
        history.begin_run(seq);
        Self {
            dial,
            current: TelegraphState { seq, at: now.unix_ms, ..TelegraphState::default() },
            history,
        }
    }

    /// Takes what the status file says now, and who caused that.
    pub fn ordered(&mut self, now: Now, status: &str, author: Author) -> Entry {
        let seq = self.next_seq(now);
        let before = self.current.order.take();
        let repeated = before.filter(|order| *order.status.text == *status);
        let what = if repeated.is_some() { What::Repeat } else { What::Order };
        let order = Order {
            status: self.status_text(status),
            seq,
            since: repeated.map_or(now.unix_ms, |order| order.since),
            given: Some(now.since_start),
        };
        let entry = Entry { since: Some(order.since), ..self.entry(what, &order.status, author) };
        self.current.order = Some(Arc::new(order));
        self.history.push(self.current.clone());
        entry
    }

    /// Takes what the accept file says now, and who caused that.
    pub fn replied(&mut self, now: Now, status: &str, author: Author) -> Entry {
        let seq = self.next_seq(now);
        let status = self.status_text(status);
        let after_ms = self.millis_since_order(now);
        let entry = Entry { after_ms, ..self.entry(What::Reply, &status, author.clone()) };
        let Author { by, who, .. } = author;
        self.current.reply = Some(Arc::new(Reply { status, seq, by, who, at: now.unix_ms }));
        self.history.push(self.current.clone());
        entry
    }

    /// The entry for an answer to an order that is no longer the present one. It moves nothing.
    #[must_use]
    pub fn stale_entry(&self, now: Now, order: u64, status: &str, author: Author) -> Entry {
        let entry = self.entry(What::Stale, &self.status_text(status), author);
        // Whoever answers may say any number; one that no order can have would spoil the line.
        Entry { at: now.unix_ms, to: Some(order.min(SEQ_MAX)), ..entry }
    }

    /// The entry for the beginning or the end of a run.
    #[must_use]
    pub fn run_entry(&self, now: Now, what: What) -> Entry {
        Entry::new(self.current.seq, now.unix_ms, what)
    }

    /// How long ago the present order was given or repeated, in milliseconds.
    #[must_use]
    pub fn millis_since_order(&self, now: Now) -> Option<u64> {
        let given = self.current.order.as_ref()?.given?;
        u64::try_from(now.since_start.saturating_sub(given).as_millis()).ok()
    }

    /// The first thing that a station must be told which has been told everything up to `seq`, if there
    /// is anything.
    #[must_use]
    pub fn after(&self, seq: u64) -> Option<Missed<'_>> {
        self.history.after(seq)
    }

    /// How many earlier states, and holes among them, are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.history.len()
    }

    /// The order and the reply as they are.
    #[must_use]
    pub fn current(&self) -> &TelegraphState {
        &self.current
    }

    /// The number of the latest order, repeat or reply.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.current.seq
    }

    /// The present order.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        self.current.order.as_deref()
    }

    /// The present reply.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        self.current.reply.as_deref()
    }

    /// The text of the present order, or none.
    #[must_use]
    pub fn status(&self) -> &str {
        self.current.order.as_ref().map_or("", |order| &order.status.text)
    }

    fn status_text(&self, status: &str) -> StatusText {
        StatusText::on(&self.dial, status.into())
    }

    fn entry(&self, what: What, status: &StatusText, author: Author) -> Entry {
        Entry {
            status: Some(Arc::clone(&status.text)),
            position: status.position,
            name: status.name.clone(),
            by: Some(author.by),
            who: author.who,
            from: author.from,
            ..Entry::new(self.current.seq, self.current.at, what)
        }
    }

    fn next_seq(&mut self, now: Now) -> u64 {
        self.current.seq += 1;
        self.current.at = now.unix_ms;
        self.current.seq
    }
}

impl TelegraphState {
    /// Whether the bell rings.
    #[must_use]
    pub fn bell(&self) -> bool {
        let order = self.order.as_ref().map(|order| order.status.reading(order.seq));
        let reply = self.reply.as_ref().map(|reply| reply.status.reading(reply.seq));
        bell::rings(order.as_ref(), reply.as_ref())
    }

    /// The `state` message that tells all of this.
    #[must_use]
    pub fn message(&self, source: &Health) -> String {
        let order = self.order.as_ref().map(|order| v1::Order {
            status: &*order.status.text,
            position: order.status.position,
            name: order.status.name.as_deref(),
            seq: order.seq,
            since: order.since,
        });
        let reply = self.reply.as_ref().map(|reply| v1::Reply {
            status: &*reply.status.text,
            position: reply.status.position,
            name: reply.status.name.as_deref(),
            seq: reply.seq,
            by: reply.by,
            who: reply.who.as_deref(),
            at: reply.at,
        });
        let (seq, at, bell) = (self.seq, self.at, self.bell());
        Message::State(v1::State {
            seq,
            at,
            order,
            reply,
            bell,
            source: crate::file::health(source),
        })
        .encode()
    }
}

impl StatusText {
    /// This text, and what it names on this dial.
    fn on(dial: &Dial<'_>, text: Arc<str>) -> Self {
        let sector = dial.find(&text);
        let (position, name) = (sector.map(|it| it.position), sector.map(|it| it.name.into()));
        Self { text, position, name }
    }

    fn reading(&self, seq: u64) -> Reading<'_> {
        Reading { status: &self.text, position: self.position, seq }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use chadburn_core::DEFAULT;

    fn telegraph(now: Now) -> Telegraph {
        Telegraph::new(DEFAULT, now, History::default())
    }

    fn rings(telegraph: &Telegraph) -> bool {
        telegraph.current().bell()
    }

    fn at(unix_ms: u64) -> Now {
        Now { since_start: Duration::ZERO, unix_ms }
    }

    #[test]
    fn a_repeat_rings_again_and_keeps_its_since() {
        let mut telegraph = telegraph(at(100));
        assert!(!rings(&telegraph));
        assert_eq!(telegraph.ordered(at(200), "7", Author::FILE).what, What::Order);
        telegraph.replied(at(300), "coffee", Author::FILE);
        assert!(!rings(&telegraph));
        assert_eq!(telegraph.ordered(at(400), "7", Author::FILE).what, What::Repeat);
        assert!(rings(&telegraph));
        let order = telegraph.order().unwrap();
        assert_eq!((order.seq, order.since), (103, 200));
    }

    #[test]
    fn equal_files_read_in_order_are_answered() {
        let mut telegraph = telegraph(at(100));
        telegraph.ordered(at(101), "6", Author::FILE);
        assert!(rings(&telegraph), "a fresh clone rings until somebody takes it");
        telegraph.replied(at(101), "6", Author::FILE);
        assert!(!rings(&telegraph));
    }

    #[test]
    fn numbers_rise_although_the_clock_goes_back() {
        let mut telegraph = telegraph(at(1_000));
        telegraph.ordered(at(5), "1", Author::FILE);
        telegraph.replied(at(3), "1", Author::FILE);
        assert_eq!(telegraph.order().unwrap().seq, 1_001);
        assert_eq!(telegraph.seq(), 1_002);
    }

    #[test]
    fn the_same_position_under_another_name_is_another_order() {
        let mut telegraph = telegraph(at(1));
        telegraph.ordered(at(1), "7", Author::FILE);
        telegraph.replied(at(1), "7", Author::FILE);
        assert_eq!(telegraph.ordered(at(1), "COFFEE", Author::FILE).what, What::Order);
        assert!(rings(&telegraph));
    }
}
