//! Who is let in, and what those are told who are not.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::{self, Enough, Guest, Limits};

/// How many are given the time to read why they are not let in; their sockets come out of the
/// reserve that [`seats`](fn@crate::seats::seats) leaves. Whoever comes beyond is closed upon without a
/// word.
const AT_THE_DOOR: usize = 8;

/// How long they get.
const DOOR_PATIENCE: Duration = Duration::from_secs(1);

/// Why a connection is not let in; no request is read for it.
#[derive(Clone, Copy, Debug)]
pub enum Refusal {
    /// There is no seat.
    Full,
    /// Its address has as many connections as it may.
    TooManyOfThem,
}

impl Refusal {
    /// The whole answer: one more problem, as `problem` would put it.
    fn answer(self) -> String {
        let (status, title, detail) = match self {
            Self::Full => (503, "Service Unavailable", "every seat is taken"),
            Self::TooManyOfThem => (
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

/// Where those stand who are not let in.
#[derive(Debug)]
pub struct Door {
    places: Arc<Semaphore>,
}

impl Default for Door {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_THE_DOOR)) }
    }
}

impl Door {
    /// Says why, if there is a place to say it in.
    pub fn turn_away(
        &self,
        stream: TcpStream,
        why: Refusal,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            tracker.spawn(say(stream, why.answer(), place, stop.clone()));
        }
    }
}

/// Says it, and waits a little for the peer to have read it: closing at once, with its request
/// unread, would reset the connection and lose the answer.
async fn say(
    mut stream: TcpStream,
    answer: String,
    place: OwnedSemaphorePermit,
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
        _ = tokio::time::timeout(DOOR_PATIENCE, said) => {}
        () = stop.cancelled() => {}
    }
    drop(place);
}

/// The addresses that are here, and the clock that the rule is told.
#[derive(Debug)]
pub struct Guests {
    /// Held for no longer than the rule takes, and by this room alone: whoever leaves needs no
    /// lock for it.
    rule: Mutex<limits::Guests>,
    begun: Instant,
}

impl Guests {
    /// Nobody is here yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { rule: Mutex::new(limits::Guests::new(limits)), begun: Instant::now() }
    }

    /// A place for a connection from this address, if it may have one more.
    pub fn comes(&self, from: IpAddr) -> Option<Guest> {
        let came = self.rule(|rule, now| rule.comes(from, now));
        came.map_err(|enough| report(enough, from, "connections at once")).ok()
    }

    /// Whether this address may ask once more.
    pub fn asks(&self, from: IpAddr) -> bool {
        let asked = self.rule(|rule, now| rule.asks(from, now));
        asked.map_err(|enough| report(enough, from, "requests a second")).is_ok()
    }

    /// Whether this address may try a token.
    pub fn tries_token(&self, from: IpAddr) -> bool {
        let tried = self.rule(|rule, now| rule.tries_token(from, now));
        tried.map_err(|enough| report(enough, from, "wrong tokens")).is_ok()
    }

    /// The token that this address gave was wrong.
    pub fn wrong_token(&self, from: IpAddr) {
        self.rule(|rule, now| rule.wrong_token(from, now));
    }

    fn rule<T>(&self, judge: impl FnOnce(&mut limits::Guests, Duration) -> T) -> T {
        // A rule that has panicked has at worst miscounted one address.
        let mut rule = self.rule.lock().unwrap_or_else(PoisonError::into_inner);
        judge(&mut rule, self.begun.elapsed())
    }
}

/// One line an address, until it has been forgotten.
fn report(enough: Enough, from: IpAddr, what: &str) {
    if enough.news {
        tracing::warn!(address = %from, "an address has reached its limit of {what}");
    }
}
