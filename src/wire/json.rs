//! The JSON wire, subprotocol `chadburn.v1`: what its messages look like.
//!
//! PROTOCOL.md says what they mean; `tests/fixtures/chadburn.v1.json` holds one of each.

use chadburn_core::{Dial, MAX_POSITIONS, Position, Sector};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::writing::{File, Health};

/// The subprotocol's name.
pub const SUBPROTOCOL: &str = "chadburn.v1";

/// The longest `id` that a request may carry, in bytes of text.
const ID_MAX: usize = 64;

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
        /// What this station may do beside answering.
        may: May,
    },
    /// Order, reply and bell as they are now.
    State(State<'a>),
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

/// Where a text is on the dial.
#[derive(Debug, Serialize)]
pub struct Place<'a> {
    /// The position's number; null off the dial.
    position: Option<u8>,
    /// The position's name; null off the dial.
    name: Option<&'a str>,
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
}

/// What a station asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// A reply to the order with this number.
    Answer {
        /// The order's `seq`.
        order: u64,
        /// The reply; without one the order is accepted as it stands.
        position: Option<Position>,
    },
    /// A line from the debug console.
    Console {
        /// The line.
        command: String,
    },
}

/// A message that is not understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The request's id, if it had one that could be read.
    pub id: Option<Id>,
    /// Why, for a program.
    pub code: Code,
    /// Why, for a person.
    pub message: String,
}

/// The fields of an `answer`.
#[derive(Deserialize)]
struct AnswerFields {
    order: u64,
    #[serde(default, deserialize_with = "position")]
    position: Option<Position>,
}

/// The fields of a `console`.
#[derive(Deserialize)]
struct ConsoleFields {
    command: String,
}

/// Understands a message, or says in one line why it cannot.
pub fn parse(text: &str) -> Result<(Request, Option<Id>), Refused> {
    let refuse = |id, code, message: String| Err(Refused { id, code, message });
    let mut value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return refuse(None, Code::BadJson, format!("this is not JSON: {error}")),
    };
    let Some(object) = value.as_object_mut() else {
        return refuse(None, Code::BadMessage, "a message is a JSON object".into());
    };
    let id = match object.remove("id").map(id) {
        None => None,
        Some(Ok(id)) => id,
        Some(Err(message)) => return refuse(None, Code::BadMessage, message.into()),
    };
    let Some(Value::String(kind)) = object.remove("type") else {
        return refuse(id, Code::BadMessage, "a message has a type, which is a text".into());
    };
    let request = match kind.as_str() {
        "answer" => serde_json::from_value(value)
            .map(|AnswerFields { order, position }| Request::Answer { order, position }),
        "console" => serde_json::from_value(value)
            .map(|ConsoleFields { command }| Request::Console { command }),
        _ => {
            return refuse(id, Code::UnknownType, "there is no message of this type".into());
        }
    };
    match request {
        Ok(request) => Ok((request, id)),
        Err(error) => refuse(id, Code::BadMessage, format!("{kind}: {error}")),
    }
}

fn id(value: Value) -> Result<Option<Id>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.len() <= ID_MAX => Ok(Some(Id::Text(text))),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Ok(Some(Id::Number(number))),
            None => Err("an id that is a number is an integer"),
        },
        _ => Err("an id is an integer or a text of at most 64 bytes"),
    }
}

fn position<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Position>, D::Error> {
    let Some(number) = Option::<u8>::deserialize(deserializer)? else {
        return Ok(None);
    };
    Position::new(number)
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom(format!("a position is 1 to {MAX_POSITIONS}")))
}

#[cfg(test)]
mod tests;
