//! HTTP beside the WebSocket: the panel, health, headers, and requests that mean no good.

use std::fs;

use crate::http::{await_readiness, get, get_with};
use crate::raw::{Raw, Response};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// What stands in files that no request may bring to light.
const SECRET: &str = "nobody must read this";

/// The response to these bytes, if the server has one.
async fn answer_to(server: &TestServer, request: impl AsRef<[u8]>) -> Option<Response> {
    let mut raw = Raw::connect(server).await;
    raw.try_send(request).await;
    raw.try_response().await
}

#[tokio::test]
async fn the_panel_is_served() {
    let server = TestServer::start().await;
    let page = get(&server, "/").await;
    assert_eq!(page.code, 200);
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    assert!(page.body.to_ascii_lowercase().contains("<!doctype html>"), "{}", page.body);
    // Everything the page asks for by itself is there.
    for (attribute, end) in [("src=\"", '"'), ("href=\"", '"')] {
        for reference in page.body.split(attribute).skip(1) {
            let path = reference.split(end).next().unwrap_or_default();
            if !path.contains(':') && !path.starts_with('#') {
                let path = format!("/{}", path.trim_start_matches('/'));
                assert_eq!(get(&server, &path).await.code, 200, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn every_response_has_the_headers_that_protect_it() {
    let server = TestServer::start().await;
    for path in ["/", "/livez", "/readyz", "/nowhere", "/static/nothing.js", "/websocket"] {
        let response = get(&server, path).await;
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
        let framing = response.header("x-frame-options").map(str::to_ascii_uppercase);
        let policy = response.header("content-security-policy").unwrap_or_default();
        assert!(
            matches!(framing.as_deref(), Some("DENY" | "SAMEORIGIN"))
                || policy.contains("frame-ancestors"),
            "{path}: {response:?}"
        );
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_client_errors() {
    let server = TestServer::start().await;
    for path in ["/nowhere", "/static/nothing.js", "/static/", "/static", "/status.eot", "/PANEL"] {
        assert_eq!(get(&server, path).await.code, 404, "{path}");
    }
    for method in ["DELETE", "PATCH", "TRACE", "CONNECT", "BREW"] {
        let request = format!("{method} / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = answer_to(&server, request).await;
        let code = response.map(|response| response.code);
        assert!(code.is_none_or(|code| (400..600).contains(&code)), "{method}: {code:?}");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(&server).await;
    raw.send("HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let head = raw.rest().await;
    let head = String::from_utf8_lossy(&head);
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn health_is_told_over_http() {
    let server = TestServer::start().await;
    assert_eq!(get(&server, "/livez").await.code, 200);
    await_readiness(&server, 200).await;
    let server = Setup::without_status().start().await;
    assert_eq!(get(&server, "/livez").await.code, 200, "it lives");
    let response = get(&server, "/readyz").await;
    assert_eq!(response.code, 503, "there is nothing to serve");
    assert!(response.body.contains("status.eot"), "it says what is missing: {response:?}");
}

#[tokio::test]
async fn no_spelling_of_a_path_leaves_the_panels_directory() {
    let setup = Setup::new();
    let home = setup.home.clone();
    home.write("secret", SECRET);
    fs::create_dir_all(home.file("panel/static/deep")).expect("directories can be made");
    home.write("panel/panel.html", "<!doctype html><title>own</title>");
    home.write("panel/static/own.js", "export {};");
    home.write("panel/secret", SECRET);
    let server = setup.args(["--assets", "panel"]).start().await;
    let builtin = TestServer::start().await;
    builtin.home.write("secret", SECRET);
    assert_eq!(get(&server, "/static/own.js").await.body, "export {};");
    assert!(get(&server, "/").await.body.contains("<title>own</title>"));
    let absolute = home.file("secret");
    let absolute = absolute.display();
    for path in [
        "/../secret",
        "/../../secret",
        "/secret",
        "/./secret",
        "//secret",
        "/static/../secret",
        "/static/../../secret",
        "/static/deep/../../secret",
        "/static/..//secret",
        "/static//../secret",
        "/static/.../secret",
        "/static/%2e%2e/secret",
        "/static/%2E%2E/secret",
        "/static/.%2e/secret",
        "/static/%2e%2e%2fsecret",
        "/static/..%2fsecret",
        "/static/..%2Fsecret",
        "/static/..%5csecret",
        "/static/..\\secret",
        "/static/%252e%252e/secret",
        "/static/%252e%252e%252fsecret",
        "/static/%c0%ae%c0%ae/secret",
        "/static/%c0%ae%c0%ae%c0%afsecret",
        "/static/..%00/secret",
        "/static/own.js/../../secret",
        "/static/..;/secret",
        "/static/%2e%2e%5c%2e%2e%5csecret",
        "/static/~/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "http://localhost/../secret",
        "http://localhost/static/../secret",
        &format!("/static/{absolute}"),
        &format!("/static//{absolute}"),
        &format!("/static/%2f{}", absolute.to_string().replace('/', "%2f")),
        &format!("file://{absolute}"),
    ] {
        for server in [&server, &builtin] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            if let Some(response) = answer_to(server, request).await {
                assert!((300..500).contains(&response.code), "{path}: {response:?}");
                assert!(!response.body.contains(SECRET), "{path}: {response:?}");
            }
        }
    }
}

#[tokio::test]
async fn huge_headers_are_refused() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let huge = "x".repeat(1 << 20);
    let many = "A: b\r\n".repeat(20_000);
    for (name, head) in [
        ("one huge header", format!("X-Huge: {huge}\r\n")),
        ("a huge name", format!("{huge}: x\r\n")),
        ("very many headers", many),
        ("a huge cookie", format!("Cookie: {}\r\n", "x".repeat(40_000))),
    ] {
        for start in ["GET / HTTP/1.1", "GET /websocket HTTP/1.1"] {
            let request = format!("{start}\r\nHost: localhost\r\n{head}\r\n");
            // The server may have had enough, and reset the connection, before it can say so.
            if let Some(response) = answer_to(&server, request).await {
                assert!([400, 431].contains(&response.code), "{name}: {response:?}");
            }
        }
    }
    let path = format!("GET /{huge} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if let Some(response) = answer_to(&server, path).await {
        assert!([400, 414, 431].contains(&response.code), "a huge path: {response:?}");
    }
    witness.expect_nothing_yet().await;
}

#[tokio::test]
async fn ordinary_headers_are_not_refused() {
    let server = TestServer::start().await;
    let cookie = "x".repeat(8_000);
    assert_eq!(get_with(&server, "/livez", &[("Cookie", &cookie)]).await.code, 200);
}

#[tokio::test]
async fn huge_and_endless_bodies_are_not_taken_in() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    for path in ["/", "/websocket", "/livez", "/nowhere"] {
        for head in ["Content-Length: 1099511627776", "Transfer-Encoding: chunked"] {
            let mut raw = Raw::connect(&server).await;
            let request = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n");
            raw.send(request).await;
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            // At most 16 MiB, for as long as the server wants them.
            for _ in 0..256 {
                let sent = raw.stream.try_write(chunk.as_bytes());
                match sent {
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(_) => break,
                }
            }
            if let Some(response) = raw.try_response().await {
                assert!((400..500).contains(&response.code), "{path}: {response:?}");
            }
        }
    }
    witness.expect_nothing_yet().await;
    #[cfg(target_os = "linux")]
    assert!(server.peak_memory() < 100 << 10, "{} KiB", server.peak_memory());
}

#[tokio::test]
async fn requests_that_smuggle_are_refused() {
    let server = TestServer::start().await;
    for head in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: -1",
        "Content-Length: 1x",
        "Transfer-Encoding: gzip",
        " Folded: header",
        "Bad Name: x",
        "Evil: a\rb",
        "Evil: a\0b",
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n0\r\n\r\n");
        if let Some(response) = answer_to(&server, request).await {
            assert!((400..500).contains(&response.code), "{head:?}: {response:?}");
        }
    }
}
