//! What is answered to those who may come: a handshake, a request for events, or what a route says; and how
//! connections become stations.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{Method, Request, Response, StatusCode};
use axum::response::IntoResponse;
use chadburn_web::problem::Problem;
use chadburn_web::{Caller, Service, Terms, TokenUse, Upgraded, token};
use tokio::sync::watch;

use super::{Admit, App, events, query, routes, upgrade};
use crate::hub::{Newcomer, SILENCE_SECONDS, Snapshot, Wire};
use crate::metrics::Metrics;
use crate::policy::{Act, Peer, Reaches};

/// Where a WebSocket is opened.
const WEBSOCKET: &str = "/websocket";

/// Where events are read.
const EVENTS: &str = "/events";

/// Below this stand the parts of the panel.
const PARTS: &str = "/static/";

/// What a connection is to become.
#[derive(Clone)]
pub(super) struct Joining {
    wire: Wire,
    caller: Caller,
    resume: Option<String>,
    since: Option<u64>,
    token: Option<String>,
}

/// Answers, and hands stations over to the hub.
pub(super) struct StationService<A> {
    admit: A,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    metrics: Arc<Metrics>,
    reaches: Reaches,
    router: Router,
}

impl<A: Admit> Service for StationService<A> {
    type Upgrade = Joining;

    fn terms(&self, request: &Request<Body>) -> Terms {
        let path = request.uri().path();
        let is_part = path.starts_with(PARTS);
        // Open is the panel, which can ask for the token, and whether the server lives, for those who restart
        // servers.
        let is_open = is_part || matches!(path, "/" | "/favicon.ico" | "/livez" | "/readyz");
        // A browser cannot send a header with a handshake: its panel says the token as its first message.
        let says_it = path == WEBSOCKET && upgrade::asks_for_json(request.headers());
        Terms {
            uncounted: is_part,
            probe: matches!(path, "/livez" | "/readyz" | "/metrics" | "/status"),
            token: match (is_open, says_it) {
                (true, _) => TokenUse::Open,
                (false, true) => TokenUse::Later,
                (false, false) => TokenUse::Needed,
            },
        }
    }

    async fn call(&self, request: Request<Body>) -> Response<Body> {
        let answered = match request.uri().path() {
            WEBSOCKET => self.open(&request),
            EVENTS if request.method() == Method::GET => self.stream(&request),
            _ => return self.router.call(request).await,
        };
        answered.unwrap_or_else(Problem::into_response)
    }

    async fn take(&self, taken: Upgraded, joining: Joining) {
        let Upgraded { socket, address, unread, unsent, seat, address_permit } = taken;
        let Joining { wire, caller, resume, since, token } = joining;
        let (unsent, unread) = match wire {
            Wire::Text | Wire::Json => (Some(unsent), unread),
            // Whatever stands behind a request for events is not heard.
            Wire::Sse => (events::open_ended(unsent), Vec::new()),
        };
        let Some(unsent) = unsent else {
            tracing::error!(%address, "the head of the events is not as expected");
            return;
        };
        // Nobody who asks for events alone asks for anything else.
        let acts: &[Act] = if wire == Wire::Sse { &[] } else { &[Act::Order, Act::Shutdown] };
        // Before the hub hears anything of it, and believed only if the socket still stands after that.
        let local = self.reaches.are_local(acts) && caller.is_local().await;
        let peer = Peer { local, ..Peer::at(caller.address) };
        if wire == Wire::Sse
            && let Err(error) = give_up_on_the_lost(&socket)
        {
            tracing::debug!(%error, %address, "TCP_USER_TIMEOUT is refused");
        }
        let newcomer = Newcomer {
            socket,
            unread,
            unsent,
            wire,
            peer,
            resume,
            known_seq: since,
            token,
            seat,
            address_permit,
        };
        // A hub that is gone takes nobody; the newcomer's socket closes with it.
        let _ = self.admit.admit(newcomer).await;
    }

    fn answered(&self, status: u16) {
        self.metrics.responded(status);
    }

    fn rejected(&self) {
        self.metrics.turned_away();
    }
}

impl<A: Admit> StationService<A> {
    pub(super) fn new(app: &App<A>) -> Self {
        Self {
            admit: app.admit.clone(),
            snapshot: app.snapshot.clone(),
            metrics: app.metrics.clone(),
            reaches: app.reaches,
            router: routes::router(app),
        }
    }

    fn open(&self, request: &Request<Body>) -> Result<Response<Body>, Problem> {
        self.still_open()?;
        let (wire, mut switching) = upgrade::answer(request)?;
        // The original never looked at the query, and whoever speaks its wire has no past.
        let (resume, since) = match wire {
            Wire::Json => (query::resume(request.uri())?, query::since(request.uri())?),
            Wire::Text | Wire::Sse => (None, None),
        };
        join(&mut switching, request, wire, resume, since);
        Ok(switching)
    }

    fn stream(&self, request: &Request<Body>) -> Result<Response<Body>, Problem> {
        self.still_open()?;
        if !request.body().is_end_stream() {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "to ask for events takes no body"));
        }
        // When a browser comes back, its header is newer than what stood in its address.
        let asked = query::since(request.uri())?;
        let since = events::last_event(request.headers(), request.uri()).or(asked);
        let mut head = events::head();
        join(&mut head, request, Wire::Sse, None, since);
        Ok(head)
    }

    fn still_open(&self) -> Result<(), Problem> {
        if self.snapshot.borrow().closing {
            return Err(Problem::not_now("the server is shutting down"));
        }
        Ok(())
    }
}

/// With this answer the connection becomes a station's.
fn join(
    answer: &mut Response<Body>,
    request: &Request<Body>,
    wire: Wire,
    resume: Option<String>,
    since: Option<u64>,
) {
    let token = token::bearer(request.headers());
    if let Some(caller) = request.extensions().get().copied() {
        answer.extensions_mut().insert(Joining { wire, caller, resume, since, token });
    }
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
