//! One station's conversation: what it asks for, and how the response is put on its wire.
//!
//! It does not know what the response is; the hub decides that. No IO, no clock.

use std::sync::Arc;

use chadburn_core::Position;
use chadburn_v1::{Code, Id, Message, Refused, Request, parse};
use uuid::Uuid;

use crate::policy::Peer;
use crate::wire::{Wire, text};

/// One station's wire and identity.
#[derive(Debug)]
pub struct Session {
    /// The station's id.
    pub station_id: Uuid,
    /// The language it speaks.
    pub wire: Wire,
    /// What is known of the other end.
    pub peer: Peer,
    /// What it is called, if it has said so.
    pub name: Option<Arc<str>>,
}

/// What a station wants, whichever wire it came over.
#[derive(Debug, PartialEq, Eq)]
pub enum Want {
    /// The directory that given file names start from.
    Base,
    /// The name of the status file.
    File,
    /// The present status.
    Status,
    /// The end of the server.
    Shutdown,
    /// Reply with this state, whatever the present order is.
    Accept(String),
    /// Reply to the order with this number, by a position or as it stands.
    Answer {
        /// The order's number; without one the order is meant that is present when the hub hears
        /// of it.
        order: Option<u64>,
        /// The reply's position; without one the order is accepted as it stands.
        position: Option<Position>,
        /// Whether whoever is at the station is coming; not coming, without a position, is a note
        /// for the roll and no reply.
        coming: Option<bool>,
    },
    /// Be called this; empty is unnamed.
    Name(String),
    /// Give this order.
    Order(String),
    /// Authenticate with this token.
    Token(String),
    /// Have this echoed.
    Echo(String),
    /// Nothing.
    Nothing,
}

/// How a response must be encoded for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseFormat {
    /// One line of text, or none.
    Text,
    /// Console lines, then an `ok`.
    Console(Option<Id>),
    /// An `ok` or an `error`.
    Request(Option<Id>),
}

/// How the hub responds to a request.
#[derive(Clone, Copy, Debug)]
pub enum StationResponse<'a> {
    /// This line.
    Line(&'a str),
    /// Nothing needs to be said.
    Nothing,
    /// The reply with this state is durably in the accept file.
    Accepted(&'a str),
    /// Refused: a code for programs, and one line for people, the same on every wire.
    Refused(Code, &'a str),
}

impl Session {
    /// Parses a message. `Err` is the error message to send back.
    pub fn parse_message(&self, message: &str) -> Result<(Want, ResponseFormat), String> {
        if self.wire != Wire::Json {
            return Ok((command(message), ResponseFormat::Text));
        }
        match parse(message) {
            Ok((Request::Console { command: line }, id)) => {
                Ok((command(&line), ResponseFormat::Console(id)))
            }
            Ok((Request::Answer { order, position, coming }, id)) => {
                let want = Want::Answer { order: Some(order), position, coming };
                Ok((want, ResponseFormat::Request(id)))
            }
            Ok((Request::Name { name }, id)) => Ok((Want::Name(name), ResponseFormat::Request(id))),
            Ok((Request::Order { status }, id)) => {
                Ok((Want::Order(status), ResponseFormat::Request(id)))
            }
            Ok((Request::Token { value }, id)) => {
                Ok((Want::Token(value), ResponseFormat::Request(id)))
            }
            Err(Refused { id, code, message }) => {
                Err(Message::Error { id: id.as_ref().map(Id::lent), code, message: &message }
                    .encode())
            }
        }
    }
}

impl ResponseFormat {
    /// The messages, at most two, that tell this on the wire.
    pub fn encode(&self, response: StationResponse<'_>) -> impl Iterator<Item = String> + use<> {
        let (first, second) = match (self, response) {
            (Self::Text, StationResponse::Nothing) => (None, None),
            (Self::Text, StationResponse::Line(line) | StationResponse::Refused(_, line)) => {
                (Some(line.into()), None)
            }
            (Self::Text, StationResponse::Accepted(state)) => (Some(text::accepted(state)), None),
            (Self::Console(id), StationResponse::Line(line)) => {
                (Some(console(line)), Some(ok(id.as_ref())))
            }
            (Self::Console(id), StationResponse::Accepted(state)) => {
                (Some(console(&text::accepted(state))), Some(ok(id.as_ref())))
            }
            (Self::Console(id) | Self::Request(id), StationResponse::Refused(code, message)) => (
                Some(Message::Error { id: id.as_ref().map(Id::lent), code, message }.encode()),
                None,
            ),
            (Self::Console(id), StationResponse::Nothing) | (Self::Request(id), _) => {
                (Some(ok(id.as_ref())), None)
            }
        };
        first.into_iter().chain(second)
    }
}

fn console(line: &str) -> String {
    Message::Console { text: line }.encode()
}

fn ok(id: Option<&Id>) -> String {
    Message::Ok { id: id.map(Id::lent) }.encode()
}

fn command(line: &str) -> Want {
    match text::parse(line) {
        text::Command::Base => Want::Base,
        text::Command::File => Want::File,
        text::Command::Status => Want::Status,
        text::Command::Shutdown => Want::Shutdown,
        text::Command::Accept(state) => Want::Accept(state.into()),
        text::Command::Echo(words) => Want::Echo(words.into()),
        text::Command::Nothing => Want::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn session(wire: Wire) -> Session {
        let peer = Peer::at(Ipv4Addr::LOCALHOST.into());
        Session { station_id: Uuid::nil(), wire, peer, name: None }
    }

    fn put(format: &ResponseFormat, response: StationResponse<'_>) -> Vec<String> {
        format.encode(response).collect()
    }

    #[test]
    fn the_console_says_on_either_wire_what_the_text_wire_says() {
        let (want, format) = session(Wire::Json)
            .parse_message(r#"{"type":"console","command":"x","id":3}"#)
            .unwrap();
        assert_eq!(want, session(Wire::Text).parse_message("x").unwrap().0);
        assert_eq!(put(&ResponseFormat::Text, StationResponse::Line("hi")), ["hi"]);
        assert_eq!(
            put(&format, StationResponse::Line("hi")),
            [r#"{"type":"console","text":"hi"}"#, r#"{"type":"ok","id":3}"#]
        );
    }

    #[test]
    fn silence_on_the_text_wire_is_an_ok_in_json() {
        assert!(put(&ResponseFormat::Text, StationResponse::Nothing).is_empty());
        assert_eq!(
            put(&ResponseFormat::Console(None), StationResponse::Nothing),
            [r#"{"type":"ok"}"#]
        );
    }

    #[test]
    fn an_answer_is_an_ok_or_an_error_with_the_requests_id() {
        let format = ResponseFormat::Request(Some(Id::Text("a".into())));
        assert_eq!(put(&format, StationResponse::Accepted("7")), [r#"{"type":"ok","id":"a"}"#]);
        assert_eq!(
            put(&format, StationResponse::Refused(Code::Stale, "too late")),
            [r#"{"type":"error","id":"a","code":"stale","message":"too late"}"#]
        );
    }
}
