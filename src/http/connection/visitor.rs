//! Whoever is at the other end of a connection, request by request: judged, answered, or told that
//! the connection becomes a station's.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::http::{Method, Request, Response, StatusCode, Version, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::net::TcpStream;

use super::Reception;
use crate::http::caller::{self, Caller, at_most_one, came_by_tls};
use crate::http::cors::Cors;
use crate::http::desk;
use crate::http::{Admit, events, query, upgrade};
use crate::hub::Wire;
use crate::policy::{Policy, Refusal};
use chadburn_web::lists::members;
use chadburn_web::owner::Connection;
use chadburn_web::problem::Problem;
use chadburn_web::socket::Control;

/// Where a WebSocket is opened.
const WEBSOCKET: &str = "/websocket";

/// Where events are read.
const EVENTS: &str = "/events";

/// Below this stand the parts of the panel.
const PARTS: &str = "/static/";

/// What a connection is to become when it leaves here.
pub(super) struct Station {
    pub(super) wire: Wire,
    pub(super) caller: Caller,
    pub(super) resume: Option<String>,
    pub(super) since: Option<u64>,
    pub(super) token: Option<String>,
}

/// What an answer needs of the request that it answers.
pub(super) struct Asked {
    /// Which page may read it.
    pub(super) cors: Cors,
    /// Whether the connection may take another request after it.
    pub(super) stays: bool,
}

impl Asked {
    fn of<B>(request: &Request<B>, policy: &Policy) -> Self {
        let has = |word| {
            let mut words = members(request.headers(), &header::CONNECTION);
            words.any(|it| it.eq_ignore_ascii_case(word))
        };
        let stays = match request.version() {
            Version::HTTP_11 => !has("close"),
            _ => has("keep-alive") && !has("close"),
        };
        Self { cors: Cors::of(request, policy), stays }
    }
}

/// Whoever is at the other end, request by request.
pub(super) struct Visitor<A> {
    reception: Arc<Reception<A>>,
    address: SocketAddr,
    /// The connection, if it is a loopback one.
    loopback: Option<Connection>,
    /// Tells the socket to keep back the answer with which the connection leaves.
    control: Arc<Control>,
    /// Set with that answer.
    station: Cell<Option<Station>>,
}

impl<A: Admit> Service<Request<Incoming>> for Visitor<A> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let caller = Caller::new(self.address, self.loopback, &request);
        self.control.asked();
        let asked = Asked::of(&request, &self.reception.house.policy.borrow());
        let within = self.within_limits(request.uri().path());
        let judged = within.and_then(|()| self.judge(&request)).and_then(|()| {
            // A preflight never brings the token.
            match asked.cors.preflight(&request) {
                Some(answer) => Ok(Some(answer)),
                None => self.authenticate(&request).map(|()| None),
            }
        });
        let answered = match judged {
            Err(problem) => Err(problem),
            Ok(Some(answer)) => Ok(answer),
            Ok(None) if request.uri().path() == WEBSOCKET => self.open(caller, &request),
            Ok(None) if request.uri().path() == EVENTS && request.method() == Method::GET => {
                self.stream(caller, &request)
            }
            Ok(None) => {
                request.extensions_mut().insert(caller);
                request.extensions_mut().insert(self.control.clone());
                let routed = self.reception.router.call(request);
                let (reception, control) = (self.reception.clone(), self.control.clone());
                return Box::pin(async move {
                    let answer = routed.await;
                    control.answered();
                    answer.map(|it| reception.finished(it, &asked))
                });
            }
        };
        let answer = answered.unwrap_or_else(Problem::into_response);
        let answer = self.reception.finished(answer, &asked);
        self.control.answered();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

impl<A> Visitor<A> {
    pub(super) fn new(
        reception: Arc<Reception<A>>,
        stream: &TcpStream,
        address: SocketAddr,
        control: Arc<Control>,
    ) -> Self {
        let loopback = caller::loopback(stream, address);
        Self { reception, address, loopback, control, station: Cell::new(None) }
    }

    /// What the connection is to become, if it was answered so.
    pub(super) fn into_station(self) -> Option<Station> {
        self.station.take()
    }

    /// Whether the address may ask once more. A panel's parts are free: one visit has dozens of them.
    fn within_limits(&self, path: &str) -> Result<(), Problem> {
        if path.starts_with(PARTS) || self.reception.guests.asks(self.address.ip()) {
            return Ok(());
        }
        let detail = "your address has asked too often; in a second it may again";
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).header(header::RETRY_AFTER, "1"))
    }

    /// Whether a request with these headers is answered at all.
    fn judge(&self, request: &Request<Incoming>) -> Result<(), Problem> {
        let mut host = at_most_one(request.headers(), &header::HOST);
        // A request in absolute form names its host twice, and both must agree.
        if let (Some(named), Some(authority)) = (host, request.uri().authority())
            && !named.eq_ignore_ascii_case(authority.as_str())
        {
            host = Some("");
        }
        if needs_no_host(request) {
            return Ok(());
        }
        let origin = at_most_one(request.headers(), &header::ORIGIN);
        let tls = came_by_tls(request.headers());
        self.reception.house.policy.borrow().visit(host, origin, tls).map_err(Problem::from)
    }

    /// Whether a request with this token, or with none, is answered. Only whether it may be read is judged
    /// here; what else needs the token, the hub knows.
    fn authenticate(&self, request: &Request<Incoming>) -> Result<(), Problem> {
        let policy = self.reception.house.policy.borrow();
        let token = desk::bearer(request.headers());
        let path = request.uri().path();
        // A browser cannot send a header with a handshake: its panel says the token as its first message.
        let may_say_it =
            token.is_none() && path == WEBSOCKET && upgrade::asks_for_json(request.headers());
        if (token.is_some() || may_say_it) && !self.reception.guests.tries_token(self.address.ip())
        {
            let detail =
                "your address has given too many wrong tokens; in a second it may try again";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
            return Err(problem.header(header::RETRY_AFTER, "1"));
        }
        if policy.token.is_some() && token.as_deref().is_some_and(|token| !policy.is_token(token)) {
            self.reception.guests.wrong_token(self.address.ip());
        }
        if !policy.may_read(token.as_deref()) && !may_say_it && !is_open(path) {
            return Err(desk::without_token(token.is_some()));
        }
        Ok(())
    }

    fn open(&self, caller: Caller, request: &Request<Incoming>) -> Result<Response<Body>, Problem> {
        self.still_open()?;
        let (wire, switching) = upgrade::answer(request)?;
        // The original never looked at the query, and whoever speaks its wire has no past.
        let (resume, since) = match wire {
            Wire::Json => (query::resume(request.uri())?, query::since(request.uri())?),
            Wire::Text | Wire::Sse => (None, None),
        };
        let token = desk::bearer(request.headers());
        self.leave_as(Station { wire, caller, resume, since, token });
        Ok(switching)
    }

    fn stream(
        &self,
        caller: Caller,
        request: &Request<Incoming>,
    ) -> Result<Response<Body>, Problem> {
        self.still_open()?;
        if !request.body().is_end_stream() {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "to ask for events takes no body"));
        }
        // When a browser comes back, its header is newer than what stood in its address.
        let asked = query::since(request.uri())?;
        let since = events::last_event(request.headers(), request.uri()).or(asked);
        let token = desk::bearer(request.headers());
        self.leave_as(Station { wire: Wire::Sse, caller, resume: None, since, token });
        Ok(events::head())
    }

    fn still_open(&self) -> Result<(), Problem> {
        if self.reception.house.snapshot.borrow().closing {
            return Err(Problem::not_now("the server is shutting down"));
        }
        Ok(())
    }

    /// The answer that is given now is kept back, and goes with the connection.
    fn leave_as(&self, station: Station) {
        self.station.set(Some(station));
        self.control.hold();
    }
}

/// Whether this is a probe in HTTP/1.0, such as a load balancer's, which need not say whom it is for. Every browser
/// says so, so that a page whose name was pointed here gains nothing by it; and no such request is `local`.
fn needs_no_host<B>(request: &Request<B>) -> bool {
    let has = |name| request.headers().contains_key(name);
    request.version() == Version::HTTP_10
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && matches!(request.uri().path(), "/livez" | "/readyz" | "/metrics" | "/status")
        && request.uri().authority().is_none()
        && !has(header::HOST)
        && !has(header::ORIGIN)
}

/// Whether everybody may read what is there, even where reading needs the token: the panel, which can ask for
/// it, and whether the server lives, for those who restart servers.
fn is_open(path: &str) -> bool {
    matches!(path, "/" | "/favicon.ico" | "/livez" | "/readyz") || path.starts_with(PARTS)
}
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN);
        Self::new(status, refusal.to_string())
    }
}
