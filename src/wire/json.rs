//! The JSON wire, subprotocol `chadburn.v1`: what its messages look like.
//!
//! PROTOCOL.md says what they mean; `tests/fixtures/chadburn.v1.json` holds one of each.

use std::borrow::Cow;

use chadburn_core::{Dial, MAX_POSITIONS, Position, Sector};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::writing::{File, Health};

/// The subprotocol's name.
pub const SUBPROTOCOL: &str = "chadburn.v1";

/// The longest name of a station, in characters of any script.
const NAME_MAX: usize = 40;

/// The longest status, in bytes.
pub const STATUS_MAX: usize = 4096;

/// Said of an order that cannot be written.
pub const BAD_STATUS: &str = "a status is 1 to 4096 bytes and not blank";

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

/// What a station asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// A reply to the order with this number.
    Answer {
        /// The order's `seq`.
        order: u64,
        /// The reply; without one the order is accepted as it stands.
        position: Option<Position>,
        /// Whether whoever is at the station is coming. Not coming, without a position, is no reply.
        coming: Option<bool>,
    },
    /// What this station shall be called; empty is unnamed.
    Name {
        /// At most 40 characters that show.
        name: String,
    },
    /// An order.
    Order {
        /// Its status, without trailing white space.
        status: String,
    },
    /// The token.
    Token {
        /// Its value.
        value: String,
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
    #[serde(default)]
    coming: Option<bool>,
}

/// The fields of a `name`.
#[derive(Deserialize)]
struct NameFields {
    name: String,
}

/// The fields of an `order`.
#[derive(Deserialize)]
struct OrderFields {
    status: String,
}

/// The fields of a `token`.
#[derive(Deserialize)]
struct TokenFields {
    value: String,
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
        "answer" => serde_json::from_value(value).map(|fields| {
            let AnswerFields { order, position, coming } = fields;
            Request::Answer { order, position, coming }
        }),
        "name" => serde_json::from_value(value).map(|NameFields { name }| Request::Name { name }),
        "order" => {
            serde_json::from_value(value).map(|OrderFields { status }| Request::Order { status })
        }
        "token" => {
            serde_json::from_value(value).map(|TokenFields { value }| Request::Token { value })
        }
        "console" => serde_json::from_value(value)
            .map(|ConsoleFields { command }| Request::Console { command }),
        _ => {
            return refuse(id, Code::UnknownType, "there is no message of this type".into());
        }
    };
    match request {
        Ok(Request::Name { name }) if !is_name(&name) => {
            refuse(id, Code::BadName, format!("a name has at most {NAME_MAX} characters that show"))
        }
        Ok(Request::Order { status }) => match status_text(&status) {
            Some(status) => Ok((Request::Order { status: status.to_owned() }, id)),
            None => refuse(id, Code::BadStatus, BAD_STATUS.into()),
        },
        Ok(request) => Ok((request, id)),
        Err(error) => refuse(id, Code::BadMessage, format!("{kind}: {error}")),
    }
}

/// Whether a station may be called this: empty, or at most 40 characters that show and leave the
/// direction of what follows alone.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.is_empty()
        || (name.chars().count() <= NAME_MAX
            && !name.trim().is_empty()
            && !name.chars().any(|c| c.is_control() || turns_direction(c)))
}

/// Characters that embed, override or isolate a direction (UAX #9), or break lines (UAX #14).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The status that an order over the network gives, if it can be one.
#[must_use]
pub fn status_text(text: &str) -> Option<&str> {
    let status = text.trim_start_matches('\u{feff}').trim_end();
    (!status.is_empty() && status.len() <= STATUS_MAX).then_some(status)
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
