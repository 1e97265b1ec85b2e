//! A server with few descriptors: clients cannot take those that it needs for its files.
#![cfg(target_os = "linux")]

use crate::panel::{COFFEE, Panel};
use crate::patience::{soon, until};
use crate::raw::{Raw, Response};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;
use testkit::frames::handshake;

/// A server that may open this many descriptors and no more.
async fn server_with(descriptors: u32) -> TestServer {
    let shell = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
    Setup::new().by_way_of(["sh", "-c", shell.as_str()]).start().await
}

/// Files are read and written as if nobody else were there.
async fn assert_business_as_usual(server: &TestServer, panel: &mut Panel) {
    server.home.order_by_rename("coffee");
    panel.until("the order", |state| state["order"]["status"] == "coffee").await;
    panel.accept(COFFEE).await;
    panel.until("silence", |state| state["bell"] == false).await;
    assert_eq!(panel.state["source"]["health"], "ok");
}

#[tokio::test]
async fn stations_beyond_the_seats_are_told_to_come_again() {
    let server = server_with(128).await;
    let mut panel = Panel::open(&server).await;
    let mut seated = Vec::new();
    let refusal: Response = loop {
        let mut raw = Raw::connect(&server).await;
        raw.send(handshake(&server.authority(), &[])).await;
        let response = raw.response().await;
        if response.code != 101 {
            break response;
        }
        raw.hear_greeting().await;
        seated.push(raw);
        assert!(seated.len() < 128, "there are not so many descriptors");
    };
    assert_eq!(refusal.code, 503, "{refusal:?}");
    assert!(refusal.header("retry-after").is_some(), "{refusal:?}");
    // A reserve of an eighth, at least 24 and at most 64; and what the server has open anyway.
    assert!(seated.len() >= 64, "only {} were seated", seated.len());
    assert_business_as_usual(&server, &mut panel).await;
    for raw in &mut seated {
        raw.expect_text("coffee").await;
    }
    drop(seated);
    server.log.line_where("somebody's leaving", |line| line.ends_with(" disconnected.")).await;
    let newcomer = async {
        loop {
            let mut raw = Raw::connect(&server).await;
            raw.send(handshake(&server.authority(), &[])).await;
            if raw.response().await.code == 101 {
                break raw.hear_greeting().await;
            }
        }
    };
    soon("a free seat", newcomer).await;
}

#[tokio::test]
async fn idle_connections_do_not_take_what_the_files_need() {
    let server = server_with(128).await;
    let mut panel = Panel::open(&server).await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(Raw::connect(&server).await);
    }
    // By now it has taken in what it wants of them.
    until("the connections' acceptance", || server.descriptors() > 100).await;
    assert_business_as_usual(&server, &mut panel).await;
    drop(idle);
    let mut late = TestStation::connect(&server, &[]).await;
    late.hear_until("coffee&1").await;
}
