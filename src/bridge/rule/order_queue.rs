//! The orders to write into the status file: one write at a time, and then the newest.

use std::time::Duration;

use chadburn_core::Position;

use super::Effect;

/// How long the bridge waits after a failed write.
pub(super) const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// At most one order in hand; a newer one replaces the one that waits.
#[derive(Debug, Default)]
pub(super) struct OrderQueue {
    /// The order to write next.
    pub(super) wanted: Option<Position>,
    /// What is being written.
    in_hand: Option<Position>,
    /// No write before this time.
    rests_until: Duration,
}

impl OrderQueue {
    /// How it went with the order in hand. A failed one waits again, unless a newer one does.
    pub(super) fn wrote(&mut self, now: Duration, well: bool) {
        let written = self.in_hand.take();
        if !well {
            self.wanted = self.wanted.or(written);
            self.rests_until = now + WRITE_AGAIN;
        }
    }

    /// The order to write now, if there is one.
    pub(super) fn next(&mut self, now: Duration) -> Option<Effect> {
        if self.in_hand.is_some() || now < self.rests_until {
            return None;
        }
        self.in_hand = self.wanted.take();
        self.in_hand.map(Effect::Write)
    }
}
