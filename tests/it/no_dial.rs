//! A telegraph without a dial: every order is a text, and is answered by the same text.

use serde_json::{Value, json};

use crate::commands::{done, fails};
use crate::http::get;
use crate::json_wire::{assert_shape, fixture};
use crate::panel::Panel;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// A server whose file has a dial only if that is asked for. The order would be COFFEE on the
/// office's.
async fn serve(args: &[&str]) -> TestServer {
    let setup = Setup::without_status();
    setup.home.write("deploy.status", "7\n");
    setup.args(["serve", "deploy.status"]).args(args.iter().copied()).start().await
}

#[tokio::test]
async fn position_and_name_are_null_on_every_wire_and_in_the_book() {
    let server = serve(&["--allow-orders", "any"]).await;
    let mut panel = Panel::open(&server).await;
    assert_shape(&panel.welcome, &fixture("welcome without a dial"));
    assert_eq!(panel.welcome["dial"], json!({ "title": "", "positions": [] }));
    assert_eq!(panel.state["order"]["status"], "7");
    panel.until("the roll", |_| true).await;
    let order = panel.order();
    let outcome = panel.answer(7).await;
    assert_eq!((&outcome["code"], &outcome["type"]), (&json!("no_position"), &json!("error")));
    assert!(outcome["message"].as_str().is_some_and(|it| it.contains("no dial")), "{outcome}");
    assert_eq!(panel.request(json!({ "type": "answer", "order": order })).await["type"], "ok");
    panel.until("silence", |state| state["bell"] == false).await;
    assert_eq!(panel.state["reply"]["status"], "7");
    // A name is no position either, whoever orders it.
    assert_eq!(panel.request(json!({ "type": "order", "status": "coffee" })).await["type"], "ok");
    panel.until("another order", |state| state["order"]["status"] == "coffee").await;
    assert!(panel.bell(), "the reply is of another text");
    assert_eq!(
        TestStation::text(&server).await.ask("Accept&COFFEE").await,
        "Accepted state: COFFEE"
    );
    panel.until("another reply", |state| state["reply"]["status"] == "COFFEE").await;
    assert!(panel.bell(), "a name in another case is another text");
    assert_eq!(
        TestStation::text(&server).await.ask("Accept&coffee").await,
        "Accepted state: coffee"
    );
    panel.until("silence", |state| state["bell"] == false).await;
    let status: Value = serde_json::from_str(&get(&server, "/status").await.body).expect("JSON");
    for said in [&panel.state, &status] {
        for reading in [&said["order"], &said["reply"]] {
            assert_eq!((&reading["position"], &reading["name"]), (&Value::Null, &Value::Null));
        }
    }
    let book = get(&server, "/bell-book").await.body;
    let entries: Vec<Value> = serde_json::from_str(&book).expect("JSON");
    assert!(entries.iter().any(|entry| entry["status"] == "7"), "{book}");
    let reads = |entry: &Value| entry.get("position").or(entry.get("name")).cloned();
    assert!(entries.iter().filter_map(reads).all(|it| it.is_null()), "{book}");
}

#[tokio::test]
async fn the_commands_take_every_order_for_a_text() {
    let server = serve(&[]).await;
    assert_eq!(done(&server, &["status"]).await, "order  7\nreply  none\nbell   rings\n");
    let (code, why) = fails(&server, &["answer", "7"]).await;
    assert!(code == 5 && why.contains("has no dial") && why.contains("as it stands"), "{why}");
    assert_eq!(done(&server, &["answer", "--name", "Tim"]).await, "answered 7\n");
    let (_, out, _) =
        crate::commands::run(&server, &["doctor", "--status-file", "deploy.status"]).await;
    assert!(out.contains("this telegraph has no dial"), "{out}");
    let log = done(&server, &["log"]).await;
    assert!(log.contains("reply") && !log.contains("COFFEE"), "{log}");
}

#[tokio::test]
async fn with_a_dial_that_is_asked_for_the_same_file_has_positions() {
    let server = serve(&["--dial", "office"]).await;
    assert_eq!(Panel::open(&server).await.state["order"]["name"], "COFFEE");
    let out = done(&server, &["status"]).await;
    assert_eq!(out, "order  7 COFFEE\nreply  none\nbell   rings\n");
}
