//! What the panel's page may do in a browser.

use axum::http::HeaderValue;
use chadburn_web::headers::NO_PAGE;

/// The one script that stands in the panel's page itself, as browsers know it by SHA-256; a test of the
/// panel holds it to that. A page of one's own may have it too.
const SCRIPT: &str = "'sha256-EFXeoi9KxS7S3Rw0JWGcRFdWUjXLfLf98re0AdOyuIw='";

/// What the panel may do when it was asked for under this (judged) `Host`: load its own parts,
/// and talk to where it came from. `'self'` covers a `WebSocket` in all current browsers, but not in
/// Safari before 15.4; those get the address spelt out, which is tighter than `ws: wss:`. A v6
/// address cannot be spelt in this language.
pub(super) fn panel_policy(host: &str) -> HeaderValue {
    let sockets = match host {
        v6 if v6.starts_with('[') => String::new(),
        host => format!(" ws://{host} wss://{host}"),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self' {SCRIPT}; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; manifest-src 'self'; connect-src 'self'{sockets}; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(NO_PAGE))
}
