//! A camera that serves by HTTP: a stream of parts, or one picture each time it is asked.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::StreamExt;

use super::address::Http;
use super::{EVERY, Feed, Sink};
use crate::picture::{BadPicture, MAX_BYTES, Picture};

/// How long connecting may take, and the head of the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 32 * 1024;

/// Asks until something goes wrong. Every answer has a connection of its own: many small cameras close it anyway.
pub(super) async fn run(http: &Http, every: Option<Duration>, sink: &Sink) -> Result<(), String> {
    loop {
        let next = Instant::now() + every.unwrap_or(EVERY);
        ask(http, sink).await?;
        sleep_until(next).await;
    }
}

/// Asks once, and takes what comes; a stream ends only as an error.
async fn ask(http: &Http, sink: &Sink) -> Result<(), String> {
    let connected = TcpStream::connect((http.host.as_str(), http.port));
    let stream = within(connected, "connecting takes").await?;
    // Fails only where the connection has failed, which the next call tells.
    let _ = stream.set_nodelay(true);
    let mut client = http1::Builder::new();
    client.max_buf_size(MAX_HEAD);
    let (mut sender, connection) =
        client.handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let mut request = Request::get(&http.target)
        .header(header::HOST, &http.authority)
        .header(header::USER_AGENT, concat!("chadburn-eye/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "multipart/x-mixed-replace, image/jpeg, image/png")
        .header(header::CONNECTION, "close");
    if let Some(authorization) = &http.authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let request = request.body(Body::empty()).map_err(|_| "it cannot be asked for".to_owned())?;
    let answered = async {
        let answer = within(sender.send_request(request), "the answer takes").await?;
        take(answer.map(Body::new), sink).await
    };
    tokio::select! {
        biased;
        answered = answered => answered,
        // Without this nothing would be sent or received. What has come before it ended is still to be taken.
        never = async {
            let _ = connection.await;
            std::future::pending().await
        } => never,
    }
}

async fn take(answer: Response<Body>, sink: &Sink) -> Result<(), String> {
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => {
            return Err("401 Unauthorized: it wants a user and a password, http://USER:PASSWORD@…, or others".into());
        }
        status => return Err(format!("it answers with {status}")),
    }
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let is_snapshot = match kind.split('/').next() {
        Some("image") => true,
        Some("multipart" | "video" | "application") => false,
        _ => return Err(format!("it answers with {kind:?} and not with a picture")),
    };
    let mut chunks = answer.into_body().into_data_stream();
    let broken = |error: axum::Error| format!("the answer broke off: {error}");
    if is_snapshot {
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.map_err(broken)?);
            if bytes.len() > MAX_BYTES {
                sink.put(Err(BadPicture::TooLarge));
                return Ok(());
            }
        }
        sink.put(Picture::new(bytes.into()));
        return Ok(());
    }
    let mut feed = Feed::new(sink);
    while let Some(chunk) = chunks.next().await {
        feed.take(&chunk.map_err(broken)?).await;
    }
    feed.end();
    Err("the stream has ended".into())
}

async fn within<T, E: std::fmt::Display>(
    done: impl Future<Output = Result<T, E>>,
    what: &str,
) -> Result<T, String> {
    match timeout(PATIENCE, done).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{what} longer than {} s", PATIENCE.as_secs())),
    }
}
