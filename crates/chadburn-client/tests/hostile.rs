//! Servers that send without end, over real sockets: they make nobody wait for longer than the window.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use chadburn_client::{Failure, Link, Settings};
use tokio_tungstenite::tungstenite;

/// How long anything here may take; the window is a second.
const SOON: Duration = Duration::from_secs(20);

/// A server that sends these bytes to whoever comes, over and over, and reads nothing.
fn server(first: &'static [u8], then: &[u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let then = then.repeat(4096);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let then = then.clone();
            thread::spawn(move || {
                let Ok(mut socket) = tungstenite::accept(stream) else { return };
                let stream = socket.get_mut();
                let mut sent = stream.write_all(first);
                while sent.is_ok() {
                    sent = stream.write_all(&then);
                }
            });
        }
    });
    format!("ws://{address}")
}

#[tokio::test]
async fn whoever_sends_without_end_and_does_not_greet_is_given_up_in_time() {
    for (first, then) in [
        // Fragments of a text that never ends, of which there is never a message.
        (&[0x01, 0][..], &[0x00, 0][..]),
        (&[], &[0x89, 1, 0]),
        (&[], &[0x8a, 0]),
        (&[], b"\x81\x02{}"),
    ] {
        let settings = Settings::new(&server(first, then)).expect("an address");
        let connected = Link::connect(settings.greeting("hello").window(Duration::from_secs(1)));
        let failed = tokio::time::timeout(SOON, connected).await.expect("it ends in time");
        let Err(Failure::Gone(tried)) = failed else { panic!("{then:x?}: {failed:?}") };
        assert!(tried.cause.contains("did not say in time"), "{then:x?}: {tried}");
    }
}
