//! What the host says to the board.

use core::fmt::Write;

use super::{Line, crc};
use crate::Position;

/// A line from the host. Its seal may be missing, so that `echo A7 > /dev/telegraph` works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `A7`: the reply; the pointer goes there.
    Reply(Position),
    /// `?1`: who are you, and how do things stand? With the version that the host speaks.
    Hello(u8),
    /// `P`: the host is there.
    KeepAlive,
}

impl Command {
    /// What this line says, if it is a command.
    ///
    /// A bare number is none: a terminal that echoes sends the board's own orders back to it.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (text, _) = crc::unseal(line)?;
        if text == "P" {
            Some(Self::KeepAlive)
        } else if let Some(number) = text.strip_prefix('A') {
            Position::from_plain_number(number).map(Self::Reply)
        } else {
            super::report::number(text.strip_prefix('?')?).filter(|v| *v > 0).map(Self::Hello)
        }
    }

    /// The line that says it, with its seal.
    #[must_use]
    pub fn line(&self) -> Line {
        let mut line = Line::new();
        // It fits: the longest is `?255`.
        let _ = match self {
            Self::Reply(position) => write!(line, "A{position}"),
            Self::Hello(version) => write!(line, "?{version}"),
            Self::KeepAlive => line.write_str("P"),
        };
        crc::seal(&mut line);
        line
    }
}
