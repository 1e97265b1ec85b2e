//! Replies: who gave them, whether they match, and whether the bell rings.

use rustix::process::Signal;
use serde_json::json;

use crate::panel::{COFFEE, LUNCH, Panel, STOP};
use crate::patience::PATIENCE;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

#[tokio::test]
async fn a_reply_is_credited_to_the_station_that_gave_it() {
    let server = TestServer::with_status("7\n").await;
    let mut one = Panel::open(&server).await;
    let mut other = Panel::open(&server).await;
    one.accept(COFFEE).await;
    one.until_reply(COFFEE).await;
    other.expect_reply(COFFEE).await;
    for panel in [&one, &other] {
        let reply = &panel.state["reply"];
        assert_eq!(reply["by"], one.station());
        assert_eq!((&reply["status"], &reply["name"]), (&json!("7"), &json!("COFFEE")));
        assert_eq!(reply["seq"], panel.state["seq"], "a reply is the latest event");
        assert!(!panel.bell(), "anyone's matching reply silences the bell for all");
    }
    assert_eq!(server.home.reply().as_deref(), Some("7\n"));
}

#[tokio::test]
async fn a_text_stations_reply_is_credited_as_well() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    let mut text = TestStation::text(&server).await;
    assert_eq!(text.ask("Accept&7").await, "Accepted state: 7");
    panel.expect_reply(COFFEE).await;
    let by = panel.state["reply"]["by"].as_str().expect("somebody gave it").to_owned();
    assert_ne!(by, "file");
    assert_ne!(by, panel.station());
    server.log.line_with(&format!("New Client: {by}")).await;
}

#[tokio::test]
async fn what_another_hand_writes_is_a_reply_by_file() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    server.home.write("accept.eot", "COFFEE\n");
    panel.expect_reply(COFFEE).await;
    assert_eq!(panel.state["reply"]["by"], "file");
    assert_eq!(panel.state["reply"]["status"], "COFFEE");
    assert_eq!(panel.state["reply"]["who"], json!(null));
    assert!(!panel.bell());
    server.home.rename_over("accept.eot", "8\n");
    panel.expect_reply(LUNCH).await;
    assert_eq!(panel.state["reply"]["by"], "file");
}

#[tokio::test]
async fn a_foreign_writing_right_after_a_stations_is_not_credited_to_it() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    for _ in 0..10 {
        panel.accept(COFFEE).await;
        server.home.write("accept.eot", "8\n");
        panel.until_reply(LUNCH).await;
        assert_eq!(panel.state["reply"]["by"], "file");
    }
}

#[tokio::test]
async fn an_answer_to_a_former_order_moves_nothing() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    let former = panel.order();
    server.home.order("8");
    panel.expect_order(LUNCH).await;
    for answer in [
        json!({ "type": "answer", "order": former, "position": COFFEE }),
        json!({ "type": "answer", "order": former }),
        json!({ "type": "answer", "order": panel.order() + 1 }),
        json!({ "type": "answer", "order": 0 }),
    ] {
        let outcome = panel.request(answer).await;
        assert_eq!((&outcome["type"], &outcome["code"]), (&json!("error"), &json!("stale")));
    }
    assert_eq!(server.home.reply(), None);
    assert!(panel.bell());
    panel.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_repeat_makes_answers_to_its_former_number_stale() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    let former = panel.order();
    server.home.order_by_rename("7");
    panel.expect_order(COFFEE).await;
    let outcome = panel.request(json!({ "type": "answer", "order": former })).await;
    assert_eq!(outcome["code"], "stale");
}

#[tokio::test]
async fn an_answer_with_a_position_that_this_dial_lacks_is_refused() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    let outcome = panel.answer(12).await;
    assert_eq!((&outcome["type"], &outcome["code"]), (&json!("error"), &json!("no_position")));
    assert_eq!(server.home.reply(), None);
}

#[tokio::test]
async fn an_answer_without_a_position_accepts_the_order_as_it_stands() {
    let server = TestServer::with_status("build broken\non main\n").await;
    let mut panel = Panel::open(&server).await;
    let order = panel.order();
    assert!(panel.bell());
    assert_eq!(panel.request(json!({ "type": "answer", "order": order })).await["type"], "ok");
    panel.until("silence", |state| state["bell"] == false).await;
    assert_eq!(panel.state["reply"]["status"], "build broken\non main");
    assert_eq!(panel.state["reply"]["position"], json!(null));
    assert_eq!(server.home.reply().as_deref(), Some("build broken\non main\n"));
}

#[tokio::test]
async fn a_reply_matches_by_number_and_by_name() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    let pairs = [("7", "coffee"), ("COFFEE", "7"), ("lunch", "LUNCH"), ("x", "x"), ("9", "9")];
    for (order, reply) in pairs {
        server.home.order_by_rename(order);
        panel.until("the order", |state| state["order"]["status"] == order).await;
        assert!(panel.bell(), "{order} has not been answered");
        server.home.rename_over("accept.eot", format!("{reply}\n"));
        panel.until("the reply", |state| state["reply"]["status"] == reply).await;
        assert!(!panel.bell(), "{reply} answers {order}");
    }
}

#[tokio::test]
async fn a_reply_that_differs_does_not_silence_the_bell() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    for (order, reply) in [("7", "8"), ("x", "X"), ("7", "07"), ("x", "x y"), ("coffee", "8")] {
        server.home.order_by_rename(order);
        panel.until("the order", |state| state["order"]["status"] == order).await;
        server.home.rename_over("accept.eot", format!("{reply}\n"));
        panel.until("the reply", |state| state["reply"]["status"] == reply).await;
        assert!(panel.bell(), "{reply} does not answer {order}");
        // Another order, so that the same may come again.
        server.home.order_by_rename("6");
        panel.until("the order", |state| state["order"]["status"] == "6").await;
    }
}

#[tokio::test]
async fn the_bell_rings_from_the_order_to_its_answer_and_again_for_a_repeat() {
    let server = TestServer::with_status("6\n").await;
    let mut panel = Panel::open(&server).await;
    assert!(panel.bell(), "a fresh start rings for STOP");
    panel.accept(STOP).await;
    panel.until_reply(STOP).await;
    assert!(!panel.bell());
    server.home.order("7");
    panel.expect_order(COFFEE).await;
    assert!(panel.bell(), "a new order rings");
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
    assert!(!panel.bell());
    server.home.order_by_rename("7");
    panel.expect_order(COFFEE).await;
    assert!(panel.bell(), "a repeat rings");
    panel.accept(COFFEE).await;
    panel.until("silence", |state| state["bell"] == false).await;
    server.home.write("accept.eot", "8\n");
    panel.until_reply(LUNCH).await;
    assert!(panel.bell(), "a later reply that differs rings again: the pointers differ");
}

#[tokio::test]
async fn equal_files_at_the_start_are_answered() {
    let setup = Setup::with_status("coffee\n");
    setup.home.write("accept.eot", "7\n");
    let server = setup.start().await;
    let panel = Panel::open(&server).await;
    assert_eq!(panel.state["reply"]["position"], COFFEE);
    assert!(!panel.bell());
    let setup = Setup::with_status("7\n");
    setup.home.write("accept.eot", "8\n");
    let server = setup.start().await;
    assert!(Panel::open(&server).await.bell(), "other files are not");
}

#[tokio::test]
async fn order_and_reply_are_there_again_after_a_restart() {
    let mut server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
    let last = panel.state["seq"].as_u64().expect("a number");
    server.signal(Signal::TERM);
    panel.expect_farewell().await;
    server.exits_well_within(PATIENCE).await;
    let server = Setup::at(server.home.clone()).start().await;
    let panel = Panel::open(&server).await;
    assert_eq!(panel.state["order"]["position"], COFFEE);
    assert_eq!(panel.state["reply"]["position"], COFFEE);
    assert_eq!(panel.state["reply"]["by"], "file", "another run wrote it");
    assert!(!panel.bell());
    assert!(panel.state["seq"].as_u64() > Some(last), "numbers do not go back over a restart");
}

#[tokio::test]
async fn the_health_of_the_accept_file_is_told() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    server.home.rename_over("accept.eot", b"\xff\xfe7\0");
    let message = panel.expect_health_of("accept", "not_utf8").await;
    assert!(!message["detail"].as_str().unwrap_or_default().is_empty(), "{message}");
    server.home.rename_over("accept.eot", "7\n");
    panel.until_reply(COFFEE).await;
    assert!(!panel.bell());
}
