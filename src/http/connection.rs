//! One connection: requests judged and answered, until it ends or becomes a WebSocket.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Request, Response, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use super::socket::Socket;
use super::{Admit, House, headers, routes, upgrade};
use crate::hub::{Newcomer, Wire};
use crate::policy::{Act, Owner, Peer, Verdict};

/// How long a request's head may take, and a connection may be silent between two requests.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// The largest head of a request.
const LARGEST_HEAD: usize = 32 * 1024;

/// How long an answer may still take when the server is told to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where a WebSocket is opened.
const WEBSOCKET: &str = "/websocket";

/// What all connections share.
pub(super) struct Reception<A> {
    pub(super) house: House<A>,
    protocol: http1::Builder,
    router: TowerToHyperService<Router>,
}

impl<A> Reception<A> {
    pub(super) fn new(house: House<A>) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_buf_size(LARGEST_HEAD)
            // The buffer may grow past its limit in one last read; the head may not.
            .max_header_size(LARGEST_HEAD);
        let router = TowerToHyperService::new(routes::router(&house));
        Self { house, protocol, router }
    }
}

/// Serves one connection to its end, or to the point where it is a WebSocket and goes to the hub.
pub(super) async fn serve<A: Admit>(
    reception: Arc<Reception<A>>,
    stream: TcpStream,
    address: SocketAddr,
    seat: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    // Without it an answer in two writes could wait for the peer's delayed acknowledgement. It is
    // not left to the listener, from which sockets inherit it, for the first in its queue do not.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %address, "TCP_NODELAY is refused");
    }
    let hold = Arc::new(AtomicBool::new(false));
    let visitor = Visitor {
        reception: reception.clone(),
        address,
        hold: hold.clone(),
        station: Cell::new(None),
    };
    // Not `with_upgrades`: hyper's way to an upgraded socket is a channel to a second task. This
    // task can take the socket back itself once the answer is out.
    let mut connection =
        reception.protocol.serve_connection(TokioIo::new(Socket::new(stream, hold)), visitor);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            Pin::new(&mut connection).graceful_shutdown();
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
    let Some((wire, peer)) = parts.service.station.take() else {
        return;
    };
    // Leaves tokio altogether: the hub has its own way of waiting for sockets.
    let (stream, unsent) = parts.io.into_inner().into_parts();
    let socket = match stream.into_std() {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, %address, "connection lost between two loops");
            return;
        }
    };
    let unread = parts.read_buf.to_vec();
    // A hub that is gone takes nobody; the newcomer's socket closes with it.
    let _ =
        reception.house.admit.admit(Newcomer { socket, unread, unsent, wire, peer, seat }).await;
}

/// Whoever is at the other end, request by request.
struct Visitor<A> {
    reception: Arc<Reception<A>>,
    address: SocketAddr,
    /// Tells the socket to keep back the answer to a handshake.
    hold: Arc<AtomicBool>,
    /// Set when a handshake was answered: what the connection is to become.
    station: Cell<Option<(Wire, Peer)>>,
}

impl<A: Admit> Service<Request<Incoming>> for Visitor<A> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let peer = peer(self.address, request.headers());
        let answered = match self.judge(&peer, &request) {
            Err(problem) => problem.into_response(),
            Ok(()) if request.uri().path() == WEBSOCKET => match self.open(peer, &request) {
                // Nobody but a WebSocket client reads a 101; it goes out as it is.
                Ok(switching) => return Box::pin(std::future::ready(Ok(switching))),
                Err(problem) => problem.into_response(),
            },
            Ok(()) => {
                let routed = self.reception.router.call(request);
                return Box::pin(async { routed.await.map(dressed) });
            }
        };
        Box::pin(std::future::ready(Ok(dressed(answered))))
    }
}

impl<A> Visitor<A> {
    /// Whether a request with these headers is answered at all.
    fn judge(&self, peer: &Peer, request: &Request<Incoming>) -> Result<(), Problem> {
        let mut host = at_most_one(request.headers(), &header::HOST);
        // A request in absolute form names its host twice, and both must agree.
        if let (Some(named), Some(authority)) = (host, request.uri().authority())
            && !named.eq_ignore_ascii_case(authority.as_str())
        {
            host = Some("");
        }
        let origin = at_most_one(request.headers(), &header::ORIGIN);
        match self.reception.house.policy.judge(peer, &Act::Visit { host, origin }) {
            Verdict::Granted => Ok(()),
            Verdict::Refused(refusal) => Err(refusal.into()),
            // No visit depends on the owner; if one did, nobody would have said yes.
            Verdict::AskOwner => Err(Problem::not_now("the peer's owner is not known")),
        }
    }

    fn open(&self, peer: Peer, request: &Request<Incoming>) -> Result<Response<Body>, Problem> {
        if self.reception.house.snapshot.borrow().closing {
            return Err(Problem::not_now("the server is shutting down"));
        }
        let (wire, switching) = upgrade::answer(request)?;
        self.station.set(Some((wire, peer)));
        self.hold.store(true, Ordering::Relaxed);
        Ok(switching)
    }
}

fn dressed(mut response: Response<Body>) -> Response<Body> {
    headers::dress(response.headers_mut());
    response
}

/// The one value of a header. What stands there twice or is not text is taken as empty, which is
/// neither a host nor an origin.
fn at_most_one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    match values.next() {
        Some(_) => Some(""),
        None => Some(value.to_str().unwrap_or("")),
    }
}

/// What the address and the headers say of the other end.
fn peer(address: SocketAddr, headers: &HeaderMap) -> Peer {
    let by_proxy = |name: &HeaderName| {
        let name = name.as_str();
        name == "forwarded"
            || name == "via"
            || name == "x-real-ip"
            || name.starts_with("x-forwarded-")
    };
    Peer {
        loopback: address.ip().to_canonical().is_loopback(),
        forwarded: headers.keys().any(by_proxy),
        owner: Owner::Unasked,
    }
}
