//! What else keeps the machine busy while something is measured: the processes that have worked most, from proc(5).

use std::collections::HashMap;

use super::family::{Stat, everybody};

/// So many are named.
const NAMED: usize = 3;

/// Less than this share of a core is not worth a name.
const LEAST: f64 = 0.02;

/// The kernel's clock of processes (`USER_HZ`), which is this wherever Linux runs: `sysconf(_SC_CLK_TCK)`.
const TICKS: f64 = 100.0;

/// What every process has worked so far, in ticks.
#[derive(Debug, Default)]
pub(super) struct Work(HashMap<u32, (String, u64)>);

impl Work {
    /// Of all processes that there are.
    pub(super) fn so_far() -> Self {
        Self(everybody(|stat| Some((stat.pid, worked(stat)?))).into_iter().collect())
    }

    /// Which of those that were there before have worked most since then, as shares of a core over so many seconds.
    /// Whoever measures and is measured has begun later, or is named here.
    pub(super) fn since(&self, before: &Self, seconds: f64) -> Vec<(String, f64)> {
        let own = std::process::id();
        let worked =
            self.0.iter().filter(|(pid, _)| **pid != own).filter_map(|(pid, (name, ticks))| {
                let (known, earlier) = before.0.get(pid)?;
                let more = u32::try_from(ticks.saturating_sub(*earlier)).unwrap_or(u32::MAX);
                (known == name).then(|| (name.clone(), f64::from(more) / TICKS / seconds))
            });
        let mut worked: Vec<_> = worked.filter(|(_, share)| *share >= LEAST).collect();
        worked.sort_by(|one, other| other.1.total_cmp(&one.1));
        worked.truncate(NAMED);
        worked
    }
}

/// The name of a process and what it has worked: fields 14 and 15 are its time and the system's for it.
fn worked(stat: &Stat<'_>) -> Option<(String, u64)> {
    let ticks = |number| stat.field(number)?.parse::<u64>().ok();
    Some((stat.name.to_owned(), ticks(14)? + ticks(15)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stat: &str) -> Option<(String, u64)> {
        worked(&Stat::parse(stat)?)
    }

    #[test]
    fn whoever_has_worked_is_named_and_whoever_came_since_is_not() {
        let line = |name: &str, user, system| {
            format!(
                "7 ({name}) S 1 7 7 0 -1 4194560 1 0 0 0 {user} {system} 0 0 20 0 1 0 4711 10 10"
            )
        };
        assert_eq!(parse(&line("a) b", 3, 4)), Some(("a) b".to_owned(), 7)));
        assert_eq!(parse("7 (a"), None);
        let work = |all: &[(u32, &str, u64)]| {
            Work(
                all.iter().map(|(pid, name, ticks)| (*pid, ((*name).to_owned(), *ticks))).collect(),
            )
        };
        let before = work(&[(1, "rustc", 100), (2, "sleep", 5), (3, "gone", 1), (4, "old", 9)]);
        let after = work(&[(1, "rustc", 300), (2, "sleep", 6), (4, "new", 900), (5, "late", 70)]);
        let own = std::process::id();
        assert!(![1, 2, 4, 5].contains(&own));
        assert_eq!(after.since(&before, 2.0), [("rustc".to_owned(), 1.0)]);
    }
}
