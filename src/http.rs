//! HTTP: the panel, the present state for programs, and the door to the stations.
//!
//! The only room that knows axum. A WebSocket's handshake and a request for events are
//! answered here; then the socket goes to whoever [`Admit`]s newcomers, and this room forgets it.
//! It knows nothing of what stations and telegraph say.
//!
//! Listening, limits and who may come are `chadburn-web`'s. Read `service` for what is answered and how a
//! connection becomes a station's, `upgrade` for the handshake, `events` for its little sister and `routes`
//! for everything else.

mod events;
mod hub_client;
mod panel;
mod query;
mod routes;
mod service;
mod upgrade;

use std::fmt;
use std::sync::Arc;

use chadburn_web::Server;
use chadburn_web::assets::Assets;
use chadburn_web::limits::Limits;
use chadburn_web::visitors::Visitors;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::book;
use crate::hub::{Ask, Gone, Handle, Input, Newcomer, Outcome, Snapshot};
use crate::metrics::Metrics;
use crate::policy::Reaches;

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

/// What is served, and of what it is made.
pub struct App<A> {
    /// Takes the newcomers and the requests.
    pub admit: A,
    /// What the telegraph says, as of its last change.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// Whether the hub's loop has turned lately.
    pub alive: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Who may come and who may read, as of now: a token may be replaced at any time.
    pub visitors: watch::Receiver<Visitors>,
    /// From where what changes something may be done.
    pub reaches: Reaches,
    /// The panel.
    pub assets: Assets,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The bell book, if one is kept.
    pub book: Option<book::Reader>,
    /// A place for every connection the server can afford ([`seats`](chadburn_web::seats::seats)).
    pub seats: Arc<Semaphore>,
    /// How much one address may take.
    pub limits: Limits,
}

impl<A> fmt::Debug for App<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// Serves every connection of this listener until told to stop ([`Server::serve`]).
pub async fn listen<A: Admit>(
    listener: TcpListener,
    app: App<A>,
    stop: CancellationToken,
    tracker: &TaskTracker,
) {
    let service = service::StationService::new(&app);
    let App { visitors, seats, limits, .. } = app;
    Server { service, visitors, seats, limits }.serve(listener, stop, tracker).await;
}

#[cfg(test)]
mod tests;
