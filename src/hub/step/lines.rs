//! What the log is told of stations and files: of each cause a few lines, and then how many more
//! there were.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::Hub;
use crate::hub::Effect;
use chadburn_host::lines::Lines;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum LineKind {
    /// A station has come or gone.
    Coming,
    /// A station has sent a message.
    Message,
    /// A file says something.
    Writing,
    /// Something could not be written.
    Failure,
}

/// What a line is about, and whose doing it is; nobody's if another hand wrote the file.
type Cause = (LineKind, Option<IpAddr>);

/// Who has written how many lines. What nobody's address is known of is counted aside, so that no crowd of addresses
/// leaves it without room.
#[derive(Debug)]
pub(super) struct LoggedLines {
    of_addresses: Lines<(LineKind, IpAddr)>,
    others: Lines<LineKind>,
}

impl Default for LoggedLines {
    fn default() -> Self {
        Self { of_addresses: Lines::of_many(), others: Lines::new() }
    }
}

impl fmt::Display for LineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coming => "that came or went",
            Self::Message => "messages",
            Self::Writing => "orders and replies",
            Self::Failure => "failed writes",
        })
    }
}

impl Hub {
    /// Logs this, unless there were too many lines of this cause; then it is counted.
    pub(super) fn log(
        &mut self,
        cause: Cause,
        line: impl FnOnce() -> String,
        effects: &mut Vec<Effect>,
    ) {
        let (of_addresses, others) = (&mut self.lines.of_addresses, &mut self.lines.others);
        let may = match cause {
            (kind, Some(address)) => of_addresses.may((kind, address), self.time),
            (kind, None) => others.may(kind, self.time),
        };
        if may {
            effects.push(Effect::Log(line()));
        }
    }

    /// Logs how many lines were left out of storms that are over by now.
    pub(super) fn log_silence(&mut self, time: Duration, effects: &mut Vec<Effect>) {
        for (cause, more) in self.lines.of_addresses.over(time) {
            let line = match cause {
                Some((kind, address)) => format!("… and {more} more {kind} from {address}"),
                None => format!("… and {more} more lines from many addresses"),
            };
            effects.push(Effect::Log(line));
        }
        for (kind, more) in self.lines.others.over(time) {
            // There are fewer kinds than are told apart.
            let kind = kind.map(|kind| format!(" {kind}")).unwrap_or_default();
            effects.push(Effect::Log(format!("… and {more} more{kind}")));
        }
    }
}
