//! Orders: what is written into the status file reaches every station.

use std::time::{Duration, Instant};

use crate::panel::{COFFEE, LUNCH, Panel, STOP};
use crate::patience::{aside, within};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// How long an order may take, from the end of its writing to a station.
const PROMPT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_order_reaches_every_station_within_a_second() {
    for watch in ["auto", "inotify", "poll"] {
        let server = Setup::new().args(["--watch", watch]).start().await;
        let mut text = TestStation::text(&server).await;
        let mut panel = Panel::open(&server).await;
        for (order, by_rename) in [(COFFEE, false), (LUNCH, true), (STOP, false)] {
            let written = Instant::now();
            if by_rename {
                server.home.order_by_rename(&order.to_string());
            } else {
                server.home.order(&order.to_string());
            }
            within(PROMPT, "the order as text", text.expect(&order.to_string())).await;
            within(PROMPT, "the order as JSON", panel.expect_order(order)).await;
            assert!(written.elapsed() < PROMPT, "{watch}: {:?}", written.elapsed());
        }
    }
}

#[tokio::test]
async fn a_change_is_one_push() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    for round in 0..20 {
        let order = if round % 2 == 0 { COFFEE } else { LUNCH };
        if round % 4 < 2 {
            server.home.order(&order.to_string());
        } else {
            server.home.order_by_rename(&order.to_string());
        }
        // Each is the very next message: a push too many would be met one round later.
        text.expect(&order.to_string()).await;
        panel.expect_order(order).await;
        assert_eq!(panel.order(), panel.state["seq"], "an order is the latest event");
    }
    text.expect_nothing_yet().await;
    panel.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_quick_series_comes_in_order_and_its_last_always() {
    let server = TestServer::with_status("0\n").await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    let home = server.home.clone();
    aside(move || {
        for order in 1..=500 {
            if order % 2 == 0 {
                home.order(&order.to_string());
            } else {
                home.order_by_rename(&order.to_string());
            }
        }
    })
    .await;
    let mut before = 0;
    for order in text.hear_until("500").await {
        let order: u32 = order.parse().expect("only what was written is pushed");
        assert!(order > before, "{order} after {before}");
        before = order;
    }
    panel.until("the last order", |state| state["order"]["status"] == "500").await;
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn what_systems_put_around_a_status_is_cut_off() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let writings = [
        ("7", "7"),
        ("8 \t\r\n\n", "8"),
        ("\u{feff}9\n", "9"),
        ("  10\n", "  10"),
        ("two\nlines\n", "two\nlines"),
        ("\u{feff}\u{feff}x\r\n", "x"),
        ("two\r\nlines\r\n\x1A", "two\nlines"),
        ("7\r", "7"),
    ];
    for (writing, order) in writings {
        server.home.rename_over("status.eot", writing);
        station.expect(order).await;
        assert_eq!(station.ask("status").await, format!("Current Status: {order}"));
    }
}

#[tokio::test]
async fn a_status_may_have_4096_bytes_beside_its_white_space() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let longest = "x".repeat(4096);
    server.home.write("status.eot", &longest);
    station.expect(&longest).await;
    let longest = "y".repeat(4096);
    server.home.write("status.eot", format!("{longest}\n"));
    station.expect(&longest).await;
}

#[tokio::test]
async fn many_stations_hear_the_same() {
    let server = TestServer::start().await;
    let mut texts = Vec::new();
    let mut panels = Vec::new();
    for _ in 0..20 {
        texts.push(TestStation::text(&server).await);
        panels.push(Panel::open(&server).await);
    }
    server.home.order("coffee");
    for text in &mut texts {
        text.expect("coffee").await;
    }
    for panel in &mut panels {
        panel.expect_order(COFFEE).await;
    }
}
