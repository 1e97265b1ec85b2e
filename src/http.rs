//! HTTP: the panel, the present state for programs, and the door to the stations.
//!
//! The only room that knows axum and hyper. A WebSocket's handshake is answered here; then the
//! socket goes to whoever [`Admit`]s newcomers, and this room forgets it. It knows nothing of
//! what stations and telegraph say.
//!
//! Read [`listen`](fn@listen) for the life of the room, `connection` for the life of one
//! connection, `upgrade` for the handshake and `routes` for everything else.

mod assets;
mod connection;
mod headers;
mod listen;
mod problem;
mod routes;
mod seats;
mod socket;
mod upgrade;

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use crate::hub::{Gone, Handle, Input, Newcomer, Snapshot};
use crate::policy::Policy;

pub use assets::{Assets, NoAssets};
pub use listen::listen;
pub use seats::{raise_descriptor_limit, seats};

/// Takes the connections whose WebSocket handshake has been answered.
pub trait Admit: Send + Sync + 'static {
    /// Takes this one.
    fn admit(&self, newcomer: Newcomer) -> impl Future<Output = Result<(), Gone>> + Send;
}

impl Admit for Handle {
    fn admit(&self, newcomer: Newcomer) -> impl Future<Output = Result<(), Gone>> + Send {
        self.send(Input::Join(newcomer))
    }
}

/// What the room needs of the house.
pub struct House<A> {
    /// Takes the newcomers.
    pub admit: A,
    /// What the telegraph says, as of its last change.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// Whether the hub's loop has turned lately.
    pub alive: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Who may do what.
    pub policy: Policy,
    /// The panel.
    pub assets: Assets,
    /// A place for every connection the server can afford ([`seats`](fn@seats)).
    pub seats: Arc<Semaphore>,
}

impl<A> fmt::Debug for House<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
