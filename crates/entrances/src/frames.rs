//! Bytes into a connection: the frames, and behind them the hub, as the program has them.

mod office;
mod told;

use chadburn::hub::Wire;
use chadburn::hub::frame::{Decoder, HEADER_MAX, Incoming, MESSAGE_MAX, Violation};

use office::{Office, frames};

/// The first byte says in what pieces the others come. However they come, the same is heard; what
/// is kept of them is bounded; every wire answers in whole frames; and whoever else is connected
/// notices nothing.
pub(crate) fn enter(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let piece = usize::from(*first).max(1);
    let (messages, violation) = heard(bytes, piece);
    let at_once = heard(bytes, usize::MAX);
    assert_eq!((&messages, violation), (&at_once.0, at_once.1), "in pieces of {piece}");
    let told = told::told(bytes);
    let both = messages.len().min(told.messages.len());
    assert_eq!(messages[..both], told.messages[..both]);
    if told.is_clean {
        assert_eq!((&messages, violation), (&told.messages, None));
    }
    for wire in [Wire::Text, Wire::Json, Wire::Sse] {
        let mut office = Office::open();
        let bystander = office.joins(Wire::Text);
        let station = office.joins(wire);
        for piece in bytes.chunks(piece) {
            office.hears(&station, piece);
        }
        office.waits(1);
        if wire != Wire::Sse {
            for frame in frames(&station.said()) {
                assert!(matches!(frame.0, 0x81 | 0x88 | 0x89 | 0x8A), "{frame:?}");
                assert!(frame.0 & 8 == 0 || frame.1.len() <= 125, "{frame:?}");
                assert!(frame.0 != 0x81 || std::str::from_utf8(&frame.1).is_ok(), "{frame:?}");
            }
        }
        bystander.forget();
        // A ping of nothing, masked with nothing.
        office.hears(&bystander, &[0x89, 0x80, 0, 0, 0, 0]);
        assert_eq!(bystander.said(), [0x8A, 0]);
    }
}

/// What a decoder makes of these bytes, in pieces of this length: one line a message, and the
/// close code of the violation that ended it.
fn heard(bytes: &[u8], piece: usize) -> (Vec<String>, Option<u16>) {
    let (mut decoder, mut pending, mut heard) = (Decoder::default(), Vec::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        pending.extend_from_slice(piece);
        let mut input = pending.as_mut_slice();
        loop {
            match decoder.next(&mut input) {
                Ok(None) => break,
                Ok(Some(incoming)) => heard.push(put(&incoming)),
                Err(Violation { code, reason }) => {
                    assert!(reason.len() <= 123 && (1002..=1009).contains(&code));
                    return (heard, Some(code));
                }
            }
        }
        pending = input.to_vec();
        let most = MESSAGE_MAX + HEADER_MAX;
        assert!(pending.len() <= most.max(piece.len()), "{} bytes are kept", pending.len());
    }
    (heard, None)
}

fn put(incoming: &Incoming<'_>) -> String {
    match incoming {
        Incoming::Text(text) => {
            assert!(text.len() <= MESSAGE_MAX);
            format!("text {text}")
        }
        Incoming::Ping(payload) => {
            assert!(payload.len() <= 125);
            format!("ping {}", payload.escape_ascii())
        }
        Incoming::Pong => "pong".into(),
        Incoming::Close(code) => {
            assert!(code.is_none_or(|code| (1000..5000).contains(&code)));
            format!("close {code:?}")
        }
    }
}
