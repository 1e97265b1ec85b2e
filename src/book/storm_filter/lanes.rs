//! Who shares an allowance, and what of it is held.

use std::net::IpAddr;

use chadburn_v1::By;

use crate::book::bucket::cost;
use crate::entry::{Entry, What};

/// Those who share an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Whoever writes the files, or has given the token.
    Hand,
    /// Whoever comes from this address.
    Address(IpAddr),
    /// Whoever comes from another address when there were too many.
    Others,
}

/// A lane's answers to the present order.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Which stations' first reply or stale answer there was.
    pub(super) firsts: Vec<(Option<By>, What)>,
    /// The last reply, if it is held.
    pub(super) reply: Option<Entry>,
    /// The last stale answer, if it is held; it counts those before it.
    pub(super) stale: Option<Entry>,
}

impl Answers {
    pub(super) fn is_held(&self) -> bool {
        self.reply.is_some() || self.stale.is_some()
    }
}

/// What these cost together, in tokens.
pub(super) fn total(lines: &[Entry]) -> u32 {
    lines.iter().map(cost).sum()
}
