//! Frames in any chunking, and every way to break them.

use super::*;

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A client's frame with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = encode(0, payload);
    bytes[0] = first;
    bytes[1] |= 0x80;
    let header = bytes.len() - payload.len();
    unmask(&mut bytes[header..], MASK);
    bytes.splice(header..header, MASK);
    bytes
}

fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes())
}

/// Feeds `bytes` in chunks of this size and tells what came of it, as one line per message.
fn hear(bytes: &[u8], chunk: usize) -> Result<Vec<String>, Violation> {
    let (mut decoder, mut pending, mut heard) = (Decoder::default(), Vec::new(), Vec::new());
    for bytes in bytes.chunks(chunk) {
        pending.extend_from_slice(bytes);
        let mut input = pending.as_mut_slice();
        while let Some(incoming) = decoder.next(&mut input)? {
            heard.push(match incoming {
                Incoming::Text(text) => format!("text {text}"),
                Incoming::Ping(payload) => format!("ping {}", payload.escape_ascii()),
                Incoming::Pong => "pong".into(),
                Incoming::Close(code) => format!("close {code:?}"),
            });
        }
        pending = input.to_vec();
        assert!(pending.len() <= MESSAGE_MAX + HEADER_MAX);
    }
    Ok(heard)
}

/// Feeds `bytes` in every chunking that matters and asserts that it makes no difference.
fn hear_in_any_chunks(bytes: &[u8]) -> Result<Vec<String>, Violation> {
    let whole = hear(bytes, bytes.len().max(1));
    for chunk in [1, 2, 3, 7, 1000] {
        assert_eq!(hear(bytes, chunk), whole, "in chunks of {chunk}");
    }
    whole
}

fn code_of(bytes: &[u8]) -> u16 {
    hear_in_any_chunks(bytes).unwrap_err().code
}

#[test]
fn messages_of_every_length_class_come_whole() {
    for length in [0, 1, 125, 126, 127, 4096, 65_535, 65_536] {
        let message = "x".repeat(length);
        assert_eq!(hear(&text(&message), 997).unwrap(), [format!("text {message}")]);
    }
}

#[test]
fn control_frames_may_stand_between_fragments() {
    let bytes = [
        frame(0x01, "Kä".as_bytes()),
        frame(0x89, b"hi"),
        frame(0x00, b"s"),
        frame(0x8A, b""),
        frame(0x00, b""),
        frame(0x80, "e ☕".as_bytes()),
        text("next"),
    ]
    .concat();
    assert_eq!(
        hear_in_any_chunks(&bytes).unwrap(),
        ["ping hi", "pong", "text Käse ☕", "text next"]
    );
}

#[test]
fn a_character_may_be_cut_between_fragments_but_not_at_the_end() {
    let cup = "☕".as_bytes();
    let whole = [frame(0x01, &cup[..1]), frame(0x00, &cup[1..2]), frame(0x80, &cup[2..])].concat();
    assert_eq!(hear_in_any_chunks(&whole).unwrap(), ["text ☕"]);
    let cut = [frame(0x01, &cup[..1]), frame(0x80, &cup[1..2])].concat();
    assert_eq!(code_of(&cut), close::INVALID_TEXT);
    assert_eq!(code_of(&frame(0x01, b"\xC0")), close::INVALID_TEXT, "at once, not at the end");
    assert_eq!(code_of(&frame(0x81, &cup[..2])), close::INVALID_TEXT);
}

#[test]
fn a_surrogate_is_not_a_character() {
    assert_eq!(code_of(&frame(0x81, b"\xED\xA0\x80")), close::INVALID_TEXT);
}

#[test]
fn every_violation_is_found_whatever_the_chunks() {
    let unmasked = encode(opcode::TEXT, b"hello");
    let over_long = {
        let mut bytes = vec![0x81, 0xFE, 0, 5];
        bytes.extend_from_slice(&MASK);
        bytes
    };
    let over_long_64 = [&[0x81, 0xFF, 0, 0, 0, 0, 0, 0, 1, 0][..], &MASK].concat();
    let negative = [&[0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0][..], &MASK].concat();
    for (what, bytes) in [
        ("reserved bit 1", frame(0xC1, b"")),
        ("reserved bit 2", frame(0xA1, b"")),
        ("reserved bit 3", frame(0x91, b"")),
        ("opcode 3", frame(0x83, b"")),
        ("opcode 11", frame(0x8B, b"")),
        ("opcode 15", frame(0x8F, b"")),
        ("unmasked", unmasked),
        ("continuation of nothing", frame(0x80, b"x")),
        ("a second beginning", [frame(0x01, b"a"), frame(0x81, b"b")].concat()),
        ("a fragmented ping", frame(0x09, b"")),
        ("a ping of 126 bytes", frame(0x89, &[b'x'; 126])),
        ("a close of 70,000 bytes", frame(0x88, &vec![b'x'; 70_000])),
        ("a close code of one byte", frame(0x88, &[3])),
        ("close code 999", frame(0x88, &999_u16.to_be_bytes())),
        ("close code 1005", frame(0x88, &1005_u16.to_be_bytes())),
        ("close code 2999", frame(0x88, &2999_u16.to_be_bytes())),
        ("close code 5000", frame(0x88, &5000_u16.to_be_bytes())),
        ("a length in too many bytes", over_long),
        ("a length in far too many bytes", over_long_64),
        ("a negative length", negative),
    ] {
        assert_eq!(code_of(&bytes), close::PROTOCOL_ERROR, "{what}");
    }
    let bad_reason = [&1000_u16.to_be_bytes()[..], b"\xFF"].concat();
    assert_eq!(code_of(&frame(0x88, &bad_reason)), close::INVALID_TEXT);
    assert_eq!(code_of(&frame(0x82, b"x")), close::UNSUPPORTED);
}

#[test]
fn a_message_too_large_is_refused_at_its_header() {
    let announced = [&[0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1][..], &MASK].concat();
    assert_eq!(code_of(&announced), close::TOO_LARGE);
    let half = vec![b'x'; 40_000];
    let parts = [frame(0x01, &half), frame(0x80, &half)].concat();
    assert_eq!(hear(&parts, 4096).unwrap_err().code, close::TOO_LARGE);
}

#[test]
fn a_close_is_heard_with_and_without_a_code() {
    assert_eq!(hear_in_any_chunks(&frame(0x88, b"")).unwrap(), ["close None"]);
    let bye = [&4001_u16.to_be_bytes()[..], b"bye"].concat();
    assert_eq!(hear_in_any_chunks(&frame(0x88, &bye)).unwrap(), ["close Some(4001)"]);
}

#[test]
fn no_bytes_whatever_panic_or_hoard() {
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..(seed % 40) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            bytes.push(seed.to_le_bytes()[3]);
        }
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let whole = hear(&bytes, 64);
        assert_eq!(hear(&bytes, 1), whole, "{bytes:02x?}");
    }
}
