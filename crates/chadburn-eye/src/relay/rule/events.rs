//! What the rule is told, and what it says.

use std::collections::BTreeMap;

use crate::relay::outbox::Text;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A camera's processor.
    Processor,
    /// A client that knows boxes.
    Client,
    /// A client that has asked for [`SUBPROTOCOL`](crate::wire::SUBPROTOCOL).
    Panel,
}

/// What came over a connection.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary,
    /// A message that is longer than [`MAX_MESSAGE`](crate::wire::MAX_MESSAGE).
    TooLong,
    /// A text that is not UTF-8.
    NotUtf8,
    /// Frames that are none.
    Broken,
    /// A ping or a pong.
    Sign,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A new connection, under a key that none has had.
    Joined(u64, Role),
    /// Something came over it.
    Heard(u64, Said<'a>),
    /// It is gone.
    Left(u64),
    /// A second may have passed.
    Tick,
    /// The relay ends.
    Shutdown,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// There is something for this connection to take.
    Wake(u64),
    /// This connection is closed; a second from now it is gone, whether or not it has taken its close frame.
    Close(u64),
    /// A line for the log; `true` if somebody should look after it.
    Log(bool, String),
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code of the close frame.
    pub code: u16,
    /// The reason, of at most 123 bytes.
    pub reason: &'static str,
}

/// Every way in which a connection is closed.
pub mod close {
    use super::Close;

    /// The relay ends.
    pub const SHUTDOWN: Close = Close { code: 1001, reason: "the relay ends" };
    /// The frames break the protocol.
    pub const BROKEN: Close = Close { code: 1002, reason: "these are no frames" };
    /// A binary message.
    pub const BINARY: Close = Close { code: 1003, reason: "only texts are taken here" };
    /// A text that is not UTF-8.
    pub const NOT_UTF8: Close = Close { code: 1007, reason: "a text is UTF-8" };
    /// A processor has not said who it is.
    pub const UNIDENTIFIED: Close =
        Close { code: 1008, reason: "the first message is the identifier, within 10 s" };
    /// Too many messages were none.
    pub const BAD: Close = Close { code: 1008, reason: "100 messages could not be read" };
    /// Nothing was heard for too long.
    pub const SILENT: Close = Close { code: 1008, reason: "nothing was heard for 40 s" };
    /// A message is too long.
    pub const TOO_LONG: Close = Close { code: 1009, reason: "a message has at most 1.5 MiB" };
    /// There are too many of its kind.
    pub const FULL: Close =
        Close { code: 1013, reason: "there are too many connections of this kind" };
    /// It does not take what it is sent.
    pub const SLOW: Close = Close { code: 1013, reason: "too many messages wait" };
    /// The same camera has connected anew.
    pub const REPLACED: Close = Close { code: 4001, reason: "this camera has connected anew" };
}

/// What a connection is to send next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing, until it is woken.
    Nothing,
    /// A text.
    Text(Text),
    /// A ping.
    Ping,
    /// A close frame, and nothing after it.
    Close(Close),
}

/// What is counted, since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Boxes of a frame that were passed on.
    pub boxes: u64,
    /// Boxes that a slow client did not get because it gets newer ones.
    pub conflated: u64,
    /// Feature maps that were passed on.
    pub updates: u64,
    /// Feature maps of objects that were stopped.
    pub late_updates: u64,
    /// Objects that were forgotten because there were too many.
    pub forgotten: u64,
    /// Starts that have gone to their camera.
    pub starts: u64,
    /// Starts for a camera that is unknown, or does not take what it is sent.
    pub refused_starts: u64,
    /// Objects that were stopped.
    pub stops: u64,
    /// Messages that were none.
    pub bad: u64,
    /// Connections that were closed from here, by code.
    pub closed: BTreeMap<u16, u64>,
}
