//! The room over real sockets, with a hub that only collects newcomers.

mod asking;
mod book;
mod cors;
mod events;
mod handshake;
mod life;
mod panel;
mod private;
mod state;
mod visits;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::policy::Reach;
use live_file::writing::{Condition, Health, Watch};

/// A handshake without a subprotocol.
const TEXT: [&str; 6] = [
    "GET /websocket HTTP/1.1",
    "Host: eot",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// Whose socket is whose can be known here.
const HERE: bool = cfg!(target_os = "linux");

/// A hub that sends newcomers the answer it is given and puts them aside; it is gone when the
/// other end is dropped. What is asked of it goes aside with the way back.
#[derive(Clone)]
struct Collector {
    newcomers: mpsc::Sender<Newcomer>,
    asks: mpsc::Sender<(Ask, oneshot::Sender<Outcome>)>,
}

impl Admit for Collector {
    async fn admit(&self, mut newcomer: Newcomer) -> Result<(), Gone> {
        // Stands for anything that might break while one connection is served.
        assert!(newcomer.unread != b"panic", "as asked for");
        std::io::Write::write_all(&mut newcomer.socket, &newcomer.unsent).map_err(|_| Gone)?;
        self.newcomers.send(newcomer).await.map_err(|_| Gone)
    }

    async fn ask(&self, ask: Ask) -> Result<Outcome, Gone> {
        let (answer, outcome) = oneshot::channel();
        self.asks.send((ask, answer)).await.map_err(|_| Gone)?;
        outcome.await.map_err(|_| Gone)
    }
}

/// The room, listening on a port of its own.
struct TestRoom {
    address: SocketAddr,
    newcomers: mpsc::Receiver<Newcomer>,
    asks: mpsc::Receiver<(Ask, oneshot::Sender<Outcome>)>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    alive: Arc<AtomicBool>,
    visitors: watch::Sender<Visitors>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl TestRoom {
    async fn open() -> Self {
        Self::with(embedded(), 16).await
    }

    async fn with(assets: Assets, seats: usize) -> Self {
        Self::with_book(assets, seats, None).await
    }

    async fn with_book(assets: Assets, seats: usize, book: Option<crate::book::Reader>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (admit, newcomers) = mpsc::channel(16);
        let (ask, asks) = mpsc::channel(16);
        let (snapshot, seen) = watch::channel(Arc::new(snapshot()));
        let alive = Arc::new(AtomicBool::new(true));
        let pulse = alive.clone();
        let (visitors, judged_by) = watch::channel(Visitors {
            hosts: vec!["eot.example.com".parse().unwrap()],
            origins: vec!["https://wall.example.com".parse().unwrap()],
            token: None,
            private: false,
            machine: None,
        });
        let app = App {
            admit: Collector { newcomers: admit, asks: ask },
            snapshot: seen,
            alive: Arc::new(move || pulse.load(Ordering::Relaxed)),
            visitors: judged_by,
            reaches: Reaches { orders: Reach::Local, shutdown: Reach::Local },
            assets,
            metrics: Arc::new(Metrics::new()),
            book,
            seats: Arc::new(Semaphore::new(seats)),
            limits: Limits { token_configured: true, ..Limits::default() },
        };
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (own_stop, own_tracker) = (stop.clone(), tracker.clone());
        tracker.spawn(async move { listen(listener, app, own_stop, &own_tracker).await });
        Self { address, newcomers, asks, snapshot, alive, visitors, stop, tracker }
    }

    async fn call(&self) -> Caller {
        Caller { stream: TcpStream::connect(self.address).await.unwrap(), heard: Vec::new() }
    }

    /// One request on a connection of its own; `head` is its first line and its headers.
    async fn ask(&self, head: &[&str]) -> Answer {
        self.call().await.ask(head).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&[&format!("GET {path} HTTP/1.1"), "Host: eot"]).await
    }

    fn say(&self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.send_modify(|snapshot| change(Arc::make_mut(snapshot)));
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        seq: 7,
        bell: true,
        state: r#"{"type":"state","seq":7}"#.into(),
        status: Some("COFFEE".into()),
        status_file: Some(healthy()),
        accept_file: Some(healthy()),
        book: None,
        closing: false,
    }
}

fn healthy() -> Health {
    Health { state: Condition::Ok, detail: String::new(), watch: Watch::Inotify }
}

/// A client that writes what it likes.
struct Caller {
    stream: TcpStream,
    /// Read, but not yet part of an answer.
    heard: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// Names in lower case; lines of the same name joined with commas.
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Caller {
    async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn ask(&mut self, head: &[&str]) -> Answer {
        self.say(format!("{}\r\n\r\n", head.join("\r\n"))).await;
        let bodiless = head[0].starts_with("HEAD ");
        self.answer(bodiless).await.expect("an answer")
    }

    /// The next answer; `None` if the connection ends instead.
    async fn answer(&mut self, bodiless: bool) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self.heard.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            self.hear().await?;
        };
        let head: Vec<_> = self.heard.drain(..end + 4).collect();
        let head = String::from_utf8(head).expect("a head");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers: HashMap<String, String> = HashMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            let all = headers.entry(name.to_lowercase()).or_default();
            *all = if all.is_empty() { value.to_owned() } else { format!("{all},{value}") };
        }
        let length = headers.get("content-length").map(|length| length.parse().unwrap());
        let chunked = headers.contains_key("transfer-encoding");
        let mut body = Vec::new();
        if !bodiless && chunked {
            while !self.heard.ends_with(b"0\r\n\r\n") {
                self.hear().await?;
            }
            body = std::mem::take(&mut self.heard);
        } else if !bodiless {
            let length: usize = length.unwrap_or(0);
            while self.heard.len() < length {
                self.hear().await?;
            }
            body = self.heard.drain(..length).collect();
        }
        Some(Answer { status, headers, body })
    }

    /// Reads something; `None` at the end.
    async fn hear(&mut self) -> Option<()> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer).await {
            Ok(0) | Err(_) => None,
            Ok(length) => {
                self.heard.extend_from_slice(&buffer[..length]);
                Some(())
            }
        }
    }

    /// Waits until the server has ended the connection.
    async fn end(&mut self) {
        while self.hear().await.is_some() {}
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// That it is a problem with this status, and what it says.
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string());
        problem["detail"].as_str().expect("a detail").to_owned()
    }
}
