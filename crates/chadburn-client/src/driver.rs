//! Keeps a connection: opens it, sends and receives messages, and opens it again when it is lost.
//!
//! What the messages mean is up to the [`ConnectionHandler`].

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::open::{Cause, Open, plain};
use crate::tries::Tries;
use crate::{Failure, Tried};

/// The longest that one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An attempt gets at least this long, however little of the window is left.
const MIN_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long sending one message may take; the server allows as much.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long sending a Close frame may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Longer than any program runs: thirty years, as in tokio's own timers.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 30);

/// The message level on top of a connection that the driver opens and reopens.
pub(crate) trait ConnectionHandler: Send + Sync + 'static {
    /// What the holder of the link shares with the driver.
    fn control(&self) -> &LinkControl;
    /// The query to add to the address at the next attempt.
    fn query(&self) -> String;
    /// The WebSocket is open; the other side has not greeted yet.
    fn on_connected(&self);
    /// Whether the other side has greeted on this connection. Until then the retry window runs on.
    fn is_greeted(&self) -> bool;
    /// The next text that may be sent now; it is in hand until `on_sent` or `on_disconnected`.
    fn next_to_send(&self) -> Option<String>;
    /// The text in hand has been sent whole.
    fn on_sent(&self);
    /// A text message came. An error ends the link.
    fn on_message(&self, text: &str) -> Result<(), Failure>;
    /// The connection is lost. Called whether or not the other side had greeted.
    fn on_disconnected(&self, why: String);
    /// Whether nothing waits to be sent or answered.
    fn is_idle(&self) -> bool;
    /// How often the other side should send something.
    fn heartbeat_interval(&self) -> Duration;
    /// Whether it must be asked to by pings.
    fn sends_pings(&self) -> bool;
    /// The link has ended: there will be no further attempt.
    fn on_end(&self, failure: Option<Failure>);
}

/// The state of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// Not connected, or the other side has not greeted yet.
    Connecting,
    /// The other side has greeted.
    Up,
    /// No further attempts are made; with the failure unless the user closed it.
    Ended(Option<Failure>),
}

/// What the holder of a link and its driver share.
#[derive(Debug)]
pub(crate) struct LinkControl {
    /// There may be something to send, or the user has closed the link.
    pub(crate) wake: Notify,
    /// There may be room in the outbox.
    pub(crate) room_freed: Notify,
    /// The present state.
    pub(crate) link_state: watch::Sender<LinkState>,
    /// The user has closed the link.
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
    /// Asks the driver to close the connection once everything is sent.
    pub(crate) fn close(&self) {
        self.close_requested.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Waits until the link is up or has ended; an error if it has failed.
    pub(crate) async fn until_up_or_ended(&self) -> Result<(), Failure> {
        let mut link_state = self.link_state.subscribe();
        // `wait_for` fails only if the sender is dropped, and we own it.
        let reached = link_state.wait_for(|now| *now != LinkState::Connecting).await;
        match reached.as_deref() {
            Ok(LinkState::Ended(Some(failure))) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// Waits until the link has ended; an error if it has failed.
    pub(crate) async fn until_ended(&self) -> Result<(), Failure> {
        let mut link_state = self.link_state.subscribe();
        let ended = link_state.wait_for(|now| matches!(now, LinkState::Ended(_))).await;
        match ended.as_deref() {
            Ok(LinkState::Ended(Some(failure))) => Err(failure.clone()),
            _ => Ok(()),
        }
    }
}

/// Why a connection is given up on which the other side has not greeted in time.
const UNGREETED: &str = "it did not say in time how things are";

/// How a connection has ended.
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
        // Before `on_disconnected`, which resets it. Only a greeted connection opens a new retry window.
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

/// Tries until there is a connection or the window is over; `None` if the user has closed the link.
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

/// Waits for the next attempt; false if the user has closed the link, and an error if the window is over.
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

/// Returns when the user has closed the link and nothing is left to send.
async fn until_closed_and_idle<T: ConnectionHandler>(handler: &T) {
    while !is_closed_and_idle(handler) {
        handler.control().wake.notified().await;
    }
}

fn is_closed_and_idle<T: ConnectionHandler>(handler: &T) -> bool {
    handler.control().close_requested.load(Ordering::Acquire) && handler.is_idle()
}

/// Sends and receives until the connection ends, or the other side does not greet in time.
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
            // Two and a half beats (PROTOCOL.md).
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
                // A peer that sends without end uses up the task's turn each time (tokio's cooperative budget), and
                // a timer within it would never be looked at.
                silent = unconstrained(silence) => return ConnectionEnd::Lost(if silent {
                    format!("nothing was heard for {patience:?}")
                } else {
                    UNGREETED.into()
                }),
            };
            // A peer that keeps sending other messages must greet in time, too.
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
                // The library answers pings; binary messages are ignored.
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
                match send(&mut sink, Message::text(text)).await {
                    Ok(()) => handler.on_sent(),
                    Err(end) => return end,
                }
            }
            if is_closed_and_idle(handler) {
                // Best effort: the connection is given up anyway.
                let _ = timeout(CLOSE_TIMEOUT, sink.close()).await;
                return ConnectionEnd::Closed;
            }
            tokio::select! {
                () = handler.control().wake.notified() => {}
                () = sleep_until(ping), if handler.sends_pings() => {
                    ping = later(Instant::now(), handler.heartbeat_interval());
                    if let Err(end) = send(&mut sink, Message::Ping(Vec::new().into())).await {
                        return end;
                    }
                }
            }
        }
    };
    tokio::select! {
        // Messages that have come are handled before a failed write ends the connection.
        biased;
        end = receiving => end,
        end = sending => end,
    }
}

/// Sends a message, or says how the connection ends.
async fn send<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    message: Message,
) -> Result<(), ConnectionEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sent = async {
        // Pongs may leave no room for it.
        sink.flush().await?;
        sink.send(message).await
    };
    match timeout(WRITE_TIMEOUT, sent).await {
        Ok(Ok(())) => Ok(()),
        // It is longer than all that may wait to be written, and would be next time.
        Ok(Err(Error::WriteBufferFull(_))) => {
            Err(ConnectionEnd::Failed(Failure::Setting("a text is too long to be sent".into())))
        }
        Ok(Err(error)) => Err(ConnectionEnd::Lost(describe_loss(&error))),
        Err(_) => Err(ConnectionEnd::Lost(format!("nothing was taken for {WRITE_TIMEOUT:?}"))),
    }
}

/// The instant `span` after `now`; thirty years later if that overflows.
fn later(now: Instant, span: Duration) -> Instant {
    now.checked_add(span).unwrap_or(now + FOREVER)
}

/// Describes a connection error as a clause for use within a sentence.
fn describe_loss(error: &Error) -> String {
    match error {
        Error::Io(error) => plain(error),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => "it broke off".into(),
        other => other.to_string().to_lowercase(),
    }
}

/// A random number from 0 to 1. The hasher of the standard library is seeded by the system, which is
/// random enough to spread attempts.
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
