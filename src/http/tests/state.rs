//! What programs are told: `/status`, `/livez`, `/readyz`.

use super::*;

#[tokio::test]
async fn the_status_is_a_state_object_or_the_bare_text() {
    let room = TestRoom::open().await;
    let answer = room.get("/status").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["seq"], 7);
    let plain = ["GET /status HTTP/1.1", "Host: eot", "Accept: text/plain"];
    for answer in [room.get("/status?format=text").await, room.ask(&plain).await] {
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.text(), "COFFEE\n");
    }
    room.get("/status?format=xml").await.problem(400);
    let plain = ["GET /status?format=json HTTP/1.1", "Host: eot", "Accept: text/plain"];
    assert_eq!(room.ask(&plain).await.json()["seq"], 7);
}

#[tokio::test]
async fn the_status_is_the_newest() {
    let room = TestRoom::open().await;
    room.say(|snapshot| snapshot.status = Some("LUNCH".into()));
    assert_eq!(room.get("/status?format=text").await.text(), "LUNCH\n");
    room.say(|snapshot| snapshot.status = None);
    room.get("/status?format=text").await.problem(503);
    assert_eq!(room.get("/status").await.status, 200);
    room.say(|snapshot| snapshot.state = "".into());
    assert!(!room.get("/status").await.problem(503).is_empty());
}

#[tokio::test]
async fn head_says_what_get_would() {
    let room = TestRoom::open().await;
    for path in ["/", "/static/main.js", "/status", "/livez", "/readyz"] {
        let mut caller = room.call().await;
        let line = format!("HEAD {path} HTTP/1.1");
        let head = caller.ask(&[&line, "Host: eot"]).await;
        let get = caller.ask(&[&line.replace("HEAD", "GET"), "Host: eot"]).await;
        assert_eq!(head.status, 200, "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        assert_eq!(get.header("content-length"), get.body.len().to_string(), "{path}");
    }
}

#[tokio::test]
async fn the_process_lives_while_the_hub_turns() {
    let room = TestRoom::open().await;
    let answer = room.get("/livez").await;
    assert_eq!((answer.status, answer.text()), (200, "ok\n"));
    room.alive.store(false, Ordering::Relaxed);
    room.get("/livez").await.problem(503);
    assert!(room.get("/readyz").await.problem(503).contains("hub"));
}

#[tokio::test]
async fn it_is_ready_when_both_files_are_well() {
    let room = TestRoom::open().await;
    let answer = room.get("/readyz").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["ready"], true);
    assert_eq!(answer.json()["status_file"]["health"], "ok");
    room.say(|snapshot| {
        let detail = "permission denied".into();
        snapshot.status_file = Some(Health { state: Condition::Unreadable, detail, ..healthy() });
        snapshot.accept_file = None;
    });
    let answer = room.get("/readyz").await;
    let detail = answer.problem(503);
    assert_eq!(detail, "status file: permission denied; accept file: not read yet");
    assert_eq!(answer.json()["ready"], false);
    assert_eq!(answer.json()["status_file"]["health"], "unreadable");
    room.say(|now| *now = Snapshot { closing: true, ..snapshot() });
    assert!(room.get("/readyz").await.problem(503).contains("shutting down"));
}

#[tokio::test]
async fn a_book_that_is_not_written_is_told_and_turns_nobody_away() {
    let room = TestRoom::open().await;
    assert_eq!(room.get("/readyz").await.json()["bell_book"], serde_json::Value::Null);
    room.say(|snapshot| {
        let detail = "no space left on device".into();
        snapshot.book = Some(Health { state: Condition::Unwritable, detail, ..healthy() });
    });
    let book = serde_json::json!({"health": "unwritable", "detail": "no space left on device"});
    let answer = room.get("/readyz").await;
    assert_eq!((answer.status, &answer.json()["bell_book"]), (200, &book));
    room.say(|snapshot| snapshot.status_file = None);
    let answer = room.get("/readyz").await;
    assert_eq!(answer.problem(503), "status file: not read yet");
    assert_eq!(answer.json()["bell_book"], book);
}

#[tokio::test]
async fn what_is_counted_can_be_scraped() {
    let room = TestRoom::with(embedded(), 1).await;
    let mut caller = room.call().await;
    for (path, status) in [("/livez", 200), ("/nothing", 404), ("/", 200)] {
        let answer = caller.ask(&[&format!("GET {path} HTTP/1.1"), "Host: eot"]).await;
        assert_eq!(answer.status, status);
    }
    // Whoever has begun to ask does not rest.
    caller.say("GET /metrics HTTP/1.1\r\n").await;
    assert_eq!(room.get("/livez").await.status, 503, "there is one seat");
    let page = caller.ask(&["Host: eot"]).await;
    assert_eq!(page.header("content-type"), crate::metrics::TEXT);
    assert!(page.header("vary").starts_with("Accept"), "{page:?}");
    assert_eq!(page.header("cache-control"), "no-store");
    for line in [
        "chadburn_http_requests_total{class=\"2xx\"} 2\n",
        "chadburn_http_requests_total{class=\"4xx\"} 1\n",
        "chadburn_refused_connections_total 1\n",
    ] {
        assert!(page.text().contains(line), "{line} in {}", page.text());
    }
}

#[tokio::test]
async fn the_form_of_the_figures_is_the_one_that_is_wanted_most() {
    use crate::metrics::{OPENMETRICS, TEXT};
    let room = TestRoom::open().await;
    // What Prometheus sends since its second and its third version.
    let second =
        "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let third = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
        application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;\
        escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1";
    for (accept, kind) in [
        (second, OPENMETRICS),
        (third, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.1", OPENMETRICS),
        ("text/plain;version=0.0.4, application/openmetrics-text;q=0.9", TEXT),
        ("application/openmetrics-text;q=0, */*", TEXT),
        ("application/openmetrics-text;version=2.0.0, text/plain;q=0.1", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("*/*", TEXT),
        ("image/png", TEXT),
    ] {
        let accept = format!("Accept: {accept}");
        let page = room.ask(&["GET /metrics HTTP/1.1", "Host: eot", &accept]).await;
        assert_eq!(page.header("content-type"), kind, "{accept}");
        assert_eq!(page.text().ends_with("# EOF\n"), kind == OPENMETRICS, "{accept}");
        assert!(page.text().contains("\nchadburn_orders_total 0\n"), "{accept}");
    }
}
