//! A server of the test's own says what no real one does at will: orders that change under the hand of
//! `chadburn answer`, and messages of a later version.

use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::commands::finished;
use crate::patience::{soon, within};

pub(crate) type Peer = WebSocketStream<TcpStream>;

/// The program with these words, and the station that it opens, not greeted yet.
pub(crate) async fn met(words: &[&str]) -> (Child, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/websocket", listener.local_addr().expect("it is bound"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_chadburn"));
    command.args(words).args(["--url", &url]).stdin(Stdio::null()).kill_on_drop(true);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let (stream, _) = soon("a station", listener.accept()).await.expect("it comes");
    #[expect(clippy::result_large_err, reason = "the type is the library's")]
    let agree = |_: &Request, mut response: Response| {
        let spoken = HeaderValue::from_static("chadburn.v1");
        response.headers_mut().insert("sec-websocket-protocol", spoken);
        Ok(response)
    };
    let peer = soon("a handshake", tokio_tungstenite::accept_hdr_async(stream, agree)).await;
    (command.expect("it can be run"), peer.expect("a handshake"))
}

async fn says(peer: &mut Peer, message: Value) {
    peer.send(Message::text(message.to_string())).await.expect("it listens");
}

/// The state with this order.
fn state(seq: u64, status: &str) -> Value {
    json!({"type": "state", "seq": seq, "at": 0, "reply": null, "bell": true,
        "order": {"status": status, "position": null, "name": null, "seq": seq, "since": 0},
        "source": {"health": "ok", "detail": "", "watch": "poll"}})
}

/// Answers the order, of which the server says each time that by now it is the next of these; with
/// the exit code, what was said, and the orders that were answered.
async fn answer(orders: &[(u64, &str)]) -> (i32, String, Vec<u64>) {
    let (command, mut peer) = met(&["answer"]).await;
    says(
        &mut peer,
        json!({"type": "welcome", "station": "67e55044-10b1-426f-9247-bb680e5fe0c8", "server": "1", "assets": "a",
        "dial": {"title": "", "positions": []}, "heartbeat_ms": 5000, "resume": "secret",
        "token": false, "may": {"order": false, "shutdown": false}}),
    )
    .await;
    says(&mut peer, state(orders[0].0, orders[0].1)).await;
    says(
        &mut peer,
        json!({"type": "roll", "order": null, "answers": [], "more_answers": 0,
        "stations": 1, "named": [], "more_named": 0}),
    )
    .await;
    let (mut next, mut answered) = (orders[1..].iter(), Vec::new());
    // It leaves when it has heard enough.
    while let Some(Ok(message)) = soon("its word", peer.next()).await {
        let Message::Text(text) = message else { continue };
        let request: Value = serde_json::from_str(&text).expect("JSON");
        answered.push(request["order"].as_u64().expect("an answer"));
        match next.next() {
            Some((seq, status)) => {
                says(&mut peer, state(*seq, status)).await;
                says(
                    &mut peer,
                    json!({"type": "error", "id": request["id"], "code": "stale",
                    "message": "that order is over"}),
                )
                .await;
            }
            None => says(&mut peer, json!({"type": "ok", "id": request["id"]})).await,
        }
    }
    let output = within(Duration::from_secs(20), "its end", command.wait_with_output()).await;
    let (code, out, errors) = finished(output);
    (code, out + &errors, answered)
}

#[tokio::test]
async fn an_order_that_only_has_another_number_is_answered_by_that() {
    let (code, said, answered) = answer(&[(10, "main is broken"), (20, "main is broken")]).await;
    assert_eq!((code, said.as_str()), (0, "answered main is broken\n"));
    assert_eq!(answered, [10, 20]);
}

#[tokio::test]
async fn an_order_that_nobody_has_seen_is_not_answered() {
    let (code, said, answered) = answer(&[(10, "main is broken"), (20, "all is well")]).await;
    assert_eq!((code, said.as_str()), (5, "chadburn: that order is over\n"));
    assert_eq!(answered, [10]);
}

#[tokio::test]
async fn an_order_whose_number_never_rests_is_given_up() {
    let orders: Vec<_> = (1..=9).map(|it| (it, "again")).collect();
    let (code, _, answered) = answer(&orders).await;
    assert_eq!((code, answered), (5, vec![1, 2, 3, 4]));
}

#[tokio::test]
async fn what_a_later_version_says_goes_through_watch_json_unchanged() {
    let (mut command, mut peer) = met(&["watch", "--json"]).await;
    let mut lines = BufReader::new(command.stdout.take().expect("it is piped")).lines();
    for text in [
        // A field, a type and an order of fields that this version does not have.
        r#"{"at":1,  "type":"beat","mood":"good"}"#,
        r#"{"type":"song","verse":[1,2.50,"\u0041"]}"#,
        r#"{"type":"state"}"#,
    ] {
        peer.send(Message::text(text)).await.expect("it listens");
        let line = soon("its line", lines.next_line()).await.expect("text");
        assert_eq!(line.as_deref(), Some(text));
    }
}
