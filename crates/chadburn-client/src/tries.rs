//! When to try again, and when to give up. No clock is read here, and no dice are thrown.

use std::time::Duration;

use tokio::time::Instant;

/// How long the first wait is at most.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// How long a wait is at most. A server that is back is then found within this time.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// How long a connection must have lived so that the next loss is a new one.
const HEALTHY_TIME: Duration = Duration::from_secs(5);

/// The tries since the other side was lost.
#[derive(Debug)]
pub(crate) struct Tries {
    /// For how long it is tried, from the loss on.
    window: Duration,
    /// When the other side was lost, or first looked for.
    since: Instant,
    /// How many tries have failed since.
    pub(crate) failed: u32,
    /// What the next wait is cut from.
    delay: Duration,
}

impl Tries {
    /// Tries that begin now.
    pub(crate) fn new(window: Duration, now: Instant) -> Self {
        Self { window, since: now, failed: 0, delay: FIRST_DELAY }
    }

    /// A connection that was made at `made` has gone. After a healthy one the window begins anew;
    /// a server that takes every connection and drops it at once does not hold us for ever.
    pub(crate) fn lost(&mut self, made: Instant, now: Instant) {
        if now.duration_since(made) >= HEALTHY_TIME {
            *self = Self::new(self.window, now);
        }
    }

    /// A try has failed: how long to wait for the next one; `None` when the window is over. `chance`
    /// is 0 to 1 and spreads the clients of one server over the upper half of the delay. The last
    /// try is made as the window ends.
    pub(crate) fn next(&mut self, now: Instant, chance: f64) -> Option<Duration> {
        self.failed += 1;
        let left = self.left(now);
        if left.is_zero() {
            return None;
        }
        let wait = self.delay.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
        self.delay = (self.delay * 2).min(MAX_DELAY);
        Some(wait.min(left))
    }

    /// How much of the window is left.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        self.window.saturating_sub(now.duration_since(self.since))
    }

    /// How long it has been tried.
    pub(crate) fn lasted(&self, now: Instant) -> Duration {
        now.duration_since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// The waits of a window in which everything fails at once.
    fn waits(chance: f64) -> Vec<Duration> {
        let start = Instant::now();
        let (mut now, mut tries) = (start, Tries::new(MINUTE, start));
        let mut waits = Vec::new();
        while let Some(wait) = tries.next(now, chance) {
            waits.push(wait);
            now += wait;
        }
        assert_eq!(now - start, MINUTE, "the last try is made as the window ends");
        assert_eq!(usize::try_from(tries.failed), Ok(waits.len() + 1));
        waits
    }

    #[test]
    fn waits_double_up_to_five_seconds() {
        let waits = waits(1.0);
        let millis: Vec<_> = waits.iter().map(Duration::as_millis).collect();
        assert_eq!(millis[..8], [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn chance_takes_at_most_half_of_a_wait() {
        for (short, long) in waits(0.0).iter().zip(waits(1.0)).take(8) {
            assert_eq!(*short * 2, long);
        }
    }

    #[test]
    fn a_healthy_connection_begins_a_new_window_and_a_short_one_does_not() {
        let start = Instant::now();
        let mut tries = Tries::new(MINUTE, start);
        for _ in 0..6 {
            tries.next(start, 1.0);
        }
        let made = start + MINUTE / 2;
        tries.lost(made, made + HEALTHY_TIME / 2);
        assert_eq!(tries.left(start + MINUTE / 2), MINUTE / 2);
        assert_eq!(tries.next(made, 1.0), Some(MAX_DELAY));
        let now = made + HEALTHY_TIME;
        tries.lost(made, now);
        assert_eq!((tries.left(now), tries.failed), (MINUTE, 0));
        assert_eq!(tries.next(now, 1.0), Some(FIRST_DELAY));
    }
}
