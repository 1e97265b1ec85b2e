//! Messages, encoded for a wire: WebSocket frames, or server-sent events.

use super::frame::{self, opcode};
use crate::wire::{Wire, sse};

/// A text or JSON message in a frame. Not for event streams.
pub(super) fn message(text: &str) -> Vec<u8> {
    frame::encode(opcode::TEXT, text.as_bytes())
}

/// A state, which has a number.
pub(super) fn state(wire: Wire, seq: u64, json: &str) -> Vec<u8> {
    match wire {
        Wire::Sse => sse::state(seq, json).into_bytes(),
        Wire::Text | Wire::Json => message(json),
    }
}

/// A JSON message; on an event stream `name` is the event's name.
pub(super) fn json_event(wire: Wire, name: &str, json: &str) -> Vec<u8> {
    match wire {
        Wire::Sse => sse::named(name, json).into_bytes(),
        Wire::Text | Wire::Json => message(json),
    }
}

/// The end of a conversation; empty for an event stream, which simply ends.
pub(super) fn close(wire: Wire, code: Option<u16>, reason: &str) -> Vec<u8> {
    match wire {
        Wire::Sse => Vec::new(),
        Wire::Text | Wire::Json => frame::encode_close(code, reason),
    }
}

/// A ping; on an event stream a comment, which nobody answers.
pub(super) fn ping(wire: Wire) -> Vec<u8> {
    match wire {
        Wire::Sse => sse::COMMENT.into(),
        Wire::Text | Wire::Json => frame::encode(opcode::PING, b""),
    }
}
