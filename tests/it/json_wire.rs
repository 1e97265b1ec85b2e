//! What the server says on the JSON wire, in the shapes that the fixtures fix.

use serde_json::{Value, json};

use crate::panel::{COFFEE, Panel, SUBPROTOCOL};
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::{CONNECTED, TestStation};
use testkit::frames::handshake;

/// One of each message, which server and panel agree on.
const FIXTURES: &str = include_str!("../fixtures/chadburn.v1.json");

/// The default dial, as DESIGN fixes it.
const DIAL: [(&str, Option<&str>); 11] = [
    ("FULL", Some("MANDATE")),
    ("HALF", Some("MANDATE")),
    ("SLOW", Some("MANDATE")),
    ("REVERSE", Some("MANDATE")),
    ("NEXT", Some("MANDATE")),
    ("STOP", None),
    ("COFFEE", Some("SCIENCING")),
    ("LUNCH", Some("SCIENCING")),
    ("ENGINE WORKING WRONG", Some("SCIENCING")),
    ("SIWOTI", Some("SCIENCING")),
    ("BATTLE STATIONS", Some("SCIENCING")),
];

/// The fixture with this name.
pub(crate) fn fixture(name: &str) -> Value {
    let all: Value = serde_json::from_str(FIXTURES).expect("the fixtures are JSON");
    let messages = all["server"].as_array().expect("the server says several things");
    let found = messages.iter().find(|fixture| fixture["name"] == name);
    found.expect("there is such a fixture")["message"].clone()
}

/// Holds a message to the fields and kinds of a fixture. Null stands for anything.
pub(crate) fn assert_shape(message: &Value, fixture: &Value) {
    match (message, fixture) {
        (Value::Object(message), Value::Object(fixture)) => {
            let fields = |object: &serde_json::Map<String, Value>| {
                object.keys().cloned().collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(fields(message), fields(fixture));
            for (name, value) in message {
                assert_shape(value, &fixture[name]);
            }
        }
        (Value::Array(message), Value::Array(fixture)) => {
            for value in message {
                assert_shape(value, &fixture[0]);
            }
        }
        (_, Value::Null) | (Value::Null, _) => {}
        _ => assert_eq!(
            std::mem::discriminant(message),
            std::mem::discriminant(fixture),
            "{message} is of another kind than {fixture}"
        ),
    }
}

#[tokio::test]
async fn a_panel_is_welcomed_and_told_the_state() {
    let server = TestServer::with_status("coffee\n").await;
    let panel = Panel::open(&server).await;
    assert_shape(&panel.welcome, &fixture("welcome"));
    assert_shape(&panel.state, &fixture("state with the bell ringing"));
    let order = &panel.state["order"];
    assert_eq!(
        (&order["status"], &order["position"], &order["name"]),
        (&json!("coffee"), &json!(COFFEE), &json!("COFFEE"))
    );
    assert_eq!(panel.state["reply"], Value::Null);
    assert_eq!(panel.state["source"]["health"], "ok");
    assert_eq!(panel.state["source"]["detail"], "");
    assert!(panel.bell(), "nobody has answered");
}

#[tokio::test]
async fn the_default_dial_has_eleven_positions() {
    let server = TestServer::start().await;
    let dial = Panel::open(&server).await.welcome["dial"].clone();
    let positions = dial["positions"].as_array().expect("the dial has positions").clone();
    let expected = DIAL.iter().zip(1_u8..);
    let expected: Vec<_> = expected
        .map(|((name, arc), position)| json!({ "position": position, "name": name, "arc": arc }))
        .collect();
    assert_eq!(positions, expected);
}

#[tokio::test]
async fn a_state_before_the_first_order_has_none() {
    let server = Setup::without_status().start().await;
    let mut panel = Panel::open(&server).await;
    assert_shape(&panel.state, &fixture("state before the first order"));
    assert_eq!(panel.state["order"], Value::Null);
    assert_eq!(panel.state["source"]["health"], "missing");
    assert!(!panel.bell(), "there is nothing to answer");
    let outcome = panel.request(json!({ "type": "answer", "order": 1 })).await;
    assert_eq!((&outcome["type"], &outcome["code"]), (&json!("error"), &json!("no_order")));
}

#[tokio::test]
async fn every_station_has_an_id_of_its_own() {
    let server = TestServer::start().await;
    let one = Panel::open(&server).await.station();
    let other = Panel::open(&server).await.station();
    assert_ne!(one, other);
    for id in [&one, &other] {
        assert_eq!(id.len(), 36, "{id} is a uuid");
        assert!(id.chars().all(|c| c == '-' || c.is_ascii_hexdigit()), "{id} is a uuid");
    }
}

#[tokio::test]
async fn a_text_is_a_position_only_as_its_plain_number_or_its_name() {
    let server = TestServer::start().await;
    let mut panel = Panel::open(&server).await;
    let texts = [
        ("7", Some(7)),
        ("07", None),
        ("COFFEE", Some(7)),
        ("+7", None),
        ("cOfFeE", Some(7)),
        ("7.0", None),
        ("engine working wrong", Some(9)),
        ("0", None),
        ("11", Some(11)),
        ("12", None),
        ("Battle Stations", Some(11)),
        ("coffees", None),
        ("  7", Some(7)),
        (" 07", None),
        ("\tcoffee", Some(7)),
    ];
    for (text, position) in texts {
        server.home.order_by_rename(text);
        let state = panel.expect_state().await;
        assert_eq!(state["order"]["status"], text);
        assert_eq!(state["order"]["position"], json!(position), "{text:?}");
        let name = position.map(|position: usize| DIAL[position - 1].0);
        assert_eq!(state["order"]["name"], json!(name), "{text:?}");
    }
}

#[tokio::test]
async fn the_console_says_what_the_text_wire_says() {
    let server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    for command in ["base", "file", "status", "hello", "", "Accept&", "Shutdown", "Accept&8"] {
        let line = text.ask(command).await;
        panel.say(&json!({ "type": "console", "command": command, "id": command })).await;
        let is = |message: &Value| message["type"] != "state";
        let first = panel.hear_until("the console's answer", is).await;
        if first["type"] == "error" {
            assert_eq!(first["message"], line, "a refusal is said in the same words");
        } else {
            assert_eq!(first, json!({ "type": "console", "text": line }));
            let last = panel.hear_until("the console's ok", is).await;
            assert_eq!(last, json!({ "type": "ok", "id": command }));
        }
    }
    assert_eq!(panel.request(json!({ "type": "console", "command": "x&y" })).await["type"], "ok");
    assert_eq!(server.home.reply().as_deref(), Some("8\n"));
}

#[tokio::test]
async fn the_subprotocol_is_chosen_among_several() {
    let server = TestServer::start().await;
    for offer in ["chadburn.v1", "soap, chadburn.v1", "chadburn.v1,mqtt"] {
        let offer = (SUBPROTOCOL.0, offer);
        let mut raw = Raw::connect(&server).await;
        raw.send(handshake(&server.authority(), &[offer])).await;
        let response = raw.response().await;
        assert_eq!(response.header("sec-websocket-protocol"), Some("chadburn.v1"), "{offer:?}");
        let (_, welcome) = raw.frame().await.expect("a welcome comes");
        assert!(welcome.starts_with(b"{"), "{:?}", String::from_utf8_lossy(&welcome));
    }
    let mut text = TestStation::connect(&server, &[]).await;
    assert_eq!(text.response.headers().get("sec-websocket-protocol"), None);
    text.expect(CONNECTED).await;
}

#[tokio::test]
async fn what_a_panel_may_do_depends_on_the_server() {
    let may = |panel: &Panel| panel.welcome["may"].clone();
    let server = TestServer::start().await;
    assert_eq!(may(&Panel::open(&server).await), json!({ "order": false, "shutdown": true }));
    let server = Setup::new().args(["--allow-shutdown", "never"]).start().await;
    assert_eq!(may(&Panel::open(&server).await), json!({ "order": false, "shutdown": false }));
}

#[tokio::test]
async fn a_dial_of_ones_own_is_told_and_counts() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dial.example.toml");
    let server = Setup::with_status("1\n").args(["--dial", example]).start().await;
    let panel = Panel::open(&server).await;
    assert_shape(&panel.welcome, &fixture("welcome"));
    let first = &panel.welcome["dial"]["positions"][0];
    assert_ne!(first["name"], "FULL", "it is not the default dial");
    assert_eq!(panel.state["order"]["name"], first["name"]);
}
