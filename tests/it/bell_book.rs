//! The bell book, as it is read over HTTP.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::http::{get, get_with};
use crate::panel::{COFFEE, LUNCH, Panel};
use crate::raw::{Raw, Response};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// The entries that this query brings.
async fn entries(server: &TestServer, query: &str) -> Vec<Value> {
    let response = get(server, &format!("/bell-book?{query}")).await;
    assert_eq!(response.code, 200, "{response:?}");
    serde_json::from_str(&response.body).expect("one JSON array")
}

/// `POST` of this text.
async fn post(server: &TestServer, path: &str, text: &str) -> Response {
    let (host, length) = (server.authority(), text.len());
    let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let mut raw = Raw::connect(server).await;
    raw.send(format!("{head}Content-Length: {length}\r\n\r\n{text}")).await;
    raw.response().await
}

/// What happened, in order.
fn what(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["what"].as_str().expect("a word")).collect()
}

#[tokio::test]
async fn whatever_a_station_has_heard_is_in_it() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    panel.request(json!({ "type": "name", "name": "Zoë" })).await;
    for order in [LUNCH, LUNCH, COFFEE] {
        server.home.order(&order.to_string());
        panel.expect_order(order).await;
        let seq = panel.order();
        let last = entries(&server, "limit=1").await.pop().expect("an entry");
        assert_eq!((&last["seq"], &last["position"]), (&json!(seq), &json!(order)));
        assert_eq!((&last["by"], &last["since"]), (&json!("file"), &panel.state["order"]["since"]));
    }
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
    let all = entries(&server, "").await;
    assert_eq!(what(&all), ["run", "order", "order", "repeat", "order", "reply"]);
    let reply = &all[5];
    let station = panel.station();
    assert_eq!((&reply["by"], &reply["who"]), (&json!(station), &json!("Zoë")));
    assert_eq!((&reply["at"], &reply["name"]), (&panel.state["reply"]["at"], &json!("COFFEE")));
    assert!(reply["after_ms"].as_u64().is_some_and(|ms| ms < 60_000), "{reply}");
    let since = all[2]["seq"].as_u64().expect("a number");
    assert_eq!(entries(&server, &format!("since={since}")).await, all[3..]);
    assert_eq!(entries(&server, &format!("since={since}&limit=2")).await, all[3..5]);
    assert_eq!(entries(&server, "limit=2").await, all[4..]);
}

#[tokio::test]
async fn whoever_polls_with_one_less_misses_nothing() {
    let setup = Setup::with_status("7\n");
    let home = Arc::clone(&setup.home);
    let mut server = setup.start().await;
    let mut panel = Panel::open(&server).await;
    let old = panel.order();
    server.home.order("8");
    panel.expect_order(LUNCH).await;
    let last = panel.order();
    let known = entries(&server, &format!("since={}", last - 1)).await;
    assert_eq!(what(&known), ["order"]);
    for position in [1, 2] {
        let answer = json!({ "type": "answer", "order": old, "position": position });
        assert_eq!(panel.request(answer).await["code"], "stale");
    }
    assert!(entries(&server, &format!("since={last}")).await.is_empty(), "they have its number");
    let more = entries(&server, &format!("since={}", last - 1)).await;
    assert_eq!(what(&more), ["order", "stale", "stale"]);
    assert_eq!(more[..1], known);
    assert_eq!((&more[1]["to"], &more[2]["position"]), (&json!(old), &json!(2)));
    drop(panel);
    server.stop().await;
    let server = Setup::at(home).start().await;
    let all = entries(&server, &format!("since={}", last - 1)).await;
    assert_eq!(what(&all)[..5], ["order", "stale", "stale", "end", "run"]);
    assert_eq!(all[..3], more);
    assert_eq!(all[3]["seq"], last);
}

#[tokio::test]
async fn strangers_that_storm_leave_the_record_in_it() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    panel.request(json!({ "type": "name", "name": "Zoë" })).await;
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
    let before = entries(&server, "").await;
    assert_eq!(what(&before), ["run", "order", "reply"]);
    // Late answers of a hundred stations, and changed minds on every way in.
    for _ in 0..20 {
        let mut other = Panel::open(&server).await;
        for order in 1..=50 {
            let answer = json!({ "type": "answer", "order": order, "position": 8 });
            assert_eq!(other.request(answer).await["code"], "stale");
        }
    }
    for number in 0..30 {
        let answered = post(&server, "/accept", &format!("mind {number}")).await;
        assert_eq!(answered.code, 200, "{answered:?}");
    }
    let mut text = TestStation::text(&server).await;
    for number in 30..60 {
        text.say(&format!("Accept&mind {number}")).await;
        text.hear_until(&format!("Accepted state: mind {number}")).await;
    }
    panel.hear_until("the last mind", |state| state["reply"]["status"] == "mind 59").await;
    let storm = entries(&server, "").await;
    assert_eq!(storm[..3], before);
    assert!(storm.len() < 40, "{} lines of a storm", storm.len());
    let last = storm.iter().rfind(|entry| entry["what"] == "reply").expect("a reply");
    assert_eq!(last["status"], "mind 59", "whoever has heard a push finds it");
    server.home.order("8");
    panel.hear_until("an order", |state| state["order"]["position"] == LUNCH).await;
    let after = entries(&server, "").await;
    assert_eq!(after.last().expect("a line")["what"], "order");
    let counted = |word| {
        let lines = after.iter().filter(|entry| entry["what"] == word);
        lines.map(|entry| 1 + entry["more"].as_u64().unwrap_or(0)).sum::<u64>()
    };
    assert_eq!(counted("stale"), 1_000, "what is not written is counted");
}

#[tokio::test]
async fn a_spreadsheet_gets_a_table_without_formulas() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    server.home.order("=HYPERLINK(\"http://evil.example\")");
    panel.expect_state().await;
    let by_query = get(&server, "/bell-book?format=csv").await;
    let by_header = get_with(&server, "/bell-book", &[("Accept", "text/csv")]).await;
    assert_eq!(by_query.body, by_header.body);
    assert!(by_query.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")));
    assert!(by_query.body.starts_with("seq,"), "{}", by_query.body);
    assert!(by_query.body.contains("\"'=HYPERLINK("), "{}", by_query.body);
}

#[tokio::test]
async fn without_one_there_is_none() {
    let server = Setup::with_status("7\n").args(["--no-bell-book"]).start().await;
    assert_eq!(get(&server, "/bell-book").await.code, 404);
    assert!(!server.home.file("bell-book.jsonl").exists());
    let ready: Value = serde_json::from_str(&get(&server, "/readyz").await.body).expect("JSON");
    assert_eq!(ready["bell_book"], Value::Null);
    let server = Setup::with_status("7\n").args(["--bell-book", "log.jsonl"]).start().await;
    assert_eq!(what(&entries(&server, "").await), ["run", "order"]);
    assert!(server.home.file("log.jsonl").exists());
}
