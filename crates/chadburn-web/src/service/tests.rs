//! A server whose service takes connections away, over real sockets.

use std::io::{Read, Write};
use std::sync::Arc;

use axum::http::header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::Server;
use crate::limits::Limits;
use crate::visitors::Visitors;

/// Takes every connection that asks for `/take`, for the number that it is told to.
struct Taker(mpsc::Sender<(Upgraded, u32)>);

impl Service for Taker {
    type Upgrade = u32;

    async fn call(&self, request: Request<Body>) -> Response<Body> {
        let mut answer = Response::new(Body::from("here\n"));
        if request.uri().path() == "/take" {
            *answer.body_mut() = Body::empty();
            answer.headers_mut().insert(header::CONNECTION, "close".parse().unwrap());
            answer.extensions_mut().insert(7_u32);
        }
        answer
    }

    async fn take(&self, taken: Upgraded, upgrade: u32) {
        self.0.send((taken, upgrade)).await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_is_taken_away_with_what_was_not_read_and_not_sent_and_with_its_seat() {
    let (hand_over, mut taken) = mpsc::channel(1);
    let (replace, visitors) = watch::channel(Visitors::default());
    let seats = Arc::new(Semaphore::new(2));
    let limits = Limits::default();
    let server = Server { service: Taker(hand_over), visitors, seats: seats.clone(), limits };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    let (own_stop, own_tracker) = (stop.clone(), tracker.clone());
    tracker.spawn(async move { server.serve(listener, own_stop, &own_tracker).await });

    let mut peer = tokio::net::TcpStream::connect(address).await.unwrap();
    peer.write_all(b"GET /take HTTP/1.1\r\nHost: eot\r\n\r\nmore").await.unwrap();
    let (mut connection, upgrade) = taken.recv().await.unwrap();
    assert_eq!((upgrade, &connection.unread[..]), (7, &b"more"[..]));
    assert!(connection.unsent.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(connection.unsent.ends_with(b"\r\n\r\n"));
    assert_eq!(connection.address, peer.local_addr().unwrap());
    let blocked = connection.socket.read(&mut [0]).unwrap_err();
    assert_eq!(blocked.kind(), std::io::ErrorKind::WouldBlock, "it does not block");
    assert_eq!(seats.available_permits(), 1, "its seat went with it");
    connection.socket.write_all(b"mine").unwrap();
    drop(connection);
    assert_eq!(seats.available_permits(), 2);
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"mine", "HTTP has sent nothing itself");

    // Who may come is asked anew for each request, on the same connection too.
    let mut peer = tokio::net::TcpStream::connect(address).await.unwrap();
    for (host, status) in [("eot.example.com", "421"), ("eot.example.com", "200"), ("eot", "200")] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        peer.write_all(request.as_bytes()).await.unwrap();
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        while !heard.ends_with(b"\n") || heard.ends_with(b"\r\n") {
            let length = peer.read(&mut buffer).await.unwrap();
            assert!(length > 0, "it stays");
            heard.extend_from_slice(&buffer[..length]);
        }
        let answer = String::from_utf8(heard).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        replace.send_modify(|it| it.hosts = vec!["eot.example.com".parse().unwrap()]);
    }
    drop(peer);
    stop.cancel();
    tracker.close();
    tracker.wait().await;
}
