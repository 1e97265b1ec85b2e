//! What connections are told that are not taken: one answer, without reading what they ask.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many are given the time to read why they are not let in; their sockets come out of the
/// reserve that [`seats`](fn@crate::seats::seats) leaves. Whoever comes beyond is closed upon without a
/// word.
const AT_ONCE: usize = 8;

/// How long they get.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rejection {
    /// There is no seat.
    Full,
    /// Its address has as many connections as it may.
    TooMany,
}

impl Rejection {
    /// The whole answer: one more problem, as `problem` would put it.
    fn answer(self) -> String {
        let (status, title, detail) = match self {
            Self::Full => (503, "Service Unavailable", "every seat is taken"),
            Self::TooMany => (
                429,
                "Too Many Requests",
                "your address has as many connections as one address may have",
            ),
        };
        let problem = serde_json::json!({
            "type": "about:blank", "title": title, "status": status, "detail": detail,
        });
        let body = format!("{problem}\n");
        format!(
            "HTTP/1.1 {status} {title}\r\nRetry-After: 5\r\nConnection: close\r\n\
             Content-Type: application/problem+json\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// Tells them.
#[derive(Debug)]
pub(crate) struct Rejector {
    permits: Arc<Semaphore>,
}

impl Default for Rejector {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Rejector {
    /// Says why, unless too many are being told already.
    pub(crate) fn reject(
        &self,
        stream: TcpStream,
        why: Rejection,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            tracker.spawn(say(stream, why.answer(), permit, stop.clone()));
        }
    }
}

/// Says it, and waits a little for the peer to have read it: closing at once, with its request
/// unread, would reset the connection and lose the answer.
async fn say(
    mut stream: TcpStream,
    answer: String,
    permit: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let said = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        let mut request = [0; 1024];
        while stream.read(&mut request).await? > 0 {}
        io::Result::Ok(())
    };
    tokio::select! {
        _ = tokio::time::timeout(PATIENCE, said) => {}
        () = stop.cancelled() => {}
    }
    drop(permit);
}
