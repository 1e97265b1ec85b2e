//! HTTP: the panel, the present state for programs, and the door to the stations.
//!
//! The only room that knows axum and hyper. A WebSocket's handshake and a request for events are
//! answered here; then the socket goes to whoever [`Admit`]s newcomers, and this room forgets it.
//! It knows nothing of what stations and telegraph say.
//!
//! Read [`listen`](fn@listen) for the life of the room, `connection` for the life of one
//! connection, `upgrade` for the handshake, `events` for its little sister and `routes` for
//! everything else.

mod caller;
mod connection;
mod cors;
mod desk;
mod events;
mod headers;
mod listen;
mod panel;
mod query;
mod routes;
mod upgrade;

use std::fmt;
use std::sync::Arc;

use chadburn_web::limits::Limits;
use tokio::sync::{Semaphore, watch};

use crate::book;
use crate::hub::{Ask, Gone, Handle, Input, Newcomer, Outcome, Snapshot};
use crate::metrics::Metrics;
use crate::policy::Policy;

pub use chadburn_web::assets::{Assets, NoAssets};
pub use chadburn_web::seats::{raise_descriptor_limit, seats};
pub use listen::listen;
pub use panel::{embedded, from_directory};

/// Takes the connections that are stations' from now on, and decides what is asked for over HTTP.
pub trait Admit: Clone + Send + Sync + 'static {
    /// Takes this connection.
    fn admit(&self, newcomer: Newcomer) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Decides this and carries it out.
    fn ask(&self, ask: Ask) -> impl Future<Output = Result<Outcome, Gone>> + Send;
}

impl Admit for Handle {
    fn admit(&self, newcomer: Newcomer) -> impl Future<Output = Result<(), Gone>> + Send {
        self.send(Input::Join(newcomer))
    }

    fn ask(&self, ask: Ask) -> impl Future<Output = Result<Outcome, Gone>> + Send {
        Handle::ask(self, ask)
    }
}

/// What the room needs of the house.
pub struct House<A> {
    /// Takes the newcomers and the requests.
    pub admit: A,
    /// What the telegraph says, as of its last change.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// Whether the hub's loop has turned lately.
    pub alive: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Who may do what, as of now: a token may be replaced at any time.
    pub policy: watch::Receiver<Policy>,
    /// The panel.
    pub assets: Assets,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The bell book, if one is kept.
    pub book: Option<book::Reader>,
    /// A place for every connection the server can afford ([`seats`](fn@seats)).
    pub seats: Arc<Semaphore>,
    /// How much one address may take.
    pub limits: Limits,
}

impl<A> fmt::Debug for House<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
