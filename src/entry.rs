//! One line of the bell book: what happened, when, and by whom.
//!
//! Plain facts, as they stand in the file, in `GET /bell-book` and in the memory from which a
//! station that reconnects is told what it has missed.

use std::net::IpAddr;
use std::sync::Arc;

use chadburn_core::Position;
use chadburn_v1::By;
use serde::{Deserialize, Serialize};

/// The widest hole that a storm may leave; more than a year's storms give in a day.
pub const WIDEST: u64 = 10_000_000;

/// The largest `seq`, and the largest number in a line of the bell book: JavaScript's
/// `Number.MAX_SAFE_INTEGER`.
pub const SEQ_MAX: u64 = (1 << 53) - 1;

/// One entry. Fields that say nothing are left out of the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The number under which it happened. A run and an end have the latest number before them,
    /// a hole its first.
    pub seq: u64,
    /// When: UTC in milliseconds since 1970.
    pub at: u64,
    /// What.
    pub what: What,
    /// The text of the order or reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Arc<str>>,
    /// Its position, if it was on the dial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Its position's name, if it was on the dial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// Who caused it: a station, or whoever else wrote the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// The name of that station.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Arc<str>>,
    /// Of an order: when it was first given, in UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Of a reply: how many milliseconds after the order it came; unknown across a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
    /// Of a stale answer: the number of the order that it answered. Of a hole: its last number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// Of a hole: how many entries were left out under its numbers, because too many came at once.
    /// Of a stale answer: how many more were left out before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<u64>,
    /// The address of a stranger who caused it; none of whoever has given the token, or has written
    /// the file. It is for counting alone, and stands in no book.
    #[serde(skip)]
    pub from: Option<IpAddr>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A server has started.
    Run,
    /// An order.
    Order,
    /// The same order once more.
    Repeat,
    /// A reply.
    Reply,
    /// An answer to an order that was no longer the present one; it moved nothing.
    Stale,
    /// The numbers from `seq` to `to` may have been given, and were not written down.
    Hole,
    /// A server has ended as it should.
    End,
}

impl Entry {
    /// An entry that says no more than this.
    #[must_use]
    pub fn new(seq: u64, at: u64, what: What) -> Self {
        Self {
            seq,
            at,
            what,
            status: None,
            position: None,
            name: None,
            by: None,
            who: None,
            since: None,
            after_ms: None,
            to: None,
            more: None,
            from: None,
        }
    }
}
