//! The messages of `chadburn.v1`, once for the server and for whoever speaks with it.
//!
//! [`Message`] is what a server says and [`Request`] what a station does; [`parse`] is how a server
//! hears a station: understood, or refused in one line. What they mean stands in PROTOCOL.md, and
//! `tests/fixtures/chadburn.v1.json` holds one of each.
//!
//! A text is a `String` unless somebody says otherwise: a server, which only lends what it says,
//! writes a `Message<&str>`. What a newer server may add is not an error: fields that are not known
//! are left out, and a type or a code that is not known is [`Message::Unknown`] or
//! [`Code::Unknown`].
//!
//! ```
//! use chadburn_v1::{Id, Message, Request, parse};
//!
//! let answer = Request::Answer { order: 7, position: None, coming: Some(true) };
//! let text = answer.encode(Some(&Id::Number(1)));
//! assert_eq!(parse(&text), Ok((answer, Some(Id::Number(1)))));
//!
//! let said = Message::Farewell { reason: "shutdown" }.encode();
//! let heard: Message = serde_json::from_str(&said)?;
//! assert_eq!(heard, Message::Farewell { reason: "shutdown".to_owned() });
//! # Ok::<(), serde_json::Error>(())
//! ```
#![forbid(unsafe_code)]

mod ear;
mod message;
mod request;
mod shown;

pub use ear::{Refused, parse};
pub use message::{
    By, Code, Dial, Health, Id, May, Message, Order, Reply, Roll, RollAnswer, Sector, State,
    Welcome,
};
pub use request::{BAD_NAME, BAD_STATUS, Request, STATUS_MAX, is_name, status_text};
pub use shown::{acts, json_line};

/// The subprotocol's name.
pub const SUBPROTOCOL: &str = "chadburn.v1";

#[cfg(test)]
mod tests;
