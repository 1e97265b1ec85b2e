//! Bytes into a connection: the frames, and behind them the hub, as the program has them.

mod told;

use chadburn::hub::Wire;
use chadburn::hub::frame::{Decoder, HEADER_MAX, Incoming, MESSAGE_MAX, Violation};
use chadburn::policy::{Reach, Reaches};
use testkit::frames;
use testkit::office::{Cable, Office};

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
        let mut office = Office::open(Reaches { orders: Reach::Local, shutdown: Reach::Local });
        let [bystander, station] = [Wire::Text, wire].map(|wire| {
            let cable = Cable::default();
            (office.joins(wire, cable.clone()), cable)
        });
        let mut hears = |(key, cable): &(_, Cable), bytes: &[u8]| {
            cable.say(bytes);
            office.hears(*key);
            let kept = office.kept(*key).unwrap_or(0);
            assert!(kept <= MESSAGE_MAX + HEADER_MAX + 64 * 1024, "{kept} bytes are kept");
        };
        bytes.chunks(piece).for_each(|piece| hears(&station, piece));
        office.waits(1);
        if wire != Wire::Sse {
            let mut said = station.1.take();
            while let Some((opcode, payload)) = frames::next(&mut said).expect("a server's frames")
            {
                assert!(matches!(opcode, 1 | 8 | 9 | 10), "{opcode}");
                assert!(opcode & 8 == 0 || payload.len() <= 125, "{opcode} {payload:?}");
                assert!(opcode != 1 || std::str::from_utf8(&payload).is_ok(), "{payload:?}");
            }
            assert!(said.is_empty(), "half a frame is left");
        }
        let _ = bystander.1.take();
        // A ping of nothing, masked with nothing.
        bystander.1.say(&[0x89, 0x80, 0, 0, 0, 0]);
        office.hears(bystander.0);
        assert_eq!(bystander.1.take(), [0x8A, 0]);
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
