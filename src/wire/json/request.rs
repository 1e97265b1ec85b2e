//! What a station says: understood, or refused in one line.

use chadburn_core::{MAX_POSITIONS, Position};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Code, Id};

/// The longest name of a station, in characters of any script.
const NAME_MAX: usize = 40;

/// The longest status, in bytes.
pub const STATUS_MAX: usize = 4096;

/// Said of an order that cannot be written.
pub const BAD_STATUS: &str = "a status is 1 to 4096 bytes and not blank";

/// The longest `id` that a request may carry, in bytes of text.
const ID_MAX: usize = 64;

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
