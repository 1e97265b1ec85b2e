//! `chadburn.v1` as a client keeps it: every message owned, both ways from and to JSON.
//!
//! The server writes the same messages from borrowed parts. That the two are one language is held by
//! `tests/fixtures/chadburn.v1.json`, which both sides' tests read, field by field. What a message
//! means stands in PROTOCOL.md.

use chadburn_core::same_in_any_case;
use serde::{Deserialize, Serialize};

/// The subprotocol's name.
pub(crate) const SUBPROTOCOL: &str = "chadburn.v1";

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Message {
    /// Once, first.
    Welcome(Welcome),
    /// Order, reply and bell as they are now.
    State(State),
    /// Who answered the present order, and who is there.
    Roll(Roll),
    /// What this station may do has changed.
    May(May),
    /// The health of a file has changed.
    Source {
        /// Which: `status`, `accept` or `book`.
        file: String,
        /// Its health.
        #[serde(flatten)]
        health: Health,
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
        id: Option<Id>,
    },
    /// A request was not carried out.
    Error {
        /// The request's id, if it had one that could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Id>,
        /// Why, for a program.
        code: Code,
        /// Why, for a person.
        message: String,
    },
    /// A line for the debug console.
    Console {
        /// The line.
        text: String,
    },
    /// The server closes this connection.
    Farewell {
        /// Why: `shutdown`, `replaced`, or a word that is not known yet.
        reason: String,
    },
    /// A message of a type that this client does not know yet.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// What a station is told first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The station's uuid.
    pub station: String,
    /// The server's version.
    pub server: String,
    /// Which panel the server carries.
    pub assets: String,
    /// The dial.
    pub dial: Dial,
    /// How often a beat comes, in milliseconds.
    pub heartbeat_ms: u64,
    /// The station's secret, by which it is the same one when it comes back.
    pub resume: String,
    /// Whether a token is wanted that this station has not given.
    pub token: bool,
    /// What this station may do beside answering.
    pub may: May,
}

/// The dial: its positions from left to right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// What the maker's plate says.
    pub title: String,
    /// The positions, numbered from 1 without a hole.
    pub positions: Vec<Position>,
}

/// One position of the dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Its number, 1 to 24.
    pub position: u8,
    /// What is engraved on it.
    pub name: String,
    /// The arc it belongs to, if it does.
    pub arc: Option<String>,
}

/// The telegraph as every station sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The number of the latest order, repeat or reply.
    pub seq: u64,
    /// When that was: UTC in milliseconds.
    pub at: u64,
    /// The present order.
    pub order: Option<Order>,
    /// The present reply.
    pub reply: Option<Reply>,
    /// Whether the bell rings.
    pub bell: bool,
    /// The health of the status file.
    pub source: Health,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The text of the status file.
    pub status: String,
    /// The position it means, if it is on the dial.
    pub position: Option<u8>,
    /// That position's name.
    pub name: Option<String>,
    /// The number it was given under, or that of its latest repeat.
    pub seq: u64,
    /// When it was first given: UTC in milliseconds.
    pub since: u64,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The text of the accept file.
    pub status: String,
    /// The position it means, if it is on the dial.
    pub position: Option<u8>,
    /// That position's name.
    pub name: Option<String>,
    /// The number it came under.
    pub seq: u64,
    /// Whose it is: a station's uuid, or `file`.
    pub by: String,
    /// That station's name, if it has one.
    pub who: Option<String>,
    /// When it came: UTC in milliseconds.
    pub at: u64,
}

/// Whether a file can be read, and how it is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, or what is wrong, in one word; the list may grow.
    pub health: String,
    /// What is wrong, for a person; empty when all is well.
    pub detail: String,
    /// How changes are noticed; the list may grow.
    pub watch: String,
}

/// Who answered the present order, and who is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    /// The present order's number.
    pub order: Option<u64>,
    /// Who answered it, the first first; at most 200.
    pub answers: Vec<RollAnswer>,
    /// How many have answered beyond those.
    pub more_answers: u64,
    /// How many stations there are.
    pub stations: u64,
    /// The names of those that have one; at most 200.
    pub named: Vec<String>,
    /// How many are named beyond those.
    pub more_named: u64,
}

/// How one station answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollAnswer {
    /// The station's uuid.
    pub station: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The position it answered with, if it gave one.
    pub position: Option<u8>,
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
pub enum Id {
    /// An integer.
    Number(i64),
    /// A text of at most 64 bytes.
    Text(String),
}

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// It was not JSON.
    BadJson,
    /// A field is missing or of the wrong kind.
    BadMessage,
    /// There is no such message.
    UnknownType,
    /// The order it answers is no longer the present one.
    Stale,
    /// There is no order to answer.
    NoOrder,
    /// The dial has no such position.
    NoPosition,
    /// The N of `Accept&N` does not fit.
    BadState,
    /// The file could not be written.
    WriteFailed,
    /// This station may not do that.
    Refused,
    /// It needs a token.
    TokenRequired,
    /// That is not the token.
    BadToken,
    /// The name is too long, blank, or does not show.
    BadName,
    /// The status is blank or too long.
    BadStatus,
    /// A code that this client does not know yet.
    #[serde(other)]
    Unknown,
}

/// What a station says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// A reply to the order with this number.
    Answer {
        /// The order's `seq`.
        order: u64,
        /// The position; without one the order is accepted as it stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u8>,
        /// Whether whoever is at the station is coming.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coming: Option<bool>,
    },
    /// What this station shall be called; empty is unnamed.
    Name {
        /// At most 40 characters that show.
        name: String,
    },
    /// An order.
    Order {
        /// Its status: 1 to 4,096 bytes, not blank.
        status: String,
    },
    /// The token.
    Token {
        /// Its value.
        value: String,
    },
    /// A line for the debug console.
    Console {
        /// The line.
        command: String,
    },
}

impl Dial {
    /// The position that this text means: its plain number, or its name in any case.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Position> {
        let number =
            chadburn_core::Position::from_plain_number(text).map(chadburn_core::Position::number);
        self.positions.iter().find(|it| match number {
            Some(number) => it.position == number,
            None => same_in_any_case(&it.name, text),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn fixtures(part: &str) -> Vec<Value> {
        let text = include_str!("../../../tests/fixtures/chadburn.v1.json");
        let all: Value = serde_json::from_str(text).unwrap();
        all[part].as_array().unwrap().iter().map(|it| it["message"].clone()).collect()
    }

    #[test]
    fn every_message_of_the_server_is_understood_to_the_last_field() {
        for fixture in fixtures("server") {
            let message: Message = serde_json::from_value(fixture.clone()).unwrap();
            assert_ne!(message, Message::Unknown);
            assert_eq!(serde_json::to_value(message).unwrap(), fixture);
        }
    }

    #[test]
    fn every_request_is_said_as_the_server_reads_it() {
        let mut kinds = BTreeSet::new();
        for mut fixture in fixtures("station") {
            let request: Request = serde_json::from_value(fixture.clone()).unwrap();
            fixture.as_object_mut().unwrap().remove("id");
            assert_eq!(serde_json::to_value(request).unwrap(), fixture);
            kinds.insert(fixture["type"].as_str().unwrap().to_owned());
        }
        assert_eq!(kinds.len(), 5);
    }

    #[test]
    fn what_is_new_is_not_an_error() {
        let song = serde_json::from_str::<Message>(r#"{"type":"song","verse":1}"#).unwrap();
        assert_eq!(song, Message::Unknown);
        let error = r#"{"type":"error","code":"too_loud","message":"hush"}"#;
        let error = serde_json::from_str::<Message>(error).unwrap();
        assert!(matches!(error, Message::Error { code: Code::Unknown, .. }));
    }

    #[test]
    fn a_position_is_found_by_number_and_by_name_in_any_case() {
        let Some(Ok(Message::Welcome(welcome))) =
            fixtures("server").first().map(|it| serde_json::from_value(it.clone()))
        else {
            panic!("the welcome comes first");
        };
        let find = |text| welcome.dial.find(text).map(|it| it.position);
        assert_eq!((find("3"), find("coffee"), find("COFFEE")), (Some(3), Some(3), Some(3)));
        assert_eq!((find("4"), find("03"), find("tea")), (None, None, None));
    }
}
