//! The knocks that are out, and whether the one that matters has come round.
//!
//! It counts; what a knock proves is known to the rule.

use std::time::Duration;

/// A knock that has not come round by then is lost, or the watcher lags behind.
const PATIENCE: Duration = Duration::from_millis(20);

/// One that has not come round after so long more is lost for good.
const LOST: Duration = Duration::from_millis(500);

/// Knocks, and the opens of our own looks among which they travel.
#[derive(Debug, Default)]
pub(super) struct Knocks {
    /// How many have not come round.
    out: u32,
    /// When the last of them must have.
    until: Duration,
    /// How many opens of our own looks have not come round.
    own: u32,
    /// How many of those the last knock must come behind.
    before: u32,
    /// The watcher lags, and until then its hints vouch for nothing.
    lag: Option<Duration>,
}

impl Knocks {
    /// A look begins, and will probably open the file.
    pub(super) fn look_begins(&mut self) {
        if self.out == 0 {
            // An open that has not come round by now never will.
            self.own = 0;
        }
        self.own += 1;
    }

    /// The look did not open the file after all.
    pub(super) fn look_did_not_open(&mut self) {
        self.own = self.own.saturating_sub(1);
    }

    /// The file was opened. Whether it was our look that did.
    pub(super) fn opened(&mut self) -> bool {
        let ours = self.own > 0;
        self.own = self.own.saturating_sub(1);
        self.before = self.before.saturating_sub(1);
        ours
    }

    /// A knock is made now.
    pub(super) fn made(&mut self, now: Duration) {
        self.out += 1;
        self.before = self.own;
        self.until = now + PATIENCE;
    }

    /// A knock came. Whether it was the last of ours: one that seems to come before the open of
    /// its look was somebody else's.
    pub(super) fn came(&mut self) -> bool {
        if self.out == 0 || (self.out == 1 && self.before > 0) {
            return false;
        }
        self.out -= 1;
        if self.out == 0 {
            self.lag = None;
        }
        self.out == 0
    }

    /// Until when one that is out can be waited for.
    pub(super) fn patience(&mut self, now: Duration) -> Option<Duration> {
        if self.lag.is_some_and(|until| now >= until) {
            (self.lag, self.out) = (None, 0);
        }
        if self.out > 0 && self.lag.is_none() && now >= self.until {
            self.lag = Some(now + LOST);
        }
        (self.out > 0 && self.lag.is_none()).then_some(self.until)
    }

    /// Whether the watcher tells of things so late that it vouches for nothing.
    pub(super) fn lags(&self) -> bool {
        self.lag.is_some()
    }
}
