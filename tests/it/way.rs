//! `chadburn doctor` on the way to the server: what a proxy swallows, changes or keeps back is found,
//! and it says what to do.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::commands::finished;
use crate::doctor::{bad, doctor};
use crate::home::Home;
use crate::patience::soon;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::tls::{Authority, Proxy};

/// A proxy that makes this of each request's head, and passes on what comes back.
async fn proxy(server: &TestServer, make: fn(&str) -> Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let far = server.address;
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut near = BufReader::new(near);
                let mut far = tokio::net::TcpStream::connect(far).await.expect("a server");
                let mut line = String::new();
                while near.read_line(&mut line).await.is_ok_and(|count| count > 2) {
                    if let Some(made) = make(&line) {
                        far.write_all(made.as_bytes()).await.expect("it listens");
                    }
                    line.clear();
                }
                far.write_all(b"\r\n").await.expect("it listens");
                // Whoever ends it is of no interest.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    format!("ws://{address}/websocket")
}

#[tokio::test]
async fn a_proxy_that_swallows_the_upgrade_is_found() {
    let server = TestServer::start().await;
    let url = proxy(&server, |line| {
        let lower = line.to_lowercase();
        (!lower.starts_with("upgrade:") && !lower.starts_with("connection:")).then(|| line.into())
    });
    let (code, out) = doctor(&server.home, &url.await, &[]).await;
    assert!(code == 5 && out.contains("a proxy must pass Upgrade and Connection on"), "{out}");
}

#[tokio::test]
async fn a_proxy_that_changes_the_host_is_found() {
    let server = TestServer::start().await;
    let url = proxy(&server, |line| {
        let host = line.to_lowercase().starts_with("host:");
        Some(if host { "Host: localhost\r\n".into() } else { line.into() })
    });
    let (code, out) = doctor(&server.home, &url.await, &[]).await;
    assert!(code == 5 && bad(&out).len() == 1, "{out}");
    assert!(bad(&out)[0].contains("a proxy must pass Host on unchanged"), "{out}");
    let url = proxy(&server, |line| {
        let host = line.to_lowercase().starts_with("host:");
        Some(if host { "Host: eot.example.com\r\n".into() } else { line.into() })
    });
    let (_, out) = doctor(&server.home, &url.await, &[]).await;
    assert!(bad(&out)[0].contains("start it with --host"), "{out}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_forwarder_of_plain_tcp_is_found() {
    // To connect a UDP socket sends nothing, and tells by which address others reach this machine.
    let probe = std::net::UdpSocket::bind("0.0.0.0:0").expect("a port");
    let Ok(elsewhere) = probe.connect("192.0.2.1:9").and_then(|()| probe.local_addr()) else {
        eprintln!("not shown, because this machine has no network: a forwarder of plain TCP");
        return;
    };
    let elsewhere = elsewhere.ip();
    let server = TestServer::start().await;
    let forwarder = TcpListener::bind((elsewhere, 0)).await.expect("a port");
    let address = forwarder.local_addr().expect("it is bound");
    let far = server.address;
    tokio::spawn(async move {
        while let Ok((mut near, _)) = forwarder.accept().await {
            tokio::spawn(async move {
                let mut far = tokio::net::TcpStream::connect(far).await.expect("a server");
                // Whoever ends it is of no interest.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    let url = format!("ws://{address}/websocket");
    let (code, out) = doctor(&server.home, &url, &[]).await;
    assert!(code == 5 && bad(&out).len() == 1, "{out}");
    assert!(bad(&out)[0].contains("--allow-shutdown never"), "{out}");
    let server = Setup::new().args(["--bind", "0.0.0.0"]).start().await;
    let url = format!("ws://{elsewhere}:{}/websocket", server.address.port());
    let (code, out) = doctor(&server.home, &url, &[]).await;
    assert_eq!((code, bad(&out)), (0, Vec::new()), "not without one: {out}");
}

/// What the doctor says of the way through the README's nginx, with these changes to it.
async fn through_nginx(server: &TestServer, changes: &[(&str, &str)]) -> (i32, String) {
    let authority = Authority::new().await;
    let proxy = Proxy::nginx(server, &authority, changes).await;
    let file = authority.file("ca.pem").display().to_string();
    doctor(&server.home, &proxy.url("localhost"), &["--ca-file", &file]).await
}

#[tokio::test]
async fn through_the_readmes_proxies_all_is_well() {
    let server = TestServer::start().await;
    let (code, nginx) = through_nginx(&server, &[]).await;
    assert_eq!((code, bad(&nginx)), (0, Vec::new()), "{nginx}");
    let authority = Authority::new().await;
    let proxy = Proxy::caddy(&server, &authority).await;
    let file = authority.file("ca.pem").display().to_string();
    let (code, caddy) = doctor(&server.home, &proxy.url("localhost"), &["--ca-file", &file]).await;
    assert_eq!((code, bad(&caddy)), (0, Vec::new()), "{caddy}");
    for out in [nginx, caddy] {
        assert!(!out.contains("note"), "{out}");
        assert!(out.contains("well  events come as they happen"), "{out}");
        assert!(out.contains("well  who comes through the proxy is a stranger"), "{out}");
        assert!(out.contains("a page of https://localhost:"), "{out}");
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_say_for_whom_it_asks_is_found() {
    let forwarded = [
        ("proxy_set_header X-Forwarded-For $remote_addr;", ""),
        ("proxy_set_header X-Forwarded-Proto $scheme;", ""),
    ];
    let server = TestServer::start().await;
    let (code, out) = through_nginx(&server, &forwarded).await;
    // nginx belongs to the server's own user here, so whoever comes is taken for that one.
    assert!(code == 0 && out.contains("note  who comes through the proxy may end the server"));
    assert!(out.contains("it must pass X-Forwarded-For on"), "{out}");
    let server = Setup::new().args(["--allow-orders", "local"]).start().await;
    let (_, out) = through_nginx(&server, &forwarded).await;
    assert!(out.contains("may give orders and end the server"), "{out}");
    let (_, out) = through_nginx(&server, &[]).await;
    assert!(out.contains("is a stranger to the server"), "{out}");
}

#[tokio::test]
async fn a_proxy_that_passes_the_host_on_without_its_port_is_found() {
    let server = TestServer::start().await;
    let (code, out) = through_nginx(&server, &[("$http_host", "$host")]).await;
    assert_eq!((code, bad(&out).len()), (5, 1), "{out}");
    assert!(bad(&out)[0].contains("with its port (nginx: $http_host)"), "{out}");
}

#[tokio::test]
async fn a_proxy_that_keeps_events_back_is_found() {
    let server = TestServer::start().await;
    let hoards = "proxy_http_version 1.1; proxy_ignore_headers X-Accel-Buffering;";
    let (code, out) = through_nginx(&server, &[("proxy_http_version 1.1;", hoards)]).await;
    assert_eq!((code, bad(&out).len()), (5, 1), "{out}");
    assert!(bad(&out)[0].contains("events are held up on the way"), "{out}");
    assert!(bad(&out)[0].contains("proxy_buffering off"), "{out}");
    let elsewhere = "location /events { return 404; } location / {";
    let (code, out) = through_nginx(&server, &[("location / {", elsewhere)]).await;
    assert_eq!((code, bad(&out).len()), (5, 1), "{out}");
    assert!(bad(&out)[0].contains("there are no events: 404"), "{out}");
}

/// Somebody who says the same to whoever asks.
async fn parrot(says: &str) -> String {
    let says = says.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            // Whoever asks or hears nothing has left.
            let _ = near.read(&mut asked).await;
            let _ = near.write_all(says.as_bytes()).await;
        }
    });
    format!("ws://{address}/websocket")
}

#[tokio::test]
async fn whoever_else_listens_there_is_found() {
    let home = Home::new();
    home.order("6");
    let mail = parrot("220 mail\r\n").await;
    let (code, out) = doctor(&home, &mail, &["--wait", "0s"]).await;
    assert!(code == 5 && bad(&out)[0].contains("the answer is not HTTP"), "{out}");
    let page = parrot("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let (_, out) = doctor(&home, &page, &[]).await;
    assert!(bad(&out)[0].contains("answers with 404, so it is no Chadburn"), "{out}");
    assert!(bad(&out)[0].contains("what else listens on this port"), "{out}");
}

#[tokio::test]
async fn clocks_that_are_apart_are_found() {
    let home = Home::new();
    home.order("6");
    let late = parrot(
        "HTTP/1.1 200 OK\r\nDate: Fri, 02 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\n\r\n{}",
    );
    let (code, out) = doctor(&home, &late.await, &[]).await;
    let clock = bad(&out).into_iter().find(|line| line.contains("clock"));
    assert!(code == 5 && clock.is_some_and(|it| it.contains("NTP")), "{out}");
    let timeless = parrot("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let (_, out) = doctor(&home, &timeless, &[]).await;
    assert!(out.contains("note  the server does not say what time it is"), "{out}");
}

#[tokio::test]
async fn who_answers_in_the_place_of_the_server_is_found() {
    let home = Home::new();
    home.order("6");
    for (answer, what, then) in [
        (
            "302 Found\r\nLocation: https://login.example.com/?rd=eot\r\nContent-Length: 0\r\n\r\n",
            "sends one elsewhere: https://login.example.com/?rd=eot",
            "sign in anew",
        ),
        (
            "200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<h1>Portal</h1>",
            "a page that is not Chadburn's",
            "a portal",
        ),
        ("404 Not Found\r\nContent-Length: 0\r\n\r\n", "answers with 404", "/eot/websocket"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}/websocket", listener.local_addr().expect("it is bound"));
        let answers = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await;
            }
        });
        let (code, out) = doctor(&home, &url, &[]).await;
        answers.abort();
        let bad = bad(&out);
        assert!(code == 5 && bad.len() == 1, "{out}");
        assert!(bad[0].contains(what) && bad[0].contains(then), "{out}");
    }
}

#[tokio::test]
async fn whoever_stands_in_the_way_of_a_command_is_named_with_his_target() {
    let home = Home::new();
    let moved = "HTTP/1.1 301 Moved Permanently\r\nLocation: https://eot.example.com/websocket\r\n\
                 Content-Length: 0\r\n\r\n";
    let login = "HTTP/1.1 302 Found\r\nLocation: https://login.example.com/?rd=eot\r\n\
                 Content-Type: text/html\r\nContent-Length: 15\r\n\r\n<h1>Portal</h1>";
    let page =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<h1>Portal</h1>";
    for (says, target) in [
        (moved, "https://eot.example.com/websocket"),
        (login, "https://login.example.com/?rd=eot"),
        (page, "web page"),
    ] {
        let url = parrot(says).await;
        for words in ["status", "answer", "order 7", "watch", "wait", "console", "log"] {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_chadburn"));
            command.args(words.split(' ')).args(["--url", &url]).current_dir(home.path());
            command.stdin(std::process::Stdio::null()).kill_on_drop(true);
            let (code, out, errors) = finished(soon(words, command.output()).await);
            assert!(code != 0 && errors.contains(target), "{words}: {code} {out}{errors}");
        }
    }
}

#[tokio::test]
async fn who_stands_in_the_way_is_named_in_whichever_way_he_says_it() {
    const PAGE: &str = "Content-Length: 15\r\n\r\n<h1>Portal</h1>";
    for (says, named) in [
        (
            "HTTP/1.0 302 Found\r\nLocation: http://portal.example/\r\n\r\n",
            "http://portal.example/",
        ),
        ("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Portal</h1>", "web page"),
        ("HTTP/1.0 404 Not Found\r\n\r\n", "404 Not Found"),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://m\u{fc}nchen/\u{202e}\r\n\r\n",
            "http://m%C3%BCnchen/%E2%80%AE",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=utf-8\r\n@", "web page"),
        ("HTTP/1.1 200 OK\r\nContent-Type: application/xhtml+xml\r\n@", "web page"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n@", "web page"),
        (
            "HTTP/1.1 511 Network Authentication Required\r\nContent-Type: text/html\r\n@",
            "a portal",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"Office\"\r\n@",
            "it asks for Basic realm=\"Office\"",
        ),
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n@",
            "it asks for Negotiate",
        ),
        ("SSH-2.0-OpenSSH_9.6\r\n", "is not HTTP"),
    ] {
        let says = says.replace('@', PAGE);
        let url = parrot(&says).await;
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_chadburn"));
        command.args(["status", "--url", &url]).kill_on_drop(true);
        let (code, _, errors) = finished(soon(&says, command.output()).await);
        assert!(code == 4 && errors.contains(named), "{says}: {code} {errors}");
    }
}

#[tokio::test]
async fn a_websocket_that_is_sent_elsewhere_is_found() {
    let server = TestServer::start().await;
    for path in ["/websocket", "/events"] {
        let elsewhere =
            format!("location {path} {{ return 302 https://login.example.com/; }} location / {{");
        let (code, out) = through_nginx(&server, &[("location / {", elsewhere.as_str())]).await;
        assert_eq!(code, 5, "{out}");
        assert!(bad(&out).iter().all(|line| line.contains("https://login.example.com/")), "{out}");
    }
}
