//! The moment at which something happens, read once by whoever has a clock and passed down.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One moment, by both of the machine's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the clock was started; never goes back. Measures.
    pub since_start: Duration,
    /// UTC in milliseconds since 1970; may jump. Labels.
    pub unix_ms: u64,
}

impl Now {
    /// Whole seconds since the start: fine enough for the patience we have with a peer.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        u32::try_from(self.since_start.as_secs()).unwrap_or(u32::MAX)
    }
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The moment from which `since_start` counts.
    start: Instant,
}

impl Clock {
    /// Starts counting.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Now {
        // A wall clock set before 1970 labels everything 1970 rather than stop the telegraph.
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            since_start: self.start.elapsed(),
            unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
