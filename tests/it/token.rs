//! The token: what needs it, and the ways in which it is given.

use rustix::process::Signal;
use serde_json::json;

use crate::events::Events;
use crate::panel::{COFFEE, LUNCH, Panel, SUBPROTOCOL};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// What is said to whoever has not given it.
const REFUSED: &str = "Refused: this needs the token.";

/// A server that wants the token `brass`, and takes orders from whoever has it.
async fn server() -> TestServer {
    let setup = Setup::with_status("7\n");
    setup.home.write("token", "brass\n");
    setup.args(["--token-file", "token", "--allow-orders", "any"]).start().await
}

/// The header that brings this token.
fn bearer(value: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer {value}"))
}

/// A panel that brings this token with its handshake.
async fn panel_with(server: &TestServer, token: &str) -> Panel {
    let (name, value) = bearer(token);
    Panel::over(TestStation::connect(server, &[SUBPROTOCOL, (name, &value)]).await).await
}

#[tokio::test]
async fn a_station_gives_it_once() {
    let server = server().await;
    let mut panel = Panel::open(&server).await;
    assert_eq!(panel.welcome["token"], true);
    assert_eq!(panel.welcome["may"], json!({ "order": false, "shutdown": false }));
    assert_eq!(panel.answer(COFFEE).await["code"], "token_required");
    for (token, code) in [("Brass", json!("bad_token")), ("brass", json!(null))] {
        let outcome = panel.request(json!({ "type": "token", "value": token })).await;
        assert_eq!(outcome["code"], code, "{outcome}");
    }
    let may = panel.hear().await;
    assert_eq!(may, json!({ "type": "may", "order": true, "shutdown": true }));
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
    let outcome = panel.request(json!({ "type": "order", "status": "lunch" })).await;
    assert_eq!(outcome["type"], "ok", "{outcome}");
    panel.until("the order", |state| state["order"]["position"] == LUNCH).await;
}

#[tokio::test]
async fn a_station_that_brings_it_with_the_handshake_need_not_give_it() {
    let server = server().await;
    let mut panel = panel_with(&server, "brass").await;
    assert_eq!(panel.welcome["token"], false);
    assert_eq!(panel.welcome["may"], json!({ "order": true, "shutdown": true }));
    panel.accept(COFFEE).await;
    let outcome = panel.request(json!({ "type": "order", "status": "8" })).await;
    assert_eq!(outcome["type"], "ok", "{outcome}");
    panel.until("the order", |state| state["order"]["position"] == LUNCH).await;

    let (name, value) = bearer("brass");
    let mut text = TestStation::text_with(&server, &[(name, &value)]).await;
    assert_eq!(text.ask("Accept&3").await, "Accepted state: 3");
    let mut events = Events::open(&server, &[(name, &value)]).await;
    assert_eq!(events.hear().await.data["type"], "state");

    for wrong in ["Brass", "brass brass", ""] {
        let mut panel = panel_with(&server, wrong).await;
        assert_eq!(panel.welcome["token"], true, "{wrong:?}");
        assert_eq!(panel.answer(COFFEE).await["code"], "token_required");
        let (name, value) = bearer(wrong);
        let mut text = TestStation::text_with(&server, &[(name, &value)]).await;
        assert_eq!(text.ask("Accept&3").await, REFUSED);
        assert_eq!(text.ask("shutdown").await, REFUSED);
    }
    let said = server.log.whole().join("\n");
    assert!(said.contains("New Client") && !said.contains("brass"), "it is never logged: {said}");
}

#[tokio::test]
async fn without_it_everybody_reads() {
    let server = server().await;
    let mut text = TestStation::text(&server).await;
    assert_eq!(text.ask("status").await, "Current Status: 7");
    assert_eq!(text.ask("Accept&7").await, REFUSED);
    assert_eq!(Events::open(&server, &[]).await.hear().await.data["order"]["position"], COFFEE);
    let mut panel = Panel::open(&server).await;
    server.home.order("8");
    panel.expect_order(LUNCH).await;
    text.expect("8").await;
}

#[tokio::test]
async fn another_token_takes_from_everybody_what_the_old_one_gave() {
    let server = server().await;
    let mut panel = panel_with(&server, "brass").await;
    server.home.rename_over("token", "copper\n");
    server.signal(Signal::HUP);
    let may = panel.hear().await;
    assert_eq!(may, json!({ "type": "may", "order": false, "shutdown": false }));
    assert_eq!(panel.answer(COFFEE).await["code"], "token_required");
    assert_eq!(panel_with(&server, "brass").await.welcome["token"], true);
    assert_eq!(panel_with(&server, "copper").await.welcome["token"], false);
}
