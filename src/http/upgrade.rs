//! The WebSocket handshake, RFC 6455 section 4.2, as a function from request to answer.
//!
//! It reads headers and writes headers. What happens to the socket afterwards is `connection`'s
//! business; what is said on it, the hub's.

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use axum::http::{Version, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chadburn_v1::SUBPROTOCOL;
use sha1::{Digest, Sha1};

use crate::wire::Wire;
use chadburn_web::lists::{self, members};
use chadburn_web::problem::Problem;

/// What is hashed together with the client's key (RFC 6455, 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The one version of the protocol there is (RFC 6455, 4.1).
const VERSION: &str = "13";

/// Answers the handshake: with 101 and the language the station will speak, or with what is wrong
/// with it. Extensions are offered by nearly every browser, and none is accepted.
pub(super) fn answer<B: HttpBody>(request: &Request<B>) -> Result<(Wire, Response<Body>), Problem> {
    let headers = request.headers();
    if request.method() != Method::GET {
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket begins with GET");
        return Err(problem.header(header::ALLOW, "GET"));
    }
    let upgrade = lists::has(headers, &header::UPGRADE, "websocket")
        && lists::has(headers, &header::CONNECTION, "upgrade");
    if request.version() != Version::HTTP_11 || !upgrade {
        let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "here is a WebSocket");
        return Err(problem
            .header(header::UPGRADE, "websocket")
            .header(header::CONNECTION, "Upgrade"));
    }
    if single(headers, &header::SEC_WEBSOCKET_VERSION) != Some(VERSION) {
        let problem =
            Problem::new(StatusCode::UPGRADE_REQUIRED, "the version of WebSocket here is 13");
        return Err(problem
            .header(header::SEC_WEBSOCKET_VERSION, VERSION)
            .header(header::UPGRADE, "websocket")
            .header(header::CONNECTION, "Upgrade"));
    }
    // What follows the head is frames; a body in between would be read as such.
    if !request.body().is_end_stream() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "a handshake has no body"));
    }
    let Some(key) = single(headers, &header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key)) else {
        let problem = "a handshake has one Sec-WebSocket-Key, 16 bytes in base64";
        return Err(Problem::new(StatusCode::BAD_REQUEST, problem));
    };
    let wire = wire(headers);
    Ok((wire, switching(key, wire)))
}

/// The language that was asked for. Without a word it is the original's. To a client that only
/// knows others the answer names none, and the wire is the original's too: browsers then fail the
/// connection by themselves, as RFC 6455 section 4.1 tells them to, and plainer clients that send
/// some protocol out of habit still get through.
fn wire(headers: &HeaderMap) -> Wire {
    if asks_for_json(headers) { Wire::Json } else { Wire::Text }
}

/// Whether the JSON wire is asked for.
pub(super) fn asks_for_json(headers: &HeaderMap) -> bool {
    members(headers, &header::SEC_WEBSOCKET_PROTOCOL).any(|it| it == SUBPROTOCOL)
}

fn is_key(key: &str) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

fn switching(key: &str, wire: Wire) -> Response<Body> {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::try_from(STANDARD.encode(hash)) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if wire == Wire::Json {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    response
}

/// The value of a header that must stand there exactly once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::trim),
        _ => None,
    }
}
