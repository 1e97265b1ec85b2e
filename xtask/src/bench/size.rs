//! How much is measured: numbers of stations, and what is written to them for how long. Knows no
//! program, only whether there are peers among them.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::program::Load;
use super::{BUDGET, GREEDY, Options, PEERS_BUDGET, PEERS_RUNS, QUICK_BUDGET, RUNS};

/// Deliveries that one run aims at, so that a run takes seconds whatever the number of stations.
const DELIVERIES: usize = 500_000;
/// The same with `--quick`.
const QUICK_DELIVERIES: usize = 50_000;
/// Fewer messages than this say nothing about a p99 of messages.
const LEAST_MESSAGES: usize = 5;
/// More make a run long, not more exact.
const MOST_MESSAGES: usize = 2000;
/// How long one run with a pace takes, if that is enough for the fewest messages.
const PACED: Duration = Duration::from_secs(3);
/// Messages before the measured ones: a young TCP connection acknowledges its first 16 segments at
/// once, which doubles what they cost; the rest is for code and data that come into the caches.
const WARM_UP: usize = 20;
/// Stations, messages and quick messages of the table of faults.
const FAULTS: (usize, usize, usize) = (10, 3000, 300);
/// Descriptors that a server or the load generator needs for other things than stations.
const OTHER_DESCRIPTORS: u64 = 100;
/// Where there is no limit of descriptors, there are still only so many ports that a station on
/// loopback can have: Linux gives 28,232, and others want some too.
const MOST_STATIONS: u64 = 25_000;

/// A number of stations, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// Just so many.
    Stations(usize),
    /// As many as the limit of descriptors allows.
    Most,
}

impl FromStr for Size {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "most" { Ok(Self::Most) } else { text.parse().map(Self::Stations) }
    }
}

/// At which pace orders are written, as it is typed: `0`, `30ms`, `1s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace(pub(super) Duration);

impl FromStr for Pace {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| digits.parse::<u64>().ok().filter(|number| *number <= 60_000);
        let time = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            _ if text == "0" => Some(Duration::ZERO),
            (Some(digits), _) => number(digits).map(Duration::from_millis),
            (_, Some(digits)) => number(digits).map(Duration::from_secs),
            _ => None,
        };
        time.map(Self).with_context(|| format!("{text} is no pace such as 0, 30ms or 1s"))
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_millis() {
            0 => f.write_str("at once"),
            ms if ms % 1000 == 0 => write!(f, "{} s", ms / 1000),
            ms => write!(f, "{ms} ms"),
        }
    }
}

impl Options {
    /// The paces of orders.
    pub(super) fn paces(&self) -> Vec<Pace> {
        if self.pace.is_empty() { vec![Pace(Duration::ZERO)] } else { self.pace.clone() }
    }

    /// The numbers of stations.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let usual = [100, 1000, 10_000].map(Size::Stations);
        let mut sizes =
            if self.stations.is_empty() { usual.to_vec() } else { self.stations.clone() };
        if self.peers && self.stations.is_empty() {
            sizes.push(Size::Most);
        }
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let stations = |size| match size {
            Size::Stations(stations) => stations,
            Size::Most => most(hard),
        };
        sizes.into_iter().map(stations).collect()
    }

    /// Rounds at each number of stations.
    pub(super) fn rounds(&self) -> usize {
        self.runs.unwrap_or(if self.peers { PEERS_RUNS } else { RUNS }).max(1)
    }

    /// How long they may take.
    pub(super) fn budget(&self) -> Duration {
        match self {
            Self { quick: true, .. } => QUICK_BUDGET,
            Self { peers: true, .. } => PEERS_BUDGET,
            _ => BUDGET,
        }
    }

    /// What is put on every program to see how fast it is.
    pub(super) fn speed_load(&self, stations: usize, Pace(pace): Pace) -> Load {
        let aim = if self.quick { QUICK_DELIVERIES } else { DELIVERIES };
        let most = if pace.is_zero() { u128::MAX } else { PACED.as_millis() / pace.as_millis() };
        let most =
            usize::try_from(most).unwrap_or(MOST_MESSAGES).clamp(LEAST_MESSAGES, MOST_MESSAGES);
        let fitting = (aim / stations.max(1)).clamp(LEAST_MESSAGES, most);
        Load {
            stations,
            messages: self.messages.unwrap_or(fitting),
            warm_up: WARM_UP,
            mode: "rename",
            // Late duplicates are looked for in the table of faults.
            aftermath_ms: 100,
            // A slow peer shall not be pushed before it is through with the value before.
            wait_ms: if self.peers { 5000 } else { 1000 },
            // A slow peer gets fewer messages, and is measured for as long as the others.
            measure_s: self.peers.then_some(if self.quick { 1 } else { 5 }),
            // Python lets about a thousand stations in a second.
            limit_s: match self {
                Self { peers: true, quick: false, .. } => 150,
                Self { peers: true, .. } => 90,
                _ => 30,
            },
            pace,
            greedy: None,
        }
    }

    /// The same at the number of stations that is measured beside greedy ones.
    pub(super) fn greedy_load(&self, greedy: usize) -> Load {
        Load { greedy: Some(greedy), ..self.speed_load(GREEDY.0, Pace(Duration::ZERO)) }
    }

    /// What is put on it to see what goes wrong.
    pub(super) fn fault_load(&self, mode: &'static str) -> Load {
        let (stations, messages, quick) = FAULTS;
        Load {
            stations,
            messages: if self.quick { quick } else { messages },
            warm_up: 0,
            mode,
            // By then, a server that looks at its file once a second has looked again.
            aftermath_ms: if self.quick { 200 } else { 1100 },
            wait_ms: 1000,
            measure_s: None,
            limit_s: if self.peers && self.quick { 10 } else { 30 },
            pace: Duration::ZERO,
            greedy: None,
        }
    }
}

/// Raises the soft limit of descriptors to the hard one, for whatever is started: not every server
/// does it for itself.
pub(super) fn raise_limit() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

fn most(descriptors: u64) -> usize {
    let stations = descriptors.saturating_sub(OTHER_DESCRIPTORS).min(MOST_STATIONS);
    usize::try_from(stations).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_or_all_there_is() {
        assert_eq!("100".parse(), Ok(Size::Stations(100)));
        assert_eq!("most".parse(), Ok(Size::Most));
        assert!("many".parse::<Size>().is_err());
    }

    #[test]
    fn a_pace_is_a_time_or_none() {
        for (text, ms, said) in [("0", 0, "at once"), ("30ms", 30, "30 ms"), ("1s", 1_000, "1 s")] {
            let pace: Pace = text.parse().unwrap();
            assert_eq!((pace.0, &*pace.to_string()), (Duration::from_millis(ms), said));
        }
        for text in ["", "30", "s", "-1s", "1m", "99999999ms"] {
            assert!(text.parse::<Pace>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn most_stations_leave_room_for_the_rest() {
        assert_eq!(most(20_000), 19_900);
        assert_eq!(most(u64::MAX), 25_000);
        assert_eq!(most(64), 0);
    }
}
