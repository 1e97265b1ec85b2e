//! States: their numbers and times, what a panel hears that comes late, asks twice or reads slowly.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::panel::{COFFEE, LUNCH, Panel, SUBPROTOCOL};
use crate::patience::{aside, soon};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// This moment, as the wire has it.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    u64::try_from(since.as_millis()).expect("it is not the end of time")
}

#[tokio::test]
async fn numbers_and_times_are_of_this_moment() {
    let before = now();
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    assert!((before..(1 << 53)).contains(&panel.order()), "a run begins at the present time");
    let given = now();
    server.home.order("8");
    panel.expect_order(LUNCH).await;
    panel.accept(LUNCH).await;
    panel.until_reply(LUNCH).await;
    let times = given - 1..=now() + 1;
    for (what, time) in [
        ("state.at", &panel.state["at"]),
        ("order.since", &panel.state["order"]["since"]),
        ("reply.at", &panel.state["reply"]["at"]),
    ] {
        assert!(time.as_u64().is_some_and(|time| times.contains(&time)), "{what}: {time}");
    }
}

#[tokio::test]
async fn every_station_hears_the_same_states() {
    let server = TestServer::start().await;
    let mut one = Panel::open(&server).await;
    let mut other = Panel::open(&server).await;
    assert_eq!(one.state, other.state);
    for order in [COFFEE, LUNCH] {
        server.home.order(&order.to_string());
        one.expect_order(order).await;
        other.expect_order(order).await;
        assert_eq!(one.state, other.state);
        let late = Panel::open(&server).await;
        assert_eq!(late.state, one.state, "a newcomer is told the same");
    }
}

#[tokio::test]
async fn the_same_answer_twice_is_applied_once() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
    let reply = panel.state["reply"]["seq"].clone();
    panel.accept(COFFEE).await;
    // A second reply would have come before this order.
    server.home.order("8");
    panel.until("the order", |state| state["order"]["position"] == LUNCH).await;
    assert_eq!(panel.state["reply"]["seq"], reply, "{}", panel.state);
}

#[tokio::test]
async fn a_change_of_mind_is_applied() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    for position in [COFFEE, LUNCH, COFFEE] {
        panel.accept(position).await;
        panel.until_reply(position).await;
        assert_eq!(panel.bell(), position != COFFEE);
    }
}

#[tokio::test]
async fn a_newcomer_hears_that_the_accept_file_is_unwell() {
    let setup = Setup::with_status("7\n");
    setup.home.write("accept.eot", b"\xff\xff");
    let server = setup.start().await;
    let mut panel = Panel::open(&server).await;
    let message = panel.hear().await;
    assert_eq!(
        (&message["type"], &message["file"], &message["health"]),
        (&json!("source"), &json!("accept"), &json!("not_utf8"))
    );
    assert_eq!(panel.state["source"]["health"], "ok", "the status file is well");
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
}

#[tokio::test]
async fn what_a_slow_panel_misses_is_said_in_gaps() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket.set_recv_buffer_size(4096).expect("a socket's buffer can be small");
    let stream = soon("the connection", socket.connect(server.address)).await;
    let stream = stream.expect("the server can be connected to");
    let mut slow = Panel::over(TestStation::over(stream, &[SUBPROTOCOL]).await).await;

    // In JSON each of these control characters takes six bytes, so that a state has some 24 KiB,
    // and all of them together are more than any socket's buffers hold.
    let bulk = "\u{1}".repeat(2_000);
    server.home.rename_over("accept.eot", &bulk);
    for order in 1..=400 {
        server.home.order_by_rename(&format!("{bulk}{order}"));
        text.expect(&format!("{bulk}{order}")).await;
    }
    let last = format!("{bulk}400");

    // Two states may be owed now, and this with them.
    let mut witness = Panel::open(&server).await;
    server.home.rename_over("accept.eot", b"\xff\xff");
    witness.expect_health_of("accept", "not_utf8").await;

    // What it asks for itself is answered, however much of the rest was left out for it.
    slow.say(&json!({ "type": "console", "command": "x&y", "id": "asked" })).await;
    let mut others = Vec::new();
    let mut latest = slow.state["seq"].as_u64().expect("a number");
    let mut gaps = 0;
    while slow.state["order"]["status"] != last.as_str() {
        let message = slow.hear().await;
        let number = |field: &str| message[field].as_u64().expect("a number");
        if message["type"] == "gap" {
            assert_eq!(number("from"), latest + 1, "a gap begins after the latest state");
            assert!(number("to") >= number("from"), "{message}");
            latest = number("to");
            gaps += 1;
        } else if message["type"] == "state" {
            assert_eq!(number("seq"), latest + 1, "nothing is left out without a word");
            latest = number("seq");
        } else {
            others.push(message["type"].clone());
        }
    }
    assert!(gaps > 0, "this panel was slow");
    while others.len() < 2 {
        others.push(slow.hear().await["type"].clone());
    }
    others.sort_by_key(Value::to_string);
    assert_eq!(others, ["ok", "source"]);
    slow.expect_nothing_yet().await;
    #[cfg(target_os = "linux")]
    assert!(server.peak_memory() < 64 << 10, "{} KiB", server.peak_memory());
}

#[tokio::test]
async fn a_slow_panels_own_answers_are_not_left_out() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    // All at once, and read when all have been said.
    let questions =
        (0..500).map(|id| json!({ "type": "console", "command": "status", "id": id }).to_string());
    let home = Arc::clone(&server.home);
    let storm = aside(move || {
        for order in 1..=200 {
            home.order_by_rename(&order.to_string().repeat(1000));
        }
    });
    tokio::join!(storm, panel.link.say_all(questions));
    for id in 0..500 {
        let is_ok = |message: &Value| message["type"] == "ok";
        assert_eq!(panel.hear_until("an ok", is_ok).await["id"], id);
    }
}
