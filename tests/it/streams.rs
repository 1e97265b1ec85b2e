//! Streams of events: stations like others, that hear states, farewell, and the newest if they are
//! slow.

use std::fs;

use serde_json::json;

use crate::events::Events;
use crate::http::get_with;
use crate::metrics::expect;
use crate::panel::{COFFEE, LUNCH, Panel};
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

#[tokio::test]
async fn a_stream_hears_what_a_panel_hears_and_the_farewell() {
    let mut server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    let mut events = Events::open(&server, &[]).await;
    let first = events.hear().await;
    assert_eq!((first.name.as_str(), &first.data), ("message", &panel.state));
    for order in [LUNCH, LUNCH] {
        server.home.order(&order.to_string());
        panel.expect_order(order).await;
        let event = events.hear().await;
        assert_eq!((event.id, &event.data), (panel.state["seq"].as_u64(), &panel.state));
    }
    panel.accept(LUNCH).await;
    panel.until_reply(LUNCH).await;
    assert_eq!(events.hear().await.data, panel.state);
    fs::remove_file(server.home.status()).expect("it is there");
    let health = panel.expect_health("missing").await;
    let event = events.hear().await;
    assert_eq!((event.name.as_str(), event.id, &event.data), ("source", None, &health));
    server.signal(rustix::process::Signal::TERM);
    let farewell = events.hear().await;
    assert_eq!((farewell.name.as_str(), farewell.id), ("farewell", None));
    assert_eq!(farewell.data, json!({ "type": "farewell", "reason": "shutdown" }));
    assert_eq!(events.try_hear().await, None, "the stream ends");
    panel.expect_farewell().await;
    server.exits_well_within(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_it_missed() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    let known = panel.state["seq"].to_string();
    let mut missed = Vec::new();
    for order in [LUNCH, COFFEE, LUNCH] {
        server.home.order(&order.to_string());
        panel.expect_order(order).await;
        missed.push(panel.state.clone());
    }
    let header = [("Last-Event-ID", known.as_str())];
    let by_query = Events::at(&server, &format!("/events?since={known}"), &[]).await;
    // A header is newer than what stood in the address.
    let by_both = Events::at(&server, "/events?since=1", &header).await;
    let mut returned = [Events::open(&server, &header).await, by_query, by_both];
    for events in &mut returned {
        for state in &missed {
            assert_eq!(events.hear().await.data, *state);
        }
    }
    server.home.order("7");
    panel.expect_order(COFFEE).await;
    for events in &mut returned {
        assert_eq!(events.hear().await.data, panel.state, "nothing is told twice");
    }
    let mut stale = Events::at(&server, "/events?since=1", &[]).await;
    let gap = stale.hear().await;
    assert_eq!(
        (gap.name.as_str(), &gap.data["from"]),
        ("gap", &json!(2)),
        "of earlier runs nobody knows"
    );
    // A client that does not understand its own number begins anew.
    let mut odd = Events::open(&server, &[("Last-Event-ID", "yesterday")]).await;
    assert_eq!(odd.hear().await.data, panel.state);
}

#[tokio::test]
async fn whoever_has_ended_its_side_hears_on_and_whoever_is_gone_is_missed_at_once() {
    let mut server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    let (mut readers, mut gone) = (Vec::new(), Vec::new());
    for number in 0..6 {
        let mut raw = Raw::connect(&server).await;
        let request = format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", server.authority());
        raw.send(request).await;
        // Before it is a station, and after.
        if number % 2 == 0 {
            raw.response().await;
        }
        raw.say_no_more().await;
        if number < 4 { readers.push(raw) } else { gone.push(raw) }
    }
    expect(&server, "chadburn_stations{wire=\"sse\"}", 6.0).await;
    drop(gone);
    expect(&server, "chadburn_stations{wire=\"sse\"}", 4.0).await;
    server.home.order("8");
    text.expect("8").await;
    server.signal(rustix::process::Signal::TERM);
    for mut raw in readers {
        let heard = String::from_utf8(raw.rest().await).expect("it is text");
        assert!(
            heard.contains(r#""status":"8""#) && heard.contains("\nevent: farewell\n"),
            "{heard}"
        );
    }
    server.exits_well_within(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_slow_stream_gets_the_newest_and_is_told_of_gaps() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let mut slow = Events::over(Raw::narrow(&server).await, &server, "/events", &[]).await;
    let mut latest = slow.hear().await.id.expect("a state has a number");
    // In JSON each of these control characters takes six bytes: more than any buffers hold.
    let bulk = "\u{1}".repeat(2_000);
    server.home.rename_over("accept.eot", &bulk);
    for order in 1..=400 {
        server.home.order_by_rename(&format!("{bulk}{order}"));
        text.expect(&format!("{bulk}{order}")).await;
    }
    let last = format!("{bulk}400");
    let mut gaps = 0;
    loop {
        let event = slow.hear().await;
        let number = |field: &str| event.data[field].as_u64().expect("a number");
        match event.name.as_str() {
            "gap" => {
                assert_eq!(number("from"), latest + 1);
                latest = number("to");
                gaps += 1;
            }
            "message" => {
                assert_eq!(event.id, Some(latest + 1), "nothing is left out without a word");
                latest += 1;
                if event.data["order"]["status"] == last.as_str() {
                    break;
                }
            }
            name => panic!("{name}"),
        }
    }
    assert!(gaps > 0, "this stream was slow");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn streams_are_bounded_like_other_stations() {
    let shell = "ulimit -n 128 && exec \"$0\" \"$@\"";
    let server = Setup::new().by_way_of(["sh", "-c", shell]).start().await;
    let mut panel = Panel::open(&server).await;
    let mut seated = Vec::new();
    let request = format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", server.authority());
    let refusal = loop {
        let mut raw = Raw::connect(&server).await;
        raw.send(&request).await;
        let response = raw.response().await;
        if response.code != 200 {
            break response;
        }
        seated.push(raw);
        assert!(seated.len() < 128, "there are not so many descriptors");
    };
    assert_eq!(refusal.code, 503, "{refusal:?}");
    assert!(seated.len() >= 64, "only {} were seated", seated.len());
    server.home.order("7");
    panel.expect_order(COFFEE).await;
    drop(seated);
    server.home.order("8");
    panel.expect_order(LUNCH).await;
    assert_eq!(get_with(&server, "/livez", &[]).await.code, 200, "there are seats again");
}
