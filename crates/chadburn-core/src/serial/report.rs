//! What the board says to its host.

use core::fmt::{self, Write};
use core::str::FromStr;

use super::{Line, MAX_NAME, crc};
use crate::Position;

/// A line from the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report<'a> {
    /// `7`: the order, as the original firmware sends it and without a seal. A host that has had a
    /// [`Report::State`] believes nothing else, since one lost byte turns `11` into `1`.
    Order(Position),
    /// `E1 eot-0.1.0*D4B1`: who the board is; at power-up, and when it is asked.
    Hello {
        /// The version of the protocol that it speaks, from 1.
        version: u8,
        /// What runs on it: 1 to [`MAX_NAME`] printable characters without space and `*`.
        name: &'a str,
    },
    /// `S …`: how things stand; on every change, and now and then.
    State(State),
}

/// How things stand at the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The number of this state since power-up, from 1; a smaller one than before says that the
    /// board has started anew. After the largest comes 0.
    pub seq: u32,
    /// What the lever orders; none until it has come to rest for the first time.
    pub order: Option<Position>,
    /// The reply that the pointer goes to; none until one has come.
    pub reply: Option<Position>,
    /// Where the pointer is, in hundredths of a position; none until it is driven.
    pub pointer: Option<u16>,
    /// How many lines from the host were dropped since power-up; it stays at its largest.
    pub errors: u16,
    /// Whether the lever can be believed.
    pub health: Health,
    /// Whether the bell rings: the order is not answered.
    pub bell: bool,
}

/// How well the board is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Ok,
    /// The lever's voltage is out of its range: a wire is broken.
    Fault,
}

impl<'a> Report<'a> {
    /// What this line says, if it is a report.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        if let Some(order) = Position::from_plain_number(line) {
            return Some(Self::Order(order));
        }
        let (text, true) = crc::unseal(line)? else {
            return None;
        };
        let (kind, rest) = text.split_once(' ')?;
        match kind.split_at_checked(1)? {
            ("S", "") => State::parse(rest).map(Self::State),
            ("E", version) => {
                let version = number(version).filter(|version| *version > 0)?;
                let name = rest.split(' ').next().filter(|name| is_name(name))?;
                Some(Self::Hello { version, name })
            }
            _ => None,
        }
    }

    /// The line that says it. None if it cannot be said: a name that is no name, a pointer beyond
    /// the last position.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        let mut line = Line::new();
        match self {
            Self::Order(position) => write!(line, "{position}").ok()?,
            Self::Hello { version, name } => {
                if *version == 0 || !is_name(name) {
                    return None;
                }
                write!(line, "E{version} {name}").ok()?;
                crc::seal(&mut line);
            }
            Self::State(state) => {
                if state.pointer.is_some_and(|pointer| !is_pointer(pointer)) {
                    return None;
                }
                state.write(&mut line).ok()?;
                crc::seal(&mut line);
            }
        }
        Some(line)
    }
}

impl State {
    /// Reads the fields after `S `. What follows the last one is for later versions.
    fn parse(fields: &str) -> Option<Self> {
        let mut fields = fields.split(' ');
        Some(Self {
            seq: number(fields.next()?)?,
            order: optional(fields.next()?, Position::from_plain_number)?,
            reply: optional(fields.next()?, Position::from_plain_number)?,
            pointer: optional(fields.next()?, |text| number(text).filter(|p| is_pointer(*p)))?,
            errors: number(fields.next()?)?,
            health: match fields.next()? {
                "ok" => Health::Ok,
                "fault" => Health::Fault,
                _ => return None,
            },
            bell: match fields.next()? {
                "ring" => true,
                "quiet" => false,
                _ => return None,
            },
        })
    }

    fn write(&self, line: &mut Line) -> fmt::Result {
        write!(line, "S {}", self.seq)?;
        for position in [self.order, self.reply] {
            field(line, position)?;
        }
        field(line, self.pointer)?;
        let health = match self.health {
            Health::Ok => "ok",
            Health::Fault => "fault",
        };
        let bell = if self.bell { "ring" } else { "quiet" };
        write!(line, " {} {health} {bell}", self.errors)
    }
}

/// A number in its plain form: digits, without a zero before them.
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = plain && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A field that may say nothing, which is written `-`. The outer None is a field that is wrong.
#[expect(clippy::option_option, reason = "wrong, nothing and something are three things")]
fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text == "-" { Some(None) } else { parse(text).map(Some) }
}

fn field(line: &mut Line, value: Option<impl fmt::Display>) -> fmt::Result {
    match value {
        Some(value) => write!(line, " {value}"),
        None => line.write_str(" -"),
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'*';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain)
}

/// Whether a pointer can be there: from the first to the last position a dial may have.
fn is_pointer(hundredths: u16) -> bool {
    (100..=crate::MAX_POSITIONS * 100).contains(&usize::from(hundredths))
}
