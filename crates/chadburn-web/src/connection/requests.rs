//! The requests of one connection, one by one: judged, answered, or told that the connection is taken away.

mod rest;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, Request, Response, StatusCode, Uri, Version, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use tokio::net::TcpStream;

use self::rest::Rest;
use super::Shared;
use crate::address;
use crate::caller::{self, Caller, at_most_one, came_by_tls};
use crate::cors::Cors;
use crate::headers;
use crate::lists;
use crate::owner::Connection;
use crate::problem::Problem;
use crate::service::{Service, Terms, TokenUse};
use crate::socket::Control;
use crate::token;
use crate::visitors::{NotAdmitted, Visitors};

/// What an answer needs of the request that it answers.
struct AnswerContext {
    /// Which page may read it.
    cors: Cors,
    /// Whether the request leaves the connection open.
    stays: bool,
    /// What is left of its body.
    rest: Rest,
}

impl AnswerContext {
    fn of<B>(request: &Request<B>, visitors: &Visitors, rest: Rest) -> Self {
        let is_kept = request.version() == Version::HTTP_11
            || lists::has(request.headers(), &header::CONNECTION, "keep-alive");
        let stays = is_kept && !headers::closes(request.headers());
        Self { cors: Cors::of(request, visitors), stays, rest }
    }
}

impl<S: Service> Shared<S> {
    /// An answer as it goes out.
    async fn finished(&self, mut answer: Response<Body>, context: AnswerContext) -> Response<Body> {
        self.service.answered(answer.status().as_u16());
        // Nobody but a WebSocket client reads a 101; it goes out as it is.
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            headers::secure(answer.headers_mut());
            context.cors.apply(answer.headers_mut());
            if context.stays && !headers::closes(answer.headers()) {
                if context.rest.ends().await {
                    headers::keep_alive(answer.headers_mut());
                } else {
                    headers::close(answer.headers_mut());
                }
            }
        }
        answer
    }
}

/// Answers the requests of one connection.
pub(super) struct Requests<S: Service> {
    shared: Arc<Shared<S>>,
    address: SocketAddr,
    /// The connection, if it is a loopback one.
    loopback: Option<Connection>,
    /// Tells the socket to keep back the answer with which the connection is taken away.
    control: Arc<Control>,
    /// Set with that answer.
    upgrade: Arc<Mutex<Option<S::Upgrade>>>,
}

impl<S: Service> hyper::service::Service<Request<Incoming>> for Requests<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (mut request, rest) = rest::split(request);
        take_slashes_as_one(request.uri_mut());
        self.control.asked();
        let context = AnswerContext::of(&request, &self.shared.visitors.borrow(), rest);
        let judged =
            self.judged(&request, &context).unwrap_or_else(|why| Some(why.into_response()));
        let (shared, control) = (self.shared.clone(), self.control.clone());
        if let Some(answer) = judged {
            return Box::pin(async move {
                let answer = shared.finished(answer, context).await;
                control.answered();
                Ok(answer)
            });
        }
        let caller = Caller::new(self.address, self.loopback, &request);
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(self.control.clone());
        let upgrade = self.upgrade.clone();
        Box::pin(async move {
            let mut answer = shared.service.call(request).await;
            if let Some(taken) = answer.extensions_mut().remove() {
                *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(taken);
                control.hold();
            }
            let answer = shared.finished(answer, context).await;
            control.answered();
            Ok(answer)
        })
    }
}

impl<S: Service> Requests<S> {
    pub(super) fn new(
        shared: Arc<Shared<S>>,
        stream: &TcpStream,
        address: SocketAddr,
        control: Arc<Control>,
    ) -> Self {
        let loopback = caller::loopback(stream, address);
        Self { shared, address, loopback, control, upgrade: Arc::default() }
    }

    /// What the connection is taken away for, if it was answered so.
    pub(super) fn into_upgrade(self) -> Option<S::Upgrade> {
        self.upgrade.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether this request is answered by the service; else how.
    fn judged(
        &self,
        request: &Request<Body>,
        context: &AnswerContext,
    ) -> Result<Option<Response<Body>>, Problem> {
        let terms = self.shared.service.terms(request);
        self.within_limits(terms)?;
        self.admit(request, terms)?;
        // A preflight never brings the token.
        if let Some(answer) = context.cors.preflight(request) {
            return Ok(Some(answer));
        }
        self.authenticate(request, terms)?;
        Ok(None)
    }

    /// Whether the address may ask once more.
    fn within_limits(&self, terms: Terms) -> Result<(), Problem> {
        if terms.uncounted || self.shared.limiter.request(self.address.ip()) {
            return Ok(());
        }
        let detail = "your address has asked too often; in a second it may again";
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).header(header::RETRY_AFTER, "1"))
    }

    /// Whether a request with these headers is answered at all.
    fn admit(&self, request: &Request<Body>, terms: Terms) -> Result<(), Problem> {
        let host = at_most_one(request.headers(), &header::HOST);
        // A request in absolute form names its host twice, and both must agree.
        if let (Some(named), Some(target)) = (host, request.uri().authority())
            && !address::is_same(named, target.as_str(), request.uri().scheme_str())
        {
            let detail = "the Host header and the address that is asked for are not the same";
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
        if terms.probe && needs_no_host(request) {
            return Ok(());
        }
        let origin = at_most_one(request.headers(), &header::ORIGIN);
        let tls = came_by_tls(request.headers());
        self.shared.visitors.borrow().visit(host, origin, tls).map_err(Problem::from)
    }

    /// Whether a request with this token, or with none, is answered. Only whether it may be read is judged
    /// here; what else needs the token, the service knows.
    fn authenticate(&self, request: &Request<Body>, terms: Terms) -> Result<(), Problem> {
        let (visitors, limiter) = (self.shared.visitors.borrow(), &self.shared.limiter);
        let address = self.address.ip();
        let token = token::bearer(request.headers());
        let comes_later = token.is_none() && terms.token == TokenUse::Later;
        if (token.is_some() || comes_later) && !limiter.try_token(address) {
            let detail =
                "your address has given too many wrong tokens; in a second it may try again";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
            return Err(problem.header(header::RETRY_AFTER, "1"));
        }
        let is_wrong = |token| visitors.token.is_some() && !visitors.is_token(token);
        if token.as_deref().is_some_and(is_wrong) {
            limiter.wrong_token(address);
        }
        if !visitors.may_read(token.as_deref()) && !comes_later && terms.token != TokenUse::Open {
            return Err(token::without_token(token.is_some()));
        }
        Ok(())
    }
}

/// Takes several slashes at the beginning of a path as one: proxies that cut a prefix off leave them behind.
fn take_slashes_as_one(uri: &mut Uri) {
    let path = uri.path_and_query().map_or("", PathAndQuery::as_str);
    if !path.starts_with("//") {
        return;
    }
    let path = format!("/{}", path.trim_start_matches('/'));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    if let Ok(plain) = Uri::from_parts(parts) {
        *uri = plain;
    }
}

/// Whether this is a probe in HTTP/1.0, which need not say whom it is for. No such request is `local`.
fn needs_no_host<B>(request: &Request<B>) -> bool {
    let has = |name| request.headers().contains_key(name);
    request.version() == Version::HTTP_10
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && request.uri().authority().is_none()
        && !has(header::HOST)
        && !has(header::ORIGIN)
}

impl From<NotAdmitted> for Problem {
    fn from(why: NotAdmitted) -> Self {
        let status = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::FORBIDDEN);
        Self::new(status, why.to_string())
    }
}
