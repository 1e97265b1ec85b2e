//! How long the real server bears with whom: all of them at once, against the clock on the wall.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::http::get;
use crate::patience::within;
use crate::raw::Raw;
use crate::server::TestServer;
use testkit::frames::{self as bytes, FIN, PING, PONG};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Whatever this is has come to its end in time, and not before.
async fn between(earliest: Duration, latest: Duration, what: &str, end: impl Future<Output = ()>) {
    let begun = Instant::now();
    within(latest, what, end).await;
    assert!(begun.elapsed() >= earliest, "{what}: already after {:?}", begun.elapsed());
}

/// Waits, longer than for anything else, until there is something to read, or the end.
async fn news(raw: &Raw) {
    raw.stream.readable().await.expect("a socket can be waited for");
}

/// Begins a request, and adds to its head for as long as that is borne with.
async fn drip(server: &TestServer) {
    let mut raw = Raw::connect(server).await;
    raw.send("GET / HTTP/1.1\r\n").await;
    let mut second = tokio::time::interval(s(1));
    while raw.try_send("X-Drip: 1\r\n").await {
        second.tick().await;
    }
}

/// Says nothing at all.
async fn keep_silent(server: &TestServer) {
    let mut raw = Raw::connect(server).await;
    news(&raw).await;
    assert_eq!(raw.rest().await, b"", "nobody was asked anything");
}

/// Is asked whether it is there, within half a minute, and does not answer.
async fn answer_no_ping(server: &TestServer) {
    let mut raw = Raw::greeted(server).await;
    within(s(30), "a ping", news(&raw)).await;
    while let Some((opcode, _)) = raw.frame().await {
        assert_eq!(opcode, PING);
        news(&raw).await;
    }
}

/// Takes nothing of what it asked for, until the server has counted it as stuck.
async fn take_nothing(server: &TestServer) {
    let stuck = Raw::stuck(server).await;
    let counted = "chadburn_closed_stations_total{reason=\"stuck\"} 1";
    let mut second = tokio::time::interval(s(1));
    while !get(server, "/metrics").await.body.lines().any(|line| line == counted) {
        second.tick().await;
    }
    drop(stuck);
}

/// Answers pings and says nothing else.
async fn answer_pings(mut raw: Raw, until: Instant) -> Raw {
    let mut pings = 0;
    while tokio::time::timeout_at(until.into(), news(&raw)).await.is_ok() {
        let (opcode, payload) = raw.frame().await.expect("whoever answers is kept");
        assert_eq!(opcode, PING);
        raw.send(bytes::frame(FIN | PONG, payload)).await;
        pings += 1;
    }
    assert!(pings >= 2, "it was asked {pings} times");
    raw
}

/// Answers nothing until almost all of its time is over, as clients do that look for pings now and then.
async fn answer_late(server: &TestServer) {
    let mut raw = Raw::greeted(server).await;
    tokio::time::sleep(s(37)).await;
    for _ in 0..2 {
        let (opcode, payload) = raw.frame().await.expect("it has been asked twice");
        assert_eq!(opcode, PING);
        raw.send(bytes::frame(FIN | PONG, payload)).await;
    }
    tokio::time::sleep(s(8)).await;
    raw.send(bytes::text("status")).await;
    while let Some((opcode, payload)) = raw.frame().await {
        if opcode != PING {
            assert_eq!(payload, b"Current Status: 6");
            return;
        }
    }
    panic!("whoever answers late is kept");
}

#[tokio::test]
async fn everybody_has_so_much_time_and_no_more_and_whoever_answers_is_kept() {
    let server = TestServer::start().await;
    let kept = Raw::greeted(&server).await;
    // A second for a busy machine on either side of the contract's own margin.
    let ((), (), (), (), (), mut kept) = tokio::join!(
        between(s(9), s(16), "the end of a slow head", drip(&server)),
        between(s(9), s(31), "the end of a silent connection", keep_silent(&server)),
        between(s(39), s(51), "the end of one without pongs", answer_no_ping(&server)),
        between(s(14), s(22), "the end of one that takes nothing", take_nothing(&server)),
        answer_late(&server),
        answer_pings(kept, Instant::now() + s(46)),
    );
    kept.send(bytes::text("status")).await;
    kept.expect_text("Current Status: 6").await;
}
