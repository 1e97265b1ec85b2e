//! A WebSocket link that does not give up, and the Chadburn telegraph over it.
//!
//! [`Link`] carries anybody's messages. When the other side goes away it tries again, for a minute
//! unless [`Settings`] say otherwise, keeps what was not sent, in order, and keeps what was received
//! until it is asked for. [`Typed`] puts any serde type over it. [`Station`] is a link that knows
//! `chadburn.v1`: it comes back as the same station, learns what it missed, and sends again what was
//! not answered, so that it is done once.
//!
//! ```no_run
//! # async fn coffee() -> Result<(), Box<dyn std::error::Error>> {
//! use chadburn_client::{Event, Message, Station};
//!
//! let mut station = Station::connect("ws://localhost:1873/websocket").await?;
//! while let Some(event) = station.recv().await {
//!     if let Event::Message(heard) = event
//!         && let Message::State(state) = heard.message
//!         && let Some(order) = state.order.filter(|_| state.bell)
//!     {
//!         println!("{} is ordered", order.status);
//!         station.answer(order.seq, None, Some(true)).await?;
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! Reading order: `link` and `station` are what one holds; `driver` keeps a connection and
//! knows neither; `tries`, `outbox`, `inbox` and `station::protocol` are rules without IO;
//! only `open`, `trust` and `page` know TCP or TLS.
//!
//! On a plain link a message leaves the outbox when the kernel has taken it. Nobody acknowledges
//! there, so bytes that were under way when the other side died are lost, and a message is never
//! sent twice in whole. On a station requests are acknowledged.

mod driver;
mod failure;
mod inbox;
mod link;
mod open;
mod outbox;
mod page;
#[cfg(test)]
mod scripted;
mod settings;
mod station;
mod tries;
mod trust;
mod typed;

pub use chadburn_core::Position;
pub use chadburn_v1::{
    By, Code, Dial, Health, Id, May, Message, Order, Reply, Request, Roll, RollAnswer, Sector,
    State, Welcome,
};
pub use failure::{Failure, Tried};
pub use inbox::Event;
pub use link::{Closed, Link};
pub use outbox::Full;
pub use page::{Page, get, get_until};
pub use settings::Settings;
pub use station::{Heard, PendingRequest, RequestError, RequestOutput, Station};
pub use typed::Typed;

/// Where a server on this machine is, if nobody says otherwise.
pub const DEFAULT_URL: &str = "ws://localhost:1873/websocket";
