//! Keeps a connection: opens it, sends what there is, hears what comes, and opens it again.
//!
//! What is said on it is the [`Talk`]'s business.

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
const TRY: Duration = Duration::from_secs(10);

/// The shortest time that a try gets, however little of the window is left.
const SHORTEST_TRY: Duration = Duration::from_secs(1);

/// How long the other side may take nothing of a message; the server's own patience.
const STUCK: Duration = Duration::from_secs(15);

/// How long a Close may take.
const CLOSING: Duration = Duration::from_secs(1);

/// Longer than any program runs: thirty years, as tokio's own timers have it.
const AS_GOOD_AS_EVER: Duration = Duration::from_hours(24 * 365 * 30);

/// What is said on a connection.
pub(crate) trait Talk: Send + Sync + 'static {
    /// What it shares with the driver.
    fn line(&self) -> &Line;
    /// What is added to the address at the next try.
    fn query(&self) -> String;
    /// A connection was made.
    fn up(&self);
    /// Whether the other side has said on it what it says first. Until then the window of tries runs.
    fn greeted(&self) -> bool;
    /// The next text that may be sent now; it is in hand until `sent` or `down`.
    fn next(&self) -> Option<String>;
    /// What was in hand has been sent whole.
    fn sent(&self);
    /// Something came.
    fn heard(&self, text: &str) -> Result<(), Failure>;
    /// The connection has gone.
    fn down(&self, why: String);
    /// There is nothing that waits to be sent or answered.
    fn idle(&self) -> bool;
    /// How often something should be heard of the other side.
    fn beat(&self) -> Duration;
    /// Whether one has to ask for that by pings.
    fn pings(&self) -> bool;
    /// That was all.
    fn ended(&self, failure: Option<Failure>);
}

/// How a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The other side is not there, and is tried for.
    Away,
    /// It is there.
    Up,
    /// That was all; with the reason if it was not meant.
    Ended(Option<Failure>),
}

/// What the holder of a link and its driver share.
#[derive(Debug)]
pub(crate) struct Line {
    /// There may be something to send, or the end was asked for.
    pub(crate) wake: Notify,
    /// There may be room in the outbox.
    pub(crate) room: Notify,
    /// How it stands.
    pub(crate) standing: watch::Sender<Standing>,
    /// The end was asked for.
    closing: AtomicBool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            wake: Notify::new(),
            room: Notify::new(),
            standing: watch::Sender::new(Standing::Away),
            closing: AtomicBool::new(false),
        }
    }
}

impl Line {
    /// Asks for the end, once everything is sent.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Waits until the other side is there, or never will be.
    pub(crate) async fn settled(&self) -> Result<(), Failure> {
        let mut standing = self.standing.subscribe();
        // The sender lives as long as we do.
        let settled = standing.wait_for(|now| *now != Standing::Away).await;
        match settled.as_deref() {
            Ok(Standing::Ended(Some(failure))) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// How it ended, once it has; at once if it has already.
    pub(crate) async fn ended(&self) -> Result<(), Failure> {
        let mut standing = self.standing.subscribe();
        let ended = standing.wait_for(|now| matches!(now, Standing::Ended(_))).await;
        match ended.as_deref() {
            Ok(Standing::Ended(Some(failure))) => Err(failure.clone()),
            _ => Ok(()),
        }
    }
}

/// Why a connection is given up on which the other side has not said what it says first.
const UNGREETED: &str = "it did not say in time how things are";

/// How a conversation has ended.
enum End {
    Lost(String),
    Failed(Failure),
    Closed,
}

/// Keeps the connection until it is closed or cannot be had.
pub(crate) async fn drive<O: Open, T: Talk>(
    mut open: O,
    talk: Arc<T>,
    window: Duration,
    url: String,
) {
    let mut tries = Tries::new(window, Instant::now());
    loop {
        let socket = match reach(&mut open, &*talk, &mut tries, &url).await {
            Ok(Some(socket)) => socket,
            Ok(None) => return talk.ended(None),
            Err(failure) => return talk.ended(Some(failure)),
        };
        let made = Instant::now();
        talk.up();
        let greeting = made + tries.left(made).clamp(SHORTEST_TRY, TRY);
        let why = match converse(socket, &*talk, greeting).await {
            End::Lost(why) => why,
            End::Failed(failure) => return talk.ended(Some(failure)),
            End::Closed => return talk.ended(None),
        };
        let greeted = talk.greeted();
        talk.down(why.clone());
        if greeted {
            tries.lost(made, Instant::now());
        }
        match pause(&*talk, &mut tries, &url, why).await {
            Ok(true) => {}
            Ok(false) => return talk.ended(None),
            Err(failure) => return talk.ended(Some(failure)),
        }
    }
}

/// Tries until there is a connection, the window is over, or nobody wants one any more.
async fn reach<O: Open, T: Talk>(
    open: &mut O,
    talk: &T,
    tries: &mut Tries,
    url: &str,
) -> Result<Option<WebSocketStream<O::Stream>>, Failure> {
    loop {
        let limit = tries.left(Instant::now()).clamp(SHORTEST_TRY, TRY);
        let query = talk.query();
        let outcome = tokio::select! {
            outcome = timeout(limit, open.open(&query)) => outcome,
            () = unwanted(talk) => return Ok(None),
        };
        let cause = match outcome {
            Ok(Ok(socket)) => return Ok(Some(socket)),
            Ok(Err(Cause::Final { status, why })) => {
                return Err(Failure::Refused { url: url.to_owned(), status, why });
            }
            Ok(Err(Cause::Passing(cause))) => cause,
            Err(_) => format!("no answer within {} s", limit.as_secs()),
        };
        if !pause(talk, tries, url, cause).await? {
            return Ok(None);
        }
    }
}

/// Waits for the next try; false if nobody wants one any more.
async fn pause<T: Talk>(
    talk: &T,
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
        () = unwanted(talk) => Ok(false),
    }
}

/// Comes back when the end was asked for and nothing is left to say.
async fn unwanted<T: Talk>(talk: &T) {
    while !over(talk) {
        talk.line().wake.notified().await;
    }
}

fn over<T: Talk>(talk: &T) -> bool {
    talk.line().closing.load(Ordering::Acquire) && talk.idle()
}

/// Speaks and hears until the connection ends, or is not greeted in time.
async fn converse<S, T>(socket: WebSocketStream<S>, talk: &T, greeting: Instant) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: Talk,
{
    let (mut sink, mut stream) = socket.split();
    let hearing = async {
        loop {
            // Two and a half beats, as PROTOCOL.md has it.
            let patience = talk.beat().saturating_mul(5) / 2;
            let silence = async {
                if talk.greeted() {
                    sleep(patience).await;
                    true
                } else {
                    timeout_at(greeting, sleep(patience)).await.is_ok()
                }
            };
            let heard = tokio::select! {
                biased;
                heard = stream.next() => heard,
                silent = silence => return End::Lost(if silent {
                    format!("nothing was heard for {patience:?}")
                } else {
                    UNGREETED.into()
                }),
            };
            // Whoever goes on and on saying something else is no better.
            if !talk.greeted() && Instant::now() >= greeting {
                return End::Lost(UNGREETED.into());
            }
            match heard {
                Some(Ok(Message::Text(text))) => {
                    if let Err(failure) = talk.heard(&text) {
                        return End::Failed(failure);
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map_or("closed".into(), |it| match it.reason.as_str() {
                        "" => format!("closed with {}", u16::from(it.code)),
                        reason => format!("closed with {}, {reason}", u16::from(it.code)),
                    });
                    return End::Lost(why);
                }
                // Pings are answered below us; nobody here speaks in bytes.
                Some(Ok(_)) => {}
                Some(Err(error)) => return End::Lost(lost(&error)),
                None => return End::Lost("closed".into()),
            }
        }
    };
    let speaking = async {
        let mut ping = later(Instant::now(), talk.beat());
        loop {
            while let Some(text) = talk.next() {
                match timeout(STUCK, sink.send(Message::text(text))).await {
                    Ok(Ok(())) => talk.sent(),
                    Ok(Err(error)) => return End::Lost(lost(&error)),
                    Err(_) => return End::Lost(format!("nothing was taken for {STUCK:?}")),
                }
            }
            if over(talk) {
                // Whoever does not take a Close has heard enough.
                let _ = timeout(CLOSING, sink.close()).await;
                return End::Closed;
            }
            tokio::select! {
                () = talk.line().wake.notified() => {}
                () = sleep_until(ping), if talk.pings() => {
                    ping = later(Instant::now(), talk.beat());
                    match timeout(STUCK, sink.send(Message::Ping(Vec::new().into()))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return End::Lost(lost(&error)),
                        Err(_) => return End::Lost(format!("nothing was taken for {STUCK:?}")),
                    }
                }
            }
        }
    };
    tokio::select! {
        // What has come is heard before the line is found to be dead.
        biased;
        end = hearing => end,
        end = speaking => end,
    }
}

/// So much later, or as late as it can be told.
fn later(now: Instant, span: Duration) -> Instant {
    now.checked_add(span).unwrap_or(now + AS_GOOD_AS_EVER)
}

/// Why a connection has gone, in the middle of a sentence.
fn lost(error: &Error) -> String {
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
