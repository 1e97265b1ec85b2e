//! What the log is told of stations and files: of each cause a few lines, and then how many more
//! there were.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::Hub;
use crate::hub::Effect;

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
pub(super) type Cause = (LineKind, Option<IpAddr>);

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
        if self.lines.may(cause, self.time) {
            effects.push(Effect::Log(line()));
        }
    }

    /// Logs how many lines were left out of storms that are over by now.
    pub(super) fn log_silence(&mut self, time: Duration, effects: &mut Vec<Effect>) {
        for (cause, more) in self.lines.over(time) {
            let line = match cause {
                Some((kind, Some(address))) => format!("… and {more} more {kind} from {address}"),
                Some((kind, None)) => format!("… and {more} more {kind}"),
                None => format!("… and {more} more lines from many addresses"),
            };
            effects.push(Effect::Log(line));
        }
    }
}
