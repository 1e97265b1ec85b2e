//! A bot that always comes to coffee: `cargo run --example coffee -- ws://localhost:1873/websocket`.

use chadburn_client::{DEFAULT_URL, Event, Failure, Message, Settings, Station};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).unwrap_or_else(|| DEFAULT_URL.into());
    let mut station = Station::connect(Settings::new(&url)?.name("the bot")?).await?;
    while let Some(event) = station.recv().await {
        match event {
            Event::Message(heard) => {
                let Message::State(state) = heard.message else { continue };
                let Some(order) = state.order.filter(|_| state.bell) else { continue };
                if order.name.as_deref() == Some("COFFEE") {
                    // Whoever is overtaken by another order has nothing to answer any more.
                    let _ = station.answer(order.seq, None, Some(true)).await;
                }
            }
            Event::Failed(failure) => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}
