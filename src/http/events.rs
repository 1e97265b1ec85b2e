//! `GET /events`: server-sent events, as a third way to be a station.
//!
//! The request is answered here, with a head and no end. What is sent behind it is the hub's.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, Uri, header};

use chadburn_web::query::value;

use super::query::number;

/// The first line: after how many milliseconds a client whose connection was lost tries again.
const RETRY: &[u8] = b"retry: 2000\n\n";

/// What says that an answer's body is empty; in one that never ends it must not stand.
const EMPTY: &[u8] = b"content-length: 0\r\n";

/// The answer's head.
pub(super) fn head() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    for (name, value) in [
        // It is always UTF-8; libraries that read it as text guess otherwise.
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        // A proxy that compresses would keep events back until it had enough of them.
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (header::CONNECTION, "close"),
        // So would nginx.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The number that the client's latest event had: in its header, or in its address, where clients write it that
/// cannot send the header. One that is none is none: a browser that was refused would not come back.
pub(super) fn last_event(headers: &HeaderMap, uri: &Uri) -> Option<u64> {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    header.and_then(number).or_else(|| value(uri, "lastEventId").and_then(number))
}

/// Makes what hyper wrote for [`head`], perhaps behind answers before it, an answer that does not
/// end, with the first line behind it. `None` if it is something else.
pub(super) fn open_ended(mut written: Vec<u8>) -> Option<Vec<u8>> {
    let at = written.windows(EMPTY.len()).rposition(|line| line == EMPTY)?;
    written.drain(at..at + EMPTY.len());
    written.extend_from_slice(RETRY);
    Some(written)
}
