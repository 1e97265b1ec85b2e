//! One connection: its requests are checked and answered, until it ends or is upgraded and handed over to
//! the service.

mod requests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use self::requests::Requests;
use crate::limiter::Limiter;
use crate::limits::{AddressPermit, Limits};
use crate::service::{Service, Upgraded};
use crate::socket::{Control, Socket};
use crate::visitors::Visitors;

/// The largest head of a request, in bytes.
const MAX_REQUEST_HEAD: usize = 32 * 1024;

/// How long the answer under way may take when the server ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// What all connections share.
pub(crate) struct Shared<S> {
    pub(crate) service: S,
    pub(crate) limiter: Limiter,
    /// Notified when a connection finds no free seat: the one that has been idle longest then closes.
    pub(crate) evict_idle: Arc<Notify>,
    visitors: watch::Receiver<Visitors>,
    protocol: http1::Builder,
}

impl<S> Shared<S> {
    pub(crate) fn new(service: S, visitors: watch::Receiver<Visitors>, limits: Limits) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            // Some clients half-close after the request. (The user of such a local peer is not identified:
            // `crate::owner`.)
            .half_close(true)
            // The socket has deadlines of its own.
            .header_read_timeout(None)
            .max_buf_size(MAX_REQUEST_HEAD)
            // The buffer may grow past its limit in one last read; the head may not.
            .max_header_size(MAX_REQUEST_HEAD);
        let limiter = Limiter::new(limits);
        Self { service, limiter, evict_idle: Arc::default(), visitors, protocol }
    }
}

/// Serves one connection until it ends, or is upgraded and handed over to the service.
pub(crate) async fn serve<S: Service>(
    shared: Arc<Shared<S>>,
    stream: TcpStream,
    address: SocketAddr,
    (seat, address_permit): (OwnedSemaphorePermit, AddressPermit),
    stop: CancellationToken,
) {
    // Without it an answer in two writes could wait for the peer's delayed acknowledgement. It is not set
    // on the listener: connections already in its backlog would not inherit it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %address, "TCP_NODELAY is refused");
    }
    let control = Arc::new(Control::default());
    let requests = Requests::new(shared.clone(), &stream, address, control.clone());
    // Not `with_upgrades`: hyper's way to an upgraded socket is a channel to a second task. This
    // task can take the socket back itself once the answer is out.
    let socket = TokioIo::new(Socket::new(stream, control, shared.evict_idle.clone()));
    let mut connection = shared.protocol.serve_connection(socket, requests);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            match tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %address, "connection ended");
        return;
    }
    let parts = connection.into_parts();
    let Some(upgrade) = parts.service.into_upgrade() else {
        return;
    };
    let (stream, unsent) = parts.io.into_inner().into_parts();
    let unread = parts.read_buf.to_vec();
    // As a socket of the standard library: the service may use another event loop than tokio's.
    let socket = match stream.into_std() {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, %address, "connection lost between two loops");
            return;
        }
    };
    let upgraded = Upgraded { socket, address, unread, unsent, seat, address_permit };
    shared.service.take(upgraded, upgrade).await;
}
