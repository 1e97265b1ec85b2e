//! What is asked of the hub over HTTP: orders and answers.

use std::net::Ipv4Addr;
use std::time::Duration;

use chadburn_core::Position;
use chadburn_v1::Code;

use super::*;
use crate::policy::Peer;
use crate::session::Want;

const PUT: &str = "PUT /status HTTP/1.1";
const POST: &str = "POST /accept HTTP/1.1";
const JSON: &str = "Content-Type: application/json";
/// What curl says of whatever `-d` brings.
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

impl TestRoom {
    /// A request with a body; nothing is asked of the hub.
    async fn send(&self, line: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Answer {
        let mut caller = self.call().await;
        let length = format!("Content-Length: {}", body.as_ref().len());
        let head = [&[line, "Host: localhost", &length], headers].concat().join("\r\n");
        caller.say(format!("{head}\r\n\r\n")).await;
        caller.say(body).await;
        caller.answer(false).await.expect("an answer")
    }

    /// The same, to which the hub says this; and what was asked of it.
    async fn brings(&mut self, request: (&str, &[&str], &str), outcome: Outcome) -> (Answer, Ask) {
        let (line, headers, body) = request;
        let mut asks = std::mem::replace(&mut self.asks, mpsc::channel(1).1);
        let hub = async {
            let (ask, answer) = asks.recv().await.expect("the hub is asked");
            answer.send(outcome).expect("somebody waits");
            ask
        };
        let both = tokio::join!(self.send(line, headers, body), hub);
        self.asks = asks;
        both
    }

    /// What a request makes of the hub that does it.
    async fn wants(&mut self, line: &str, headers: &[&str], body: &str) -> Want {
        let (answer, ask) = self.brings((line, headers, body), Ok(())).await;
        assert_eq!((answer.status, answer.text()), (200, "{\"ok\":true}\n"), "{body}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        ask.want
    }

    fn nothing_was_asked(&mut self) {
        assert!(self.asks.try_recv().is_err(), "the hub was asked");
    }
}

fn answers(order: impl Into<Option<u64>>, position: Option<u8>, coming: Option<bool>) -> Want {
    let order = order.into();
    Want::Answer { order, position: position.and_then(Position::new), coming }
}

#[tokio::test]
async fn an_order_is_json_or_whatever_else_as_it_stands() {
    let mut room = TestRoom::open().await;
    for (headers, body, status) in [
        (&[FORM][..], "8", "8"),
        (&[FORM], "main is broken &c=%20", "main is broken &c=%20"),
        (&["Content-Type: text/plain; charset=utf-8"], "  two\nlines \n\n", "  two\nlines"),
        (&[], "\u{feff}späť\r\n", "späť"),
        (&["Content-Type: what ever"], "{\"status\":\"8\"}", "{\"status\":\"8\"}"),
        (&[JSON], "{\"status\":\"8\"}", "8"),
        (&["content-type: Application/JSON; charset=utf-8"], "\"LUNCH \"", "LUNCH"),
        (&[JSON, "Content-Encoding: identity"], "{\"x\":1,\"status\":\"\\u0038\"}", "8"),
    ] {
        assert_eq!(room.wants(PUT, headers, body).await, Want::Order(status.into()), "{body}");
    }
    let longest = "x".repeat(4096);
    assert_eq!(room.wants(PUT, &[], &longest).await, Want::Order(longest));
}

#[tokio::test]
async fn what_is_no_order_is_told_what_is_wrong() {
    let mut room = TestRoom::open().await;
    let (long, huge) = ("x".repeat(4097), "x".repeat(8193));
    for (headers, body, status, code) in [
        (&[][..], "", 400, "bad_status"),
        (&[FORM], " \r\n\t", 400, "bad_status"),
        (&[FORM], &*long, 400, "bad_status"),
        (&[FORM], &huge, 413, ""),
        (&[JSON], "", 400, "bad_status"),
        (&[JSON], "\"\"", 400, "bad_status"),
        (&[JSON], "8 9", 400, "bad_json"),
        (&[JSON], "8", 400, "bad_message"),
        (&[JSON], "[\"8\"]", 400, "bad_message"),
        (&[JSON], "{}", 400, "bad_message"),
        (&[JSON], "{\"status\":8}", 400, "bad_message"),
        (&[JSON], "{\"status\":\"8\",\"name\":\"a\\u0007\"}", 400, "bad_name"),
        (&["Content-Type: multipart/form-data; boundary=x"], "--x--", 415, ""),
        (&["Content-Encoding: gzip"], "8", 415, ""),
    ] {
        let answer = room.send(PUT, headers, body).await;
        assert!(!answer.problem(status).is_empty());
        assert_eq!(answer.json()["code"].as_str().unwrap_or_default(), code, "{headers:?} {body}");
    }
    assert_eq!(room.send(PUT, &[], b"\xe4").await.problem(400), "the body is not UTF-8");
    room.nothing_was_asked();
}

#[tokio::test]
async fn an_answer_says_as_much_as_it_wants_to() {
    let mut room = TestRoom::open().await;
    for (headers, body, want) in [
        (&[][..], "", answers(None, None, None)),
        (&[JSON], "", answers(None, None, None)),
        (&[JSON], "{}", answers(None, None, None)),
        (&[FORM], "7", Want::Accept("7".into())),
        (&[FORM], "on my way\n", Want::Accept("on my way".into())),
        (&[JSON], "{\"order\":6}", answers(6, None, None)),
        (&[JSON], "{\"order\":6,\"position\":3,\"coming\":true}", answers(6, Some(3), Some(true))),
        (&[JSON], "{\"coming\":false}", answers(None, None, Some(false))),
    ] {
        assert_eq!(room.wants(POST, headers, body).await, want, "{body}");
    }
    let request = (POST, &[JSON][..], "{\"name\":\"bridge\"}");
    let (_, ask) = room.brings(request, Ok(())).await;
    assert_eq!(ask.who.as_deref(), Some("bridge"));
    for (body, status, code) in [
        ("{\"position\":25}", 422, "no_position"),
        ("{\"position\":\"7\"}", 400, "bad_message"),
        ("{\"name\":\" \"}", 400, "bad_name"),
        ("{", 400, "bad_json"),
    ] {
        let answer = room.send(POST, &[JSON], body).await;
        answer.problem(status);
        assert_eq!(answer.json()["code"], code, "{body}");
    }
    room.nothing_was_asked();
}

#[tokio::test]
async fn a_no_of_the_hub_is_a_problem() {
    let mut room = TestRoom::open().await;
    for (code, status) in [
        (Code::Stale, 409),
        (Code::NoOrder, 409),
        (Code::NoPosition, 422),
        (Code::BadState, 400),
        (Code::WriteFailed, 503),
        (Code::Refused, 403),
    ] {
        let (answer, _) = room.brings((POST, &[FORM], "7"), Err((code, "because".into()))).await;
        assert_eq!(answer.problem(status), "because");
        assert_eq!(answer.json()["code"], serde_json::to_value(code).unwrap());
    }
    room.asks.close();
    assert!(room.send(PUT, &[FORM], "7").await.problem(503).contains("shutting down"));
}

#[tokio::test]
async fn a_token_goes_to_the_hub_and_a_wrong_one_is_told_apart_from_none() {
    let mut room = TestRoom::open().await;
    let bearer = "Authorization: Bearer brass";
    let (_, ask) = room.brings((PUT, &[bearer], "8"), Ok(())).await;
    assert_eq!(ask.token.as_deref(), Some("brass"));
    assert!(!ask.peer.trusted, "that is the hub's to say");
    let no = || Err((Code::TokenRequired, "Refused: this needs the token.".into()));
    let (answer, ask) = room.brings((PUT, &[FORM], "8"), no()).await;
    assert_eq!(ask.token, None);
    assert_eq!(answer.problem(401), "Refused: this needs the token.");
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"chadburn\"");
    let (answer, _) = room.brings((PUT, &[bearer], "8"), no()).await;
    assert_eq!(answer.problem(401), "that is not the token");
    assert_eq!(answer.json()["code"], "bad_token");
    let challenge = "Bearer realm=\"chadburn\", error=\"invalid_token\"";
    assert_eq!(answer.header("www-authenticate"), challenge);
}

#[tokio::test]
async fn whose_request_it_is_is_found_out_where_it_can_matter() {
    let mut room = TestRoom::open().await;
    let stranger = Peer::at(Ipv4Addr::LOCALHOST.into());
    let (_, ask) = room.brings((PUT, &[FORM], "8"), Ok(())).await;
    assert_eq!(ask.peer, Peer { local: HERE, ..stranger });
    let (_, ask) = room.brings((PUT, &["Via: 1.1 proxy"], "8"), Ok(())).await;
    assert_eq!(ask.peer, stranger);
    let (_, ask) = room.brings((POST, &[FORM], "8"), Ok(())).await;
    assert_eq!(ask.peer, stranger, "everybody may answer, so nobody looks");
}

#[tokio::test]
async fn a_foreign_page_gives_no_orders() {
    let mut room = TestRoom::open().await;
    for (line, header, status) in [
        (PUT, "Origin: http://evil.example", 403),
        (POST, "Origin: null", 403),
        (POST, "Host: eot", 400),
        ("POST /status HTTP/1.1", FORM, 405),
        ("GET /accept HTTP/1.1", FORM, 405),
    ] {
        let answer = room.send(line, &[header], "7").await;
        answer.problem(status);
        let allowed = if line.contains("accept") { "POST" } else { "GET,HEAD,PUT" };
        assert_eq!(answer.header("allow"), if status == 405 { allowed } else { "" });
    }
    room.nothing_was_asked();
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_takes_too_long_is_not_waited_for() {
    let mut room = TestRoom::open().await;
    let mut asks = std::mem::replace(&mut room.asks, mpsc::channel(1).1);
    let (answer, (_, waiting)) =
        tokio::join!(room.send(PUT, &[FORM], "8"), async { asks.recv().await.unwrap() });
    assert!(answer.problem(503).contains("may still be carried out"));
    assert!(waiting.is_closed(), "nobody waits any more");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut room = TestRoom::open().await;
    let begun = tokio::time::Instant::now();
    let mut caller = room.call().await;
    caller.say(format!("{PUT}\r\nHost: eot\r\nContent-Length: 5\r\n\r\n8")).await;
    caller.answer(false).await.unwrap().problem(408);
    caller.end().await;
    assert!(begun.elapsed() < Duration::from_secs(11), "{:?}", begun.elapsed());
    let mut caller = room.call().await;
    caller.say(format!("{PUT}\r\nHost: eot\r\nTransfer-Encoding: chunked\r\n\r\n")).await;
    // The chunks never end; at some point the server has had enough.
    let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400)).repeat(9);
    caller.say(chunk).await;
    caller.answer(false).await.unwrap().problem(413);
    room.nothing_was_asked();
}
