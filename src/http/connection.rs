//! One connection: requests judged and answered, until it ends or becomes a station's.

mod visitor;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::sync::CancellationToken;

use self::visitor::{Asked, Station, Visitor};
use super::{Admit, House, events, routes};
use crate::hub::{Newcomer, SILENCE_SECONDS, Wire};
use crate::policy::{Act, Peer};
use chadburn_web::door::Guests;
use chadburn_web::headers;
use chadburn_web::limits::Guest;
use chadburn_web::socket::{Control, Socket};

/// The largest head of a request.
const LARGEST_HEAD: usize = 32 * 1024;

/// How long an answer may still take when the server is told to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What all connections share.
pub(super) struct Reception<A> {
    pub(super) house: House<A>,
    pub(super) guests: Guests,
    /// Makes the connection that has rested longest end, for one who finds no seat.
    pub(super) crowd: Arc<Notify>,
    protocol: http1::Builder,
    router: TowerToHyperService<Router>,
}

impl<A: Admit> Reception<A> {
    pub(super) fn new(house: House<A>) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            // Some clients end their side once they have asked. `local` does not believe them.
            .half_close(true)
            // The socket has deadlines of its own.
            .header_read_timeout(None)
            .max_buf_size(LARGEST_HEAD)
            // The buffer may grow past its limit in one last read; the head may not.
            .max_header_size(LARGEST_HEAD);
        let router = TowerToHyperService::new(routes::router(&house));
        let guests = Guests::new(house.limits);
        Self { house, guests, crowd: Arc::default(), protocol, router }
    }

    /// An answer as it goes out, counted.
    fn finished(&self, mut answer: Response<Body>, asked: &Asked) -> Response<Body> {
        self.house.metrics.responded(answer.status().as_u16());
        // Nobody but a WebSocket client reads a 101; it goes out as it is.
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            headers::dress(answer.headers_mut());
            asked.cors.dress(answer.headers_mut());
            if asked.stays {
                headers::stay(answer.headers_mut());
            }
        }
        answer
    }
}

/// Serves one connection to its end, or to the point where it is a station's and goes to the hub.
pub(super) async fn serve<A: Admit>(
    reception: Arc<Reception<A>>,
    stream: TcpStream,
    address: SocketAddr,
    (seat, guest): (OwnedSemaphorePermit, Guest),
    stop: CancellationToken,
) {
    // Without it an answer in two writes could wait for the peer's delayed acknowledgement. It is
    // not left to the listener, from which sockets inherit it, for the first in its queue do not.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %address, "TCP_NODELAY is refused");
    }
    let control = Arc::new(Control::default());
    let visitor = Visitor::new(reception.clone(), &stream, address, control.clone());
    // Not `with_upgrades`: hyper's way to an upgraded socket is a channel to a second task. This
    // task can take the socket back itself once the answer is out.
    let socket = TokioIo::new(Socket::new(stream, control, reception.crowd.clone()));
    let mut connection = reception.protocol.serve_connection(socket, visitor);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            match tokio::time::timeout(LAST_WORDS, &mut connection).await {
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
    let Some(Station { wire, caller, resume, since, token }) = parts.service.into_station() else {
        return;
    };
    // Leaves tokio altogether: the hub has its own way of waiting for sockets.
    let (stream, kept) = parts.io.into_inner().into_parts();
    let (unsent, unread) = match wire {
        Wire::Text | Wire::Json => (Some(kept), parts.read_buf.to_vec()),
        // Whatever stands behind a request for events is not heard.
        Wire::Sse => (events::open_ended(kept), Vec::new()),
    };
    let Some(unsent) = unsent else {
        tracing::error!(%address, "the head of the events is not as expected");
        return;
    };
    // Nobody who asks for events alone asks for anything else.
    let acts: &[Act] = if wire == Wire::Sse { &[] } else { &[Act::Order, Act::Shutdown] };
    // Before the hub hears anything of it, and believed only if the socket still stands after that.
    let local = caller.is_local(&reception.house.policy, acts).await;
    let peer = Peer { local, ..Peer::at(caller.address) };
    let socket = match stream.into_std() {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, %address, "connection lost between two loops");
            return;
        }
    };
    if wire == Wire::Sse
        && let Err(error) = give_up_on_the_lost(&socket)
    {
        tracing::debug!(%error, %address, "TCP_USER_TIMEOUT is refused");
    }
    let newcomer =
        Newcomer { socket, unread, unsent, wire, peer, resume, since, token, seat, guest };
    // A hub that is gone takes nobody; the newcomer's socket closes with it.
    let _ = reception.house.admit.admit(newcomer).await;
}

/// Lets the kernel end a connection of which nothing that was sent is acknowledged for as long as other stations
/// may be silent: a reader of events says nothing by which it could be missed.
#[cfg(target_os = "linux")]
fn give_up_on_the_lost(socket: &std::net::TcpStream) -> std::io::Result<()> {
    Ok(rustix::net::sockopt::set_tcp_user_timeout(socket, SILENCE_SECONDS * 1_000)?)
}

/// Nothing has this that is asked for without `unsafe`; retransmission ends after some minutes.
#[cfg(not(target_os = "linux"))]
fn give_up_on_the_lost(_: &std::net::TcpStream) -> std::io::Result<()> {
    Ok(())
}
