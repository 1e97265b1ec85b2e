//! The end of the server: by a signal or by a word, in time, and with a farewell to everybody.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::panel::Panel;
use crate::patience::soon;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::station::{FAREWELL, TestStation};
use testkit::frames as bytes;

/// How long a shutdown may take at most.
const LIMIT: Duration = Duration::from_secs(5);

/// How long a shutdown may take when everybody cooperates.
const COOPERATIVE: Duration = Duration::from_millis(1500);

/// How long "at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_millis(500);

/// What the server answers to whoever may end it.
const SHUTTING_DOWN: &str = "Shutting down EOT Server...";

/// What the log says when stations are given time to leave.
const WAITING: &str = "Shutting down EOT server (will wait up to 5 seconds";

#[tokio::test]
async fn a_signal_is_a_farewell_to_all_and_a_good_end() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = TestServer::start().await;
        let mut text = TestStation::text(&server).await;
        let mut panel = Panel::open(&server).await;
        server.signal(signal);
        text.expect_farewell().await;
        panel.expect_farewell().await;
        server.exits_well_within(COOPERATIVE).await;
    }
}

#[tokio::test]
async fn a_server_without_stations_ends_at_once() {
    let mut server = TestServer::start().await;
    server.signal(Signal::TERM);
    server.exits_well_within(AT_ONCE).await;
}

#[tokio::test]
async fn the_word_is_a_farewell_to_all_and_a_good_end() {
    let mut server = TestServer::start().await;
    let mut asker = TestStation::text(&server).await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    asker.say("shutdown").await;
    asker.expect(SHUTTING_DOWN).await;
    asker.expect_farewell().await;
    text.expect_farewell().await;
    panel.expect_farewell().await;
    server.exits_well_within(COOPERATIVE).await;
}

#[tokio::test]
async fn the_word_works_in_the_panels_console() {
    let mut server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    panel.say(&json!({ "type": "console", "command": "shutdown", "id": 1 })).await;
    assert_eq!(panel.hear().await, json!({ "type": "console", "text": SHUTTING_DOWN }));
    assert_eq!(panel.hear().await, json!({ "type": "ok", "id": 1 }));
    panel.expect_farewell().await;
    server.exits_well_within(COOPERATIVE).await;
}

#[tokio::test]
async fn near_misses_of_the_word_do_nothing() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    for words in ["Shutdown", "SHUTDOWN", "shutdown ", " shutdown", "shutdown\n\n", "shut down"] {
        assert_eq!(station.ask(words).await, format!("Server echoed: {words}"));
    }
    for words in ["shutdown&1", "shutdown&", "&shutdown"] {
        station.say(words).await;
        station.expect_nothing_yet().await;
    }
    let mut panel = Panel::open(&server).await;
    panel.say(&json!({ "type": "shutdown" })).await;
    assert_eq!(panel.hear().await["code"], "unknown_type");
    assert_eq!(server.log.count("Stopping Status Watcher"), 0);
}

#[tokio::test]
async fn a_storm_of_the_word_is_one_farewell_each() {
    let mut server = TestServer::start().await;
    let mut stations = Vec::new();
    for _ in 0..10 {
        stations.push(TestStation::text(&server).await);
    }
    let mut listener = TestStation::text(&server).await;
    for station in &mut stations {
        station.say_all(std::iter::repeat_n("shutdown".to_owned(), 20)).await;
    }
    for station in &mut stations {
        for answer in station.hear_until(FAREWELL).await {
            assert_eq!(answer, SHUTTING_DOWN);
        }
        station.expect_close(1001).await;
    }
    listener.expect_farewell().await;
    server.exits_well_within(COOPERATIVE).await;
    assert_eq!(server.log.count("Stopping Status Watcher..."), 1);
    assert_eq!(server.log.count("Shutdown."), 1);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut server = TestServer::start().await;
    let stuck = Raw::stuck(&server).await;
    server.signal(Signal::INT);
    server.log.line_with(WAITING).await;
    server.signal(Signal::INT);
    let status = server.exit_within(AT_ONCE).await;
    assert_eq!(status.code(), Some(130));
    drop(stuck);
}

#[tokio::test]
async fn a_second_signal_of_the_other_kind_does_too() {
    let mut server = TestServer::start().await;
    let stuck = Raw::stuck(&server).await;
    server.signal(Signal::TERM);
    server.log.line_with(WAITING).await;
    server.signal(Signal::INT);
    assert_eq!(server.exit_within(AT_ONCE).await.code(), Some(130));
    drop(stuck);
}

#[tokio::test]
async fn other_signals_do_not_end_it() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    for signal in [Signal::HUP, Signal::USR1, Signal::USR2, Signal::PIPE] {
        server.signal(signal);
        station.expect_nothing_yet().await;
    }
    server.home.order("7");
    station.expect("7").await;
}

#[tokio::test]
async fn many_who_cooperate_leave_quickly() {
    let mut server = TestServer::start().await;
    let mut stations = Vec::new();
    for _ in 0..100 {
        stations.push(TestStation::text(&server).await);
    }
    let asked = Instant::now();
    server.signal(Signal::TERM);
    for station in &mut stations {
        station.expect_farewell().await;
    }
    server.exits_well_within(COOPERATIVE).await;
    assert!(asked.elapsed() < COOPERATIVE, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn neither_stuck_nor_half_open_clients_hold_it_up_for_long() {
    let mut server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let mut others = vec![Raw::stuck(&server).await];
    for _ in 0..5 {
        // Never answers a Close.
        others.push(Raw::greeted(&server).await);
        // Never asks for anything.
        others.push(Raw::connect(&server).await);
        // Never ends its request.
        let mut half = Raw::connect(&server).await;
        half.send("GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: web").await;
        others.push(half);
    }
    let asked = Instant::now();
    server.signal(Signal::TERM);
    station.expect_farewell().await;
    assert!(asked.elapsed() < AT_ONCE, "the others do not delay anybody's farewell");
    server.exits_well_within(LIMIT).await;
    assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn idle_connections_do_not_hold_it_up() {
    let mut server = TestServer::start().await;
    let idle = Raw::connect(&server).await;
    let mut kept = Raw::connect(&server).await;
    kept.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(kept.response().await.code, 200);
    server.signal(Signal::TERM);
    server.exits_well_within(COOPERATIVE).await;
    drop(idle);
}

#[tokio::test]
async fn nobody_is_greeted_after_the_farewell() {
    let mut server = TestServer::start().await;
    let mut early = Raw::connect(&server).await;
    let stuck = Raw::stuck(&server).await;
    let mut station = TestStation::text(&server).await;
    server.signal(Signal::TERM);
    station.expect_farewell().await;
    server.log.line_with(WAITING).await;
    // One that was connected before, and one that comes now, if it can.
    if early.try_send(bytes::handshake(&server.authority(), &[])).await {
        assert_not_greeted(&early.rest().await);
    }
    let late = soon("a connection or none", tokio::net::TcpStream::connect(server.address)).await;
    if late.is_ok() {
        let mut late = Raw::connect(&server).await;
        if late.try_send(bytes::handshake(&server.authority(), &[])).await {
            assert_not_greeted(&late.rest().await);
        }
    }
    drop(stuck);
    server.exits_well_within(LIMIT).await;
}

fn assert_not_greeted(heard: &[u8]) {
    let heard = String::from_utf8_lossy(heard);
    assert!(!heard.contains("Connected to EOT Server") && !heard.contains("&1"), "{heard:?}");
}
