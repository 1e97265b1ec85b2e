//! What a station says on the JSON wire: understood, or refused with a code.

use serde_json::{Value, json};

use crate::panel::Panel;
use crate::server::TestServer;

/// One of each message, which server and panel agree on.
const FIXTURES: &str = include_str!("../fixtures/chadburn.v1.json");

#[tokio::test]
async fn what_cannot_be_understood_is_refused_and_the_connection_lives() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    let all: Value = serde_json::from_str(FIXTURES).expect("the fixtures are JSON");
    let refused = all["refused"].as_array().expect("several things are refused");
    assert!(!refused.is_empty());
    for fixture in refused {
        panel.link.say(fixture["text"].as_str().expect("a text")).await;
        let error = panel.hear().await;
        assert_eq!(error["type"], "error", "{}: {error}", fixture["name"]);
        assert_eq!(error["code"], fixture["code"], "{}", fixture["name"]);
        assert!(error["message"].as_str().is_some_and(|why| !why.is_empty()), "{error}");
    }
    panel.expect_nothing_yet().await;
}

#[tokio::test]
async fn json_that_is_odd_is_refused_and_the_connection_lives() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    let deep = "[".repeat(60_000);
    let deep_object = r#"{"type":"#.repeat(5_000);
    for text in [
        deep.as_str(),
        &deep_object,
        r#"{"type":"console","command":"\ud800"}"#,
        r#"{"type":"answer","order":1e999}"#,
        "{\"type\":\"console\",\"command\":\"a\nb\"}",
        "{} {}",
        "\u{feff}{}",
        "NaN",
        "\0",
    ] {
        panel.link.say(text).await;
        let error = panel.hear().await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("bad_json")));
    }
    panel.expect_nothing_yet().await;
}

#[tokio::test]
async fn an_id_comes_back_as_it_was() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    for id in [json!(0), json!(-1), json!(9_007_199_254_740_991_u64), json!("é🔔"), json!("")] {
        panel.say(&json!({ "type": "console", "command": "x&y", "id": id })).await;
        assert_eq!(panel.hear().await, json!({ "type": "ok", "id": id }));
        panel.say(&json!({ "type": "sing", "id": id })).await;
        let error = panel.hear().await;
        assert_eq!((&error["code"], &error["id"]), (&json!("unknown_type"), &id));
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    let request = json!({ "type": "console", "command": "status", "id": 1, "mood": ["good"] });
    panel.say(&request).await;
    assert_eq!(panel.hear().await["text"], "Current Status: 6");
    assert_eq!(panel.hear().await, json!({ "type": "ok", "id": 1 }));
}

#[tokio::test]
async fn what_a_station_may_say_is_understood() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    let all: Value = serde_json::from_str(FIXTURES).expect("the fixtures are JSON");
    for fixture in all["station"].as_array().expect("a station says several things") {
        panel.say(&fixture["message"]).await;
        let outcome = panel
            .hear_until("an outcome", |message| {
                message["type"] == "ok" || message["type"] == "error"
            })
            .await;
        let code = outcome["code"].as_str().unwrap_or("ok");
        // This server takes no orders over the network, and needs no token.
        assert!(["ok", "stale", "refused"].contains(&code), "{}: {outcome}", fixture["name"]);
        assert_eq!(outcome.get("id"), fixture["message"].get("id"), "{}", fixture["name"]);
    }
}
