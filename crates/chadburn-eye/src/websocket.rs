//! A WebSocket on `chadburn-web`: the answer to its handshake, and the socket that the connection becomes.

use std::io;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use chadburn_web::lists::members;
use chadburn_web::problem::Problem;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// A WebSocket over a connection that was taken from HTTP.
pub type Socket = WebSocketStream<TcpStream>;

/// How long the answer to a handshake may take: it fits into any socket's buffer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What is read at once, in bytes, for messages of some kilobytes.
const READ_BUFFER: usize = 16 * 1024;

/// Answers a handshake, with this subprotocol if it is asked for.
///
/// # Errors
/// What is wrong with it.
pub fn answer(
    request: &Request<Body>,
    subprotocol: &'static str,
) -> Result<Response<Body>, Problem> {
    if !request.body().is_end_stream() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "a handshake has no body"));
    }
    let answer = create_response_with_body(request, Body::empty);
    let mut answer = answer.map_err(|why| {
        let problem =
            Problem::new(StatusCode::UPGRADE_REQUIRED, format!("here is a WebSocket: {why}"));
        problem.header(header::UPGRADE, "websocket").header(header::CONNECTION, "Upgrade")
    })?;
    if asks_for(request, subprotocol) {
        let name = HeaderValue::from_static(subprotocol);
        answer.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    Ok(answer)
}

/// Whether a handshake asks for this subprotocol.
pub fn asks_for<B>(request: &Request<B>, subprotocol: &str) -> bool {
    members(request.headers(), &header::SEC_WEBSOCKET_PROTOCOL).any(|it| it == subprotocol)
}

/// The socket that a connection becomes once its answer is sent, for messages of at most so many bytes.
///
/// # Errors
/// The connection is lost.
pub async fn open(
    socket: std::net::TcpStream,
    unsent: &[u8],
    unread: Vec<u8>,
    longest: usize,
) -> io::Result<Socket> {
    let mut stream = TcpStream::from_std(socket)?;
    timeout(ANSWER_LIMIT, stream.write_all(unsent)).await??;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(longest))
        .max_frame_size(Some(longest));
    Ok(WebSocketStream::from_partially_read(stream, unread, Role::Server, Some(config)).await)
}
