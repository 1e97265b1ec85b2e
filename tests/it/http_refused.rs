//! What each route refuses, one table for all: with which status, and in a form that a program reads.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::raw::{Raw, Response};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;
use testkit::frames::KEY;

/// A request in JSON.
const JSON: &[&str] = &["Content-Type: application/json"];

/// What curl says of whatever `-d` brings.
const FORM: &[&str] = &["Content-Type: application/x-www-form-urlencoded"];

/// Sends a request with this line, these headers and this body.
async fn send(server: &TestServer, line: &str, headers: &[&str], body: &[u8]) -> Response {
    let host = format!("Host: {}", server.authority());
    let length = format!("Content-Length: {}", body.len());
    let first = format!("{line} HTTP/1.1");
    let mut lines = vec![first.as_str(), "Connection: close"];
    if !headers.iter().any(|header| header.starts_with("Host")) {
        lines.push(&host);
    }
    if !body.is_empty() {
        lines.push(&length);
    }
    lines.extend(headers);
    let head = format!("{}\r\n\r\n", lines.join("\r\n"));
    let mut raw = Raw::connect(server).await;
    raw.send([head.as_bytes(), body].concat()).await;
    raw.response().await
}

/// Asserts that this is refused with a problem of this status and, if there is one, this code.
async fn assert_refused(
    server: &TestServer,
    (line, headers, body): (&str, &[&str], &[u8]),
    (status, code): (u16, &str),
) -> Response {
    let response = send(server, line, headers, body).await;
    let what = format!("{line} {headers:?} {}", String::from_utf8_lossy(body));
    assert_eq!(response.code, status, "{what}: {response:?}");
    if line.starts_with("HEAD") {
        return response;
    }
    let kind = response.header("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{what}: {response:?}");
    let problem: Value = serde_json::from_str(&response.body).expect("JSON");
    assert_eq!(problem["status"], status, "{what}: {problem}");
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{what}: {problem}");
    assert_eq!(problem["code"].as_str().unwrap_or_default(), code, "{what}: {problem}");
    response
}

/// A server with the order COFFEE that takes orders from anybody, so that nothing is refused but
/// for its form.
async fn server() -> TestServer {
    Setup::with_status("7\n").args(["--allow-orders", "any"]).start().await
}

/// That nothing of all this has moved anything.
async fn assert_unmoved(server: &TestServer) {
    let status = std::fs::read(server.home.status()).expect("it is there");
    assert_eq!((status.as_slice(), server.home.reply()), (&b"7\n"[..], None));
    TestStation::text(server).await.expect_nothing_yet().await;
}

/// Every route, a method that it takes, and one that it does not.
const ROUTES: [(&str, &str, &str); 10] = [
    ("/", "GET", "POST"),
    ("/static/main.js", "GET", "PUT"),
    ("/favicon.ico", "GET", "DELETE"),
    ("/status", "PUT", "POST"),
    ("/accept", "POST", "GET"),
    ("/events", "GET", "POST"),
    ("/bell-book", "GET", "DELETE"),
    ("/metrics", "GET", "POST"),
    ("/livez", "GET", "PATCH"),
    ("/readyz", "GET", "PUT"),
];

#[tokio::test]
async fn another_method_is_told_which_ones_there_are() {
    let server = server().await;
    for (path, right, wrong) in ROUTES {
        let line = format!("{wrong} {path}");
        let response = assert_refused(&server, (&line, &[], b""), (405, "")).await;
        let allow = response.header("allow").unwrap_or_default();
        assert!(allow.split(',').any(|method| method.trim() == right), "{line}: {allow:?}");
        assert!(!allow.contains(wrong), "{line}: {allow:?}");
    }
    assert_refused(&server, ("GET /nowhere", &[], b""), (404, "")).await;
    assert_refused(&server, ("GET /static/nowhere.js", &[], b""), (404, "")).await;
    assert_unmoved(&server).await;

    let protocol = include_str!("../../PROTOCOL.md");
    let (_, table) = protocol.split_once("| route | |\n|---|---|\n").expect("a table of routes");
    let cells = table.lines().map_while(|line| line.strip_prefix("| `")?.split(" | ").next());
    let told: BTreeSet<&str> = cells
        .flat_map(|cell| cell.split('`'))
        .filter_map(|word| word.rsplit(' ').next().filter(|path| path.starts_with('/')))
        .filter(|path| *path != "/websocket")
        .map(|path| if path == "/static/…" { "/static/main.js" } else { path })
        .collect();
    assert_eq!(told, ROUTES.iter().map(|(path, ..)| *path).collect(), "a route is not tried");
}

#[tokio::test]
async fn whoever_names_another_host_or_comes_from_elsewhere_is_refused_everywhere() {
    let server = server().await;
    let host = format!("Host: {}", server.authority());
    for (path, method, _) in ROUTES.into_iter().chain([("/websocket", "GET", "")]) {
        let line = format!("{method} {path}");
        for (headers, status) in [
            (&["Host: evil.example"][..], 421),
            (&["Host: "], 400),
            (&["Host: a b"], 400),
            (&[&host, &host], 400),
            (&[&host, "Origin: http://evil.example"], 403),
            (&[&host, "Origin: null"], 403),
        ] {
            assert_refused(&server, (&line, headers, b""), (status, "")).await;
        }
    }
    assert_unmoved(&server).await;
}

#[tokio::test]
async fn a_query_that_cannot_be_meant_is_refused() {
    let server = server().await;
    for line in [
        "GET /status?format=xml",
        "GET /events?since=x",
        "GET /events?since=-1",
        "GET /bell-book?since=x",
        "GET /bell-book?since=1.5",
        "GET /bell-book?limit=0",
        "GET /bell-book?limit=10001",
        "GET /bell-book?limit=x",
        "GET /bell-book?format=xml",
    ] {
        assert_refused(&server, (line, &[], b""), (400, "")).await;
    }
}

#[tokio::test]
async fn a_handshake_that_is_none_is_refused() {
    let server = server().await;
    let key = format!("Sec-WebSocket-Key: {KEY}");
    let good = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", &key];
    let json = [&good[..], &["Sec-WebSocket-Protocol: chadburn.v1"]].concat();
    let but = |missing: usize| -> Vec<&str> {
        let others = good.iter().enumerate().filter(|(index, _)| *index != missing);
        others.map(|(_, line)| *line).collect()
    };
    for (line, headers, status) in [
        ("GET /websocket", Vec::new(), 426),
        ("GET /websocket", but(0), 426),
        ("GET /websocket", but(2), 426),
        ("GET /websocket", but(3), 400),
        ("POST /websocket", good.to_vec(), 405),
        ("GET /websocket?resume=short", json.clone(), 400),
        ("GET /websocket?resume=with%20blanks%20in%20it", json.clone(), 400),
        ("GET /websocket?since=x", json.clone(), 400),
        ("GET /websocket?since=", json.clone(), 400),
    ] {
        assert_refused(&server, (line, &headers, b""), (status, "")).await;
    }
    for (line, body) in [("GET /websocket", b"x"), ("GET /events", b"x")] {
        assert_refused(&server, (line, &json, body), (400, "")).await;
    }
}

#[tokio::test]
async fn a_body_that_is_no_order_is_refused() {
    let server = server().await;
    let (long, huge) = ("x".repeat(4_097), "x".repeat(8_193));
    for (headers, body, status, code) in [
        (FORM, &b""[..], 400, "bad_status"),
        (FORM, b" \r\n\t", 400, "bad_status"),
        (FORM, long.as_bytes(), 400, "bad_status"),
        (FORM, huge.as_bytes(), 413, ""),
        (FORM, b"\xe4", 400, ""),
        (JSON, b"", 400, "bad_status"),
        (JSON, b"\"\"", 400, "bad_status"),
        (JSON, b"{", 400, "bad_json"),
        (JSON, b"8 9", 400, "bad_json"),
        (JSON, b"8", 400, "bad_message"),
        (JSON, b"null", 400, "bad_message"),
        (JSON, b"[\"8\"]", 400, "bad_message"),
        (JSON, b"{}", 400, "bad_message"),
        (JSON, b"{\"status\":8}", 400, "bad_message"),
        (JSON, b"{\"status\":null}", 400, "bad_message"),
        (JSON, b"{\"status\":\"8\",\"name\":8}", 400, "bad_message"),
        (JSON, b"{\"status\":\"8\",\"name\":\"a\\u0007\"}", 400, "bad_name"),
        (&["Content-Type: multipart/form-data; boundary=x"], b"--x--", 415, ""),
        (&["Content-Encoding: gzip"], b"8", 415, ""),
    ] {
        assert_refused(&server, ("PUT /status", headers, body), (status, code)).await;
    }
    assert_unmoved(&server).await;
    let closed = Setup::with_status("7\n").start().await;
    assert_refused(&closed, ("PUT /status", FORM, b"8"), (403, "refused")).await;
    assert_unmoved(&closed).await;
}

#[tokio::test]
async fn a_body_that_is_no_answer_is_refused() {
    let server = server().await;
    let (long, huge) = ("x".repeat(65), "x".repeat(8_193));
    for (headers, body, status, code) in [
        (FORM, &b" "[..], 400, "bad_state"),
        (FORM, long.as_bytes(), 400, "bad_state"),
        (FORM, "käse".as_bytes(), 400, "bad_state"),
        (FORM, huge.as_bytes(), 413, ""),
        (FORM, b"\xe4", 400, ""),
        (JSON, b"\"\"", 400, "bad_state"),
        (JSON, b"{", 400, "bad_json"),
        (JSON, b"7", 400, "bad_message"),
        (JSON, b"null", 400, "bad_message"),
        (JSON, b"[7]", 400, "bad_message"),
        (JSON, b"{\"position\":\"7\"}", 400, "bad_message"),
        (JSON, b"{\"position\":1.5}", 400, "bad_message"),
        (JSON, b"{\"position\":7,\"status\":\"7\"}", 400, "bad_message"),
        (JSON, b"{\"order\":-1}", 400, "bad_message"),
        (JSON, b"{\"order\":\"7\"}", 400, "bad_message"),
        (JSON, b"{\"coming\":\"yes\"}", 400, "bad_message"),
        (JSON, b"{\"coming\":true,\"status\":\"on it\"}", 400, "bad_message"),
        (JSON, b"{\"status\":7}", 400, "bad_message"),
        (JSON, b"{\"name\":\" \"}", 400, "bad_name"),
        (JSON, b"{\"position\":12}", 422, "no_position"),
        (JSON, b"{\"position\":25}", 422, "no_position"),
        (JSON, b"{\"order\":1}", 409, "stale"),
        (&["Content-Type: multipart/form-data; boundary=x"], b"--x--", 415, ""),
        (&["Content-Encoding: gzip"], b"7", 415, ""),
    ] {
        assert_refused(&server, ("POST /accept", headers, body), (status, code)).await;
    }
    assert_unmoved(&server).await;
    let empty = Setup::without_status().start().await;
    assert_refused(&empty, ("POST /accept", JSON, b"{}"), (409, "no_order")).await;
    assert_refused(&empty, ("GET /status?format=text", &[], b""), (503, "")).await;
}

#[tokio::test]
async fn whoever_has_no_token_is_told_how_to_give_it() {
    let setup = Setup::with_status("7\n");
    setup.home.write("token", "brass\n");
    let setup = setup.args(["--token-file", "token", "--allow-orders", "any"]);
    let server = setup.start().await;
    for line in ["PUT /status", "POST /accept"] {
        let none = assert_refused(&server, (line, FORM, b"8"), (401, "token_required")).await;
        assert_eq!(none.header("www-authenticate"), Some("Bearer realm=\"chadburn\""));
        let wrong = &["Authorization: Bearer tin"];
        let other = assert_refused(&server, (line, wrong, b"8"), (401, "bad_token")).await;
        let challenge = other.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains("invalid_token"), "{challenge}");
    }
    assert_unmoved(&server).await;
}
