//! How long the bridge waits before it opens a device again. Reads no clock.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(250);

/// The longest: a telegraph that is plugged in again works within seconds.
const LONGEST: Duration = Duration::from_secs(5);

/// For how long a device must have been open for the waiting to begin anew.
const HEALTHY: Duration = Duration::from_secs(10);

/// Exponential back-off: each wait is twice as long as the one before.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// Nothing has failed yet.
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The device could not be opened. How long to wait.
    pub(super) fn refused(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }

    /// The device is lost after it was open for so long. How long to wait.
    pub(super) fn lost(&mut self, open: Duration) -> Duration {
        if open >= HEALTHY {
            self.next = FIRST;
        }
        self.refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_the_longest() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..7).map(|_| backoff.refused().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    }

    #[test]
    fn only_a_line_that_was_open_for_long_begins_anew() {
        let mut backoff = Backoff::new();
        let short = Duration::from_millis(9_999);
        let waits = [short, short, HEALTHY, short].map(|open| backoff.lost(open).as_millis());
        assert_eq!(waits, [250, 500, 250, 500]);
    }
}
