//! The languages that stations speak, as pure functions between messages and text.
//!
//! None knows a frame, a socket or the state of the telegraph. The JSON wire's messages are the crate
//! `chadburn-v1`, which programs at the other end share.

pub mod sse;
pub mod text;

/// The language a station speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// The original's text, without a subprotocol.
    Text,
    /// JSON, subprotocol `chadburn.v1`.
    Json,
    /// Server-sent events over plain HTTP: the state in JSON, one way.
    Sse,
}
