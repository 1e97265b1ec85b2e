//! Peers that mean no good or know no better: garbage, floods, and memory that must stay bounded.

use crate::http::get;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::station::TestStation;
use testkit::frames::{self as bytes, CONTINUATION, FIN, PING, PONG, TEXT, frame, handshake};

/// The most memory that a server under abuse may ever have had, in KiB.
#[cfg(target_os = "linux")]
const BOUND: u64 = 100 << 10;

/// Bytes without sense, the same ones for the same seed.
fn garbage(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| dice.u8(..)).take(length).collect()
}

/// The server is as it was: an order reaches this station, and a newcomer is greeted.
async fn assert_unharmed(server: &TestServer, witness: &mut TestStation) {
    witness.expect_nothing_yet().await;
    server.home.order_by_rename("coffee");
    witness.expect("coffee").await;
    assert_eq!(get(server, "/livez").await.code, 200);
    let mut newcomer = TestStation::connect(server, &[]).await;
    newcomer.hear_until("coffee&1").await;
    #[cfg(target_os = "linux")]
    assert!(server.peak_memory() < BOUND, "{} KiB", server.peak_memory());
}

#[tokio::test]
async fn garbage_instead_of_a_request_is_survived() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let mut rubbish: Vec<Vec<u8>> = (0..100).map(|seed| garbage(seed, 2_000)).collect();
    rubbish.push(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec());
    rubbish.push(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec());
    rubbish.push(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec());
    rubbish.push(b"\r\n\r\n\r\n\r\n".to_vec());
    rubbish.push(b"GET\r\n\r\n".to_vec());
    rubbish.push(b"GET / HTTP/9.9\r\n\r\n".to_vec());
    rubbish.push(vec![0; 100_000]);
    rubbish.push(b"GET ".repeat(20_000));
    for bytes in rubbish {
        let mut raw = Raw::connect(&server).await;
        raw.try_send(&bytes).await;
        raw.say_no_more().await;
        raw.rest().await;
    }
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn garbage_instead_of_frames_is_survived() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    for seed in 0..200 {
        let mut raw = Raw::greeted(&server).await;
        raw.try_send(garbage(seed, 500)).await;
        raw.say_no_more().await;
        raw.rest().await;
    }
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn garbage_within_frames_is_survived() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    for seed in 0..100 {
        let mut raw = Raw::greeted(&server).await;
        let bytes = garbage(seed, 300);
        for piece in bytes.chunks(30) {
            // Any opcode and any FIN, but the right mask and length.
            raw.try_send(frame(piece[0] & 0x8f, &piece[1..])).await;
        }
        raw.say_no_more().await;
        raw.rest().await;
    }
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn a_torn_handshake_is_survived() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let whole = handshake(&server.authority(), &[]);
    for length in (0..whole.len()).step_by(7) {
        let mut raw = Raw::connect(&server).await;
        raw.try_send(&whole[..length]).await;
        raw.say_no_more().await;
        raw.rest().await;
    }
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn endless_empty_fragments_are_survived() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let mut raw = Raw::greeted(&server).await;
    raw.send(frame(TEXT, "")).await;
    let empty = frame(CONTINUATION, "").repeat(1000);
    for _ in 0..100 {
        if !raw.try_send(&empty).await {
            break;
        }
    }
    witness.expect_nothing_yet().await;
    raw.say_no_more().await;
    raw.rest().await;
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn a_flood_of_empty_messages_is_answered_or_ended() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let mut raw = Raw::greeted(&server).await;
    raw.send(bytes::text("").repeat(1000)).await;
    for _ in 0..1000 {
        raw.expect_text("Server echoed: ").await;
    }
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn pings_whose_pongs_nobody_reads_do_not_pile_up() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let mut raw = Raw::narrow(&server).await;
    raw.upgrade(&server).await;
    raw.hear_greeting().await;
    let pings = frame(FIN | PING, [7; 125]).repeat(500);
    let mut written = 0;
    while written < 64 << 20 {
        match raw.stream.try_write(&pings[written % pings.len()..]) {
            Ok(length) => written += length,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                // While this one waits for room, another is served.
                witness.expect_nothing_yet().await;
                let patience = std::time::Duration::from_millis(200);
                let room = tokio::time::timeout(patience, raw.stream.writable());
                if room.await.is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn pongs_that_nobody_asked_for_cost_nothing() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let mut raw = Raw::greeted(&server).await;
    for _ in 0..20 {
        raw.send(frame(FIN | PONG, [1; 100]).repeat(500)).await;
    }
    raw.send(bytes::text("still here")).await;
    raw.expect_text("Server echoed: still here").await;
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn a_compressed_bomb_is_no_frame() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let mut raw = Raw::connect(&server).await;
    let offer = [("Sec-WebSocket-Extensions", "permessage-deflate")];
    raw.send(handshake(&server.authority(), &offer)).await;
    assert_eq!(raw.response().await.code, 101);
    raw.hear_greeting().await;
    // Deflated zeros: what a server that had agreed to the extension would blow up.
    raw.send(frame(FIN | 0x40 | TEXT, [0x00; 1000])).await;
    raw.expect_close(1002).await;
    assert_unharmed(&server, &mut witness).await;
}

#[tokio::test]
async fn many_giant_frames_at_once_stay_within_bounds() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let mut raws = Vec::new();
    for _ in 0..50 {
        let mut raw = Raw::greeted(&server).await;
        raw.send(bytes::frame_head(FIN | TEXT, 65_536)).await;
        raw.send(vec![0; 65_000]).await;
        raws.push(raw);
        let mut raw = Raw::greeted(&server).await;
        raw.try_send(bytes::frame_head(FIN | TEXT, 1 << 40)).await;
        raw.try_send(vec![0; 200_000]).await;
        raws.push(raw);
    }
    assert_unharmed(&server, &mut witness).await;
}
