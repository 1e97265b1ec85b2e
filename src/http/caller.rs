//! Who is at the other end of a connection, as far as one request and the kernel can tell.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use tokio::net::TcpStream;

use crate::limits::household;
use crate::owner::Connection;
use crate::policy::{Act, Policy, Reach};

/// Whoever makes a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// Its address, as [`Peer`](crate::policy::Peer) has it.
    pub(super) address: IpAddr,
    /// The connection, if address and request are such as they are of somebody at this machine.
    here: Option<Connection>,
}

impl Caller {
    /// Whoever makes a request with these headers over this connection, if it is a loopback one.
    pub(super) fn new(
        address: SocketAddr,
        connection: Option<Connection>,
        headers: &HeaderMap,
    ) -> Self {
        // A reverse proxy on this machine is a loopback peer as well, and runs as root or as anybody: it
        // speaks for strangers, and says so.
        let here = connection.filter(|_| !headers.keys().any(|name| is_by_proxy(name.as_str())));
        Self { address: household(address.ip()), here }
    }

    /// Whether it is root or the server's own user who asks, at this machine; nobody looks unless one of
    /// these acts depends on it.
    pub(super) async fn is_local(&self, policy: &Policy, acts: &[Act]) -> bool {
        let matters = acts.iter().any(|act| policy.reach(*act) == Reach::Local);
        match self.here.filter(|_| matters) {
            Some(connection) => connection.peer_user().await.is_some_and(|it| policy.is_own(it)),
            None => false,
        }
    }
}

/// This connection, if both of its ends are at this machine.
pub(super) fn loopback(stream: &TcpStream, peer: SocketAddr) -> Option<Connection> {
    let local = stream.local_addr().ok()?;
    peer.ip().to_canonical().is_loopback().then(|| Connection::of(stream, local, peer))?
}

/// Whether a proxy says so with this header.
fn is_by_proxy(name: &str) -> bool {
    name == "forwarded" || name == "via" || name == "x-real-ip" || name.starts_with("x-forwarded-")
}
