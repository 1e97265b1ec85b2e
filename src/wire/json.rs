//! The JSON wire, subprotocol `chadburn.v1`: what its messages look like.
//!
//! Here is what the server says, in `request` what a station does. PROTOCOL.md says what it means;
//! `tests/fixtures/chadburn.v1.json` holds one of each.

mod request;

use std::borrow::Cow;

use chadburn_core::{Dial, Sector};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

pub use self::request::{BAD_STATUS, Refused, Request, STATUS_MAX, is_name, parse, status_text};
use crate::writing::{File, Health};

/// The subprotocol's name.
pub const SUBPROTOCOL: &str = "chadburn.v1";

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message<'a> {
    /// Once, first.
    Welcome {
        /// The station's id.
        station: Uuid,
        /// The server's version.
        server: &'a str,
        /// Which panel the server carries.
        assets: &'a str,
        /// The dial, once for all.
        dial: DialForm<'a>,
        /// How often a beat comes, in milliseconds.
        heartbeat_ms: u32,
        /// The station's secret, by which it is the same station when it comes back.
        resume: &'a str,
        /// Whether orders, answers and the shutdown need a token, which this station has not given.
        token: bool,
        /// What this station may do beside answering.
        may: May,
    },
    /// Order, reply and bell as they are now.
    State(State<'a>),
    /// Who answered the present order, and who is there.
    Roll(Roll<'a>),
    /// What this station may do has changed.
    May(May),
    /// The health of a file has changed.
    Source {
        /// Which file.
        file: File,
        /// Its health.
        #[serde(flatten)]
        health: &'a Health,
    },
    /// States with these numbers were left out.
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
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Id>,
    },
    /// A request was not carried out.
    Error {
        /// The request's id, if it had one that could be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Id>,
        /// Why, for a program.
        code: Code,
        /// Why, for a person.
        message: &'a str,
    },
    /// A line for the debug console.
    Console {
        /// The line.
        text: &'a str,
    },
    /// The server closes this connection.
    Farewell {
        /// Why.
        reason: &'a str,
    },
}

impl Message<'_> {
    /// The message as it goes over the wire.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a message has string keys and no failing serializer")
    }
}

/// The telegraph as every station sees it.
#[derive(Debug, Serialize)]
pub struct State<'a> {
    /// The number of the latest order, repeat or reply.
    pub seq: u64,
    /// When that was: UTC in milliseconds.
    pub at: u64,
    /// The present order.
    pub order: Option<OrderForm<'a>>,
    /// The present reply.
    pub reply: Option<ReplyForm<'a>>,
    /// Whether the bell rings.
    pub bell: bool,
    /// The health of the status file.
    pub source: &'a Health,
}

/// An order as it is shown.
#[derive(Debug, Serialize)]
pub struct OrderForm<'a> {
    /// The text of the status file.
    pub status: &'a str,
    /// Where on the dial it is, if it is.
    #[serde(flatten)]
    pub place: Place<'a>,
    /// The number it was given under; of its latest repeat, if it was repeated.
    pub seq: u64,
    /// When it was first given: UTC in milliseconds.
    pub since: u64,
}

/// A reply as it is shown.
#[derive(Debug, Serialize)]
pub struct ReplyForm<'a> {
    /// The text of the accept file.
    pub status: &'a str,
    /// Where on the dial it is, if it is.
    #[serde(flatten)]
    pub place: Place<'a>,
    /// The number it came under.
    pub seq: u64,
    /// Whose it is.
    pub by: By,
    /// The name of that station, if it has one.
    pub who: Option<&'a str>,
    /// When it came: UTC in milliseconds.
    pub at: u64,
}

/// Who answered the present order, and who is there. A note among people.
#[derive(Debug, Serialize)]
pub struct Roll<'a> {
    /// The present order's number.
    pub order: Option<u64>,
    /// Who answered it, the first first.
    pub answers: Vec<RollAnswer<'a>>,
    /// How many have answered beyond those that are listed.
    pub more_answers: usize,
    /// How many stations there are.
    pub stations: usize,
    /// The names of those that have one.
    pub named: Vec<&'a str>,
    /// How many are named beyond those that are listed.
    pub more_named: usize,
}

/// How one station answered.
#[derive(Debug, Serialize)]
pub struct RollAnswer<'a> {
    /// The station.
    pub station: Uuid,
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// The position it answered with; null if it gave none or accepted an order off the dial.
    pub position: Option<u8>,
    /// Whether it is coming; null if it did not say.
    pub coming: Option<bool>,
    /// How many milliseconds after the order.
    pub after_ms: u64,
}

/// Where a text is on the dial.
#[derive(Debug, Serialize)]
pub struct Place<'a> {
    /// The position's number; null off the dial.
    pub position: Option<u8>,
    /// The position's name; null off the dial.
    pub name: Option<&'a str>,
}

impl<'a> From<Option<&Sector<'a>>> for Place<'a> {
    fn from(sector: Option<&Sector<'a>>) -> Self {
        Self {
            position: sector.map(|sector| sector.position.number()),
            name: sector.map(|sector| sector.name),
        }
    }
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
        match self {
            Self::File => serializer.serialize_str("file"),
            Self::Station(id) => id.serialize(serializer),
        }
    }
}

/// What a station may do beside answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct May {
    /// Give orders.
    pub order: bool,
    /// End the server.
    pub shutdown: bool,
}

/// The dial as it is told to a station.
#[derive(Debug, Serialize)]
pub struct DialForm<'a> {
    /// What the maker's plate says.
    title: &'a str,
    /// The sectors from left to right.
    positions: Vec<SectorForm<'a>>,
}

/// One position as it is told to a station.
#[derive(Debug, Serialize)]
struct SectorForm<'a> {
    /// Its number.
    position: u8,
    /// Its name.
    name: &'a str,
    /// Its arc, if it belongs to one.
    arc: Option<&'a str>,
}

impl<'a> From<&Dial<'a>> for DialForm<'a> {
    fn from(dial: &Dial<'a>) -> Self {
        let form = |sector: &Sector<'a>| SectorForm {
            position: sector.position.number(),
            name: sector.name,
            arc: sector.arc,
        };
        Self { title: dial.title, positions: dial.sectors.iter().map(form).collect() }
    }
}

/// What a request calls itself: an integer, or a text of at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Id {
    /// An integer.
    Number(i64),
    /// A text.
    Text(String),
}

/// Why a request was not carried out, for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
    /// The accept file could not be written.
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
}

#[cfg(test)]
mod tests;
