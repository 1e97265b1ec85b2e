//! The bell: when its hammer strikes. Whether it has a reason to is the telegraph's rule.

/// How long there must be a reason before the first stroke, in milliseconds: after a replug the
/// host repeats the reply well within that, and the bell stays silent.
const GRACE_MS: u64 = 200;

/// From stroke to stroke, in milliseconds.
const EVERY_MS: u64 = 1_000;

/// How long the hammer's coil or the buzzer is driven for a stroke, in milliseconds.
const STROKE_MS: u64 = 300;

/// The bell.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    /// Since when there is a reason to ring.
    since: Option<u64>,
}

impl Bell {
    /// A bell without a reason to ring.
    #[must_use]
    pub const fn new() -> Self {
        Self { since: None }
    }

    /// Whether the hammer is driven at this moment.
    pub fn strikes(&mut self, now: u64, rings: bool) -> bool {
        if !rings {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let rung = now.saturating_sub(since).checked_sub(GRACE_MS);
        rung.is_some_and(|rung| rung % EVERY_MS < STROKE_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(bell: &mut Bell, from: u64, to: u64) -> usize {
        (from..to).filter(|now| bell.strikes(*now, true)).count()
    }

    #[test]
    fn it_strikes_as_long_as_there_is_a_reason_and_not_a_moment_longer() {
        let mut bell = Bell::default();
        assert_eq!(strikes(&mut bell, 0, 200), 0, "a reason that passes at once is none");
        assert_eq!(strikes(&mut bell, 200, 500), 300);
        assert_eq!(strikes(&mut bell, 500, 1_200), 0);
        assert_eq!(strikes(&mut bell, 1_200, 4_200), 900);
        assert!(bell.strikes(4_200, true));
        assert!(!bell.strikes(4_201, false));
        assert_eq!(strikes(&mut bell, 4_202, 4_402), 0, "a new reason begins anew");
    }
}
