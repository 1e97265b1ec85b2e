//! How long boxes take through the relay, and what it costs, beside a port of the original in the same run. Measured
//! in a release build:
//!
//! `cargo nextest run --release -p chadburn-eye --test relay --run-ignored only --no-capture -E 'test(load::)'`

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::foreign::Script;
use crate::host::{Relay, within};
use crate::peer::boxes;

const CAMERAS: u32 = 10;
const CLIENTS: usize = 100;
const BOXES: usize = 8;
const FRAME: Duration = Duration::from_millis(100);
const SECONDS: u32 = 20;

/// How many frames there are in all.
const FRAMES: u32 = 10 * SECONDS * CAMERAS;

/// The most that one in a hundred may take.
const GOAL: Duration = Duration::from_millis(5);

/// When each frame was sent, by its number.
type Sent = Arc<Mutex<BTreeMap<u32, Instant>>>;

async fn open(port: u16, path: &str) -> tokio_tungstenite::WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let url = format!("ws://127.0.0.1:{port}/{path}");
    within("the handshake", client_async(url, stream)).await.unwrap().0
}

async fn camera(port: u16, number: u32, sent: Sent) {
    let mut socket = open(port, "processor").await;
    let identifier = json!({"type": "identifier", "id": format!("camera {number}")});
    socket.send(Message::text(identifier.to_string())).await.unwrap();
    let mut message = boxes(0.0);
    message["boxes"] = json!(vec![message["boxes"][0].clone(); BOXES]);
    // Cameras are not in step.
    sleep(FRAME * number / CAMERAS).await;
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for frame in 0..FRAMES / CAMERAS {
        frames.tick().await;
        let id = frame * CAMERAS + number;
        message["frameId"] = json!(f64::from(id));
        let text = message.to_string();
        sent.lock().unwrap().insert(id, Instant::now());
        socket.send(Message::text(text)).await.unwrap();
    }
}

/// How long each frame took to this client, which looks for the frames' numbers in what comes and does nothing else,
/// so that a hundred of them take little time themselves.
async fn client(port: u16, sent: Sent) -> Vec<Duration> {
    const BEFORE: &str = "\"frameId\":";
    // A sign of life: an empty pong, masked with noughts.
    const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];
    let stream = open(port, "client").await.into_inner();
    let (mut times, mut text) = (Vec::new(), String::new());
    let mut buffer = vec![0; 64 * 1024];
    let mut alive = Instant::now();
    // A frame that comes late may be left out for a newer one; the last of each camera is not.
    let mut last = 0;
    while last < CAMERAS {
        within("a frame", stream.readable()).await.unwrap();
        let now = Instant::now();
        let Ok(length) = stream.try_read(&mut buffer) else { continue };
        assert!(length > 0, "it goes on");
        if now - alive > Duration::from_secs(5) {
            alive = now;
            stream.try_write(PONG).unwrap();
        }
        text += &String::from_utf8_lossy(&buffer[..length]);
        let mut done = 0;
        for (at, _) in text.match_indices(BEFORE) {
            let rest = text[at + BEFORE.len()..].trim_start();
            let Some(end) = rest.find(['.', ',', '}']) else { break };
            let id: u32 = rest[..end].parse().unwrap();
            times.push(now - sent.lock().unwrap()[&id]);
            done = at + 1;
            last += u32::from(id >= FRAMES - CAMERAS);
        }
        text.drain(..text.floor_char_boundary(done));
    }
    times
}

/// The processor time that a process has used.
fn used(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 = fields.split(' ').skip(11).take(2).map(|it| it.parse::<u64>().unwrap()).sum();
    // A tick is a hundredth of a second on Linux (`USER_HZ`).
    Duration::from_millis(10 * ticks)
}

/// The 50th, 99th and last hundredth, and the processor time, of whoever listens there.
async fn measure(port: u16, pid: u32) -> ([Duration; 3], Duration) {
    let sent = Sent::default();
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(client(port, Arc::clone(&sent)))).collect();
    // All of them are there before the first frame.
    sleep(Duration::from_secs(2)).await;
    let before = used(pid);
    let cameras: Vec<_> =
        (0..CAMERAS).map(|number| tokio::spawn(camera(port, number, Arc::clone(&sent)))).collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    let cost = used(pid).saturating_sub(before);
    for camera in cameras {
        camera.await.unwrap();
    }
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    ([at(50), at(99), at(100)], cost)
}

fn print(who: &str, ([p50, p99, max], cost): ([Duration; 3], Duration)) {
    let share = 100.0 * cost.as_secs_f64() / f64::from(SECONDS);
    eprintln!(
        "{CAMERAS} cameras, ten frames a second of {BOXES} boxes, {CLIENTS} clients, {SECONDS} s"
    );
    eprintln!("{who}: p50 {p50:.1?}, p99 {p99:.1?}, max {max:.1?}, {share:.1} % of a core");
}

#[tokio::test]
#[ignore = "it measures, in a release build"]
async fn ten_cameras_and_a_hundred_clients() {
    let relay = Relay::start().await;
    let ours = measure(relay.port, relay.child.id().unwrap()).await;
    print("relay", ours);
    assert!(ours.0[1] <= GOAL, "p99 is {:?}", ours.0[1]);
    assert_eq!(relay.figure("conflated_total").await, 0, "nobody is slow");
}

#[tokio::test]
#[ignore = "it measures for a minute, in a release build"]
async fn beside_a_port_of_the_original() {
    let mut theirs = Script::start("orchestrator.py", &["0"]).await;
    let port = theirs.line().await.parse().unwrap();
    let foreign = measure(port, theirs.child.id().unwrap()).await;
    print("port of the original in Tornado", foreign);
    drop(theirs);
    let relay = Relay::start().await;
    let ours = measure(relay.port, relay.child.id().unwrap()).await;
    print("relay", ours);
    let ratio = ours.1.as_secs_f64() / foreign.1.as_secs_f64();
    eprintln!("the relay takes {ratio:.2} of the processor time");
}
