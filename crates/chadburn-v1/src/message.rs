//! What a server says.

use std::borrow::Cow;
use std::fmt;

use chadburn_core::{Position, same_in_any_case};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::json_line;

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Message<S = String> {
    /// Once, first.
    Welcome(Welcome<S>),
    /// Order, reply and bell as they are now.
    State(State<S>),
    /// Who answered the present order, and who is there.
    Roll(Roll<S>),
    /// What this station may do has changed.
    May(May),
    /// The health of a file has changed.
    Source {
        /// Which: `status`, `accept` or `book`.
        file: S,
        /// Its health.
        #[serde(flatten)]
        health: Health<S>,
    },
    /// States with these numbers, both included, were left out; the newest follows.
    Gap {
        /// The first one left out.
        from: u64,
        /// The last one left out.
        to: u64,
    },
    /// The server is alive.
    Beat {
        /// UTC in milliseconds.
        at: u64,
    },
    /// A request was carried out.
    Ok {
        /// The request's id, if it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Id<S>>,
    },
    /// A request was not carried out.
    Error {
        /// The request's id, if it had one that could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Id<S>>,
        /// Why, for a program.
        code: Code,
        /// Why, for a person.
        message: S,
    },
    /// A line for the debug console.
    Console {
        /// The line.
        text: S,
    },
    /// The server closes this connection.
    Farewell {
        /// Why: `shutdown`, `replaced`, or a word that is not known yet.
        reason: S,
    },
    /// A message of a type that is not known yet. No server of this version says it.
    #[serde(other, skip_serializing)]
    Unknown,
}

impl<S: Serialize> Message<S> {
    /// The message as it goes over the wire: one line that a terminal may be shown.
    ///
    /// # Panics
    ///
    /// [`Unknown`](Self::Unknown) cannot be said.
    #[must_use]
    pub fn encode(&self) -> String {
        json_line(serde_json::to_string(self).expect("a known message has string keys and texts"))
    }
}

/// What a station is told first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome<S = String> {
    /// The station's id.
    pub station: Uuid,
    /// The server's version.
    pub server: S,
    /// Which panel the server carries.
    pub assets: S,
    /// The dial, once for all.
    pub dial: Dial<S>,
    /// How often a beat comes, in milliseconds.
    pub heartbeat_ms: u32,
    /// When this was said: UTC in milliseconds, by the server's clock. Older servers do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// The station's secret, by which it is the same one when it comes back.
    pub resume: S,
    /// Whether orders, answers and the shutdown need a token, which this station has not given.
    pub token: bool,
    /// What this station may do beside answering.
    pub may: May,
}

/// The dial: its sectors from left to right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial<S = String> {
    /// What the maker's plate says.
    pub title: S,
    /// The sectors, in the order of their numbers, which run from 1 without a hole.
    #[serde(rename = "positions")]
    pub sectors: Vec<Sector<S>>,
}

/// One named position of the dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sector<S = String> {
    /// Its number.
    pub position: Position,
    /// What is engraved on it.
    pub name: S,
    /// The arc it belongs to, if it does.
    pub arc: Option<S>,
}

impl<S: AsRef<str>> Dial<S> {
    /// The sector that a text means: its plain number, or its name in any case, behind any white
    /// space.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Sector<S>> {
        let text = text.trim_start();
        let number = Position::from_plain_number(text);
        self.sectors.iter().find(|it| match number {
            Some(number) => it.position == number,
            None => same_in_any_case(it.name.as_ref(), text),
        })
    }
}

impl<'a> From<&chadburn_core::Dial<'a>> for Dial<&'a str> {
    fn from(dial: &chadburn_core::Dial<'a>) -> Self {
        let sector = |it: &chadburn_core::Sector<'a>| Sector {
            position: it.position,
            name: it.name,
            arc: it.arc,
        };
        Self { title: dial.title, sectors: dial.sectors.iter().map(sector).collect() }
    }
}

/// The telegraph as every station sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State<S = String> {
    /// The number of the latest order, repeat or reply.
    pub seq: u64,
    /// When that was: UTC in milliseconds.
    pub at: u64,
    /// The present order.
    pub order: Option<Order<S>>,
    /// The present reply.
    pub reply: Option<Reply<S>>,
    /// Whether the bell rings.
    pub bell: bool,
    /// The health of the status file.
    pub source: Health<S>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order<S = String> {
    /// The text of the status file.
    pub status: S,
    /// The position it means, if it is on the dial.
    pub position: Option<Position>,
    /// That position's name.
    pub name: Option<S>,
    /// The number it was given under, or that of its latest repeat.
    pub seq: u64,
    /// When it was first given: UTC in milliseconds.
    pub since: u64,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply<S = String> {
    /// The text of the accept file.
    pub status: S,
    /// The position it means, if it is on the dial.
    pub position: Option<Position>,
    /// That position's name.
    pub name: Option<S>,
    /// The number it came under.
    pub seq: u64,
    /// Whose it is.
    pub by: By,
    /// That station's name, if it has one.
    pub who: Option<S>,
    /// When it came: UTC in milliseconds.
    pub at: u64,
}

/// Who wrote a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Another hand wrote the accept file.
    File,
    /// This station answered.
    Station(Uuid),
}

impl<'de> Deserialize<'de> for By {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        match text.as_ref() {
            "file" => Ok(Self::File),
            id => id.parse().map(Self::Station).map_err(serde::de::Error::custom),
        }
    }
}

impl Serialize for By {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("file"),
            Self::Station(id) => id.fmt(f),
        }
    }
}

/// Whether a file can be read, and how it is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health<S = String> {
    /// `ok`, or what is wrong, in one word; the list may grow.
    pub health: S,
    /// What is wrong, for a person; empty when all is well.
    pub detail: S,
    /// How changes are noticed; the list may grow.
    pub watch: S,
}

/// Who answered the present order, and who is there. A note among people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll<S = String> {
    /// The present order's number.
    pub order: Option<u64>,
    /// Who answered it, the first first; at most 200.
    pub answers: Vec<RollAnswer<S>>,
    /// How many have answered beyond those.
    pub more_answers: usize,
    /// How many stations there are.
    pub stations: usize,
    /// The names of those that have one; at most 200.
    pub named: Vec<S>,
    /// How many are named beyond those.
    pub more_named: usize,
}

/// How one station answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollAnswer<S = String> {
    /// The station.
    pub station: Uuid,
    /// Its name, if it has one.
    pub name: Option<S>,
    /// The position it answered with; none if it gave none or accepted an order off the dial.
    pub position: Option<Position>,
    /// Whether it is coming, if it said.
    pub coming: Option<bool>,
    /// How many milliseconds after the order.
    pub after_ms: u64,
}

/// What a station may do beside answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct May {
    /// Give orders.
    pub order: bool,
    /// End the server.
    pub shutdown: bool,
}

/// What a request calls itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id<S = String> {
    /// An integer.
    Number(i64),
    /// A text of at most 64 bytes.
    Text(S),
}

impl Id {
    /// The same, lent.
    #[must_use]
    pub fn lent(&self) -> Id<&str> {
        match self {
            Self::Number(number) => Id::Number(*number),
            Self::Text(text) => Id::Text(text),
        }
    }
}

/// Why a request was not carried out, for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// It was not JSON.
    BadJson,
    /// It was JSON, but not a message: a field is missing or of the wrong kind.
    BadMessage,
    /// There is no such message.
    UnknownType,
    /// The order it answers is no longer the present one.
    Stale,
    /// There is no order to answer.
    NoOrder,
    /// The dial has no such position.
    NoPosition,
    /// The state does not fit on a line of the accept file.
    BadState,
    /// The file could not be written.
    WriteFailed,
    /// This station may not do that.
    Refused,
    /// It needs a token.
    TokenRequired,
    /// That is not the token.
    BadToken,
    /// The name is too long, blank, or has characters that do not show.
    BadName,
    /// The status is blank or too long.
    BadStatus,
    /// A code that is not known yet. No server of this version says it.
    #[serde(other)]
    Unknown,
}
