//! The plain link with a server of another house, Tornado, and clients of other houses with ours, requests and
//! aiohttp, in an environment of the tests' own, which is made when it is first needed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chadburn_client::{Event, Failure, Settings, Typed};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::patience::{aside, within};
use crate::server::TestServer;

/// How long an environment may take: its packages have to be fetched.
const MAKING: Duration = Duration::from_secs(100);

/// How long anything else may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Eye {
    Identifier { id: String },
    FeatureMap { object_id: u32, feature_map: Vec<f64> },
}

/// The Python of the environment.
async fn python() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign");
    let (python, made) = (place.join("bin/python"), place.join("made"));
    let wanted = include_str!("../foreign/requirements.txt");
    // Other tests, each a process of its own, may want it at the same time.
    let lock = std::fs::File::create(place.with_extension("lock")).expect("it can be made");
    let _lock = aside(move || lock.lock().map(|()| lock)).await.expect("it can be locked");
    if std::fs::read_to_string(&made).is_ok_and(|it| it == wanted) {
        return python;
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/requirements.txt");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&place);
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(list);
    for mut step in [venv, pip] {
        let status = within(MAKING, "an environment", step.kill_on_drop(true).status()).await;
        assert!(status.is_ok_and(|status| status.success()), "{step:?}");
    }
    std::fs::write(made, wanted).expect("it can be noted");
    python
}

/// The peer, and what it hears.
struct Peer {
    child: Child,
    heard: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Peer {
    async fn start(python: &Path, port: u16) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/peer.py");
        let mut command = Command::new(python);
        command.arg(script).arg(port.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().expect("there is a Python");
        let out = child.stdout.take().expect("it is piped");
        let mut peer = Self { child, heard: BufReader::new(out).lines(), port };
        peer.port = peer.line().await.parse().expect("it says its port first");
        peer
    }

    async fn line(&mut self) -> String {
        let line = within(PATIENCE, "a line of the peer", self.heard.next_line()).await;
        line.expect("it is text").expect("it goes on")
    }

    async fn hears(&mut self) -> Eye {
        serde_json::from_str(&self.line().await).expect("one of ours")
    }
}

fn map(object_id: u32) -> Eye {
    Eye::FeatureMap { object_id, feature_map: vec![0.25, f64::from(object_id)] }
}

#[tokio::test]
async fn messages_of_another_kind_survive_the_death_of_a_foreign_server() {
    let python = python().await;
    let mut peer = Peer::start(&python, 0).await;
    let identity = Eye::Identifier { id: "gate".into() };
    let text = serde_json::to_string(&identity).expect("it can be JSON");
    let url = format!("ws://127.0.0.1:{}/processor", peer.port);
    let settings = Settings::new(&url).expect("an address").identity(text);
    let mut link: Typed<Eye, Eye> = Typed::connect(settings).await.expect("it is there");
    assert_eq!(peer.hears().await, identity);
    for number in 0..20 {
        link.send(&map(number)).await.expect("there is room");
        assert_eq!(peer.hears().await, map(number));
    }
    peer.child.kill().await.expect("it is ours");
    let event = |event: Option<Event<Eye>>| event.expect("it goes on");
    let mut echoes = 0;
    loop {
        match event(within(PATIENCE, "the loss", link.recv()).await) {
            Event::Up => {}
            Event::Message(message) => {
                assert_eq!(message, map(echoes));
                echoes += 1;
            }
            Event::Down(_) => break,
            other => panic!("{other:?}"),
        }
    }
    for number in 20..60 {
        link.send(&map(number)).await.expect("there is room");
    }
    let mut peer = Peer::start(&python, peer.port).await;
    assert_eq!(peer.hears().await, identity, "it says again who it is");
    for number in 20..60 {
        assert_eq!(peer.hears().await, map(number));
    }
    // A path that is none is none here too.
    let gone = format!("ws://127.0.0.1:{}/gone", peer.port);
    let refused = within(PATIENCE, "the refusal", Typed::<Eye, Eye>::connect(gone.as_str())).await;
    assert!(matches!(refused, Err(Failure::Refused { status: Some(404), .. })), "{refused:?}");
}

/// What the client says of this.
async fn client(server: &TestServer, what: &str, path: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/clients.py");
    let mut command = Command::new(python().await);
    command.arg(script).arg(what).arg(format!("http://{}{path}", server.authority()));
    let output = within(MAKING, "the client", command.kill_on_drop(true).output()).await;
    let output = output.expect("there is a Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

#[tokio::test]
async fn events_are_read_as_the_text_that_they_are() {
    for status in ["Käse im Kühlschrank", "✅ deployed"] {
        let server = TestServer::with_status(status).await;
        assert_eq!(client(&server, "events", "/events").await, format!("{status}\n"));
    }
}

#[tokio::test]
async fn whoever_asks_every_twelve_seconds_keeps_its_connection() {
    let server = TestServer::start().await;
    assert_eq!(client(&server, "poll", "/accept").await, "200 200 on 1\n");
}
