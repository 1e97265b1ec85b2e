//! What a browser must be told before a page of another origin may read an answer (the Fetch standard, "CORS
//! protocol"): nothing, unless `--allow-origin` names that origin, and never that any origin may.

use axum::body::Body;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header,
};

use crate::caller::at_most_one;
use crate::visitors::Visitors;

/// The methods that our routes know.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT");

/// The headers that our routes read and that a page may not send unasked.
const HEADERS: HeaderValue = HeaderValue::from_static("Authorization, Content-Type, Last-Event-ID");

/// The headers of answers that a page may not read untold.
const EXPOSED: HeaderValue = HeaderValue::from_static("Retry-After");

/// For how many seconds a browser need not ask again. A page that is no longer allowed is refused by its next
/// request in any case.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// What one request's `Origin` comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cors {
    /// The origin as the browser wrote it, if it is allowed.
    allowed: Option<HeaderValue>,
    /// Whether another origin could have had another answer.
    varies: bool,
}

impl Cors {
    pub(crate) fn of<B>(request: &Request<B>, visitors: &Visitors) -> Self {
        let origin = at_most_one(request.headers(), &header::ORIGIN);
        let allowed = origin.filter(|origin| visitors.is_allowed(origin));
        Self {
            allowed: allowed.and_then(|origin| HeaderValue::from_str(origin).ok()),
            varies: !visitors.origins.is_empty(),
        }
    }

    /// The answer to a preflight of an allowed page, if this request is one. It comes without the token, and
    /// says nothing that the token guards.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if self.allowed.is_none() || !asks || request.method() != Method::OPTIONS {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        // Of a page in the internet, where the server is in a private network (Private Network Access).
        let private = HeaderName::from_static("access-control-request-private-network");
        if request.headers().contains_key(private) {
            let allow = HeaderName::from_static("access-control-allow-private-network");
            headers.insert(allow, HeaderValue::from_static("true"));
        }
        Some(response)
    }

    /// Puts the headers on an answer.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = &self.allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}
