//! What every answer tells a browser not to do.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::lists;
use crate::socket::KEEP_ALIVE;

/// What holds for every answer, whatever it is.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // For browsers that do not know frame-ancestors.
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: with it a form of our own would send `Origin: null`, which is refused.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    // No page from elsewhere may embed what is said here, not even as a script. There is no
    // Cross-Origin-Opener-Policy: over plain http, which is how panels reach an office's
    // server, browsers ignore it and complain.
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// For answers that are no page: should one be opened as a page, it may do nothing.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// Puts the headers on that every answer bears.
pub(crate) fn secure(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NO_PAGE));
}

/// Whether a request or an answer says that the connection ends with it.
pub(crate) fn closes(headers: &HeaderMap) -> bool {
    lists::has(headers, &header::CONNECTION, "close")
}

/// Says so.
pub(crate) fn close(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// Says for how long the connection waits for another request. What the answer says of the connection beside that,
/// such as that it could be upgraded, stays.
pub(crate) fn keep_alive(headers: &mut HeaderMap) {
    headers.append(header::CONNECTION, HeaderValue::from_static("keep-alive"));
    headers.insert(HeaderName::from_static("keep-alive"), KEEP_ALIVE);
}

/// What a page may do when it was asked for under this (judged) `Host`: load its own parts,
/// and talk to where it came from. `'self'` covers a `WebSocket` in all current browsers, but not in
/// Safari before 15.4; those get the address spelt out, which is tighter than `ws: wss:`. A v6
/// address cannot be spelt in this language. `scripts` are those that stand in the page itself.
pub(crate) fn page_policy(host: &str, scripts: &str) -> HeaderValue {
    let sockets = match host {
        v6 if v6.starts_with('[') => String::new(),
        host => format!(" ws://{host} wss://{host}"),
    };
    let scripts = if scripts.is_empty() { String::new() } else { format!(" {scripts}") };
    let policy = format!(
        "default-src 'none'; script-src 'self'{scripts}; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; manifest-src 'self'; connect-src 'self'{sockets}; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(NO_PAGE))
}
