//! Keeps a connection: opens it, sends what there is, hears what comes, and opens it again.
//!
//! What is said on it is the [`ConnectionHandler`]'s business.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::open::{Cause, Open, plain};
use crate::tries::Tries;
use crate::{Failure, Tried};

/// How long one try may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The shortest time that a try gets, however little of the window is left.
const MIN_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the other side may take nothing of a message; the server's own patience.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a Close may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Longer than any program runs: thirty years, as tokio's own timers have it.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 30);

/// What is said on a connection.
pub(crate) trait ConnectionHandler: Send + Sync + 'static {
    /// What it shares with the driver.
    fn control(&self) -> &LinkControl;
    /// What is added to the address at the next try.
    fn query(&self) -> String;
    /// A connection was made.
    fn on_connected(&self);
    /// Whether the other side has said on it what it says first. Until then the window of tries runs.
    fn is_greeted(&self) -> bool;
    /// The next text that may be sent now; it is in hand until `sent` or `down`.
    fn next_to_send(&self) -> Option<String>;
    /// What was in hand has been sent whole.
    fn on_sent(&self);
    /// Something came.
    fn on_message(&self, text: &str) -> Result<(), Failure>;
    /// The connection has gone.
    fn on_disconnected(&self, why: String);
    /// There is nothing that waits to be sent or answered.
    fn is_idle(&self) -> bool;
    /// How often something should be heard of the other side.
    fn heartbeat_interval(&self) -> Duration;
    /// Whether one has to ask for that by pings.
    fn sends_pings(&self) -> bool;
    /// That was all.
    fn on_end(&self, failure: Option<Failure>);
}

/// How a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// The other side is not there, and is tried for.
    Connecting,
    /// It is there.
    Up,
    /// That was all; with the reason if it was not meant.
    Ended(Option<Failure>),
}

/// What the holder of a link and its driver share.
#[derive(Debug)]
pub(crate) struct LinkControl {
    /// There may be something to send, or the end was asked for.
    pub(crate) wake: Notify,
    /// There may be room in the outbox.
    pub(crate) room_freed: Notify,
    /// How it stands.
    pub(crate) link_state: watch::Sender<LinkState>,
    /// The end was asked for.
    close_requested: AtomicBool,
}

impl Default for LinkControl {
    fn default() -> Self {
        Self {
            wake: Notify::new(),
            room_freed: Notify::new(),
            link_state: watch::Sender::new(LinkState::Connecting),
            close_requested: AtomicBool::new(false),
        }
    }
}

impl LinkControl {
    /// Asks for the end, once everything is sent.
    pub(crate) fn close(&self) {
        self.close_requested.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Waits until the other side is there, or never will be.
    pub(crate) async fn until_up_or_ended(&self) -> Result<(), Failure> {
        let mut link_state = self.link_state.subscribe();
        // The sender lives as long as we do.
        let reached = link_state.wait_for(|now| *now != LinkState::Connecting).await;
        match reached.as_deref() {
            Ok(LinkState::Ended(Some(failure))) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// How it ended, once it has; at once if it has already.
    pub(crate) async fn until_ended(&self) -> Result<(), Failure> {
        let mut link_state = self.link_state.subscribe();
        let ended = link_state.wait_for(|now| matches!(now, LinkState::Ended(_))).await;
        match ended.as_deref() {
            Ok(LinkState::Ended(Some(failure))) => Err(failure.clone()),
            _ => Ok(()),
        }
    }
}

/// Why a connection is given up on which the other side has not said what it says first.
const UNGREETED: &str = "it did not say in time how things are";

/// How a conversation has ended.
enum ConnectionEnd {
    Lost(String),
    Failed(Failure),
    Closed,
}

/// Keeps the connection until it is closed or cannot be had.
pub(crate) async fn drive<O: Open, T: ConnectionHandler>(
    mut open: O,
    handler: Arc<T>,
    window: Duration,
    url: String,
) {
    let mut tries = Tries::new(window, Instant::now());
    loop {
        let socket = match connect_with_retries(&mut open, &*handler, &mut tries, &url).await {
            Ok(Some(socket)) => socket,
            Ok(None) => return handler.on_end(None),
            Err(failure) => return handler.on_end(Some(failure)),
        };
        let made = Instant::now();
        handler.on_connected();
        let greet_deadline = made + tries.left(made).clamp(MIN_CONNECT_TIMEOUT, CONNECT_TIMEOUT);
        let why = match run_connection(socket, &*handler, greet_deadline).await {
            ConnectionEnd::Lost(why) => why,
            ConnectionEnd::Failed(failure) => return handler.on_end(Some(failure)),
            ConnectionEnd::Closed => return handler.on_end(None),
        };
        let greeted = handler.is_greeted();
        handler.on_disconnected(why.clone());
        if greeted {
            tries.lost(made, Instant::now());
        }
        match wait_before_retry(&*handler, &mut tries, &url, why).await {
            Ok(true) => {}
            Ok(false) => return handler.on_end(None),
            Err(failure) => return handler.on_end(Some(failure)),
        }
    }
}

/// Tries until there is a connection, the window is over, or nobody wants one any more.
async fn connect_with_retries<O: Open, T: ConnectionHandler>(
    open: &mut O,
    handler: &T,
    tries: &mut Tries,
    url: &str,
) -> Result<Option<WebSocketStream<O::Stream>>, Failure> {
    loop {
        let limit = tries.left(Instant::now()).clamp(MIN_CONNECT_TIMEOUT, CONNECT_TIMEOUT);
        let query = handler.query();
        let outcome = tokio::select! {
            outcome = timeout(limit, open.open(&query)) => outcome,
            () = until_closed_and_idle(handler) => return Ok(None),
        };
        let cause = match outcome {
            Ok(Ok(socket)) => return Ok(Some(socket)),
            Ok(Err(Cause::Final { status, why })) => {
                return Err(Failure::Refused { url: url.to_owned(), status, why });
            }
            Ok(Err(Cause::Passing(cause))) => cause,
            Err(_) => format!("no answer within {} s", limit.as_secs()),
        };
        if !wait_before_retry(handler, tries, url, cause).await? {
            return Ok(None);
        }
    }
}

/// Waits for the next try; false if nobody wants one any more.
async fn wait_before_retry<T: ConnectionHandler>(
    handler: &T,
    tries: &mut Tries,
    url: &str,
    cause: String,
) -> Result<bool, Failure> {
    let now = Instant::now();
    let Some(wait) = tries.next(now, chance()) else {
        let (tries, lasted) = (tries.failed, tries.lasted(now));
        return Err(Failure::Gone(Tried { url: url.to_owned(), tries, lasted, cause }));
    };
    tokio::select! {
        () = sleep(wait) => Ok(true),
        () = until_closed_and_idle(handler) => Ok(false),
    }
}

/// Comes back when the end was asked for and nothing is left to say.
async fn until_closed_and_idle<T: ConnectionHandler>(handler: &T) {
    while !is_closed_and_idle(handler) {
        handler.control().wake.notified().await;
    }
}

fn is_closed_and_idle<T: ConnectionHandler>(handler: &T) -> bool {
    handler.control().close_requested.load(Ordering::Acquire) && handler.is_idle()
}

/// Speaks and hears until the connection ends, or is not greeted in time.
async fn run_connection<S, T>(
    socket: WebSocketStream<S>,
    handler: &T,
    greet_deadline: Instant,
) -> ConnectionEnd
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: ConnectionHandler,
{
    let (mut sink, mut stream) = socket.split();
    let receiving = async {
        loop {
            // Two and a half beats, as PROTOCOL.md has it.
            let patience = handler.heartbeat_interval().saturating_mul(5) / 2;
            let silence = async {
                if handler.is_greeted() {
                    sleep(patience).await;
                    true
                } else {
                    timeout_at(greet_deadline, sleep(patience)).await.is_ok()
                }
            };
            let heard = tokio::select! {
                biased;
                heard = stream.next() => heard,
                silent = silence => return ConnectionEnd::Lost(if silent {
                    format!("nothing was heard for {patience:?}")
                } else {
                    UNGREETED.into()
                }),
            };
            // Whoever goes on and on saying something else is no better.
            if !handler.is_greeted() && Instant::now() >= greet_deadline {
                return ConnectionEnd::Lost(UNGREETED.into());
            }
            match heard {
                Some(Ok(Message::Text(text))) => {
                    if let Err(failure) = handler.on_message(&text) {
                        return ConnectionEnd::Failed(failure);
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map_or("closed".into(), |it| match it.reason.as_str() {
                        "" => format!("closed with {}", u16::from(it.code)),
                        reason => format!("closed with {}, {reason}", u16::from(it.code)),
                    });
                    return ConnectionEnd::Lost(why);
                }
                // Pings are answered below us; nobody here speaks in bytes.
                Some(Ok(_)) => {}
                Some(Err(error)) => return ConnectionEnd::Lost(describe_loss(&error)),
                None => return ConnectionEnd::Lost("closed".into()),
            }
        }
    };
    let sending = async {
        let mut ping = later(Instant::now(), handler.heartbeat_interval());
        loop {
            while let Some(text) = handler.next_to_send() {
                match timeout(WRITE_TIMEOUT, sink.send(Message::text(text))).await {
                    Ok(Ok(())) => handler.on_sent(),
                    Ok(Err(error)) => return ConnectionEnd::Lost(describe_loss(&error)),
                    Err(_) => {
                        return ConnectionEnd::Lost(format!(
                            "nothing was taken for {WRITE_TIMEOUT:?}"
                        ));
                    }
                }
            }
            if is_closed_and_idle(handler) {
                // Whoever does not take a Close has heard enough.
                let _ = timeout(CLOSE_TIMEOUT, sink.close()).await;
                return ConnectionEnd::Closed;
            }
            tokio::select! {
                () = handler.control().wake.notified() => {}
                () = sleep_until(ping), if handler.sends_pings() => {
                    ping = later(Instant::now(), handler.heartbeat_interval());
                    match timeout(WRITE_TIMEOUT, sink.send(Message::Ping(Vec::new().into()))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return ConnectionEnd::Lost(describe_loss(&error)),
                        Err(_) => return ConnectionEnd::Lost(format!("nothing was taken for {WRITE_TIMEOUT:?}")),
                    }
                }
            }
        }
    };
    tokio::select! {
        // What has come is heard before the line is found to be dead.
        biased;
        end = receiving => end,
        end = sending => end,
    }
}

/// So much later, or as late as it can be told.
fn later(now: Instant, span: Duration) -> Instant {
    now.checked_add(span).unwrap_or(now + FOREVER)
}

/// Why a connection has gone, in the middle of a sentence.
fn describe_loss(error: &Error) -> String {
    match error {
        Error::Io(error) => plain(error),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => "it broke off".into(),
        other => other.to_string().to_lowercase(),
    }
}

/// A number from 0 to 1 that differs from client to client. The hasher of the standard library is
/// seeded by the system; for spreading tries that is chance enough.
pub(crate) fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_spread() {
        let chances: Vec<_> = std::iter::repeat_with(chance).take(100).collect();
        assert!(chances.iter().all(|it| (0.0..=1.0).contains(it)), "{chances:?}");
        for half in [true, false] {
            assert!(chances.iter().any(|it| (*it < 0.5) == half), "{chances:?}");
        }
    }
}
