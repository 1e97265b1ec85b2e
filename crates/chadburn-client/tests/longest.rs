//! How long a message may be, over real sockets: what is longer ends its connection, and nothing more.

use std::time::Duration;

use chadburn_client::{Event, Link, Settings};
use futures_util::SinkExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

/// How long anything here may take.
const SOON: Duration = Duration::from_secs(20);

/// The default, as it is documented.
const LONGEST: usize = 256 * 1024;

/// A server that sends a message of this length to whoever comes first, and "short" to all others.
async fn server(length: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        let mut text = "x".repeat(length);
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { continue };
            let message = std::mem::replace(&mut text, "short".to_owned());
            // Whoever finds it too long may be gone before it has left.
            let _ = socket.send(Message::text(message)).await;
            held.push(socket);
        }
    });
    format!("ws://{address}")
}

/// The length of the first message that a link with these settings hears, and whether it has lost a
/// connection before.
async fn first(length: usize, change: impl FnOnce(Settings) -> Settings) -> (usize, bool) {
    let settings = change(Settings::new(server(length).await.as_str()).expect("an address"));
    let mut link = Link::connect(settings).await.expect("somebody listens");
    let mut lost = false;
    loop {
        match tokio::time::timeout(SOON, link.recv()).await.expect("soon") {
            Some(Event::Message(text)) => return (text.len(), lost),
            Some(Event::Down(_)) => lost = true,
            Some(_) => {}
            None => panic!("a link does not give up"),
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_its_connection_alone() {
    assert_eq!(first(LONGEST, |settings| settings).await, (LONGEST, false));
    assert_eq!(first(LONGEST + 1, |settings| settings).await, (5, true));
    let longer = |settings: Settings| settings.longest(2 * LONGEST);
    assert_eq!(first(LONGEST + 1, longer).await, (LONGEST + 1, false));
}
