//! The knocks that are out, and whether the last of them has come round.
//!
//! This counts them; what a knock proves is decided in the rule.

use std::time::Duration;

/// A knock that has not come round by then is lost, as hints may be, or the watcher lags behind.
const PATIENCE: Duration = Duration::from_millis(20);

/// One that has not come round after so long more is lost for good.
const LOST: Duration = Duration::from_millis(500);

/// Knocks that were made.
#[derive(Debug, Default)]
pub(super) struct Knocks {
    /// How many have not come round.
    out: u32,
    /// The open of the last look has not come round.
    opening: bool,
    /// The last knock was made after that.
    behind_open: bool,
    /// When the last of them must have.
    until: Duration,
    /// The watcher lags, and until then its hints vouch for nothing.
    lag: Option<Duration>,
}

impl Knocks {
    /// A look has opened the file, of which no hint has come: whoever looks takes hints behind it.
    pub(super) fn looked(&mut self) {
        self.opening = true;
    }

    /// The file was opened, perhaps by our look.
    pub(super) fn opened(&mut self) {
        (self.opening, self.behind_open) = (false, false);
    }

    /// Whether the open of the last look has not come round.
    pub(super) fn awaits_open(&self) -> bool {
        self.opening
    }

    /// A knock is made now.
    pub(super) fn made(&mut self, now: Duration) {
        self.out += 1;
        self.behind_open = self.opening;
        self.until = now + PATIENCE;
        // This one is given as long as those before it.
        self.lag = self.lag.map(|_| now + LOST);
    }

    /// A knock came. Whether it was the last of ours, as far as can be told: one that seems to come
    /// before the open of its look was somebody else's.
    pub(super) fn came(&mut self) -> bool {
        if self.out == 0 || (self.out == 1 && self.behind_open) {
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
