//! Frames from the station's side: masked on the way up, taken apart on the way down; and events,
//! which only come down.

use testkit::frames;
pub use testkit::frames::next;

use crate::rng::Rng;

/// A frame of a station's, with some mask.
#[must_use]
pub fn frame(rng: &mut Rng, first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [rng.byte(), rng.byte(), rng.byte(), rng.byte()];
    frames::masked(mask, first, payload)
}

/// A text message, now and then in fragments with a ping between them.
#[must_use]
pub fn text(rng: &mut Rng, message: &str) -> Vec<u8> {
    if !rng.one_in(8) {
        return frame(rng, 0x81, message.as_bytes());
    }
    let mut rest = message.as_bytes();
    let mut bytes = Vec::new();
    let mut opcode = 0x01;
    while rng.one_in(2) {
        let (part, after) = rest.split_at(rng.index(rest.len() + 1));
        bytes.extend(frame(rng, opcode, part));
        if rng.one_in(4) {
            bytes.extend(frame(rng, 0x8A, b""));
        }
        (opcode, rest) = (0x00, after);
    }
    bytes.extend(frame(rng, 0x80 | opcode, rest));
    bytes
}

/// A server-sent event: its name, its id, and its data.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Empty for a state.
    pub name: String,
    /// What a reader that comes back names as the last one it has seen.
    pub id: Option<u64>,
    /// None of a comment.
    pub data: Option<String>,
}

/// Takes the first whole event out of what came.
pub fn event(inbox: &mut Vec<u8>) -> Result<Option<Event>, String> {
    let Some(end) = inbox.windows(2).position(|two| two == b"\n\n") else { return Ok(None) };
    let bytes: Vec<u8> = inbox.drain(..end + 2).collect();
    let text = String::from_utf8(bytes).map_err(|_| "no UTF-8")?;
    let mut event = Event::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.split_once(": ") {
            Some(("", _)) => {}
            Some(("event", name)) => event.name = name.into(),
            Some(("id", id)) => event.id = Some(id.parse().map_err(|_| "an id is a number")?),
            Some(("data", data)) if event.data.is_none() => event.data = Some(data.into()),
            _ => return Err(format!("no event has the line {line:?}")),
        }
    }
    Ok(Some(event))
}

/// What breaks the protocol, and the code by which it must be closed; `None` if any will do.
pub fn violation(rng: &mut Rng) -> (Vec<u8>, Option<u16>) {
    match rng.below(12) {
        0 => (vec![0x81, 2, b'h', b'i'], Some(1002)),
        1 => (frame(rng, 0xC1, b"hi"), Some(1002)),
        2 => (frame(rng, 0x83, b"hi"), Some(1002)),
        3 => (frame(rng, 0x82, b"hi"), Some(1003)),
        4 => (frame(rng, 0x81, b"caf\xE9"), Some(1007)),
        5 => (frame(rng, 0x81, &vec![b'x'; 65_537])[..40].to_vec(), Some(1009)),
        6 => (frame(rng, 0x88, &[0x03, 0xED]), Some(1002)),
        7 => (frame(rng, 0x09, b""), Some(1002)),
        8 => (frame(rng, 0x80, b"hi"), Some(1002)),
        9 => (frame(rng, 0x89, &[b'x'; 126]), Some(1002)),
        10 => ([frame(rng, 0x01, b"a"), frame(rng, 0x81, b"b")].concat(), Some(1002)),
        _ => ((0..rng.index(200) + 20).map(|_| rng.byte()).collect(), None),
    }
}
