//! The WebSocket handshake: what opens a conversation, and what is refused with a plain answer.

use crate::raw::{Raw, Response};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;
use testkit::frames::{self as bytes, ACCEPT, KEY, handshake};

/// The response to these bytes on a fresh connection.
async fn response_to(server: &TestServer, request: impl AsRef<[u8]>) -> Response {
    let mut raw = Raw::connect(server).await;
    raw.send(request).await;
    raw.response().await
}

/// The response to a good handshake with one line of it replaced.
async fn response_to_defect(server: &TestServer, line: &str, instead: &str) -> Response {
    let request = handshake(&server.authority(), &[]);
    assert!(request.contains(line), "{line:?} is in no handshake");
    response_to(server, request.replace(line, instead)).await
}

#[tokio::test]
async fn each_defect_is_a_client_error() {
    let server = TestServer::start().await;
    let short_key = format!("Sec-WebSocket-Key: {}\r\n", &KEY[..12]);
    let no_key = "Sec-WebSocket-Key: not base64 at all!!\r\n";
    let key = &format!("Sec-WebSocket-Key: {KEY}\r\n");
    let version = "Sec-WebSocket-Version: 13\r\n";
    let defects = [
        ("no Upgrade", "Upgrade: websocket\r\n", ""),
        ("another Upgrade", "Upgrade: websocket\r\n", "Upgrade: h2c\r\n"),
        ("no Connection", "Connection: Upgrade\r\n", ""),
        ("another Connection", "Connection: Upgrade\r\n", "Connection: keep-alive\r\n"),
        ("no key", key, ""),
        ("an empty key", key, "Sec-WebSocket-Key:\r\n"),
        ("a short key", key, &short_key),
        ("a key that is none", key, no_key),
        ("no version", version, ""),
        ("an old version", version, "Sec-WebSocket-Version: 8\r\n"),
        ("a version to come", version, "Sec-WebSocket-Version: 14\r\n"),
        ("a version in words", version, "Sec-WebSocket-Version: thirteen\r\n"),
        ("POST", "GET /websocket", "POST /websocket"),
        ("PUT", "GET /websocket", "PUT /websocket"),
        ("another path", "GET /websocket", "GET /websockets"),
        ("no Host", "Host: ", "X-Host: "),
        ("a Host that is none", "Host: ", "Host: a b/"),
        ("two Hosts", "Host: ", "Host: localhost\r\nHost: "),
    ];
    for (name, line, instead) in defects {
        let response = response_to_defect(&server, line, instead).await;
        assert!((400..500).contains(&response.code), "{name}: {response:?}");
    }
    TestStation::text(&server).await.expect_nothing_yet().await;
}

#[tokio::test]
async fn another_version_is_told_which_one_is_spoken() {
    let server = TestServer::start().await;
    let line = "Sec-WebSocket-Version: 13";
    let response = response_to_defect(&server, line, "Sec-WebSocket-Version: 8").await;
    assert_eq!(response.code, 426, "RFC 6455, 4.4");
    assert_eq!(response.header("sec-websocket-version"), Some("13"));
}

#[tokio::test]
async fn a_plain_get_of_the_websocket_is_a_client_error() {
    let server = TestServer::start().await;
    let response = crate::http::get(&server, "/websocket").await;
    assert!((400..500).contains(&response.code), "{response:?}");
}

#[tokio::test]
async fn http_1_0_has_no_websockets() {
    let server = TestServer::start().await;
    let response = response_to_defect(&server, "HTTP/1.1", "HTTP/1.0").await;
    assert!((400..500).contains(&response.code), "{response:?}");
}

#[tokio::test]
async fn the_spellings_of_browsers_and_proxies_are_understood() {
    let server = TestServer::start().await;
    for (line, instead) in [
        ("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
        ("Connection: Upgrade", "connection: upgrade"),
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"),
        ("Upgrade: websocket", "UPGRADE: WebSocket"),
        ("Sec-WebSocket-Key", "sec-websocket-key"),
        ("GET /websocket", "GET /websocket?x=1&y=%20"),
        ("Host: ", "Host:"),
    ] {
        let response = response_to_defect(&server, line, instead).await;
        assert_eq!(response.code, 101, "{instead:?}");
        assert_eq!(response.header("sec-websocket-accept"), Some(ACCEPT));
    }
}

#[tokio::test]
async fn no_extension_is_agreed_to() {
    let server = TestServer::start().await;
    let offer = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")];
    let response = response_to(&server, handshake(&server.authority(), &offer)).await;
    assert_eq!(response.code, 101);
    assert_eq!(response.header("sec-websocket-extensions"), None);
}

#[tokio::test]
async fn what_comes_in_the_packet_of_the_handshake_is_not_lost() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(&server).await;
    let mut packet = handshake(&server.authority(), &[]).into_bytes();
    for text in ["first", "second"] {
        packet.extend(bytes::text(text));
    }
    // And a frame of which only the beginning comes with it.
    let third = bytes::text("third");
    packet.extend(&third[..3]);
    raw.send(packet).await;
    assert_eq!(raw.response().await.code, 101);
    raw.hear_greeting().await;
    raw.expect_text("Server echoed: first").await;
    raw.expect_text("Server echoed: second").await;
    raw.send(&third[3..]).await;
    raw.expect_text("Server echoed: third").await;
}

#[tokio::test]
async fn a_handshake_may_come_byte_by_byte() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(&server).await;
    for byte in handshake(&server.authority(), &[]).bytes() {
        raw.send([byte]).await;
    }
    assert_eq!(raw.response().await.code, 101);
    raw.hear_greeting().await;
    for byte in bytes::text("slow") {
        raw.send([byte]).await;
    }
    raw.expect_text("Server echoed: slow").await;
}

#[tokio::test]
async fn a_handshake_may_follow_other_requests() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(&server).await;
    for _ in 0..3 {
        raw.send(format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", server.authority())).await;
        assert_eq!(raw.response().await.code, 200);
    }
    raw.upgrade(&server).await;
    raw.hear_greeting().await;
}

/// The codes of a handshake and of the panel's page with these headers.
async fn codes(server: &TestServer, host: &str, origin: Option<&str>) -> (u16, u16) {
    let origin: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
    let websocket = response_to(server, handshake(host, &origin)).await;
    let page = crate::http::get_with(server, "/", &[&[("Host", host)], &origin[..]].concat()).await;
    (websocket.code, page.code)
}

#[tokio::test]
async fn an_origin_has_to_be_this_server_or_absent() {
    let server = TestServer::start().await;
    let host = server.authority();
    let port = server.address.port();
    for origin in [None, Some(format!("http://{host}")), Some(format!("HTTP://{host}"))] {
        assert_eq!(codes(&server, &host, origin.as_deref()).await.0, 101, "{origin:?}");
    }
    for foreign in [
        "http://evil.example".to_owned(),
        format!("http://evil.example:{port}"),
        format!("http://localhost:{port}"),
        "http://127.0.0.1".to_owned(),
        "http://127.0.0.1:1".to_owned(),
        format!("http://{host}.evil.example"),
        format!("http://evil@{host}"),
        format!("http://{host}/path"),
        "null".to_owned(),
        String::new(),
        "file://".to_owned(),
        "nonsense".to_owned(),
    ] {
        assert_eq!(codes(&server, &host, Some(&foreign)).await.0, 403, "{foreign:?}");
    }
}

#[tokio::test]
async fn an_origin_may_be_allowed() {
    let server = Setup::new().args(["--allow-origin", "https://panel.example"]).start().await;
    let host = server.authority();
    assert_eq!(codes(&server, &host, Some("https://panel.example")).await.0, 101);
    assert_eq!(codes(&server, &host, Some(&format!("http://{host}"))).await.0, 101);
    for foreign in ["http://panel.example", "https://panel.example:8443", "https://a.panel.example"]
    {
        assert_eq!(codes(&server, &host, Some(foreign)).await.0, 403, "{foreign:?}");
    }
}

#[tokio::test]
async fn what_small_clients_say_in_place_of_an_origin_is_told_how_it_is_allowed() {
    let said = ["file://", "https://github.com/gilmaimon/TinyWebsockets", "http://localhost/"];
    let server = TestServer::start().await;
    let mut options = Vec::new();
    for origin in said {
        let shake = handshake(&server.authority(), &[("Origin", origin)]);
        let refused = response_to(&server, shake).await;
        assert_eq!(refused.code, 403, "{origin}");
        let (_, option) = refused.body.split_once("--allow-origin ").expect("it says how");
        options.extend(
            ["--allow-origin", option.split('"').next().unwrap_or_default()].map(str::to_owned),
        );
    }
    let server = Setup::new().args(options).start().await;
    for origin in said {
        assert_eq!(codes(&server, &server.authority(), Some(origin)).await.0, 101, "{origin}");
    }
    assert_eq!(codes(&server, &server.authority(), Some("null")).await.0, 403);
}

#[tokio::test]
async fn a_name_that_others_may_own_is_misdirected() {
    let server = TestServer::start().await;
    for host in ["evil.example", "evil.example:1873", "127.0.0.1.nip.io", "localhost.evil.example"]
    {
        assert_eq!(codes(&server, host, None).await, (421, 421), "{host}");
        // The rebinding page itself: its origin is what it says the host is.
        let own = format!("http://{host}");
        assert_eq!(codes(&server, host, Some(&own)).await.0, 421, "{host}");
    }
    let advice = crate::http::get_with(&server, "/", &[("Host", "evil.example")]).await;
    assert!(advice.body.contains("--host"), "{advice:?}");
}

#[tokio::test]
async fn a_name_that_nobody_else_can_own_is_answered_to() {
    let server = Setup::new().args(["--host", "eot.example.com"]).start().await;
    let port = server.address.port();
    let mut hosts: Vec<_> = [
        "127.0.0.1",
        "192.0.2.7",
        "[::1]",
        "[2001:db8::7]",
        "localhost",
        "LocalHost",
        "bridge",
        "eot.local",
        "a.b.local",
        "eot.example.com",
        "EOT.example.com",
    ]
    .map(str::to_owned)
    .into();
    let machine = rustix::system::uname();
    hosts.extend(machine.nodename().to_str().ok().map(str::to_owned));
    for host in hosts {
        assert_eq!(codes(&server, &host, None).await, (101, 200), "{host}");
        let with_port = format!("{host}:{port}");
        let own = format!("http://{with_port}");
        assert_eq!(codes(&server, &with_port, Some(&own)).await, (101, 200), "{with_port}");
    }
    assert_eq!(codes(&server, "other.example.com", None).await.0, 421);
}
