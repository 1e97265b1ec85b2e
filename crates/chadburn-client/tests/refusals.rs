//! Which answers to a handshake are final, and after which it is tried again, by real sockets.

use std::time::Duration;

use chadburn_client::{Failure, Link, Settings, Station};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// How long anything here may take; the window is a minute.
const SOON: Duration = Duration::from_secs(10);

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    (listener, format!("ws://{address}/websocket"))
}

/// The head of a request.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    String::from_utf8(head).expect("text")
}

/// Somebody who gives these answers to the first who ask, and speaks WebSocket with all others.
async fn scripted(answers: Vec<&'static str>) -> String {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("somebody comes");
            head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.expect("somebody listens");
        }
        while let Ok((stream, _)) = listener.accept().await {
            let socket = tokio_tungstenite::accept_async(stream).await;
            // It is held as long as the test lasts.
            std::mem::forget(socket);
        }
    });
    url
}

#[tokio::test]
async fn what_is_overloaded_or_ends_is_tried_again() {
    let passing = [
        "",
        "HTTP/1.1 101 Switching",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
    ];
    for answer in passing {
        let url = scripted(vec![answer]).await;
        let link = tokio::time::timeout(SOON, Link::connect(url.as_str())).await;
        assert!(link.expect("soon").is_ok_and(|link| link.is_up()), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_meant_is_not_tried_again() {
    let finals = [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "404 Not Found"),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401, "401"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403, "403"),
        ("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n", 421, "421"),
        ("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", 301, "does not say where"),
        (
            "HTTP/1.1 301 Moved\r\nLocation: https://eot.example.com/websocket\r\nContent-Length: 0\r\n\r\n",
            301,
            "301 Moved Permanently, it sends one to https://eot.example.com/websocket",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /login?rd=%2Fwebsocket\r\nContent-Type: text/html\r\n\
             Content-Length: 15\r\n\r\n<h1>Portal</h1>",
            302,
            "it sends one to /login?rd=%2Fwebsocket",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 15\r\n\r\n\
             <h1>Portal</h1>",
            200,
            "200 OK with a web page, so a sign-in",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "there is no WebSocket here"),
    ];
    for (answer, code, word) in finals {
        let url = scripted(vec![answer]).await;
        let link = tokio::time::timeout(SOON, Link::connect(url.as_str())).await;
        match link.expect("at once") {
            Err(Failure::Refused { status, why, .. }) => {
                assert!(status == Some(code) && why.contains(word), "{status:?} {why}");
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_a_station_asks_for_is_added_to_the_addresss_own_query() {
    let (listener, url) = listener().await;
    let (heads, mut asked) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = head(&mut stream).await;
            heads.send(head).await.expect("somebody reads");
        }
    });
    for (url, line) in [
        (format!("{url}?a=b"), "GET /websocket?a=b&resume=secret&since=7 HTTP/1.1"),
        (url, "GET /websocket?resume=secret&since=7 HTTP/1.1"),
    ] {
        let settings = Settings::new(&url).expect("an address").resume("secret").since(7);
        let _station = Station::open(settings).expect("settings that can be used");
        let head = tokio::time::timeout(SOON, asked.recv()).await.expect("soon").expect("a head");
        assert_eq!(head.lines().next(), Some(line));
        assert!(head.to_lowercase().contains("sec-websocket-protocol: chadburn.v1"), "{head}");
    }
}
