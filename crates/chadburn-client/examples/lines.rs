//! Lines there and back over any WebSocket: `cargo run --example lines -- ws://localhost:1873/websocket`.
#![expect(clippy::print_stdout, reason = "what comes is printed")]

use chadburn_client::{DEFAULT_URL, Event, Failure, Link};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).unwrap_or_else(|| DEFAULT_URL.into());
    let mut link = Link::open(url)?;
    // It waits in the outbox until there is a server.
    let _ = link.send("status").await;
    while let Some(event) = link.recv().await {
        match event {
            Event::Message(text) => println!("{text}"),
            Event::Up => eprintln!("there it is"),
            Event::Down(why) => eprintln!("away: {why}"),
            Event::Failed(failure) => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}
