//! What a station says, and what it may say.

use chadburn_core::{Position, unseen};
use serde::{Deserialize, Serialize};

use crate::Id;

/// Said of a name that a station cannot have.
pub const BAD_NAME: &str =
    "a name has at most 40 characters that show, and no white space at its ends";

/// The longest name of a station, in characters of any script.
const NAME_MAX: usize = 40;

/// The longest status, in bytes.
pub const STATUS_MAX: usize = 4096;

/// The longest line for the debug console, in bytes: what comes back of it, with each byte escaped,
/// is no longer than a message may be.
const COMMAND_MAX: usize = 8192;

/// Said of an order that cannot be written.
pub const BAD_STATUS: &str = "a status is 1 to 4096 bytes, not blank and without NUL";

/// What a station asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// A reply to the order with this number.
    Answer {
        /// The order's `seq`.
        order: u64,
        /// The reply; without one the order is accepted as it stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<Position>,
        /// Whether whoever is at the station is coming. Not coming, without a position, is no reply.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coming: Option<bool>,
    },
    /// What this station shall be called; empty is unnamed.
    Name {
        /// At most 40 characters that show, and no white space at its ends.
        name: String,
    },
    /// An order.
    Order {
        /// Its status: 1 to 4,096 bytes, not blank and without NUL. A server drops white space at its end.
        status: String,
    },
    /// The token.
    Token {
        /// Its value.
        value: String,
    },
    /// A line for the debug console.
    Console {
        /// The line: at most 8,192 bytes.
        command: String,
    },
}

/// A request as it goes over the wire.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(flatten)]
    request: &'a Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id<&'a str>>,
}

impl Request {
    /// The types of all of them, as they stand in a message.
    pub(crate) const TYPES: [&str; 5] = ["answer", "name", "order", "token", "console"];

    /// The request as it goes over the wire, with what it calls itself.
    #[must_use]
    pub fn encode(&self, id: Option<&Id>) -> String {
        let said = Said { request: self, id: id.map(Id::lent) };
        serde_json::to_string(&said).expect("a request has string keys and texts")
    }
}

/// Whether a station may be called this: empty, or at most 40 characters, each of them seen, and no white
/// space at its ends, which would make a second one of a name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.chars().count() <= NAME_MAX && name.trim() == name && unseen(name).is_none()
}

/// Whether the debug console takes this line.
pub(crate) fn is_command(line: &str) -> bool {
    line.len() <= COMMAND_MAX
}

/// The status that an order over the network gives, if it can be one: as it will be read back from
/// the status file.
#[must_use]
pub fn status_text(text: &str) -> Option<String> {
    let status = chadburn_core::text::lines(text).collect::<Vec<_>>().join("\n");
    let is_text = !status.is_empty() && !status.contains('\0');
    (is_text && status.len() <= STATUS_MAX).then_some(status)
}
