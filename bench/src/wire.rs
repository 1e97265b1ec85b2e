//! What the server's messages mean on either wire, and the values a bench writes. Knows no frames
//! and no stations.

use std::borrow::Cow;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::Deserialize;

use crate::mqtt::{self, Packet};
use crate::{frame, handshake};

/// The first message of a text station's greeting.
pub(crate) const HELLO: &str = "Connected to EOT Server";
/// The constant end of the second.
pub(crate) const SNAPSHOT_SUFFIX: &str = "&1";

/// Which wire the stations speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wire {
    /// The original's: a status is a message.
    Text,
    /// `chadburn.v1`: a status is in a `state`'s `order`.
    Json,
    /// A status is a message, and the greeting is the newest of them: what a server does that stores
    /// messages and knows nothing of their meaning.
    Newest,
    /// Server-sent events: a status is in the `order` of an event's data.
    Sse,
    /// MQTT 3.1.1 in binary messages: a status is published, and the newest is retained.
    Mqtt,
}

impl Wire {
    /// What a station asks for in its handshake.
    pub(crate) fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Text | Self::Newest | Self::Sse => None,
            Self::Json => Some("chadburn.v1"),
            Self::Mqtt => Some(mqtt::SUBPROTOCOL),
        }
    }

    /// What a station asks for, at this host.
    pub(crate) fn request(self, host: &str) -> Vec<u8> {
        match self {
            Self::Sse => handshake::request_for_events(host),
            _ => handshake::request(host, self.subprotocol()),
        }
    }

    /// Holds the head of a server's answer to what was asked.
    pub(crate) fn check_answer(self, head: &[u8], accept: &str) -> Result<()> {
        match self {
            Self::Sse => handshake::check_answer_with_events(head),
            _ => handshake::check_answer(head, accept, self.subprotocol()),
        }
    }

    /// What a station says first. MQTT lets it subscribe before it is told that it is connected
    /// (section 3.1.4), which saves a round trip.
    pub(crate) fn opening(self) -> Option<Vec<u8>> {
        (self == Self::Mqtt).then(|| [mqtt::connect(), mqtt::subscribe()].concat())
    }

    /// The first message in a frame with this opcode, and those behind it: a broker may put several
    /// packets into a frame. That it might cut one in two is not provided for, and an error.
    pub(crate) fn first(self, opcode: u8, payload: &[u8]) -> Result<(&[u8], &[u8])> {
        let expected = if self == Self::Mqtt { frame::BINARY } else { frame::TEXT };
        ensure!(opcode == expected, "a message of another kind");
        let length = match self {
            Self::Mqtt => mqtt::parse(payload)?.context("half a packet in a frame")?.1,
            _ => payload.len(),
        };
        Ok(payload.split_at(length))
    }
}

/// A status as it was heard, once the greeting is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// The one that [`value`] gives for this number.
    Number(u32),
    /// Nothing, or only blanks: what the file holds between truncate and write.
    Empty,
    /// Something that was never written, for instance a torn value.
    Foreign,
}

/// The text of the writing with this number.
pub(crate) fn value(number: u32) -> String {
    format!("m{number:06}")
}

/// Understands what a server says. It remembers the last `state`, since all stations hear the same
/// one: ten thousand of them are then parsed once, and the generator stays out of the way.
#[derive(Debug)]
pub(crate) struct Ear {
    wire: Wire,
    last_payload: Vec<u8>,
    last_heard: Option<Value>,
}

impl Ear {
    /// An ear for this wire.
    pub(crate) fn new(wire: Wire) -> Self {
        Self { wire, last_payload: Vec::new(), last_heard: None }
    }

    /// Listens to a message of the greeting; `heard` of them came before. True when it was the
    /// last.
    pub(crate) fn greeting(&mut self, heard: u8, payload: &[u8]) -> Result<bool> {
        match (self.wire, heard) {
            (Wire::Text, 0) => {
                ensure!(payload == HELLO.as_bytes(), "a greeting of another server");
                Ok(false)
            }
            (Wire::Text, _) => {
                ensure!(payload.ends_with(SNAPSHOT_SUFFIX.as_bytes()), "a snapshot without &1");
                Ok(true)
            }
            (Wire::Json, _) => {
                let message = Message::parse(payload)?;
                ensure!(heard > 0 || message.kind == "welcome", "a welcome that is none");
                Ok(message.kind == "state")
            }
            (Wire::Newest | Wire::Sse, _) => Ok(true),
            (Wire::Mqtt, _) => {
                let packet = packet(payload)?;
                ensure!(heard > 0 || packet == Packet::ConnAck, "a message before the CONNACK");
                Ok(matches!(packet, Packet::Publish(_)))
            }
        }
    }

    /// The status in a later message; `None` when it is about something else.
    pub(crate) fn status(&mut self, payload: &[u8]) -> Result<Option<Value>> {
        match self.wire {
            Wire::Text | Wire::Newest => return Ok(Some(classify(std::str::from_utf8(payload)?))),
            Wire::Mqtt => {
                let Packet::Publish(status) = packet(payload)? else {
                    return Ok(None);
                };
                return Ok(Some(classify(std::str::from_utf8(status)?)));
            }
            Wire::Json | Wire::Sse => {}
        }
        if self.last_payload != payload {
            // Of events only states come as far as this.
            let is_state = self.wire == Wire::Sse || Message::parse(payload)?.kind == "state";
            self.last_heard =
                is_state.then(|| State::parse(payload)).transpose()?.map(|it| it.value());
            self.last_payload.clear();
            self.last_payload.extend_from_slice(payload);
        }
        Ok(self.last_heard)
    }
}

/// The first event in these bytes, if it is there whole: the data of one without a name, which is a state, and how
/// many bytes it takes with its empty line. Others and comments have none.
pub(crate) fn event(bytes: &[u8]) -> Option<(Option<&[u8]>, usize)> {
    let end = bytes.windows(2).position(|two| two == b"\n\n")?;
    let lines = || bytes[..end].split(|byte| *byte == b'\n');
    let is_named = lines().any(|line| line.starts_with(b"event:"));
    let data = lines().find_map(|line| line.strip_prefix(b"data: ")).filter(|_| !is_named);
    Some((data, end + 2))
}

fn packet(message: &[u8]) -> Result<Packet<'_>> {
    let (packet, _) = mqtt::parse(message)?.context("half a packet")?;
    Ok(packet)
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

impl<'a> Message<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self> {
        serde_json::from_slice(payload).context("a message that is not of chadburn.v1")
    }
}

/// A `state`; other messages have an `order` of another kind.
#[derive(Debug, Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    order: Option<Order<'a>>,
}

impl<'a> State<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self> {
        serde_json::from_slice(payload).context("a state that is not of chadburn.v1")
    }

    fn value(&self) -> Value {
        self.order.as_ref().map_or(Value::Empty, |order| classify(&order.status))
    }
}

#[derive(Debug, Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

fn classify(status: &str) -> Value {
    let digits = status
        .strip_prefix('m')
        .filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(number) => Value::Number(number),
        None if status.trim().is_empty() => Value::Empty,
        None => Value::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"type":"state","seq":3,"at":1,"order":{"status":"m000007",
        "position":null,"name":null,"seq":3,"since":1},"reply":null,"bell":true,
        "source":{"health":"ok","detail":"","watch":"inotify"}}"#;

    #[test]
    fn every_value_written_is_known_again() {
        for number in [1, 7, 999_999] {
            assert_eq!(classify(&value(number)), Value::Number(number));
        }
    }

    #[test]
    fn torn_empty_and_strange_values_are_told_apart() {
        assert_eq!(classify(""), Value::Empty);
        assert_eq!(classify(" \n"), Value::Empty);
        for foreign in ["m", "m00001", "m0000001", "m+00001", "start", "m000001\nm000002"] {
            assert_eq!(classify(foreign), Value::Foreign, "{foreign:?}");
        }
    }

    #[test]
    fn the_text_greeting_is_two_messages() {
        let mut ear = Ear::new(Wire::Text);
        assert!(!ear.greeting(0, b"Connected to EOT Server").unwrap());
        assert!(ear.greeting(1, b"&1").unwrap());
        assert!(ear.greeting(0, b"hello").is_err());
        assert!(ear.greeting(1, b"7").is_err());
        assert_eq!(ear.status(b"m000002").unwrap(), Some(Value::Number(2)));
    }

    #[test]
    fn the_json_greeting_ends_with_the_first_state() {
        let mut ear = Ear::new(Wire::Json);
        assert!(ear.greeting(0, STATE.as_bytes()).is_err());
        assert!(!ear.greeting(0, br#"{"type":"welcome","dial":{}}"#).unwrap());
        assert!(ear.greeting(1, STATE.as_bytes()).unwrap());
    }

    #[test]
    fn of_events_those_without_a_name_are_states() {
        let state = r#"{"seq":3,"order":{"status":"m000007"}}"#;
        let text = format!(
            "retry: 2000\n\n: here\n\nevent: source\ndata: {{}}\n\nid: 3\ndata: {state}\n\nid"
        );
        let (mut bytes, mut states) = (text.as_bytes(), Vec::new());
        while let Some((data, length)) = event(bytes) {
            states.extend(data);
            bytes = &bytes[length..];
        }
        assert_eq!((states, bytes), (vec![state.as_bytes()], &b"id"[..]));
        let mut ear = Ear::new(Wire::Sse);
        assert!(ear.greeting(0, state.as_bytes()).unwrap());
        assert_eq!(ear.status(state.as_bytes()).unwrap(), Some(Value::Number(7)));
    }

    #[test]
    fn a_server_that_only_stores_greets_with_what_it_stored() {
        let mut ear = Ear::new(Wire::Newest);
        assert!(ear.greeting(0, b"start").unwrap());
        assert_eq!(ear.status(b"m000002").unwrap(), Some(Value::Number(2)));
    }

    #[test]
    fn the_greeting_over_mqtt_ends_with_what_was_retained() {
        let mut ear = Ear::new(Wire::Mqtt);
        let frame = [b"\x20\x02\0\0\x90\x03\0\x01\0".to_vec(), mqtt::publish(b"start")].concat();
        let (mut packets, mut rest) = (Vec::new(), &frame[..]);
        while !rest.is_empty() {
            let (packet, others) = Wire::Mqtt.first(frame::BINARY, rest).unwrap();
            packets.push(packet);
            rest = others;
        }
        assert_eq!(packets.len(), 3);
        assert!(!ear.greeting(0, packets[0]).unwrap());
        assert!(!ear.greeting(1, packets[1]).unwrap());
        assert!(ear.greeting(2, packets[2]).unwrap());
        assert!(ear.greeting(0, packets[2]).is_err());
        assert_eq!(ear.status(&mqtt::publish(b"m000002")).unwrap(), Some(Value::Number(2)));
        assert_eq!(ear.status(packets[1]).unwrap(), None);
        assert!(Wire::Mqtt.first(frame::BINARY, &frame[4..6]).is_err(), "half a packet");
    }

    #[test]
    fn each_wire_has_one_kind_of_message() {
        assert_eq!(Wire::Text.first(frame::TEXT, b"7").unwrap(), (&b"7"[..], &b""[..]));
        assert!(Wire::Text.first(frame::BINARY, b"7").is_err());
        assert!(Wire::Mqtt.first(frame::TEXT, &mqtt::publish(b"7")).is_err());
    }

    #[test]
    fn every_fixture_of_the_wire_is_understood() {
        let fixtures = include_str!("../../tests/fixtures/chadburn.v1.json");
        let fixtures: serde_json::Value = serde_json::from_str(fixtures).unwrap();
        let mut ear = Ear::new(Wire::Json);
        for fixture in fixtures["server"].as_array().unwrap() {
            let heard = ear.status(fixture["message"].to_string().as_bytes()).unwrap();
            let expected = match &fixture["message"] {
                message if message["type"] != "state" => None,
                message if message["order"].is_null() => Some(Value::Empty),
                _ => Some(Value::Foreign),
            };
            assert_eq!(heard, expected, "{}", fixture["name"]);
        }
    }

    #[test]
    fn a_status_is_found_in_a_state_and_nowhere_else() {
        let mut ear = Ear::new(Wire::Json);
        for _ in 0..2 {
            assert_eq!(ear.status(STATE.as_bytes()).unwrap(), Some(Value::Number(7)));
        }
        assert_eq!(ear.status(br#"{"type":"beat","at":1}"#).unwrap(), None);
        let none = br#"{"type":"state","order":null}"#;
        assert_eq!(ear.status(none).unwrap(), Some(Value::Empty));
        assert!(ear.status(b"m000001").is_err());
    }
}
