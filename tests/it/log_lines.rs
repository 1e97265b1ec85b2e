//! The log: the original's lines, nothing raw in it, and no harm from a log that nobody reads.

use std::io::{BufRead, BufReader, PipeReader, Read};
use std::time::Duration;

use rustix::process::Signal;

use crate::panel::Panel;
use crate::patience::{PATIENCE, aside, soon};
use crate::server::{TestServer, listening_at};
use crate::setup::Setup;
use crate::station::TestStation;

#[tokio::test]
async fn the_originals_lines_are_all_there() {
    let mut server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    let uuid = panel.station();
    server.log.line_with(&format!("New Client: {uuid}")).await;
    panel.request(serde_json::json!({ "type": "console", "command": "hello there" })).await;
    server.log.line_with(&format!("Message from Client {uuid}: ")).await;
    server.home.order("COFFEE");
    panel.expect_order(crate::panel::COFFEE).await;
    server.log.line_with("Status changed to: COFFEE").await;
    panel.link.close(1000).await;
    server.log.line_with(&format!("Client {uuid} disconnected.")).await;
    let mut text = TestStation::text(&server).await;
    text.ask("hello there").await;
    server.log.line_where("a message", |line| line.ends_with(": hello there")).await;
    server.signal(Signal::TERM);
    text.expect_farewell().await;
    server.exits_well_within(PATIENCE).await;
    let lines = server.log.whole();
    let at = |words: &str| {
        lines.iter().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}"))
    };
    assert!(at("Stopping Status Watcher...") < at("Shutting down EOT server (will wait up to 5 s"));
    assert!(lines.last().is_some_and(|line| line.ends_with("Shutdown.")), "{:?}", lines.last());
    assert_eq!(server.errors.whole(), <[&str; 0]>::default(), "nothing is wrong");
}

#[tokio::test]
async fn a_client_that_vanishes_is_logged_as_gone() {
    let server = TestServer::start().await;
    let panel = Panel::open(&server).await;
    let uuid = panel.station();
    drop(panel);
    server.log.line_with(&format!("Client {uuid} disconnected.")).await;
    assert_eq!(server.log.count(&format!("Client {uuid} disconnected.")), 1);
}

#[tokio::test]
async fn nothing_from_the_network_or_a_file_is_logged_raw() {
    for format in ["human", "json"] {
        let mut server = Setup::new().args(["--log-format", format]).start().await;
        let mut station = TestStation::text(&server).await;
        let evil = "a\r\nINFO Status changed to: 9\u{1b}[31m\u{7}\u{9b}\u{1}\u{2028}\u{202e}end";
        assert_eq!(station.ask(evil).await, format!("Server echoed: {evil}"));
        let line = station.ask(&format!("Accept&{evil}")).await;
        assert!(!line.contains(['\r', '\n', '\u{1b}']), "{line:?}");
        server.home.order_by_rename(evil);
        // Lines that end in CR LF end in LF on every wire.
        station.expect(&evil.replace("\r\n", "\n")).await;
        server.home.rename_over("accept.eot", evil);
        Panel::open(&server).await.until("reply", |state| state["reply"].is_object()).await;
        server.log.line_with("Reply").await;
        drop(station);
        server.stop().await;
        for line in server.log.whole() {
            assert!(!line.contains(char::is_control), "{line:?}");
            assert!(!line.starts_with("INFO Status changed to: 9"), "{line:?}");
            assert!(!line.contains(['\u{2028}', '\u{202e}']), "{line:?}");
        }
        assert!(server.log.count("end") >= 3, "the rest of it is there");
    }
}

#[tokio::test]
async fn a_long_message_is_cut_in_the_log() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    for text in ["x".repeat(60_000), "é".repeat(30_000), "\n".repeat(60_000)] {
        station.ask(&text).await;
        assert_eq!(station.ask("next").await, "Server echoed: next");
    }
    server.log.line_where("the last message", |line| line.ends_with(": next")).await;
    for line in server.log.whole() {
        // 200 of the message's, each perhaps escaped, after time, level and who it was.
        for (character, most) in [('x', 200), ('é', 200), ('\\', 200)] {
            assert!(line.matches(character).count() <= most, "{line}");
        }
        assert!(line.chars().count() < 600, "a line of {} characters", line.chars().count());
    }
}

#[tokio::test]
async fn a_log_in_json_is_one_object_a_line() {
    let mut server = Setup::new().args(["--log-format", "json"]).start().await;
    let mut station = TestStation::text(&server).await;
    station.ask("\"quoted\" {and} braced").await;
    server.signal(Signal::TERM);
    station.expect_farewell().await;
    server.exits_well_within(PATIENCE).await;
    let lines = server.log.whole();
    assert!(lines.len() > 3);
    for line in lines {
        let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert!(object.is_object(), "{line}");
    }
}

#[tokio::test]
async fn a_closed_log_does_not_matter() {
    let (mut server, reader) = server_and_its_unread_log().await;
    drop(reader);
    let mut station = TestStation::text(&server).await;
    for number in 0..50 {
        assert_eq!(station.ask(&number.to_string()).await, format!("Server echoed: {number}"));
    }
    server.home.order("7");
    station.expect("7").await;
    server.signal(Signal::TERM);
    station.expect_farewell().await;
    server.exits_well_within(Duration::from_millis(1500)).await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_does_not_matter() {
    let (mut server, mut unread) = server_and_its_unread_log().await;
    let mut station = TestStation::text(&server).await;
    let lengthy = "x".repeat(1000);
    for _ in 0..1000 {
        // Each leaves some 250 bytes in the log; a pipe takes 64 KiB.
        station.ask(&lengthy).await;
    }
    server.home.order("7");
    station.expect("7").await;
    server.signal(Signal::TERM);
    station.expect_farewell().await;
    server.exits_well_within(Duration::from_millis(2500)).await;
    let log = aside(move || {
        let mut all = String::new();
        unread.read_to_string(&mut all).map(|_| all)
    });
    let log = log.await.expect("what went into the pipe can be read");
    // Sixteen pages; a batch of lines that does not fit into what is left of one begins another.
    assert!(log.len() >= 32 << 10, "the pipe was full: {} bytes", log.len());
    assert!(log.starts_with(|first: char| !first.is_control()));
}

/// A server whose log nobody reads any more from the line on that says where it listens.
async fn server_and_its_unread_log() -> (TestServer, BufReader<PipeReader>) {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    let mut server = Setup::new().launch_logging_to(writer.into());
    let address = aside(move || {
        let mut reader = BufReader::new(reader);
        let address =
            reader.by_ref().lines().map_while(Result::ok).find_map(|line| listening_at(&line));
        (address, reader)
    });
    let (address, reader) = soon("the line that says where it listens", address).await;
    server.address = address.expect("a server that has not ended listens");
    (server, reader)
}
