//! A server that the machine denies something: time, descriptors, notifications of the kernel.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::panel::{COFFEE, LUNCH, Panel};
use crate::patience::aside;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;
use testkit::frames::PING;

#[tokio::test]
async fn a_server_that_was_stopped_tells_what_it_missed() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    server.signal(Signal::STOP);
    for order in ["1", "2", "7"] {
        server.home.order_by_rename(order);
    }
    text.say("status").await;
    server.signal(Signal::CONT);
    panel.until("the last order", |state| state["order"]["position"] == COFFEE).await;
    // Its question is answered as well, before or after the order.
    let is_answer = |line: &String| line.starts_with("Current Status: ");
    if !text.hear_until("7").await.iter().any(is_answer) {
        assert!(is_answer(&text.hear().await));
    }
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_server_that_was_stopped_for_long_turns_nobody_out() {
    let server = TestServer::start().await;
    let mut station = Raw::greeted(&server).await;
    server.signal(Signal::STOP);
    // Longer than a station may be silent, which is 40 s.
    tokio::time::sleep(Duration::from_secs(42)).await;
    server.signal(Signal::CONT);
    // Whoever were too silent would hear the end of the connection in place of this.
    station.expect_frame(PING, b"").await;
}

#[tokio::test]
async fn an_overflow_of_the_kernels_queue_costs_nothing() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events");
    let limit: u32 = limit.expect("/proc is there").trim().parse().expect("a number");
    server.signal(Signal::STOP);
    let home = server.home.clone();
    aside(move || {
        // Of a name that the server does not care for, and never the same event twice in a row.
        let (one, other) = (home.file("noise"), home.file("other"));
        home.write("noise", "x");
        let noise = |times: u32| {
            for _ in 0..times {
                std::fs::rename(&one, &other).expect("it can be renamed");
                std::fs::rename(&other, &one).expect("it can be renamed");
            }
        };
        // Each turn is four events.
        noise(limit.min(100_000) / 4 + 10);
        home.order_by_rename("7");
        noise(100);
    })
    .await;
    server.signal(Signal::CONT);
    text.expect("7").await;
    for order in ["8", "9"] {
        server.home.order_by_rename(order);
        text.expect(order).await;
    }
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_server_without_descriptors_survives_and_tells_what_it_missed() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    server.limit_descriptors(Some(4));
    // These can be connected to by the kernel, and cannot be accepted by the server.
    let waiting = [Raw::connect(&server).await, Raw::connect(&server).await];
    server.home.order("7");
    panel.expect_health("unreadable").await;
    text.expect_nothing_yet().await;
    let failed = text.ask("Accept&7").await;
    assert!(failed.starts_with("Accept failed:"), "{failed}");
    assert_does_not_spin(&server, &mut text).await;
    server.limit_descriptors(None);
    panel.until("the missed order", |state| state["order"]["position"] == COFFEE).await;
    text.expect("7").await;
    server.home.order_by_rename("8");
    panel.until("the next order", |state| state["order"]["position"] == LUNCH).await;
    text.expect("8").await;
    assert_eq!(text.ask("Accept&8").await, "Accepted state: 8");
    for mut raw in waiting {
        raw.upgrade(&server).await;
        raw.hear_greeting().await;
    }
}

/// Over half a second, the server uses far less than half a second of processor time.
async fn assert_does_not_spin(server: &TestServer, station: &mut TestStation) {
    let before = server.processor_time();
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    while began.elapsed() < Duration::from_millis(500) {
        ticks.tick().await;
        station.expect_nothing_yet().await;
    }
    let used = server.processor_time() - before;
    assert!(used < 20, "{used} hundredths of a second in {:?}", began.elapsed());
}

#[tokio::test]
async fn descriptors_taken_by_clients_are_no_outage() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    server.limit_descriptors(Some(64));
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Raw::connect(&server).await);
    }
    server.home.order("7");
    drop(clients);
    text.expect("7").await;
    server.home.order("8");
    text.expect("8").await;
    let mut late = TestStation::connect(&server, &[]).await;
    late.hear_until("8&1").await;
}

#[tokio::test]
async fn without_notifications_of_the_kernel_it_polls_and_says_why() {
    // In a user namespace of its own, where the user has no inotify instance to spend; the kernel
    // says the same as to a user who has spent all of them.
    let shell = "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$0\" \"$@\"";
    let way = ["unshare", "--user", "--map-root-user", "sh", "-c", shell];
    let server = Setup::new().by_way_of(way).start().await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    assert_eq!(panel.state["source"]["watch"], "poll");
    assert_eq!(panel.state["source"]["health"], "ok", "it works all the same");
    server.home.order("7");
    text.expect("7").await;
    panel.expect_order(COFFEE).await;
    assert_eq!(text.ask("Accept&7").await, "Accepted state: 7");
    panel.until_reply(COFFEE).await;
    server.log.line_where("the reason", |line| line.contains("max_user_instances")).await;
}

#[tokio::test]
async fn without_watches_of_the_kernel_it_polls_and_says_why() {
    let shell = "echo 0 > /proc/sys/user/max_inotify_watches && exec \"$0\" \"$@\"";
    let way = ["unshare", "--user", "--map-root-user", "sh", "-c", shell];
    let server = Setup::new().by_way_of(way).start().await;
    let mut panel = Panel::open(&server).await;
    assert_eq!(panel.state["source"]["watch"], "poll");
    server.home.order("7");
    panel.expect_order(COFFEE).await;
    server.log.line_where("the reason", |line| line.contains("max_user_watches")).await;
}

#[tokio::test]
async fn a_directory_that_is_moved_away_and_back_is_watched_again() {
    let setup = Setup::new();
    let home = setup.home.clone();
    std::fs::create_dir(home.file("inner")).expect("a directory can be made");
    home.write("inner/order", "6\n");
    let args = ["--status-file", "inner/order", "--accept-file", "accept.eot", "--dial", "office"];
    let server = setup.args(args).start().await;
    let mut panel = Panel::open(&server).await;
    std::fs::rename(home.file("inner"), home.file("away")).expect("it can be moved");
    panel.expect_health("missing").await;
    std::fs::create_dir(home.file("inner")).expect("a directory can be made");
    home.write("inner/order", "7\n");
    panel.until("the order", |state| state["order"]["position"] == COFFEE).await;
    home.write("inner/order", "8\n");
    panel.until("the order", |state| state["order"]["position"] == LUNCH).await;
}
