//! Who is answered at all, and what every answer bears.

use super::*;

#[tokio::test]
async fn a_foreign_host_is_told_what_would_help() {
    let room = TestRoom::open().await;
    for path in ["/", "/status", "/websocket", "/nothing"] {
        let line = format!("GET {path} HTTP/1.1");
        let answer = room.ask(&[&line, "Host: evil.example"]).await;
        assert!(answer.problem(421).contains("--host evil.example"));
    }
    assert_eq!(room.ask(&["GET / HTTP/1.1", "Host: EOT.example.com:80"]).await.status, 200);
}

#[tokio::test]
async fn a_request_says_once_whom_it_is_for() {
    let room = TestRoom::open().await;
    room.ask(&["GET / HTTP/1.1"]).await.problem(400);
    room.ask(&["GET / HTTP/1.0"]).await.problem(400);
    room.ask(&["GET / HTTP/1.1", "Host: eot", "Host: eot"]).await.problem(400);
    room.ask(&["GET / HTTP/1.1", "Host: e\u{e4}t"]).await.problem(400);
    room.ask(&["GET / HTTP/1.1", "Host: "]).await.problem(400);
    let absolute = "GET http://evil.example/ HTTP/1.1";
    room.ask(&[absolute, "Host: eot"]).await.problem(400);
    room.ask(&[absolute, "Host: evil.example"]).await.problem(421);
    for (target, host) in [
        ("http://EOT/", "eot"),
        ("http://eot/", "eot.:80"),
        ("http://eot:443/", "eot:443"),
        ("https://eot:443/", "eot"),
        ("http://[::1]:80/", "[0::1]"),
    ] {
        let lines = [&format!("GET {target} HTTP/1.1"), &format!("Host: {host}")[..]];
        assert_eq!(room.ask(&lines).await.status, 200, "{lines:?}");
    }
    for (target, host) in [
        ("http://eot:81/", "eot"),
        ("https://eot/", "eot:80"),
        ("http://me@eot/", "eot"),
        ("http://eot.local/", "eot"),
    ] {
        let lines = [&format!("GET {target} HTTP/1.1"), &format!("Host: {host}")[..]];
        assert!(room.ask(&lines).await.problem(400).contains("not the same"), "{lines:?}");
    }
}

#[tokio::test]
async fn what_a_proxy_leaves_of_a_prefix_that_it_cuts_off_is_one_slash() {
    let room = TestRoom::open().await;
    for (path, status) in [
        ("//", 200),
        ("///", 200),
        ("//status", 200),
        ("//status?format=text", 200),
        ("//static/main.js", 200),
        ("//websocket", 426),
        ("/status//", 404),
        ("/static//main.js", 404),
        ("//nothing", 404),
    ] {
        assert_eq!(room.get(path).await.status, status, "{path}");
    }
    assert_eq!(room.get("//status?format=text").await.text(), "COFFEE\n");
    let absolute = ["GET http://eot//livez HTTP/1.1", "Host: eot"];
    assert_eq!(room.ask(&absolute).await.status, 200);
    room.visitors.send_modify(|visitors| {
        visitors.token = chadburn_host::secret::Secret::new("brass");
        visitors.private = true;
    });
    room.get("//status").await.problem(401);
    assert_eq!(room.get("//livez").await.status, 200);
}

#[tokio::test]
async fn a_probe_in_http_1_0_need_not_say_whom_it_is_for() {
    let room = TestRoom::open().await;
    for path in ["/livez", "/readyz", "/metrics", "/status", "/status?format=text"] {
        for method in ["GET", "HEAD"] {
            let line = format!("{method} {path} HTTP/1.0");
            assert_eq!(room.ask(&[&line]).await.status, 200, "{line}");
        }
        for more in ["Host: evil.example", "Host: ", "Origin: http://evil.example", "Origin: null"]
        {
            let answer = room.ask(&[&format!("GET {path} HTTP/1.0"), more]).await;
            assert!([400, 421].contains(&answer.status), "{path} {more}");
        }
        for line in ["GET {} HTTP/1.1", "POST {} HTTP/1.0", "GET http://evil.example{} HTTP/1.0"] {
            room.ask(&[&line.replace("{}", path)]).await.problem(400);
        }
    }
    for path in
        ["/", "/events", "/bell-book", "/accept", "/websocket", "/static/main.js", "/livez/"]
    {
        room.ask(&[&format!("GET {path} HTTP/1.0")]).await.problem(400);
    }
    room.ask(&["PUT /status HTTP/1.0", "Content-Length: 0"]).await.problem(400);
}

#[tokio::test]
async fn a_foreign_page_is_refused_and_an_allowed_one_is_not() {
    let room = TestRoom::open().await;
    for (origin, status) in [
        ("http://evil.example", 403),
        ("null", 403),
        ("http://eot:1874", 403),
        ("http://eot", 200),
        ("https://wall.example.com", 200),
    ] {
        let origin = format!("Origin: {origin}");
        assert_eq!(room.ask(&["GET / HTTP/1.1", "Host: eot", &origin]).await.status, status);
    }
    let twice = ["GET / HTTP/1.1", "Host: eot", "Origin: http://eot", "Origin: http://eot"];
    room.ask(&twice).await.problem(403);
}

#[tokio::test]
async fn a_page_by_plain_http_is_foreign_behind_a_proxy_that_speaks_tls() {
    let room = TestRoom::open().await;
    for (proxied, plain) in [
        ("X-Forwarded-Proto: https", 403),
        ("X-Forwarded-Proto: HTTPS", 403),
        ("X-Forwarded-Proto: wss", 403),
        ("X-Forwarded-Protocol: ssl", 403),
        ("X-Forwarded-Scheme: https", 403),
        ("X-Forwarded-Ssl: on", 403),
        ("X-Url-Scheme: https", 403),
        ("Front-End-Https: On", 403),
        ("X-Forwarded-Ssl: off", 200),
        ("X-Forwarded-Proto: https, http", 403),
        ("Forwarded: for=192.0.2.1;proto=https", 403),
        ("Forwarded: Proto=\"https\"; host=eot", 403),
        ("X-Forwarded-Proto: http", 200),
        ("X-Forwarded-Proto: http, https", 200),
        ("Forwarded: for=192.0.2.1;proto=http, proto=https", 200),
        ("X-Forwarded-For: 192.0.2.1", 200),
    ] {
        for (origin, status) in [("http://eot", plain), ("https://eot", 200)] {
            let origin = format!("Origin: {origin}");
            let head = ["GET / HTTP/1.1", "Host: eot", proxied, &origin];
            assert_eq!(room.ask(&head).await.status, status, "{proxied} {origin}");
        }
        let none = ["GET / HTTP/1.1", "Host: eot", proxied];
        assert_eq!(room.ask(&none).await.status, 200, "no browser asks: {proxied}");
    }
}

#[tokio::test]
async fn every_answer_ties_a_browsers_hands() {
    let room = TestRoom::open().await;
    for path in ["/", "/status", "/static/main.js", "/nothing", "/livez", "/websocket"] {
        let answer = room.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(answer.headers.contains_key("permissions-policy"), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn the_panel_may_talk_to_where_it_came_from() {
    let room = TestRoom::open().await;
    let answer = room.ask(&["GET / HTTP/1.1", "Host: eot:1873"]).await;
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("connect-src 'self' ws://eot:1873 wss://eot:1873;"), "{policy}");
    let answer = room.ask(&["GET / HTTP/1.1", "Host: [::1]:1873"]).await;
    assert!(answer.header("content-security-policy").contains("connect-src 'self';"));
}

#[tokio::test]
async fn what_is_not_here_and_what_cannot_be_done_are_said() {
    let room = TestRoom::open().await;
    for path in ["/nothing", "/websocket/", "/static", "/static/", "/status/"] {
        room.get(path).await.problem(404);
    }
    room.ask(&["OPTIONS * HTTP/1.1", "Host: eot"]).await.problem(404);
    for path in ["/", "/status", "/static/main.js", "/livez", "/readyz", "/favicon.ico"] {
        for method in ["POST", "DELETE", "OPTIONS", "NONSENSE"] {
            let line = format!("{method} {path} HTTP/1.1");
            let answer = room.ask(&[&line, "Host: eot"]).await;
            answer.problem(405);
            let allowed = if path == "/status" { "GET,HEAD,PUT" } else { "GET,HEAD" };
            assert_eq!(answer.header("allow"), allowed, "{line}");
        }
    }
}
