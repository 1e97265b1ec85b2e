//! How a connection becomes a stream of events, and what the hub is told of those who come back.

use std::io::{Read, Write};
use std::sync::Mutex;

use super::*;
use crate::hub::Wire;

/// A good handshake for the JSON wire at this address.
fn handshake(target: &str) -> [String; 7] {
    [
        format!("GET {target} HTTP/1.1"),
        "Host: eot".into(),
        "Upgrade: websocket".into(),
        "Connection: Upgrade".into(),
        "Sec-WebSocket-Version: 13".into(),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".into(),
        "Sec-WebSocket-Protocol: chadburn.v1".into(),
    ]
}

async fn shake(room: &TestRoom, target: &str) -> Answer {
    let lines = handshake(target);
    room.ask(&lines.each_ref().map(String::as_str)).await
}

const EVENTS: [&str; 2] = ["GET /events HTTP/1.1", "Host: eot"];

#[tokio::test]
async fn the_socket_goes_to_the_hub_with_a_head_that_has_no_end() {
    let mut room = TestRoom::open().await;
    let mut caller = room.call().await;
    let answer = caller.ask(&EVENTS).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store, no-transform");
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
    for absent in ["content-length", "transfer-encoding"] {
        assert!(!answer.headers.contains_key(absent), "{absent}");
    }
    let mut newcomer = room.newcomers.recv().await.unwrap();
    assert_eq!((newcomer.wire, newcomer.known_seq, &newcomer.resume), (Wire::Sse, None, &None));
    assert!(!newcomer.peer.local && newcomer.unread.is_empty(), "it asks for nothing else");
    assert!(newcomer.unsent.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(newcomer.unsent.ends_with(b"\r\n\r\nretry: 2000\n\n"));
    let empty = newcomer.socket.read(&mut [0]).unwrap_err().kind();
    assert_eq!(empty, std::io::ErrorKind::WouldBlock, "both ways are open, and it does not block");
    newcomer.socket.write_all(b"id: 7\ndata: {}\n\n").unwrap();
    drop(newcomer);
    caller.end().await;
    assert_eq!(caller.heard, b"retry: 2000\n\nid: 7\ndata: {}\n\n");
}

#[tokio::test]
async fn whoever_has_ended_its_side_becomes_a_station_too_and_is_not_local() {
    let mut room = TestRoom::open().await;
    let mut caller = room.call().await;
    caller.say(format!("{}\r\nHost: localhost\r\n\r\n", EVENTS[0])).await;
    caller.stream.shutdown().await.unwrap();
    let mut newcomer = room.newcomers.recv().await.unwrap();
    assert_eq!((newcomer.wire, newcomer.peer.local), (Wire::Sse, false));
    newcomer.socket.write_all(b"id: 7\ndata: {}\n\n").unwrap();
    drop(newcomer);
    assert_eq!(caller.answer(false).await.unwrap().status, 200);
    caller.end().await;
    assert_eq!(caller.heard, b"retry: 2000\n\nid: 7\ndata: {}\n\n");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn of_a_reader_whose_machine_is_gone_the_kernel_tells() {
    let mut room = TestRoom::open().await;
    room.ask(&EVENTS).await;
    let reader = room.newcomers.recv().await.unwrap();
    assert_eq!(rustix::net::sockopt::tcp_user_timeout(&reader.socket).unwrap(), 40_000);
}

#[tokio::test]
async fn an_old_client_may_ask_as_well() {
    let mut room = TestRoom::open().await;
    let answer = room.ask(&["GET /events HTTP/1.0", "Host: eot"]).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, ""));
    assert_eq!(room.newcomers.recv().await.unwrap().wire, Wire::Sse);
}

#[tokio::test]
async fn what_was_asked_before_is_answered_and_what_was_asked_behind_is_not() {
    let mut room = TestRoom::open().await;
    let mut caller = room.call().await;
    let livez = "GET /livez HTTP/1.1\r\nHost: eot\r\n\r\n";
    caller.say(format!("{livez}{}\r\n\r\n{livez}", EVENTS.join("\r\n"))).await;
    assert_eq!(caller.answer(false).await.unwrap().text(), "ok\n");
    assert_eq!(
        caller.answer(false).await.unwrap().header("content-type"),
        "text/event-stream; charset=utf-8"
    );
    let newcomer = room.newcomers.recv().await.unwrap();
    assert_eq!(newcomer.unread, b"");
    newcomer.socket.shutdown(std::net::Shutdown::Write).unwrap();
    caller.end().await;
    assert_eq!(caller.heard, b"retry: 2000\n\n");
}

#[tokio::test]
async fn whoever_comes_back_says_what_it_has() {
    let mut room = TestRoom::open().await;
    for (path, header, since) in [
        ("/events?since=7", "X: y", Some(7)),
        ("/events", "Last-Event-ID: 8", Some(8)),
        ("/events?since=7", "Last-Event-ID: 9", Some(9)),
        ("/events?since=7", "Last-Event-ID: x", Some(7)),
        ("/events", "Last-Event-ID: ", None),
        ("/events?lastEventId=7", "X: y", Some(7)),
        ("/events?x=1&lastEventId=8&since=7", "X: y", Some(8)),
        ("/events?lastEventId=8", "Last-Event-ID: 9", Some(9)),
        ("/events?lastEventId=x&since=7", "X: y", Some(7)),
        ("/events?lastEventId=", "X: y", None),
        ("/events?lastEventId=+7", "X: y", None),
        ("/events?lastEventId=8", "Last-Event-ID: +9", Some(8)),
    ] {
        let line = format!("GET {path} HTTP/1.1");
        assert_eq!(room.ask(&[&line, "Host: eot", header]).await.status, 200, "{path} {header}");
        assert_eq!(room.newcomers.recv().await.unwrap().known_seq, since, "{path} {header}");
    }
    room.get("/events?since=x").await.problem(400);
}

#[tokio::test]
async fn the_head_alone_can_be_asked_for() {
    let mut room = TestRoom::open().await;
    let head = room.ask(&["HEAD /events HTTP/1.1", "Host: eot"]).await;
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, "text/event-stream; charset=utf-8")
    );
    assert_eq!(head.header("content-length"), "");
    assert!(room.newcomers.try_recv().is_err(), "nobody came");
}

#[tokio::test]
async fn what_is_no_good_request_for_events_is_told_so() {
    let mut room = TestRoom::open().await;
    for (line, header, status) in [
        ("POST /events HTTP/1.1", "X: y", 405),
        ("GET /events HTTP/1.1", "Host: eot", 400),
        ("GET /events HTTP/1.1", "Origin: http://evil.example", 403),
        ("GET /events HTTP/1.1", "Content-Length: 5", 400),
        ("GET /events/ HTTP/1.1", "X: y", 404),
    ] {
        room.ask(&[line, "Host: eot", header]).await.problem(status);
    }
    room.say(|snapshot| snapshot.closing = true);
    room.ask(&EVENTS).await.problem(503);
    assert!(room.newcomers.try_recv().is_err());
}

#[tokio::test]
async fn a_station_that_comes_back_is_known_by_its_secret() {
    let mut room = TestRoom::open().await;
    let secret = "abcdefghijklmnop-_0";
    for (query, resume, since) in [
        (format!("resume={secret}&since=7"), Some(secret), Some(7)),
        (format!("resume={secret}"), Some(secret), None),
        ("since=7".into(), None, Some(7)),
        ("other=1".into(), None, None),
    ] {
        assert_eq!(shake(&room, &format!("/websocket?{query}")).await.status, 101, "{query}");
        let newcomer = room.newcomers.recv().await.unwrap();
        assert_eq!(newcomer.wire, Wire::Json);
        assert_eq!((newcomer.resume.as_deref(), newcomer.known_seq), (resume, since), "{query}");
    }
    for query in ["resume=short", "resume=", "since=x", "resume=abcdefghijklmnop&since="] {
        shake(&room, &format!("/websocket?{query}")).await.problem(400);
    }
    assert!(room.newcomers.try_recv().is_err());
}

#[tokio::test]
async fn a_token_that_comes_with_the_request_goes_to_the_hub() {
    let mut room = TestRoom::open().await;
    let mut handshake = handshake("/websocket").to_vec();
    for (line, token) in [
        ("Authorization: Bearer brass", Some("brass")),
        ("Authorization: Basic YnJhc3M=", None),
        ("X: y", None),
    ] {
        handshake.push(line.to_owned());
        let lines: Vec<_> = handshake.iter().map(String::as_str).collect();
        assert_eq!(room.ask(&lines).await.status, 101);
        let newcomer = room.newcomers.recv().await.unwrap();
        assert_eq!((newcomer.token.as_deref(), newcomer.peer.trusted), (token, false));
        handshake.pop();
        assert_eq!(room.ask(&[&EVENTS[..], &[line]].concat()).await.status, 200);
        assert_eq!(room.newcomers.recv().await.unwrap().token.as_deref(), token);
    }
}

/// A log in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_secret_is_in_no_line_of_the_log() {
    let lines = Lines::default();
    let log = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || log.clone())
        .finish();
    // Everything of this test happens on this thread.
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut room = TestRoom::open().await;
    let address = "/websocket?resume=abcdefghijklmnop&since=7";
    assert_eq!(shake(&room, address).await.status, 101);
    room.newcomers.recv().await.unwrap();
    room.ask(&["GET /websocket?resume=abcdefghijklmnop HTTP/1.1", "Host: eot"]).await.problem(426);
    room.newcomers.close();
    assert_eq!(shake(&room, address).await.status, 101);
    // Not a request at all: the connection ends with an error, which is logged.
    let mut caller = room.call().await;
    caller.say("GET /websocket?resume=abcdefghijklmnop HTTP/1.1\r\nHost\r\n\r\n").await;
    caller.end().await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("connection ended"), "{log}");
    assert!(!log.contains("abcdefgh") && !log.contains("since="), "{log}");
}
