//! What every answer tells a browser not to do.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

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
pub const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// Puts the headers on that every answer bears.
pub fn dress(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NO_PAGE));
}

/// Says for how long the connection waits for another request, unless it ends with this answer.
pub fn stay(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONNECTION) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert(HeaderName::from_static("keep-alive"), KEEP_ALIVE);
    }
}
