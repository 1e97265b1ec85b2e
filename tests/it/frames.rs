//! RFC 6455 after the handshake: what is understood, and with which code the rest is closed.

use crate::raw::Raw;
use crate::server::TestServer;
use crate::station::TestStation;
use testkit::frames::{
    self as bytes, BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, frame, frame_head,
};

/// The longest message that is taken.
const LONGEST: usize = 65_536;

/// Protocol error (RFC 6455, 7.4.1).
const PROTOCOL: u16 = 1002;
/// A kind of data that is not taken.
const UNSUPPORTED: u16 = 1003;
/// Not UTF-8.
const INVALID: u16 = 1007;
/// Too long.
const TOO_BIG: u16 = 1009;

/// A frame of several, without its mask.
fn unmasked(head: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short payload");
    [&[head, length], payload].concat()
}

/// Sends each of these to a fresh connection, which has to be closed with this code; another
/// station does not notice.
async fn assert_closed(code: u16, cases: Vec<(&str, Vec<u8>)>) {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    for (name, bytes) in cases {
        let mut raw = Raw::greeted(&server).await;
        // The server may have had enough before everything was sent.
        raw.try_send(&bytes).await;
        let Some((opcode, payload)) = raw.frame().await else {
            panic!("{name}: the connection ended without a Close");
        };
        assert_eq!(opcode, CLOSE, "{name}: {:?}", String::from_utf8_lossy(&payload));
        assert!((2..=125).contains(&payload.len()), "{name}: a code and a short reason");
        assert_eq!(u16::from_be_bytes([payload[0], payload[1]]), code, "{name}");
        assert!(str::from_utf8(&payload[2..]).is_ok(), "{name}: a reason is UTF-8");
        // The server has ended its side, although it still listens for an answer.
        raw.expect_end().await;
    }
    witness.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_frame_that_breaks_the_protocol_is_closed_with_1002() {
    let mut cases = vec![
        ("an unmasked text", unmasked(FIN | TEXT, b"hello")),
        ("an unmasked ping", unmasked(FIN | PING, b"")),
        ("an unmasked Close", unmasked(FIN | CLOSE, &1000_u16.to_be_bytes())),
        ("a first reserved bit", frame(FIN | 0x40 | TEXT, "hello")),
        ("a second reserved bit", frame(FIN | 0x20 | TEXT, "hello")),
        ("a third reserved bit", frame(FIN | 0x10 | TEXT, "hello")),
        ("a reserved bit on a ping", frame(FIN | 0x40 | PING, "")),
        ("a ping in fragments", frame(PING, "")),
        ("a pong in fragments", frame(PONG, "")),
        ("a Close in fragments", frame(CLOSE, 1000_u16.to_be_bytes())),
        ("a ping of 126 bytes", frame(FIN | PING, [0; 126])),
        ("a Close of 126 bytes", frame(FIN | CLOSE, [3, 232].repeat(63))),
        ("a ping said to have 2^40 bytes", frame_head(FIN | PING, 1 << 40)),
        ("a continuation of nothing", frame(FIN | CONTINUATION, "hello")),
        ("a first fragment of nothing", frame(CONTINUATION, "hello")),
        ("a text amid fragments", [frame(TEXT, "a"), frame(FIN | TEXT, "b")].concat()),
        ("a new first fragment amid fragments", [frame(TEXT, "a"), frame(TEXT, "b")].concat()),
        ("a Close of one byte", frame(FIN | CLOSE, [3])),
        ("a long form for a short length", b"\x81\xfe\x00\x05\0\0\0\0hello".to_vec()),
        (
            "the longest form for a short length",
            b"\x81\xff\0\0\0\0\0\0\0\x05\0\0\0\0hello".to_vec(),
        ),
    ];
    for opcode in (0x3..=0x7).chain(0xb..=0xf) {
        cases.push(("a reserved opcode", frame(FIN | opcode, "")));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        cases.push(("a Close with a code that nobody may send", bytes::close(code)));
    }
    assert_closed(PROTOCOL, cases).await;
}

#[tokio::test]
async fn a_continuation_after_the_last_fragment_is_closed_with_1002() {
    let server = TestServer::start().await;
    let mut raw = Raw::greeted(&server).await;
    raw.send([frame(TEXT, "a"), frame(FIN | CONTINUATION, "")].concat()).await;
    raw.expect_text("Server echoed: a").await;
    raw.send(frame(FIN | CONTINUATION, "c")).await;
    raw.expect_close(PROTOCOL).await;
}

#[tokio::test]
async fn a_length_beyond_63_bits_is_closed() {
    let server = TestServer::start().await;
    let mut raw = Raw::greeted(&server).await;
    raw.send(frame_head(FIN | TEXT, u64::MAX)).await;
    let (opcode, payload) = raw.frame().await.expect("a Close comes");
    let code = u16::from_be_bytes([payload[0], payload[1]]);
    assert_eq!(opcode, CLOSE);
    assert!([PROTOCOL, TOO_BIG].contains(&code), "{code}");
    raw.say_no_more().await;
    raw.expect_end().await;
}

#[tokio::test]
async fn binary_data_is_closed_with_1003() {
    assert_closed(
        UNSUPPORTED,
        vec![
            ("binary", frame(FIN | BINARY, [0, 255, 1])),
            ("empty binary", frame(FIN | BINARY, "")),
            ("binary in fragments", frame(BINARY, [0, 255, 1])),
            ("binary that would be a text", frame(FIN | BINARY, "status")),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_utf8_is_closed_with_1007() {
    let smiley = "κόσμε".as_bytes();
    let reason = |reason: &[u8]| [&1000_u16.to_be_bytes(), reason].concat();
    assert_closed(
        INVALID,
        vec![
            ("a lone continuation byte", bytes::text([0x80])),
            ("an overlong slash", bytes::text([0xc0, 0xaf])),
            ("a surrogate", bytes::text([0xed, 0xa0, 0x80])),
            ("beyond U+10FFFF", bytes::text([0xf4, 0x90, 0x80, 0x80])),
            ("0xff", bytes::text([b'a', 0xff, b'b'])),
            ("the beginning of a character", bytes::text(&smiley[..smiley.len() - 1])),
            (
                "bad bytes in a later fragment",
                [frame(TEXT, "good"), frame(FIN | CONTINUATION, [0xed, 0xa0, 0x80])].concat(),
            ),
            ("bad bytes in a first fragment, before there is another", frame(TEXT, [0xff])),
            (
                "bad bytes amid fragments",
                [frame(TEXT, "good"), frame(CONTINUATION, [0xce, 0xce])].concat(),
            ),
            (
                "a character that the last fragment leaves open",
                [frame(TEXT, "good"), frame(FIN | CONTINUATION, [0xce])].concat(),
            ),
            ("a reason", frame(FIN | CLOSE, reason(&[0xff, 0xfe]))),
            ("a reason that is cut off", frame(FIN | CLOSE, reason(&[0xce]))),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_too_long_is_closed_with_1009() {
    let fragments = |count: usize| {
        let mut bytes = frame(TEXT, "x".repeat(1000));
        for _ in 1..count {
            bytes.extend(frame(CONTINUATION, "x".repeat(1000)));
        }
        bytes
    };
    assert_closed(
        TOO_BIG,
        vec![
            ("one byte too many", bytes::text("x".repeat(LONGEST + 1))),
            ("1 MiB", bytes::text("x".repeat(1 << 20))),
            ("a head that promises 2^62 bytes", frame_head(FIN | TEXT, 1 << 62)),
            ("a head that promises 2 GiB", frame_head(FIN | TEXT, 1 << 31)),
            ("fragments, each of which is short", fragments(67)),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_message_may_be_64_kib_long() {
    let server = TestServer::start().await;
    let mut raw = Raw::greeted(&server).await;
    for length in [0, 1, 125, 126, 127, 1000, 65_535, LONGEST] {
        let text = "x".repeat(length);
        raw.send(bytes::text(&text)).await;
        raw.expect_text(&format!("Server echoed: {text}")).await;
    }
    let mut fragments = frame(TEXT, "x".repeat(LONGEST - 1));
    fragments.extend(frame(FIN | CONTINUATION, "y"));
    raw.send(fragments).await;
    raw.expect_text(&format!("Server echoed: {}y", "x".repeat(LONGEST - 1))).await;
}

#[tokio::test]
async fn fragments_are_put_together_around_control_frames() {
    let server = TestServer::start().await;
    let mut raw = Raw::greeted(&server).await;
    raw.send(frame(TEXT, "sta")).await;
    raw.send(frame(FIN | PING, "ping")).await;
    raw.expect_frame(PONG, b"ping").await;
    raw.send(frame(CONTINUATION, "")).await;
    raw.send(frame(FIN | PONG, "nobody asked")).await;
    raw.send(frame(CONTINUATION, "t")).await;
    raw.send(frame(FIN | PING, "")).await;
    raw.expect_frame(PONG, b"").await;
    raw.send(frame(FIN | CONTINUATION, "us")).await;
    raw.expect_text("Current Status: 6").await;
    // A character may be torn between fragments.
    let bell = "🔔".as_bytes();
    raw.send(frame(TEXT, &bell[..1])).await;
    raw.send(frame(CONTINUATION, &bell[1..3])).await;
    raw.send(frame(FIN | CONTINUATION, &bell[3..])).await;
    raw.expect_text("Server echoed: 🔔").await;
    let mut empty = frame(TEXT, "");
    empty.extend(frame(FIN | CONTINUATION, ""));
    raw.send(empty).await;
    raw.expect_text("Server echoed: ").await;
}

#[tokio::test]
async fn a_pong_has_the_payload_of_its_ping() {
    let server = TestServer::start().await;
    let mut raw = Raw::greeted(&server).await;
    let longest: Vec<u8> = (0..125).map(|byte| byte ^ 0xff).collect();
    for payload in [&b""[..], b"hello", &[0, 255, 128], &longest] {
        raw.send(frame(FIN | PING, payload)).await;
        raw.expect_frame(PONG, payload).await;
    }
    raw.send(frame(FIN | PONG, &longest)).await;
    raw.send(bytes::text("status")).await;
    raw.expect_text("Current Status: 6").await;
}

#[tokio::test]
async fn a_close_is_answered_with_its_code() {
    let server = TestServer::start().await;
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        let mut raw = Raw::greeted(&server).await;
        raw.send(bytes::close(code)).await;
        raw.expect_close(code).await;
    }
    let mut raw = Raw::greeted(&server).await;
    let reason = [&1000_u16.to_be_bytes()[..], "gué".as_bytes()].concat();
    raw.send(frame(FIN | CLOSE, reason)).await;
    raw.expect_close(1000).await;
}

#[tokio::test]
async fn a_close_without_a_code_is_answered() {
    let server = TestServer::start().await;
    let mut raw = Raw::greeted(&server).await;
    raw.send(frame(FIN | CLOSE, "")).await;
    let (opcode, payload) = raw.frame().await.expect("a Close comes");
    assert_eq!(opcode, CLOSE);
    assert!(payload.is_empty() || payload == 1000_u16.to_be_bytes(), "{payload:?}");
    raw.expect_end().await;
}

#[tokio::test]
async fn what_precedes_a_close_is_answered_and_what_follows_is_not() {
    let server = TestServer::start().await;
    let mut raw = Raw::greeted(&server).await;
    raw.send([bytes::text("before"), bytes::close(1000), bytes::text("after")].concat()).await;
    raw.expect_text("Server echoed: before").await;
    raw.expect_close(1000).await;
    let mut raw = Raw::greeted(&server).await;
    raw.send([bytes::text("before"), bytes::close(1000), bytes::text("Accept&9")].concat()).await;
    raw.rest().await;
    assert_eq!(server.home.reply(), None);
}

#[tokio::test]
async fn requests_in_one_packet_are_answered_in_order() {
    let server = TestServer::start().await;
    let mut raw = Raw::greeted(&server).await;
    let packet: Vec<u8> = (0..300).flat_map(|number| bytes::text(number.to_string())).collect();
    raw.send(packet).await;
    for number in 0..300 {
        raw.expect_text(&format!("Server echoed: {number}")).await;
    }
}
