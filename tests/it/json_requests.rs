//! What a station says on the JSON wire: understood, or refused with a code.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::panel::Panel;
use crate::server::TestServer;
use crate::setup::Setup;

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

/// Every field of every message: its kind, and whether it may be left out.
const FIELDS: [(&str, &str, &str, bool); 7] = [
    ("answer", "order", "number", false),
    ("answer", "position", "number", true),
    ("answer", "coming", "boolean", true),
    ("name", "name", "text", false),
    ("order", "status", "text", false),
    ("token", "value", "text", false),
    ("console", "command", "text", false),
];

/// Values of every kind, a number also of the kinds that no field takes.
fn values() -> Vec<(&'static str, Value)> {
    vec![
        ("null", Value::Null),
        ("boolean", json!(true)),
        ("text", json!("7")),
        ("list", json!(["7"])),
        ("object", json!({ "status": "7" })),
        ("negative", json!(-1)),
        ("fraction", json!(1.5)),
        ("huge", json!(1e30)),
    ]
}

#[tokio::test]
async fn a_field_of_the_wrong_kind_is_refused() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    for (kind, field, right, optional) in FIELDS {
        let good = match (kind, right) {
            ("answer", _) => json!({ "type": kind, "order": panel.order(), "coming": false }),
            _ => json!({ "type": kind, field: "7" }),
        };
        for (value_kind, value) in values() {
            if value_kind == right || (optional && value_kind == "null") {
                continue;
            }
            let mut bad = good.clone();
            bad[field] = value;
            let outcome = panel.request(bad.clone()).await;
            assert_eq!(outcome["code"], "bad_message", "{bad}: {outcome}");
            assert!(outcome["message"].as_str().is_some_and(|why| why.starts_with(kind)));
        }
        if !optional {
            let mut bad = good.clone();
            bad.as_object_mut().expect("an object").remove(field);
            let outcome = panel.request(bad.clone()).await;
            assert_eq!(outcome["code"], "bad_message", "{bad}: {outcome}");
        }
    }
    for position in [0, 25, 255, 256, 263] {
        let bad = json!({ "type": "answer", "order": panel.order(), "position": position });
        assert_eq!(panel.request(bad).await["code"], "bad_message", "{position}");
    }
    for id in [json!(true), json!([]), json!({}), json!(1.5), json!(1e30), json!("x".repeat(65))] {
        panel.say(&json!({ "type": "console", "command": "status", "id": id })).await;
        let error = panel.hear().await;
        assert_eq!((&error["code"], error.get("id")), (&json!("bad_message"), None), "{id}");
    }
    assert_eq!(server.home.reply(), None, "nothing of this was a reply");
    panel.expect_nothing_yet().await;
}

#[tokio::test]
async fn every_code_has_its_cause() {
    let setup = Setup::without_status().args(["--allow-orders", "any", "--token-file", "token"]);
    setup.home.write("token", "brass\n");
    let server = setup.start().await;
    let mut panel = Panel::open(&server).await;
    let answer = |order: u64, position: u64| json!({ "type": "answer", "order": order, "position": position });
    let order = |status: String| json!({ "type": "order", "status": status });
    let mut seen = BTreeSet::from(["bad_json".to_owned()]);
    let mut expect = async |panel: &mut Panel, code: &str, message: Value| {
        let outcome = panel.request(message.clone()).await;
        assert_eq!(outcome["code"], code, "{message}: {outcome}");
        seen.insert(code.to_owned());
    };
    panel.link.say("{").await;
    assert_eq!(panel.hear().await["code"], "bad_json");
    expect(&mut panel, "bad_message", json!({ "type": "console" })).await;
    expect(&mut panel, "unknown_type", json!({ "type": "sing" })).await;
    expect(&mut panel, "token_required", answer(1, 7)).await;
    expect(&mut panel, "token_required", order("8".into())).await;
    expect(&mut panel, "bad_token", json!({ "type": "token", "value": "tin" })).await;
    assert_eq!(panel.request(json!({ "type": "token", "value": "brass" })).await["type"], "ok");
    expect(&mut panel, "no_order", answer(1, 7)).await;
    server.home.order("7");
    panel.until("the order", |state| state["order"]["position"] == 7).await;
    expect(&mut panel, "stale", answer(1, 7)).await;
    let present = panel.order();
    expect(&mut panel, "no_position", answer(present, 12)).await;
    for status in [String::new(), " \n".into(), "x".repeat(4_097)] {
        expect(&mut panel, "bad_status", order(status)).await;
    }
    for name in ["x".repeat(41), "é".repeat(41), " ".into(), "a\nb".into(), "a\u{2067}b".into()] {
        expect(&mut panel, "bad_name", json!({ "type": "name", "name": name })).await;
    }
    for state in ["", " ", "\u{7f}", "é", &"x".repeat(65)] {
        let command = format!("Accept&{state}");
        expect(&mut panel, "bad_state", json!({ "type": "console", "command": command })).await;
    }
    fs::create_dir(server.home.accept()).expect("a directory can be made");
    expect(&mut panel, "write_failed", answer(present, 7)).await;
    let closed = TestServer::start().await;
    let mut other = Panel::open(&closed).await;
    expect(&mut other, "refused", order("8".into())).await;

    let protocol = include_str!("../../PROTOCOL.md");
    let (_, table) =
        protocol.split_once("| `error` code | meaning |\n|---|---|\n").expect("a table");
    let told = table.lines().map_while(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(seen, told.map(str::to_owned).collect(), "a code without its cause");
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
