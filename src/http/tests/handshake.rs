//! How a connection becomes a WebSocket, and how it does not.

use std::io::Read;
use std::net::Ipv4Addr;

use super::*;
use crate::hub::Wire;
use crate::policy::Peer;

/// The key and its answer in RFC 6455, 1.3.
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const GOOD: [&str; 6] = [
    "GET /websocket HTTP/1.1",
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    KEY,
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    GOOD.iter().chain(more).copied().collect()
}

/// The good handshake with one line replaced, or with it left out.
fn but<'a>(begin: &str, line: Option<&'a str>) -> Vec<&'a str> {
    let lines = GOOD.into_iter().filter(|it| !it.starts_with(begin));
    match line {
        Some(line) if line.starts_with("GET") || !begin.contains(':') => {
            std::iter::once(line).chain(lines).collect()
        }
        line => lines.chain(line).collect(),
    }
}

#[tokio::test]
async fn the_socket_goes_to_the_hub() {
    let mut room = TestRoom::open().await;
    let mut caller = room.call().await;
    let answer = caller.ask(&GOOD).await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-accept"), ACCEPT);
    assert_eq!(answer.header("upgrade"), "websocket");
    assert_eq!(answer.header("connection"), "Upgrade");
    assert_eq!(answer.header("sec-websocket-protocol"), "");
    assert_eq!(answer.header("sec-websocket-extensions"), "");
    let newcomer = room.newcomers.recv().await.unwrap();
    assert_eq!(newcomer.wire, Wire::Text);
    assert_eq!(newcomer.unread, b"");
    assert_eq!(newcomer.peer, Peer { local: HERE, ..Peer::at(Ipv4Addr::LOCALHOST.into()) });
    let mut socket = newcomer.socket;
    let empty = socket.read(&mut [0]).unwrap_err().kind();
    assert_eq!(empty, std::io::ErrorKind::WouldBlock, "the socket does not block");
    assert!(socket.nodelay().unwrap());
    caller.say("frame").await;
    socket.set_nonblocking(false).unwrap();
    let mut frame = [0; 5];
    socket.read_exact(&mut frame).unwrap();
    assert_eq!(&frame, b"frame");
    std::io::Write::write_all(&mut socket, b"greeting").unwrap();
    drop(socket);
    caller.end().await;
    assert_eq!(caller.heard, b"greeting");
}

#[tokio::test]
async fn what_came_with_the_handshake_is_not_lost() {
    let mut room = TestRoom::open().await;
    let mut caller = room.call().await;
    caller.say(format!("{}\r\n\r\nfirst frame", GOOD.join("\r\n"))).await;
    assert_eq!(caller.answer(false).await.unwrap().status, 101);
    assert_eq!(room.newcomers.recv().await.unwrap().unread, b"first frame");
}

#[tokio::test]
async fn whether_a_station_is_local_is_known_before_the_hub_hears_of_it() {
    let mut room = TestRoom::open().await;
    let json = "Sec-WebSocket-Protocol: chadburn.v1";
    for (lines, local) in
        [(vec![json], HERE), (vec![], HERE), (vec![json, "X-Forwarded-For: 10.0.0.7"], false)]
    {
        let mut caller = room.call().await;
        assert_eq!(caller.ask(&with(&lines)).await.status, 101);
        assert_eq!(room.newcomers.recv().await.unwrap().peer.local, local, "{lines:?}");
    }
}

#[tokio::test]
async fn a_station_that_has_closed_its_side_is_not_local() {
    let mut room = TestRoom::open().await;
    let mut caller = room.call().await;
    // Nothing of this waits, so that the server, on the same thread, reads all of it at once.
    caller.say(format!("{}\r\n\r\nshutdown", GOOD.join("\r\n"))).await;
    caller.stream.shutdown().await.unwrap();
    let newcomer = room.newcomers.recv().await.unwrap();
    assert_eq!((newcomer.peer.local, &newcomer.unread[..]), (false, &b"shutdown"[..]));
}

#[tokio::test]
async fn the_subprotocol_chooses_the_wire() {
    let mut room = TestRoom::open().await;
    for (lines, wire, chosen) in [
        (vec!["Sec-WebSocket-Protocol: chadburn.v1"], Wire::Json, "chadburn.v1"),
        (vec!["Sec-WebSocket-Protocol: chat, chadburn.v1"], Wire::Json, "chadburn.v1"),
        (
            vec!["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chadburn.v1"],
            Wire::Json,
            "chadburn.v1",
        ),
        (vec!["Sec-WebSocket-Protocol: chat"], Wire::Text, ""),
        (vec!["Sec-WebSocket-Protocol: CHADBURN.V1"], Wire::Text, ""),
        (vec!["Sec-WebSocket-Extensions: permessage-deflate"], Wire::Text, ""),
    ] {
        let mut caller = room.call().await;
        let answer = caller.ask(&with(&lines)).await;
        assert_eq!(answer.status, 101);
        assert_eq!(answer.header("sec-websocket-protocol"), chosen, "{lines:?}");
        assert_eq!(answer.header("sec-websocket-extensions"), "");
        assert_eq!(room.newcomers.recv().await.unwrap().wire, wire, "{lines:?}");
    }
}

#[tokio::test]
async fn headers_may_be_spelt_in_many_ways() {
    let room = TestRoom::open().await;
    for (begin, line) in [
        ("Upgrade:", "upgrade: WebSocket"),
        ("Upgrade:", "Upgrade: h2c, websocket"),
        ("Connection:", "Connection: keep-alive, Upgrade"),
        ("Connection:", "Connection: keep-alive\r\nConnection: UPGRADE"),
        ("GET", "GET /websocket?resume=x&since=7 HTTP/1.1"),
    ] {
        assert_eq!(room.call().await.ask(&but(begin, Some(line))).await.status, 101, "{line}");
    }
}

#[tokio::test]
async fn a_bad_handshake_is_told_what_is_wrong() {
    let mut room = TestRoom::open().await;
    let two_keys = format!("{KEY}\r\n{KEY}");
    for (begin, line, status) in [
        ("GET", Some("POST /websocket HTTP/1.1"), 405),
        ("GET", Some("HEAD /websocket HTTP/1.1"), 405),
        ("GET", Some("GET /websocket HTTP/1.0"), 426),
        ("Upgrade:", None, 426),
        ("Upgrade:", Some("Upgrade: h2c"), 426),
        ("Connection:", None, 426),
        ("Connection:", Some("Connection: keep-alive"), 426),
        ("Sec-WebSocket-Version:", None, 426),
        ("Sec-WebSocket-Version:", Some("Sec-WebSocket-Version: 8"), 426),
        ("Sec-WebSocket-Version:", Some("Sec-WebSocket-Version: 013"), 426),
        ("Sec-WebSocket-Key:", None, 400),
        ("Sec-WebSocket-Key:", Some("Sec-WebSocket-Key: "), 400),
        ("Sec-WebSocket-Key:", Some("Sec-WebSocket-Key: short"), 400),
        ("Sec-WebSocket-Key:", Some("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"), 400),
        ("Sec-WebSocket-Key:", Some(&*two_keys), 400),
        ("Host:", None, 400),
        ("Host:", Some("Host: evil.example"), 421),
        ("Origin:", Some("Origin: http://evil.example"), 403),
        ("Content:", Some("Content-Length: 5"), 400),
        ("Content:", Some("Transfer-Encoding: chunked"), 400),
    ] {
        let lines = but(begin, line);
        let mut caller = room.call().await;
        let answer = caller.ask(&lines).await;
        assert_eq!(answer.status, status, "{lines:?}");
        if status == 426 {
            assert_eq!(answer.header("upgrade"), "websocket", "{lines:?}");
        }
        if begin == "Sec-WebSocket-Version:" {
            assert_eq!(answer.header("sec-websocket-version"), "13", "{lines:?}");
        }
        if status == 405 {
            assert_eq!(answer.header("allow"), "GET");
        }
        caller.say("GET /livez HTTP/1.1\r\nHost: eot\r\nConnection: close\r\n\r\n").await;
        caller.end().await;
    }
    assert!(room.newcomers.try_recv().is_err(), "nobody was let in");
}

#[tokio::test]
async fn whoever_comes_through_a_proxy_is_not_local() {
    let mut room = TestRoom::open().await;
    for header in ["Forwarded: for=1.2.3.4", "X-Forwarded-Proto: https", "Via: 1.1 proxy"] {
        room.call().await.ask(&with(&[header])).await;
        assert!(!room.newcomers.recv().await.unwrap().peer.local, "{header}");
    }
}

#[tokio::test]
async fn nobody_is_let_in_once_the_server_is_closing() {
    let room = TestRoom::open().await;
    room.say(|snapshot| snapshot.closing = true);
    room.ask(&GOOD).await.problem(503);
}

#[tokio::test]
async fn when_the_hub_is_gone_the_connection_ends() {
    let mut room = TestRoom::open().await;
    room.newcomers.close();
    let mut caller = room.call().await;
    assert_eq!(caller.ask(&GOOD).await.status, 101);
    caller.end().await;
}
