//! Server-sent events (WHATWG HTML, 9.2): what `GET /events` says.
//!
//! The unnamed event is the `state` message of the JSON wire, with its number as the id; everything
//! else has the name of its message. JSON is one line, as an event's data must be.

/// A comment, which keeps proxies from closing a silent connection. Readers skip it.
pub const COMMENT: &str = ": still here\n\n";

/// A state.
#[must_use]
pub fn state(seq: u64, json: &str) -> String {
    format!("id: {seq}\ndata: {json}\n\n")
}

/// Another message. It has no id, so a reader that comes back asks for what came after the last
/// state that it saw.
#[must_use]
pub fn named(name: &str, json: &str) -> String {
    format!("event: {name}\ndata: {json}\n\n")
}
