//! How many connections the process can afford.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What an unlimited process is taken to have: more than any office needs, and a number.
const ENOUGH: u64 = 1 << 20;

/// Raises the soft limit of descriptors to the hard one, and says how many there are now. Where
/// that is refused the limit stays what it was.
#[must_use]
pub fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // The answer does not matter: what counts is what the limit is afterwards.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let current = getrlimit(Resource::Nofile).current.unwrap_or(ENOUGH).min(ENOUGH);
    usize::try_from(current).unwrap_or(usize::MAX)
}

/// What a server needs for itself, in descriptors: some 24 for its loops, watchers, signals, log and
/// lock; 8 for those who are told that there is no seat; and 8 for files that are read and written.
const OWN: usize = 40;

/// The most that is kept back.
const RESERVE_MAX: usize = 64;

/// How many connections a process with so many descriptors can hold: all but an eighth, at least
/// 40 and at most 64.
#[must_use]
pub fn seats(limit: usize) -> usize {
    limit.saturating_sub((limit / 8).clamp(OWN, RESERVE_MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_stays_for_everything_else() {
        for (limit, expected) in [(0, 1), (64, 24), (256, 216), (1024, 960), (20_000, 19_936)] {
            assert_eq!(seats(limit), expected);
        }
    }

    #[test]
    fn the_limit_is_as_high_as_it_can_be() {
        let raised = raise_descriptor_limit();
        let limit = getrlimit(Resource::Nofile);
        assert!(limit.maximum.is_none() || limit.current == limit.maximum, "{limit:?}");
        assert!(raised > 0);
    }
}
