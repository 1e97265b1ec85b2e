//! Askers that end their side at each stage of an exchange: what they have asked is answered, and whoever may not do
//! something may not do it so either.

use serde_json::{Value, json};

use crate::http::get;
use crate::panel::SUBPROTOCOL;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use testkit::frames::{handshake, text};

/// In how many pieces the bytes come that are sent before the side is ended.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// All bytes and the end at once.
    AtOnce,
    /// The first so many bytes, which the server has read, then the rest and the end.
    Split(usize),
    /// All bytes, and the end once something of the answer is there.
    Answered,
}

const STAGES: [Stage; 5] =
    [Stage::AtOnce, Stage::Split(1), Stage::Split(20), Stage::Split(usize::MAX), Stage::Answered];

/// Sends this, and ends the side at that stage. What was read of the answer by then comes back.
async fn asked(server: &TestServer, bytes: &[u8], stage: Stage) -> (Raw, Option<String>) {
    let mut raw = Raw::connect(server).await;
    let split = match stage {
        Stage::Split(at) => at.min(bytes.len() - 1),
        Stage::AtOnce | Stage::Answered => 0,
    };
    raw.send(&bytes[..split]).await;
    if split > 0 {
        // What came before this was answered has been read.
        assert_eq!(get(server, "/livez").await.code, 200);
    }
    raw.send(&bytes[split..]).await;
    let first = match stage {
        Stage::Answered => raw.line().await,
        Stage::AtOnce | Stage::Split(_) => None,
    };
    raw.say_no_more().await;
    (raw, first)
}

/// All that is said to somebody who sends this and ends its side at that stage, up to the end of the connection.
async fn told(server: &TestServer, bytes: &[u8], stage: Stage) -> String {
    let (mut raw, first) = asked(server, bytes, stage).await;
    let rest = raw.rest().await;
    first.map_or_else(String::new, |line| line + "\r\n") + &String::from_utf8_lossy(&rest)
}

/// A server at which somebody at this machine may order and shut down.
async fn server() -> TestServer {
    Setup::with_status("7\n").args(["--allow-orders", "local"]).start().await
}

fn request(server: &TestServer, line: &str, body: &str) -> String {
    let (host, length) = (server.authority(), body.len());
    format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A handshake on the JSON wire with these further headers, and these requests behind it.
fn json_asks(server: &TestServer, headers: &[(&str, &str)], requests: &[Value]) -> Vec<u8> {
    let joins = handshake(&server.authority(), &[&[SUBPROTOCOL], headers].concat());
    let requests = requests.iter().map(|request| text(request.to_string()));
    [joins.into_bytes(), requests.collect::<Vec<_>>().concat()].concat()
}

#[tokio::test]
async fn whatever_was_asked_over_http_is_answered_at_each_stage() {
    let server = server().await;
    for stage in STAGES {
        for (line, body, codes) in [
            ("GET /status", "", &["200"][..]),
            ("GET /status?format=text", "", &["200"]),
            ("GET /readyz", "", &["200"]),
            ("GET /bell-book", "", &["200"]),
            ("GET /", "", &["200"]),
            ("GET /nothing", "", &["404"]),
            ("POST /accept", "8", &["200"]),
            ("GET /websocket", "", &["426"]),
        ] {
            let answer = told(&server, request(&server, line, body).as_bytes(), stage).await;
            let code = answer.split(' ').nth(1).unwrap_or_default();
            assert!(codes.contains(&code), "{line} {stage:?}: {answer}");
            assert!(answer.contains("\r\n\r\n"), "{line} {stage:?}: {answer}");
        }
        let two = request(&server, "GET /livez", "").repeat(2);
        let answers = told(&server, two.as_bytes(), stage).await;
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{stage:?}: {answers}");
    }
}

#[tokio::test]
async fn no_right_grows_by_ending_ones_side_at_whichever_stage() {
    let server = server().await;
    // Whoever says that it asks for somebody else.
    let stranger = [("X-Forwarded-For", "192.0.2.7")];
    for stage in STAGES {
        let order = request(&server, "PUT /status", "9");
        let order = order.replacen("\r\n", "\r\nX-Forwarded-For: 192.0.2.7\r\n", 1);
        let answer = told(&server, order.as_bytes(), stage).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{stage:?}: {answer}");
        let joins = handshake(&server.authority(), &stranger);
        let answer = told(&server, &[joins.into_bytes(), text("shutdown")].concat(), stage).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{stage:?}: {answer}");
        assert!(!answer.contains("shutting down"), "{stage:?}: {answer}");
        let asks = [
            json!({ "type": "order", "status": "9", "id": 1 }),
            json!({ "type": "console", "command": "shutdown", "id": 2 }),
        ];
        let answer = told(&server, &json_asks(&server, &stranger, &asks), stage).await;
        for id in [1, 2] {
            let refused = format!(r#"{{"type":"error","id":{id},"code":"refused""#);
            assert!(answer.contains(&refused), "{stage:?}: {answer}");
        }
        assert!(!answer.contains("farewell"), "{stage:?}: {answer}");
    }
    assert_eq!(get(&server, "/status?format=text").await.body, "7\n");
}

#[tokio::test]
async fn a_station_that_ends_its_side_hears_the_answer_to_what_it_has_asked() {
    let server = server().await;
    for stage in STAGES {
        let asks =
            [handshake(&server.authority(), &[]).into_bytes(), text("Accept&8"), text("hello")];
        let answer = told(&server, &asks.concat(), stage).await;
        assert!(answer.contains("Connected to EOT Server"), "{stage:?}: {answer}");
        assert!(answer.contains("Accepted state: 8"), "{stage:?}: {answer}");
        assert!(answer.contains("Server echoed: hello"), "{stage:?}: {answer}");
    }
}

#[tokio::test]
async fn it_does_so_on_the_json_wire() {
    let server = server().await;
    let state: Value = serde_json::from_str(&get(&server, "/status").await.body).expect("JSON");
    let order = &state["order"]["seq"];
    for (stage, position) in STAGES.into_iter().zip(1..) {
        let asks = [
            json!({ "type": "answer", "order": order, "position": position, "id": "first" }),
            json!({ "type": "name", "name": "Ana", "id": 2 }),
            json!({ "type": "console", "command": "hello", "id": 3 }),
            json!({ "type": "answer", "order": 1, "id": 4 }),
        ];
        let answer = told(&server, &json_asks(&server, &[], &asks), stage).await;
        let mut rest = answer.as_str();
        // One after the other; a push may come between them.
        for said in [
            r#"{"type":"welcome""#,
            r#"{"type":"ok","id":"first"}"#,
            r#"{"type":"ok","id":2}"#,
            r#"{"type":"console","text":"Server echoed: hello"}"#,
            r#"{"type":"ok","id":3}"#,
            r#"{"type":"error","id":4,"code":"stale""#,
        ] {
            let at = rest.find(said).unwrap_or_else(|| panic!("{said} {stage:?}: {answer}"));
            rest = &rest[at + said.len()..];
        }
        assert_eq!(server.home.reply(), Some(format!("{position}\n")), "{stage:?}");
    }
}
