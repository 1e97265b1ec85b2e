//! When a source that was lost is opened again.
//!
//! Pure: it reads no clock.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_secs(1);

/// The longest wait: a camera that is plugged in again is seen within half a minute.
const LONGEST: Duration = Duration::from_secs(30);

/// A source that has brought pictures for so long was well, and its next loss is a new one.
const WELL: Duration = Duration::from_secs(10);

/// The waits: 1, 2, 4 … 30 s.
#[derive(Debug)]
pub(super) struct Retry {
    next: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Retry {
    /// How long to wait after a source was lost that has brought pictures for so long.
    pub(super) fn wait(&mut self, brought: Duration) -> Duration {
        if brought >= WELL {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (2 * wait).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_until_the_source_was_well() {
        let mut retry = Retry::default();
        let mut waits = |brought| (0..7).map(|_| retry.wait(brought).as_secs()).collect::<Vec<_>>();
        assert_eq!(waits(Duration::ZERO), [1, 2, 4, 8, 16, 30, 30]);
        // One picture and no more is what a camera brings whose stream is broken.
        assert_eq!(waits(Duration::from_secs(9)), [30; 7]);
        assert_eq!(waits(WELL), [1; 7]);
    }
}
