//! How long a program waits before it opens again what it has lost. Reads no clock.

use std::time::Duration;

/// What has been open for so long was well, and its next loss is a new one.
pub const WELL: Duration = Duration::from_secs(10);

/// Waits that double: each is twice as long as the one before, up to the longest.
///
/// ```
/// use std::time::Duration;
/// use chadburn_host::backoff::{Backoff, WELL};
///
/// let second = Duration::from_secs(1);
/// let mut backoff = Backoff::new(second, 5 * second);
/// assert_eq!([(); 4].map(|()| backoff.refused().as_secs()), [1, 2, 4, 5]);
/// assert_eq!(backoff.lost(WELL), second);
/// ```
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Nothing has failed yet.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// It could not be opened. How long to wait.
    pub fn refused(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.longest);
        wait
    }

    /// It is lost after it was open for so long. How long to wait.
    pub fn lost(&mut self, open: Duration) -> Duration {
        if open >= WELL {
            self.next = self.first;
        }
        self.refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_the_longest() {
        let mut backoff = Backoff::new(SECOND / 4, 5 * SECOND);
        let waits: Vec<_> = (0..7).map(|_| backoff.refused().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    }

    #[test]
    fn only_what_was_open_for_long_begins_anew() {
        let mut backoff = Backoff::new(SECOND / 4, 5 * SECOND);
        let short = Duration::from_millis(9_999);
        let waits = [short, short, WELL, short].map(|open| backoff.lost(open).as_millis());
        assert_eq!(waits, [250, 500, 250, 500]);
    }

    #[test]
    fn waits_grow_until_it_was_well() {
        let mut backoff = Backoff::new(SECOND, 30 * SECOND);
        let mut waits = |open| (0..7).map(|_| backoff.lost(open).as_secs()).collect::<Vec<_>>();
        assert_eq!(waits(Duration::ZERO), [1, 2, 4, 8, 16, 30, 30]);
        // One picture and no more is what a camera brings whose stream is broken.
        assert_eq!(waits(9 * SECOND), [30; 7]);
        assert_eq!(waits(WELL), [1; 7]);
    }
}
