//! The telegraph: the present order, the present reply, and whether the bell rings.
//!
//! It learns of both from what stands in their files, and knows neither stations nor wires'
//! frames. Time is given to it.

use std::sync::Arc;

use chadburn_core::bell::{self, Reading};
use chadburn_core::{Dial, Sector};

use crate::clock::Now;
use crate::wire::json::{By, Message, OrderForm, ReplyForm, State};
use crate::writing::Health;

/// Which telegraph of the server. There is one so far, and nothing may rely on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TelegraphId(pub u16);

/// The only telegraph there is so far.
pub const THE_TELEGRAPH: TelegraphId = TelegraphId(0);

/// The present order.
#[derive(Clone, Debug)]
pub struct Order {
    /// The text of the status file.
    pub status: Arc<str>,
    /// The sector it means, if it is on the dial.
    pub sector: Option<&'static Sector<'static>>,
    /// The number it was given under, or that of its latest repeat.
    pub seq: u64,
    /// When it was first given: UTC in milliseconds. A repeat leaves it.
    pub since: u64,
}

/// The present reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The text of the accept file.
    pub status: Arc<str>,
    /// The sector it means, if it is on the dial.
    pub sector: Option<&'static Sector<'static>>,
    /// The number it came under.
    pub seq: u64,
    /// Whose it is.
    pub by: By,
    /// When it came: UTC in milliseconds.
    pub at: u64,
}

/// What a writing of the status file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Another text than before.
    Order,
    /// The same text once more: it rings again.
    Repeat,
}

/// One dial, its order and its reply.
#[derive(Debug)]
pub struct Telegraph {
    /// The dial; loaded once, for as long as the program runs.
    dial: Dial<'static>,
    /// The number of the latest order, repeat or reply. It rises strictly, and a run starts at the
    /// wall clock's milliseconds so that it rises across restarts too.
    seq: u64,
    /// When that was: UTC in milliseconds.
    at: u64,
    /// The present order, once there is one.
    order: Option<Order>,
    /// The present reply, once there is one.
    reply: Option<Reply>,
}

impl Telegraph {
    /// A telegraph without an order, whose numbers start after this moment's milliseconds.
    #[must_use]
    pub fn new(dial: Dial<'static>, now: Now) -> Self {
        Self { dial, seq: now.unix_ms, at: now.unix_ms, order: None, reply: None }
    }

    /// Takes what the status file says now.
    pub fn ordered(&mut self, now: Now, status: &str) -> Given {
        let seq = self.next_seq(now);
        match &mut self.order {
            Some(order) if *order.status == *status => {
                order.seq = seq;
                Given::Repeat
            }
            _ => {
                let sector = self.dial.find(status);
                self.order = Some(Order { status: status.into(), sector, seq, since: now.unix_ms });
                Given::Order
            }
        }
    }

    /// Takes what the accept file says now.
    pub fn replied(&mut self, now: Now, status: &str, by: By) {
        let seq = self.next_seq(now);
        let sector = self.dial.find(status);
        self.reply = Some(Reply { status: status.into(), sector, seq, by, at: now.unix_ms });
    }

    /// Whether the bell rings.
    #[must_use]
    pub fn bell(&self) -> bool {
        let order = self.order.as_ref().map(|order| Reading {
            status: &order.status,
            position: order.sector.map(|sector| sector.position),
            seq: order.seq,
        });
        let reply = self.reply.as_ref().map(|reply| Reading {
            status: &reply.status,
            position: reply.sector.map(|sector| sector.position),
            seq: reply.seq,
        });
        bell::rings(order.as_ref(), reply.as_ref())
    }

    /// The number of the latest order, repeat or reply.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The present order.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        self.order.as_ref()
    }

    /// The present reply.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        self.reply.as_ref()
    }

    /// The text of the present order, or none.
    #[must_use]
    pub fn status(&self) -> &str {
        self.order.as_ref().map_or("", |order| &order.status)
    }

    /// The `state` message that tells all of this.
    #[must_use]
    pub fn state(&self, source: &Health) -> String {
        let order = self.order.as_ref().map(|order| OrderForm {
            status: &order.status,
            place: order.sector.into(),
            seq: order.seq,
            since: order.since,
        });
        let reply = self.reply.as_ref().map(|reply| ReplyForm {
            status: &reply.status,
            place: reply.sector.into(),
            seq: reply.seq,
            by: reply.by,
            who: None,
            at: reply.at,
        });
        let (seq, at, bell) = (self.seq, self.at, self.bell());
        Message::State(State { seq, at, order, reply, bell, source }).encode()
    }

    fn next_seq(&mut self, now: Now) -> u64 {
        self.seq += 1;
        self.at = now.unix_ms;
        self.seq
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use chadburn_core::DEFAULT;

    fn at(unix_ms: u64) -> Now {
        Now { since_start: Duration::ZERO, unix_ms }
    }

    #[test]
    fn a_repeat_rings_again_and_keeps_its_since() {
        let mut telegraph = Telegraph::new(DEFAULT, at(100));
        assert!(!telegraph.bell());
        assert_eq!(telegraph.ordered(at(200), "7"), Given::Order);
        telegraph.replied(at(300), "coffee", By::File);
        assert!(!telegraph.bell());
        assert_eq!(telegraph.ordered(at(400), "7"), Given::Repeat);
        assert!(telegraph.bell());
        let order = telegraph.order().unwrap();
        assert_eq!((order.seq, order.since), (103, 200));
    }

    #[test]
    fn equal_files_read_in_order_are_answered() {
        let mut telegraph = Telegraph::new(DEFAULT, at(100));
        telegraph.ordered(at(101), "6");
        assert!(telegraph.bell(), "a fresh clone rings until somebody takes it");
        telegraph.replied(at(101), "6", By::File);
        assert!(!telegraph.bell());
    }

    #[test]
    fn numbers_rise_although_the_clock_goes_back() {
        let mut telegraph = Telegraph::new(DEFAULT, at(1_000));
        telegraph.ordered(at(5), "1");
        telegraph.replied(at(3), "1", By::File);
        assert_eq!(telegraph.order().unwrap().seq, 1_001);
        assert_eq!(telegraph.seq(), 1_002);
    }

    #[test]
    fn the_same_position_under_another_name_is_another_order() {
        let mut telegraph = Telegraph::new(DEFAULT, at(1));
        telegraph.ordered(at(1), "7");
        telegraph.replied(at(1), "7", By::File);
        assert_eq!(telegraph.ordered(at(1), "COFFEE"), Given::Order);
        assert!(telegraph.bell());
    }
}
