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

/// How many connections a process with so many descriptors can hold: all but an eighth, at least
/// 24 and at most 64, which stay for files, watchers, the log and for saying no.
#[must_use]
pub fn seats(limit: usize) -> usize {
    limit.saturating_sub((limit / 8).clamp(24, 64)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_stays_for_everything_else() {
        for (limit, expected) in [(0, 1), (64, 40), (256, 224), (1024, 960), (20_000, 19_936)] {
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
