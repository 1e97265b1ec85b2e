//! `GET /bell-book`.

use std::time::Duration;

use super::*;
use crate::book::{Keeper, Limits, open};
use crate::entry::{Entry, What};

/// A room with a book.
struct Office {
    room: TestRoom,
    keeper: Keeper,
    directory: tempfile::TempDir,
}

impl Office {
    async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pause = Duration::from_millis(20);
        let limits = Limits { sync_interval: pause, burst: u32::MAX, ..Limits::default() };
        let (_, book) = open(&directory.path().join("bell-book.jsonl"), limits);
        let keeper = book.keep(|_| ()).unwrap();
        let room = TestRoom::with_book(embedded(), 16, Some(keeper.reader())).await;
        Self { room, keeper, directory }
    }

    fn orders(&self, count: u64) {
        for seq in 1..=count {
            let order = Entry { status: Some("7".into()), ..Entry::new(seq, 0, What::Order) };
            self.keeper.recorder().record(order);
        }
    }

    async fn seqs(&self, query: &str) -> Vec<u64> {
        let answer = self.room.get(&format!("/bell-book{query}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let all = answer.json();
        all.as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()).collect()
    }
}

#[tokio::test]
async fn the_book_is_one_array_of_what_happened_until_now() {
    let office = Office::open().await;
    let answer = office.room.get("/bell-book").await;
    assert_eq!((answer.status, answer.text()), (200, "[]\n"));
    office.orders(1_500);
    let answer = office.room.get("/bell-book").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        answer.json()[0],
        serde_json::json!({
            "seq": 501, "at": 0, "what": "order", "status": "7",
        })
    );
    assert_eq!(office.seqs("").await, (501..=1_500).collect::<Vec<_>>());
    assert_eq!(office.seqs("?limit=2").await, [1_499, 1_500]);
    assert_eq!(office.seqs("?since=7&limit=2").await, [8, 9]);
    assert_eq!(office.seqs("?limit=10000&format=json").await.len(), 1_500);
    assert_eq!(office.seqs("?since=1500").await, [0; 0]);
}

#[tokio::test]
async fn the_book_is_a_table_for_whoever_prefers_that() {
    let office = Office::open().await;
    office.orders(2);
    let csv = ["GET /bell-book HTTP/1.1", "Host: eot", "Accept: text/csv"];
    for answer in [office.room.get("/bell-book?format=csv").await, office.room.ask(&csv).await] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert!(answer.header("content-disposition").contains("filename=\"bell-book.csv\""));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("vary").to_lowercase().contains("accept"));
        let text = answer.text().to_owned();
        assert_eq!(text.split("\r\n").count(), 4, "{text}");
        assert!(text.contains("\r\n2,0,1970-01-01T00:00:00.000Z,order,7,"), "{text}");
    }
    let both = ["GET /bell-book?format=json HTTP/1.1", "Host: eot", "Accept: text/csv"];
    assert_eq!(office.room.ask(&both).await.header("content-type"), "application/json");
}

#[tokio::test]
async fn head_tells_of_the_book_what_get_would_and_gzip_is_understood() {
    let office = Office::open().await;
    office.orders(100);
    for path in ["/bell-book", "/bell-book?format=csv"] {
        let mut caller = office.room.call().await;
        let line = format!("HEAD {path} HTTP/1.1");
        let head = caller.ask(&[&line, "Host: eot"]).await;
        let get = caller.ask(&[&line.replace("HEAD", "GET"), "Host: eot"]).await;
        assert_eq!(head.status, 200, "{path}");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        let line = format!("GET {path} HTTP/1.1");
        let gzip = office.room.ask(&[&line, "Host: eot", "Accept-Encoding: gzip"]).await;
        assert_eq!(gzip.header("content-encoding"), "gzip");
        assert!(gzip.body.len() < get.body.len());
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_said() {
    let office = Office::open().await;
    for (query, word) in [
        ("since=x", "since"),
        ("since=-1", "since"),
        ("limit=0", "10000"),
        ("limit=10001", "10000"),
        ("format=xml", "json or csv"),
    ] {
        let answer = office.room.get(&format!("/bell-book?{query}")).await;
        assert!(answer.problem(400).contains(word), "{query}");
    }
    let post = office.room.ask(&["POST /bell-book HTTP/1.1", "Host: eot"]).await;
    post.problem(405);
}

#[tokio::test]
async fn without_a_book_there_is_none() {
    let room = TestRoom::open().await;
    assert!(room.get("/bell-book").await.problem(404).contains("no bell book"));
}

#[tokio::test]
async fn a_book_that_cannot_be_read_is_for_later() {
    let office = Office::open().await;
    office.orders(1);
    assert_eq!(office.seqs("").await, [1]);
    std::fs::create_dir(office.directory.path().join("bell-book.jsonl.1")).unwrap();
    let answer = office.room.get("/bell-book").await;
    assert_eq!(answer.problem(503), "bell-book.jsonl.1 is a directory");
    assert!(!answer.header("retry-after").is_empty());
}

/// A request for the whole book by somebody who then reads nothing more than the answer's first bytes.
async fn stuck(office: &Office) -> Caller {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let stream = socket.connect(office.room.address).await.unwrap();
    let mut caller = Caller { stream, heard: Vec::new() };
    caller.say("GET /bell-book HTTP/1.1\r\nHost: eot\r\n\r\n").await;
    caller.hear().await.unwrap();
    caller
}

impl Office {
    /// Entries that are more than sockets hold by themselves, in JSON.
    fn orders_at_length(&self) {
        // Six bytes each in JSON.
        let status = Some("\u{1}".repeat(4_096).into());
        let long = Entry { status, ..Entry::new(1, 0, What::Order) };
        for _ in 0..300 {
            self.keeper.recorder().record(long.clone());
        }
    }
}

#[tokio::test]
async fn those_who_read_nothing_keep_the_book_from_nobody() {
    let office = Office::open().await;
    office.orders_at_length();
    let mut held = Vec::new();
    for _ in 0..12 {
        // More than there are permits: whoever comes later gets one from somebody who reads nothing.
        held.push(stuck(&office).await);
    }
    let begun = std::time::Instant::now();
    assert_eq!(office.seqs("?limit=1").await, [1]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let mut rest = Vec::new();
    let read = held.remove(0).stream.read_to_end(&mut rest).await;
    assert!(read.is_err() || rest.len() < 7 << 20, "the first was cut off");
    drop(held);
    let answer = office.room.ask(&["GET /bell-book HTTP/1.1", "Host: eot"]).await;
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    assert_eq!(answer.json().as_array().map(Vec::len), Some(300));
}

#[tokio::test]
async fn whoever_has_megabytes_compressed_keeps_nobody_waiting() {
    let office = Office::open().await;
    // What hardly gets smaller takes longest.
    let mut dice = fastrand::Rng::with_seed(1);
    for seq in 1..=900 {
        let status: String = std::iter::repeat_with(|| dice.char('0'..='o')).take(4_000).collect();
        let order = Entry { status: Some(status.into()), ..Entry::new(seq, 0, What::Order) };
        office.keeper.recorder().record(order);
    }
    let large = async {
        let line = "GET /bell-book HTTP/1.1";
        let answer = office.room.ask(&[line, "Host: eot", "Accept-Encoding: gzip"]).await;
        assert_eq!(answer.header("content-encoding"), "gzip");
        assert!(answer.body.len() > 1 << 20, "{}", answer.body.len());
    };
    let mut longest = Duration::ZERO;
    let asking = async {
        // Less than one address may ask in a second, however long the other takes.
        for _ in 0..20 {
            let begun = std::time::Instant::now();
            assert_eq!(office.room.get("/livez").await.status, 200);
            longest = longest.max(begun.elapsed());
        }
        std::future::pending::<()>().await;
    };
    let begun = std::time::Instant::now();
    tokio::select! {
        () = large => {}
        () = asking => {}
    }
    let whole = begun.elapsed();
    assert!(longest < whole / 2, "{longest:?} of {whole:?}");
}
