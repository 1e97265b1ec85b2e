//! Processors, clients and an orchestrator of another house, with ours in every combination. They are Python, in an
//! environment of the tests' own, which is made when it is first needed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chadburn_client::{Event, Settings, Typed};
use chadburn_eye::wire::{
    BoundingBox, Boxes, CameraId, FromClient, FromProcessor, Label, ObjectId, Rect, Target,
    ToClient, ToProcessor, Update,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::host::{Relay, within};

/// How long an environment may take: its packages have to be fetched.
const MAKING: Duration = Duration::from_secs(100);

/// The Python of the environment.
pub(crate) async fn python() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("eye-foreign");
    let (python, made) = (place.join("bin/python"), place.join("made"));
    let wanted = include_str!("../foreign/requirements.txt");
    // Other tests, each a process of its own, may want it at the same time.
    let lock = std::fs::File::create(place.with_extension("lock")).unwrap();
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.unwrap();
    if std::fs::read_to_string(&made).is_ok_and(|it| it == wanted) {
        return python;
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&place);
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(script("requirements.txt"));
    for mut step in [venv, pip] {
        let status = timeout(MAKING, step.kill_on_drop(true).status()).await.unwrap();
        assert!(status.unwrap().success(), "{step:?}");
    }
    std::fs::write(made, wanted).unwrap();
    drop(lock);
    python
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign").join(name)
}

/// A script that runs, with what it says and what it is told.
pub(crate) struct Script {
    pub(crate) child: Child,
    said: Lines<BufReader<ChildStdout>>,
    told: ChildStdin,
}

impl Script {
    pub(crate) async fn start(name: &str, args: &[&str]) -> Self {
        let mut command = Command::new(python().await);
        command.arg(script(name)).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { told: child.stdin.take().unwrap(), said, child }
    }

    pub(crate) async fn line(&mut self) -> String {
        within("a line of the script", self.said.next_line()).await.unwrap().expect("it goes on")
    }
}

/// Whoever passes messages on.
enum Orchestrator {
    Ours(Relay),
    /// It runs as long as this is there.
    Foreign(#[expect(dead_code, reason = "it is kept")] Script, u16),
}

impl Orchestrator {
    async fn start(ours: bool) -> Self {
        if ours {
            return Self::Ours(Relay::start().await);
        }
        let mut script = Script::start("orchestrator.py", &["0"]).await;
        let port = script.line().await.parse().unwrap();
        Self::Foreign(script, port)
    }

    fn url(&self, path: &str) -> String {
        let (Self::Ours(Relay { port, .. }) | Self::Foreign(_, port)) = self;
        format!("ws://127.0.0.1:{port}/{path}")
    }
}

/// A processor: what it hears comes out of it.
enum Processor {
    Ours(mpsc::UnboundedReceiver<Value>, JoinHandle<()>),
    Foreign(Box<Script>),
}

impl Processor {
    async fn start(ours: bool, orchestrator: &Orchestrator, id: &str) -> Self {
        let url = orchestrator.url("processor");
        if !ours {
            return Self::Foreign(Box::new(Script::start("processor.py", &[&url, id]).await));
        }
        let identity = json!({"type": "identifier", "id": id}).to_string();
        let link = Typed::connect(Settings::new(&url).unwrap().identity(identity)).await.unwrap();
        let (teller, heard) = mpsc::unbounded_channel();
        Self::Ours(heard, tokio::spawn(process(link, teller)))
    }

    /// The next message of this type.
    async fn hears(&mut self, kind: &str) -> Value {
        loop {
            let message: Value = match self {
                Self::Ours(heard, _) => within(kind, heard.recv()).await.unwrap(),
                Self::Foreign(script) => serde_json::from_str(&script.line().await).unwrap(),
            };
            if message["type"] == kind {
                return message;
            }
        }
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        if let Self::Ours(_, task) = self {
            task.abort();
        }
    }
}

/// Does what `processor.py` does, by the library's link and the messages of this crate.
async fn process(
    mut link: Typed<FromProcessor, ToProcessor>,
    teller: mpsc::UnboundedSender<Value>,
) {
    let mut frames = interval(Duration::from_millis(100));
    let mut tracked = None;
    loop {
        tokio::select! {
            _ = frames.tick() => {
                let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
                let found = BoundingBox {
                    box_id: Label::Number(1),
                    rect: Rect::try_from([0.1, 0.2, 0.3, 0.4]).unwrap(),
                    object_type: Label::Text("blob".into()),
                    certainty: 0.9,
                    object_id: tracked,
                };
                let boxes = Boxes { frame_id: now.as_secs_f64(), boxes: vec![found] };
                link.send(&FromProcessor::BoundingBoxes(boxes)).await.unwrap();
            }
            event = link.recv() => match event.unwrap() {
                Event::Message(message) => {
                    teller.send(serde_json::to_value(&message).unwrap()).unwrap();
                    match message {
                        ToProcessor::Start { object_id, .. } => {
                            tracked = Some(object_id);
                            let feature_map = vec![0.25, 0.5];
                            let update = FromProcessor::FeatureMap(Update { object_id, feature_map });
                            link.send(&update).await.unwrap();
                        }
                        ToProcessor::FeatureMap(update) => tracked = Some(update.object_id),
                        ToProcessor::Stop { object_id } if tracked == Some(object_id) => tracked = None,
                        ToProcessor::Stop { .. } => {}
                    }
                }
                Event::Up | Event::Down(_) => {}
                other => panic!("{other:?}"),
            },
        }
    }
}

/// A client.
enum Client {
    Ours(Box<Typed<FromClient, ToClient>>),
    Foreign(Box<Script>),
}

impl Client {
    async fn start(ours: bool, orchestrator: &Orchestrator) -> Self {
        let url = orchestrator.url("client");
        if ours {
            Self::Ours(Box::new(Typed::connect(url.as_str()).await.unwrap()))
        } else {
            Self::Foreign(Box::new(Script::start("client.py", &[&url]).await))
        }
    }

    /// The next boxes of which this holds.
    async fn sees(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        let looking = async {
            loop {
                let message = match self {
                    Self::Ours(link) => match link.recv().await.unwrap() {
                        Event::Message(message) => serde_json::to_value(&message).unwrap(),
                        Event::Up | Event::Down(_) => continue,
                        other => panic!("{other:?}"),
                    },
                    Self::Foreign(script) => serde_json::from_str(&script.line().await).unwrap(),
                };
                if holds(&message) {
                    return message;
                }
            }
        };
        within("the boxes", looking).await
    }

    async fn says(&mut self, message: &FromClient) {
        match self {
            Self::Ours(link) => link.send(message).await.unwrap(),
            Self::Foreign(script) => {
                let line = serde_json::to_string(message).unwrap() + "\n";
                script.told.write_all(line.as_bytes()).await.unwrap();
            }
        }
    }
}

/// An object is started at one camera, found by another and by a newcomer, and stopped.
async fn play(orchestrator: &Orchestrator, gate: bool, yard: bool, client: bool) {
    let mut client = Client::start(client, orchestrator).await;
    let (mut gate, mut yard) = (
        Processor::start(gate, orchestrator, "gate").await,
        Processor::start(yard, orchestrator, "yard").await,
    );
    client.sees(|it| it["cameraId"] == "yard").await;
    let seen = client.sees(|it| it["cameraId"] == "gate").await;
    let target = Target {
        frame_id: seen["frameId"].as_f64(),
        box_id: Some(Label::Number(seen["boxes"][0]["boxId"].as_i64().unwrap())),
        image: None,
    };
    let camera_id = CameraId::try_from("gate".to_owned()).unwrap();
    client.says(&FromClient::Start { camera_id, target }).await;
    let start = gate.hears("start").await;
    assert_eq!((&start["frameId"], &start["boxId"]), (&seen["frameId"], &json!(1)));
    let object = &start["objectId"];
    let map = json!({"type": "featureMap", "objectId": object, "featureMap": [0.25, 0.5]});
    assert_eq!(yard.hears("featureMap").await, map);
    for camera in ["gate", "yard"] {
        let found = |it: &Value| it["cameraId"] == camera && it["boxes"][0]["objectId"] == *object;
        client.sees(found).await;
    }
    let mut hall = Processor::start(true, orchestrator, "hall").await;
    assert_eq!(hall.hears("featureMap").await, map);
    let object_id = ObjectId::try_from(object.as_u64().unwrap()).unwrap();
    client.says(&FromClient::Stop { object_id }).await;
    for processor in [&mut gate, &mut yard, &mut hall] {
        assert_eq!(&processor.hears("stop").await["objectId"], object);
    }
    for camera in ["gate", "yard"] {
        let lost =
            |it: &Value| it["cameraId"] == camera && it["boxes"][0].get("objectId").is_none();
        client.sees(lost).await;
    }
}

#[tokio::test]
async fn a_foreign_orchestrator_with_ours_and_theirs() {
    let orchestrator = Orchestrator::start(false).await;
    for kinds in 0..8 {
        play(&orchestrator, kinds & 1 != 0, kinds & 2 != 0, kinds & 4 != 0).await;
    }
}

#[tokio::test]
async fn our_relay_with_ours_and_theirs() {
    let relay = Orchestrator::start(true).await;
    for kinds in 0..8 {
        play(&relay, kinds & 1 != 0, kinds & 2 != 0, kinds & 4 != 0).await;
    }
    let Orchestrator::Ours(relay) = relay else { unreachable!("it is ours") };
    assert_eq!(relay.figure("bad_messages_total").await, 0);
}

#[tokio::test]
async fn foreign_peers_find_back_to_a_relay_that_was_killed() {
    let mut relay = Relay::start().await;
    let url = |path| format!("ws://127.0.0.1:{}/{path}", relay.port);
    let (processor, client) = (url("processor"), url("client"));
    let _gate = Script::start("processor.py", &[&processor, "gate"]).await;
    let mut client = Client::Foreign(Box::new(Script::start("client.py", &[&client]).await));
    for _ in 0..3 {
        client.sees(|it| it["cameraId"] == "gate").await;
        relay.kill().await;
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        relay = Relay::at(relay.port, &[]).await;
        client.sees(|it| it["frameId"].as_f64().unwrap() > since).await;
    }
}
