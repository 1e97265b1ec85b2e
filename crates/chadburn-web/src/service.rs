//! What a server asks of whoever answers: a [`Service`], of which an axum [`Router`] is one.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpStream};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use tokio::sync::OwnedSemaphorePermit;

use crate::limits::AddressPermit;

/// Answers the requests of those who may come.
///
/// A request has a [`Caller`](crate::Caller) and an `Arc<`[`Control`](crate::Control)`>` among its extensions.
pub trait Service: Send + Sync + 'static {
    /// What a connection is taken away for. An answer with one among its extensions is the last that HTTP
    /// gives: it has status 101 or says `Connection: close`, and goes with the connection to
    /// [`take`](Self::take) in place of being sent.
    type Upgrade: Clone + Send + Sync + 'static;

    /// Answers this request.
    fn call(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;

    /// Takes this connection.
    fn take(&self, taken: Upgraded, upgrade: Self::Upgrade) -> impl Future<Output = ()> + Send;

    /// On which terms this request is answered.
    fn terms(&self, request: &Request<Body>) -> Terms {
        let _ = request;
        Terms::default()
    }

    /// An answer with this status goes out.
    fn answered(&self, status: u16) {
        let _ = status;
    }

    /// A connection was not taken: there was no seat, or its address has too many.
    fn rejected(&self) {}
}

impl Service for Router {
    type Upgrade = Infallible;

    async fn call(&self, request: Request<Body>) -> Response<Body> {
        // A router is always ready.
        match tower_service::Service::call(&mut self.clone(), request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    async fn take(&self, _: Upgraded, upgrade: Infallible) {
        match upgrade {}
    }
}

/// On which terms a request is answered; by default it counts, says its `Host` and brings the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// It does not count as one of the requests that an address has in a second: one page has dozens of parts.
    pub uncounted: bool,
    /// It may come without a `Host` if it comes by GET or HEAD in HTTP/1.0, as load balancers probe. Every
    /// browser sends one, so that a page whose name was pointed here gains nothing by it.
    pub probe: bool,
    /// Whether it needs the token, where reading needs it.
    pub token: TokenUse,
}

/// Whether a request needs the token, where reading needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenUse {
    /// It does.
    #[default]
    Needed,
    /// Without one it is given later, over the connection that is taken away. It counts as a try.
    Later,
    /// It does not.
    Open,
}

/// A connection that was taken away from HTTP.
#[derive(Debug)]
pub struct Upgraded {
    /// The connection; it does not block.
    pub socket: TcpStream,
    /// The address of the other end.
    pub address: SocketAddr,
    /// What has come and is no part of a request.
    pub unread: Vec<u8>,
    /// The last answer as HTTP would have sent it, and whatever it had not sent before.
    pub unsent: Vec<u8>,
    /// Its seat among all connections; dropped with it.
    pub seat: OwnedSemaphorePermit,
    /// Its place among the connections of its address; dropped with it.
    pub address_permit: AddressPermit,
}

#[cfg(test)]
mod tests;
