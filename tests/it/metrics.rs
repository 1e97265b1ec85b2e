//! What is counted and measured: each figure moves when what it tells of happens.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use serde_json::json;
use tokio::net::TcpSocket;

use crate::events::Events;
use crate::http::{get, get_with};
use crate::panel::{COFFEE, LUNCH, Panel, SUBPROTOCOL};
use crate::patience::soon;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;
use testkit::frames as bytes;

/// The present value of a sample, by its name and labels as they stand in the page.
async fn sample(server: &TestServer, name: &str) -> Option<f64> {
    let page = get(server, "/metrics").await.body;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map(|value| value.parse().expect("a value is a number"))
}

/// Waits until a sample has this value; what is counted of stations is told once a second.
pub(crate) async fn expect(server: &TestServer, name: &str, wanted: f64) {
    expect_where(server, name, |value| (value - wanted).abs() < f64::EPSILON).await;
}

/// Waits until this is true of a sample.
async fn expect_where(server: &TestServer, name: &str, is: impl Fn(f64) -> bool) {
    let mut last = None;
    soon(&format!("{name} as wanted"), async {
        while !last.is_some_and(&is) {
            last = sample(server, name).await;
        }
    })
    .await;
}

#[tokio::test]
async fn orders_repeats_replies_and_the_bell_are_counted_and_their_times_measured() {
    let begun = Instant::now();
    let server = TestServer::with_status("7\n").await;
    expect(&server, "chadburn_orders_total", 1.0).await;
    expect(&server, "chadburn_bell_ringing", 1.0).await;
    expect(&server, "chadburn_push_duration_seconds_count", 0.0).await;
    let mut panel = Panel::open(&server).await;
    server.home.order("8");
    panel.expect_order(LUNCH).await;
    expect(&server, "chadburn_orders_total", 2.0).await;
    expect(&server, "chadburn_push_duration_seconds_count", 1.0).await;
    server.home.order_by_rename("8");
    panel.expect_order(LUNCH).await;
    expect(&server, "chadburn_repeats_total", 1.0).await;
    expect(&server, "chadburn_push_duration_seconds_count", 2.0).await;
    expect(&server, "chadburn_replies_total", 0.0).await;
    panel.accept(LUNCH).await;
    panel.until_reply(LUNCH).await;
    expect(&server, "chadburn_replies_total", 1.0).await;
    expect(&server, "chadburn_bell_ringing", 0.0).await;
    expect(&server, "chadburn_reply_delay_seconds_count", 1.0).await;
    expect(&server, "chadburn_push_duration_seconds_count", 3.0).await;
    expect(&server, "chadburn_orders_total", 2.0).await;
    let lasted = begun.elapsed().as_secs_f64();
    for times in ["chadburn_push_duration_seconds_sum", "chadburn_reply_delay_seconds_sum"] {
        expect_where(&server, times, |sum| sum > 0.0 && sum < lasted).await;
    }
}

#[tokio::test]
async fn stations_are_counted_by_their_wires() {
    let server = TestServer::start().await;
    let count = |wire: &str| format!("chadburn_stations{{wire=\"{wire}\"}}");
    let text = TestStation::text(&server).await;
    let panels = (Panel::open(&server).await, Panel::open(&server).await);
    let mut events = Events::open(&server, &[]).await;
    assert_eq!(events.hear().await.data["order"]["position"], 6);
    for (wire, stations) in [("text", 1.0), ("json", 2.0), ("sse", 1.0)] {
        expect(&server, &count(wire), stations).await;
    }
    drop((text, panels, events));
    for wire in ["text", "json"] {
        expect(&server, &count(wire), 0.0).await;
    }
    // It says nothing, so that its end is noticed when something is said to it.
    server.home.order("7");
    expect(&server, &count("sse"), 0.0).await;
}

#[tokio::test]
async fn the_health_of_each_file_is_told() {
    let server = Setup::with_status("7\n").args(["--watch", "poll"]).start().await;
    let health =
        |file, watch| format!("chadburn_source_healthy{{file=\"{file}\",watch=\"{watch}\"}}");
    let files = ["status.eot", "accept.eot"];
    for file in ["status", "accept"] {
        expect(&server, &health(file, "poll"), 1.0).await;
    }
    expect(&server, &health("book", "none"), 1.0).await;
    for (name, file) in files.into_iter().zip(["status", "accept"]) {
        server.home.rename_over(name, b"\xff\xff");
        expect(&server, &health(file, "poll"), 0.0).await;
        server.home.rename_over(name, "7\n");
        expect(&server, &health(file, "poll"), 1.0).await;
    }
    fs::remove_file(server.home.file("bell-book.jsonl")).expect("it is there");
    fs::create_dir(server.home.file("bell-book.jsonl")).expect("a directory can be made");
    server.home.order("8");
    expect(&server, &health("book", "none"), 0.0).await;
}

#[tokio::test]
async fn what_the_book_loses_is_counted() {
    let setup = Setup::with_status("7\n");
    fs::create_dir(setup.home.file("bell-book.jsonl")).expect("a directory can be made");
    let server = setup.start().await;
    // The run, and the order.
    expect(&server, "chadburn_book_queue_entries", 2.0).await;
    expect(&server, "chadburn_book_dropped_entries_total", 0.0).await;
    let mut panel = Panel::open(&server).await;
    let stale = json!({ "type": "answer", "order": panel.order() - 1 });
    panel.link.say_all((0..5_000).map(|_| stale.to_string())).await;
    assert_eq!(panel.request(stale).await["code"], "stale");
    // Of one who storms the first answer, so that nothing else is lost.
    expect(&server, "chadburn_book_queue_entries", 3.0).await;
    expect(&server, "chadburn_book_dropped_entries_total", 0.0).await;
    fs::remove_dir(server.home.file("bell-book.jsonl")).expect("it can be removed");
    expect(&server, "chadburn_book_queue_entries", 0.0).await;
}

#[tokio::test]
async fn writes_that_fail_are_counted() {
    let setup = Setup::with_status("7\n").args(["--allow-orders", "local"]);
    fs::create_dir(setup.home.accept()).expect("a directory can be made");
    let server = setup.start().await;
    let mut panel = Panel::open(&server).await;
    assert_eq!(panel.answer(COFFEE).await["code"], "write_failed");
    expect(&server, "chadburn_store_failures_total{file=\"accept\"}", 1.0).await;
    expect(&server, "chadburn_store_failures_total{file=\"status\"}", 0.0).await;
    fs::remove_file(server.home.status()).expect("it is there");
    fs::create_dir(server.home.status()).expect("a directory can be made");
    let outcome = panel.request(json!({ "type": "order", "status": "8" })).await;
    assert_eq!(outcome["code"], "write_failed", "{outcome}");
    expect(&server, "chadburn_store_failures_total{file=\"status\"}", 1.0).await;
}

#[tokio::test]
async fn slow_and_closed_stations_are_counted_by_reason() {
    let name = "\u{1}".repeat(240);
    let server = Setup::new().args(["--accept-file", &name]).start().await;
    let closed = |reason| format!("chadburn_closed_stations_total{{reason=\"{reason}\"}}");
    for reason in ["stuck", "silent", "violation", "overfull", "replaced"] {
        expect(&server, &closed(reason), 0.0).await;
    }
    let mut raw = Raw::greeted(&server).await;
    raw.send(bytes::frame(bytes::FIN | bytes::BINARY, b"x")).await;
    raw.expect_close(1003).await;
    expect(&server, &closed("violation"), 1.0).await;

    let twin =
        || TestStation::connect_with(&server, "resume=one-and-the-same-station", &[SUBPROTOCOL]);
    let older = Panel::over(twin().await).await;
    let newer = Panel::over(twin().await).await;
    expect(&server, &closed("replaced"), 1.0).await;
    drop((older, newer));

    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket.set_recv_buffer_size(4096).expect("a socket's buffer can be small");
    let stream = soon("the connection", socket.connect(server.address)).await;
    let slow = TestStation::over(stream.expect("the server is there"), &[SUBPROTOCOL]).await;
    let mut witness = Panel::open(&server).await;
    // In JSON each of these takes six bytes, so that a state has some 48 KiB.
    let bulk = "\u{1}".repeat(4_000);
    server.home.rename_over(&name, &bulk);
    witness.until("the reply", |state| state["reply"]["status"] == bulk.as_str()).await;
    for order in 1..=200 {
        server.home.order_by_rename(&format!("{bulk}{order}"));
        witness.expect_state().await;
    }
    expect_where(&server, "chadburn_conflated_states_total", |states| states > 0.0).await;
    // One state has begun to go and another waits, and beside them there is room for a little of
    // what is not conflated: a file's health, in which such a name takes more than a KiB.
    expect(&server, &closed("overfull"), 0.0).await;
    for _ in 0..16 {
        server.home.rename_over(&name, b"\xff\xff");
        witness.expect_health_of("accept", "not_utf8").await;
        server.home.rename_over(&name, &bulk);
        witness.expect_health_of("accept", "ok").await;
    }
    expect(&server, &closed("overfull"), 1.0).await;
    expect(&server, "chadburn_stations{wire=\"json\"}", 1.0).await;
    drop(slow);
}

#[tokio::test]
async fn every_family_is_as_the_protocol_has_it() {
    let server = TestServer::start().await;
    let told: BTreeSet<(&str, &str)> = include_str!("../../PROTOCOL.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `chadburn_"))
        .filter_map(|row| row.split_once("` | "))
        .filter_map(|(name, rest)| Some((name, rest.split(" | ").next()?)))
        .collect();
    let openmetrics = [("Accept", "application/openmetrics-text")];
    let page = get_with(&server, "/metrics", &openmetrics).await.body;
    let counted: BTreeSet<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE chadburn_")?.split_once(' '))
        .collect();
    assert_eq!(told, counted);
    assert!(told.len() > 10);
}

#[tokio::test]
async fn the_version_is_told() {
    let server = TestServer::start().await;
    let version = env!("CARGO_PKG_VERSION");
    expect(&server, &format!("chadburn_build_info{{version=\"{version}\"}}"), 1.0).await;
}
