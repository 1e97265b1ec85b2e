//! The examples are run, each with somebody who knows what it should say.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};

/// How long anything here may take.
const SOON: Duration = Duration::from_secs(20);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.expect("it comes soon")
}

/// An example that runs. It is killed, by its own process id, when this is dropped.
struct Example {
    _child: Child,
    out: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
}

impl Example {
    /// Starts it, and waits for it at this address.
    async fn start(name: &str, listener: &TcpListener) -> (Self, Peer) {
        let tests = std::env::current_exe().expect("we are somewhere");
        let built = tests.parent().and_then(|it| it.parent()).expect("in a directory of two");
        let program: PathBuf = built.join("examples").join(name);
        let url = format!("ws://{}/there", listener.local_addr().expect("it is bound"));
        let mut command = Command::new(&program);
        command.arg(url).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Cargo builds the examples with the tests, unless it is asked for one of them alone.
        let mut child = command.kill_on_drop(true).spawn().expect("cargo has built it");
        let out = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let errors = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        (Self { _child: child, out, errors }, Peer::accept(listener).await)
    }

    async fn says(&mut self) -> String {
        soon(self.out.next_line()).await.expect("text").expect("it goes on")
    }

    async fn complains(&mut self) -> String {
        soon(self.errors.next_line()).await.expect("text").expect("it goes on")
    }
}

/// The other side.
struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = soon(listener.accept()).await.expect("it comes");
        #[expect(clippy::result_large_err, reason = "the type is the library's")]
        let agree = |request: &Request, mut response: Response| {
            if request.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
                let spoken = HeaderValue::from_static("chadburn.v1");
                response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, spoken);
            }
            Ok(response)
        };
        Self(soon(tokio_tungstenite::accept_hdr_async(stream, agree)).await.expect("a handshake"))
    }

    async fn says(&mut self, text: impl ToString) {
        self.0.send(Message::text(text.to_string())).await.expect("it listens");
    }

    async fn hears(&mut self) -> String {
        loop {
            if let Message::Text(text) = soon(self.0.next()).await.expect("more").expect("whole") {
                return text.to_string();
            }
        }
    }

    async fn hears_message(&mut self) -> Value {
        serde_json::from_str(&self.hears().await).expect("JSON")
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

#[tokio::test]
async fn lines_go_there_and_back_and_the_loss_is_told() {
    let listener = listener().await;
    let (mut lines, mut peer) = Example::start("lines", &listener).await;
    assert_eq!(peer.hears().await, "status");
    peer.says("Current Status: 6").await;
    assert_eq!(lines.says().await, "Current Status: 6");
    assert_eq!(lines.complains().await, "there it is");
    drop(peer);
    assert!(lines.complains().await.starts_with("away: "));
    let mut peer = Peer::accept(&listener).await;
    assert_eq!(lines.complains().await, "there it is");
    peer.says("7").await;
    assert_eq!(lines.says().await, "7");
}

#[tokio::test]
async fn an_eye_says_who_it_is_and_understands_its_own_messages() {
    let (mut eye, mut peer) = Example::start("eye", &listener().await).await;
    assert_eq!(peer.hears_message().await, json!({"type": "identifier", "id": "gate"}));
    assert_eq!(eye.says().await, "Up");
    peer.says(json!({"type": "start", "cameraId": "gate", "frameId": 1.5})).await;
    let start = "Message(Start { camera_id: Some(\"gate\"), frame_id: Some(1.5) })";
    assert_eq!(eye.says().await, start);
    peer.says("{}").await;
    assert!(eye.says().await.starts_with("Unreadable { text: \"{}\""));
}

#[tokio::test]
async fn a_bot_comes_to_coffee_and_to_nothing_else() {
    let (_bot, mut peer) = Example::start("coffee", &listener().await).await;
    let state = |seq: u64, position: u8, name: &str, bell: bool| {
        json!({"type": "state", "seq": seq, "at": 0, "reply": null, "bell": bell,
            "order": {"status": position.to_string(), "position": position, "name": name, "seq": seq,
                "since": 0},
            "source": {"health": "ok", "detail": "", "watch": "poll"}})
    };
    peer.says(json!({"type": "welcome", "station": "67e55044-10b1-426f-9247-bb680e5fe0c8", "server": "1", "assets": "a",
        "dial": {"title": "", "positions": []}, "heartbeat_ms": 5000, "resume": "secret",
        "token": false, "may": {"order": false, "shutdown": false}}))
        .await;
    peer.says(state(1, 8, "LUNCH", true)).await;
    peer.says(
        json!({"type": "roll", "order": null, "answers": [], "more_answers": 0, "stations": 1,
        "named": [], "more_named": 0}),
    )
    .await;
    assert_eq!(peer.hears_message().await["name"], "the bot");
    peer.says(state(2, 7, "COFFEE", false)).await;
    peer.says(state(3, 7, "COFFEE", true)).await;
    let answer = peer.hears_message().await;
    assert_eq!((&answer["order"], &answer["coming"]), (&json!(3), &json!(true)), "{answer}");
}
