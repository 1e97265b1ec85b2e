//! Endings under difficulties: of the server, and of stations that leave amid their business.

use std::time::Duration;

use rustix::process::Signal;

use crate::panel::{COFFEE, Panel};
use crate::patience::until;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::{FAREWELL, GOING_AWAY, TestStation};
use testkit::frames as bytes;

/// How long a shutdown may take at most.
const LIMIT: Duration = Duration::from_secs(5);

/// How long a shutdown may take when everybody cooperates.
const COOPERATIVE: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn a_stopped_server_that_goes_on_ends() {
    let mut server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    server.signal(Signal::STOP);
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    station.expect_farewell().await;
    server.exits_well_within(LIMIT).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_without_descriptors_ends() {
    let mut server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    server.limit_descriptors(Some(4));
    let waiting = Raw::connect(&server).await;
    server.signal(Signal::TERM);
    station.expect_farewell().await;
    server.exits_well_within(LIMIT).await;
    drop(waiting);
}

#[tokio::test]
async fn a_server_amid_a_storm_ends() {
    let mut server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let home = server.home.clone();
    let storm = crate::patience::aside(move || {
        for order in 1..=1000 {
            home.order_by_rename(&order.to_string());
        }
    });
    let end = async {
        station.hear().await;
        server.signal(Signal::TERM);
        station.hear_until(FAREWELL).await;
        station.expect_close(GOING_AWAY).await;
        server.exits_well_within(COOPERATIVE).await;
    };
    tokio::join!(storm, end);
}

#[tokio::test]
async fn the_port_of_a_killed_server_can_be_bound_at_once() {
    let mut server = TestServer::start().await;
    let port = server.address.port();
    let open = [Raw::greeted(&server).await, Raw::greeted(&server).await];
    server.kill().await;
    let server = Setup::at(server.home.clone()).port(port).start().await;
    TestStation::text(&server).await.expect_nothing_yet().await;
    drop(open);
}

#[tokio::test]
async fn an_answer_followed_by_a_close_is_acknowledged_first() {
    let server = TestServer::with_status("7\n").await;
    let mut raw = Raw::greeted(&server).await;
    raw.send([bytes::text("Accept&7"), bytes::text("status"), bytes::close(1000)].concat()).await;
    raw.expect_text("Accepted state: 7").await;
    raw.expect_text("Current Status: 7").await;
    raw.expect_close(1000).await;
    assert_eq!(server.home.reply().as_deref(), Some("7\n"));
}

#[tokio::test]
async fn an_answer_of_a_station_that_vanishes_counts() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    for _ in 0..10 {
        let mut leaver = TestStation::text(&server).await;
        leaver.say("Accept&7").await;
        drop(leaver);
    }
    panel.until_reply(COFFEE).await;
    assert_ne!(panel.state["reply"]["by"], "file");
    until("everybody's leaving", || server.log.count(" disconnected.") == 10).await;
    panel.until("silence", |state| state["bell"] == false).await;
    assert_eq!(server.home.strays(), <[&str; 0]>::default());
}

#[tokio::test]
async fn a_supervisor_is_told_of_start_and_end() {
    let setup = Setup::new();
    let path = setup.home.file("notify");
    let socket = tokio::net::UnixDatagram::bind(&path).expect("a socket can be bound");
    let mut server = setup.variable("NOTIFY_SOCKET", &path).start().await;
    let told = async |word: &str| {
        let mut message = [0; 1024];
        // Other words, such as those of a watchdog, may come in between.
        for _ in 0..10 {
            let heard =
                crate::patience::soon("a word to the supervisor", socket.recv(&mut message));
            let length = heard.await.expect("a datagram can be received");
            if message[..length].split(|byte| *byte == b'\n').any(|line| line == word.as_bytes()) {
                return;
            }
        }
        panic!("{word} was not among ten words");
    };
    told("READY=1").await;
    server.signal(Signal::TERM);
    told("STOPPING=1").await;
    server.exits_well_within(LIMIT).await;
}

#[tokio::test]
async fn the_port_can_be_bound_again_at_once() {
    let mut server = TestServer::start().await;
    let port = server.address.port();
    for _ in 0..3 {
        let mut station = TestStation::text(&server).await;
        let open = Raw::greeted(&server).await;
        server.signal(Signal::TERM);
        station.expect_farewell().await;
        drop(open);
        server.exits_well_within(LIMIT).await;
        server = Setup::at(server.home.clone()).port(port).start().await;
        assert_eq!(server.address.port(), port);
    }
    TestStation::text(&server).await.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_signal_during_the_start_ends_it() {
    use std::os::unix::process::ExitStatusExt;
    for watch in ["inotify", "poll"] {
        let setup = Setup::without_status().args(["--watch", watch]);
        let fifo = setup.home.status();
        rustix::fs::mkfifoat(rustix::fs::CWD, fifo, 0o644.into()).expect("a FIFO can be made");
        let home = setup.home.clone();
        let mut server = setup.launch();
        // The lock is the first trace of a server that is past its very first steps.
        until("the lock of the accept file", || home.file("accept.eot.lock").exists()).await;
        server.signal(Signal::TERM);
        server.exits_well_within(COOPERATIVE).await;
    }
    for _ in 0..20 {
        let mut server = Setup::new().launch();
        server.signal(Signal::TERM);
        let status = server.exit_within(COOPERATIVE).await;
        let unprepared = status.signal() == Some(Signal::TERM.as_raw());
        assert!(status.code() == Some(0) || unprepared, "{status:?}");
    }
}

#[tokio::test]
async fn replies_that_wait_to_be_written_are_written_before_the_end() {
    let mut server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    station.say_all((1..=50).map(|number| format!("Accept&{number}"))).await;
    server.signal(Signal::TERM);
    let mut last = None;
    for line in station.hear_until(FAREWELL).await {
        last = line.strip_prefix("Accepted state: ").map(str::to_owned);
    }
    station.expect_close(GOING_AWAY).await;
    server.exits_well_within(COOPERATIVE).await;
    if let Some(last) = last {
        let reply = server.home.reply().expect("there is a reply");
        let reply: u32 = reply.trim_end().parse().expect("a number");
        let acknowledged: u32 = last.parse().expect("a number");
        assert!(reply >= acknowledged, "{acknowledged} was acknowledged, and {reply} is there");
    }
    assert_eq!(server.home.strays(), <[&str; 0]>::default());
}
