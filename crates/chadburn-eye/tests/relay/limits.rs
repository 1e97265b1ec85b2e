//! What is too much, too long or nonsense, and the code with which it is closed.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::host::Relay;
use crate::peer::{Peer, boxes, boxes_of, start};

#[tokio::test]
async fn what_is_no_text_of_ours_is_closed_with_its_code() {
    let relay = Relay::start().await;
    let longest = 3 << 19;
    let padded = |length: usize| {
        let bare = json!({"type": "identifier", "id": "gate", "more": ""}).to_string();
        let more = "a".repeat(length - bare.len());
        json!({"type": "identifier", "id": "gate", "more": more}).to_string()
    };
    for (message, code) in [
        (Message::binary(b"{}".to_vec()), 1003),
        (Message::text(padded(longest + 1)), 1009),
        (Message::text("a".repeat(10 * longest)), 1009),
        (Message::text("{}"), 1008),
        (Message::text(boxes(1.0).to_string()), 1008),
    ] {
        let mut peer = Peer::unknown(&relay).await;
        peer.send(message).await;
        assert_eq!(peer.code().await, code);
    }
    let mut peer = Peer::unknown(&relay).await;
    peer.send(Message::text(padded(longest))).await;
    relay.reaches("processors", 1).await;
    // In pieces it is as long as in one.
    let mut peer = Peer::client(&relay).await;
    let mut pieces = vec![0x01, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0];
    pieces.resize(14 + (1 << 20), b'a');
    pieces.extend([0x80, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
    pieces.resize(28 + (2 << 20), b'a');
    // It may be closed in the middle.
    let _ = peer.socket.get_mut().write_all(&pieces).await;
    assert_eq!(peer.code().await, 1009);
    // Frames by hand: a compressed one that nobody agreed upon, a text that is not UTF-8, one that is not masked, and a kind that is none.
    for (frame, code) in [
        (&[0xc1, 0x82, 0, 0, 0, 0, b'{', b'}'][..], 1002),
        (&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe], 1007),
        (&[0x81, 0x02, b'{', b'}'], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
    ] {
        let mut peer = Peer::client(&relay).await;
        peer.socket.get_mut().write_all(frame).await.unwrap();
        assert_eq!(peer.code().await, code, "{frame:x?}");
    }
}

#[tokio::test]
async fn who_does_not_say_who_it_is_goes_after_ten_seconds() {
    let relay = Relay::start().await;
    let mut peer = Peer::unknown(&relay).await;
    let mut client = Peer::client(&relay).await;
    let began = std::time::Instant::now();
    assert_eq!(peer.code().await, 1008);
    let took = began.elapsed().as_secs_f64();
    assert!(took > 9.0, "{took} s");
    client.settles().await;
}

#[tokio::test]
async fn a_thousand_bad_messages_are_counted_logged_once_each_connection_and_hurt_nobody_else() {
    let relay = Relay::start().await;
    let mut gate = Peer::camera(&relay, "gate").await;
    let mut client = Peer::client(&relay).await;
    relay.reaches("clients", 1).await;
    let nonsense = [
        "",
        "null",
        "[]",
        "7",
        "{",
        "\u{1f514}",
        r#"{"type":"unknown"}"#,
        r#"{"type":"start"}"#,
        r#"{"type":"stop","objectId":-1}"#,
        r#"{"type":"stop","objectId":NaN}"#,
    ];
    for round in 0..10 {
        let mut bad = if round % 2 == 0 {
            Peer::client(&relay).await
        } else {
            Peer::camera(&relay, &format!("bad {round}")).await
        };
        for number in 0..100 {
            bad.send(Message::text(nonsense[number % nonsense.len()])).await;
        }
        assert_eq!(bad.code().await, 1008);
        gate.say(boxes(f64::from(round))).await;
        assert_eq!(client.hears().await, boxes_of("gate", f64::from(round)));
    }
    assert_eq!(relay.figure("bad_messages_total").await, 1_000);
    assert_eq!(relay.lines("cannot be read").len(), 10);
}

#[tokio::test]
async fn there_is_room_for_64_processors_and_256_clients() {
    let relay = Relay::start().await;
    let mut processors = Vec::new();
    for number in 0..64 {
        processors.push(Peer::camera(&relay, &format!("camera {number}")).await);
    }
    relay.reaches("processors", 64).await;
    let mut more = Peer::camera(&relay, "one more").await;
    assert_eq!(more.code().await, 1013);
    let mut clients = Vec::new();
    for _ in 0..256 {
        clients.push(Peer::client(&relay).await);
    }
    relay.reaches("clients", 256).await;
    let mut more = Peer::client(&relay).await;
    assert_eq!(more.code().await, 1013);
    processors[63].say(boxes(1.0)).await;
    for client in &mut clients {
        assert_eq!(client.hears().await, boxes_of("camera 63", 1.0));
    }
    drop(clients.pop());
    let mut last = Peer::client(&relay).await;
    last.settles().await;
}

#[tokio::test]
async fn a_panel_that_asks_and_does_not_read_is_closed() {
    let relay = Relay::start().await;
    let mut panel = Peer::panel(&relay).await;
    // What the kernel takes comes before.
    while relay.figure("closed_total{code=\"1013\"}").await == 0 {
        for _ in 0..1_000 {
            panel.say(start(&"nowhere".repeat(18))).await;
        }
    }
    relay.reaches("refused_starts_total", 256).await;
    let mut other = Peer::panel(&relay).await;
    assert_eq!(other.hears().await, json!({"type": "cameras", "cameras": []}));
}
