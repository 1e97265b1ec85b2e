//! A station: a link that speaks `chadburn.v1`.
//!
//! `protocol` decides what is sent when.

mod protocol;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use chadburn_v1::SUBPROTOCOL;
use futures_util::{FutureExt, Stream};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::protocol::{Delivery, StationProtocol};
use crate::driver::{ConnectionHandler, LinkControl, LinkState, drive};
use crate::inbox::{Event, Inbox};
use crate::open::{Network, Open};
use crate::{Closed, Code, Failure, Id, Message, Position, Request, Settings, State, Welcome};

/// The longest request that a server accepts, in bytes.
const MAX_REQUEST_BYTES: usize = 65_536;

/// The longest message that a station accepts, in bytes: four times what PROTOCOL.md allows a server.
const MAX_MESSAGE_BYTES: usize = 4 * MAX_REQUEST_BYTES;

/// How many bytes of requests and pongs wait at most for the server to take them.
const MAX_UNWRITTEN_BYTES: usize = 4 * MAX_REQUEST_BYTES;

/// Upper bound of the memory that a message takes: its text, and eight times as much for its parsed
/// form. An empty string in a list is 3 bytes of JSON and 24 bytes of `String`.
fn message_size(heard: &Heard) -> usize {
    heard.text.len().saturating_mul(9)
}

/// A message of the server, and the text that it came as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The message.
    pub message: Message,
    /// The text, unchanged.
    pub text: String,
}

/// What a successful request returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestOutput {
    /// The lines of the debug console; empty for every other request.
    pub lines: Vec<String>,
}

/// Why a request was not carried out, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The server refuses it.
    #[error("{message}")]
    Refused {
        /// Why, for a program.
        code: Code,
        /// Why, for a person.
        message: String,
    },
    /// The connection was lost after the request was sent and before it was answered, and it cannot be
    /// known whether it was carried out: an order, if neither it nor the order from before is present
    /// now, or any console command. It is not sent again.
    #[error("the connection was lost before the answer came; it may have been carried out")]
    Unsure,
    /// The outbox was full, and has dropped it for a newer one.
    #[error("too many requests wait, and this one was dropped")]
    Dropped,
    /// It has more than 65,536 bytes, which no server accepts.
    #[error("the request is too long")]
    TooLong,
    /// The link has ended.
    #[error("the link has ended")]
    Closed,
}

impl From<Closed> for RequestError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// A request in the outbox or under way; resolves when it is answered. Dropping this does not cancel
/// the request; only its answer is lost.
#[derive(Debug)]
pub struct PendingRequest(oneshot::Receiver<Result<RequestOutput, RequestError>>);

impl Future for PendingRequest {
    type Output = Result<RequestOutput, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(self.0.poll_unpin(context));
        Poll::Ready(answered.unwrap_or(Err(RequestError::Closed)))
    }
}

/// A station that reconnects by itself. It stays the same station, receives what it has missed or a
/// [`Message::Gap`], and sends again what was not answered.
///
/// Requests are sent one after the other, each when the one before it was answered. After a reconnect
/// an unanswered answer or name is sent again, which is harmless: an answer carries the number of its
/// order. An order is sent again only if the order that was present before it still is; if it is present
/// itself, it was carried out; otherwise it fails with [`RequestError::Unsure`], as an unanswered
/// console command always does. (Orders are compared by their text: after a restart of the server the
/// same order has a new number.)
#[derive(Debug)]
pub struct Station {
    handler: Arc<StationHandler>,
    driver: JoinHandle<()>,
}

impl Station {
    /// Connects to this address, or with these settings, and returns once the server has greeted, so
    /// that [`state`](Self::state) is known.
    pub async fn connect<S>(settings: S) -> Result<Self, Failure>
    where
        S: TryInto<Settings>,
        Failure: From<S::Error>,
    {
        let station = Self::open(settings)?;
        station.handler.control.until_up_or_ended().await?;
        Ok(station)
    }

    /// Like [`connect`](Self::connect), but returns at once. Requests made meanwhile wait in the outbox.
    pub fn open<S>(settings: S) -> Result<Self, Failure>
    where
        S: TryInto<Settings>,
        Failure: From<S::Error>,
    {
        let settings: Settings = settings.try_into()?;
        let longest = settings.longest.min(MAX_MESSAGE_BYTES);
        let settings = Settings { unwritten: MAX_UNWRITTEN_BYTES, ..settings };
        let settings = settings.subprotocol(SUBPROTOCOL).longest(longest);
        let network = Network::new(settings.clone())?;
        Ok(Self::over(network, &settings))
    }

    fn over(open: impl Open, settings: &Settings) -> Self {
        let handler = Arc::new(StationHandler {
            control: LinkControl::default(),
            protocol: Mutex::new(StationProtocol::new(settings)),
            inbox: Inbox::new(settings.inbox, settings.inbox_bytes, message_size),
            url: settings.url.clone(),
        });
        let url = settings.url.clone();
        let driver = tokio::spawn(drive(open, Arc::clone(&handler), settings.window, url));
        Self { handler, driver }
    }

    /// Puts a request into the outbox, and returns when there was room for it. What is returned
    /// resolves to the answer.
    pub async fn ask(&self, request: Request) -> Result<PendingRequest, RequestError> {
        if request.encode(Some(&Id::Number(i64::MAX))).len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLong);
        }
        let (response, answer) = oneshot::channel();
        let mut pending = (request, response);
        loop {
            let room = self.handler.control.room_freed.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if matches!(*self.handler.control.link_state.borrow(), LinkState::Ended(_)) {
                return Err(RequestError::Closed);
            }
            let put = self.handler.protocol().put(pending.0, pending.1);
            match put {
                Ok(()) => break,
                Err(back) => pending = back,
            }
            room.await;
        }
        self.handler.control.wake.notify_one();
        Ok(PendingRequest(answer))
    }

    /// Answers the order with this number: with a position or as it stands; coming or not.
    pub async fn answer(
        &self,
        order: u64,
        position: Option<Position>,
        coming: Option<bool>,
    ) -> Result<(), RequestError> {
        self.ask(Request::Answer { order, position, coming }).await?.await.map(drop)
    }

    /// Gives an order.
    pub async fn order(&self, status: impl Into<String>) -> Result<(), RequestError> {
        self.ask(Request::Order { status: status.into() }).await?.await.map(drop)
    }

    /// Sends a line to the debug console, and returns the lines that it answers.
    pub async fn console(&self, command: impl Into<String>) -> Result<Vec<String>, RequestError> {
        let answer = self.ask(Request::Console { command: command.into() }).await?.await?;
        Ok(answer.lines)
    }

    /// The next event; `None` after the last one.
    pub async fn recv(&mut self) -> Option<Event<Heard>> {
        std::future::poll_fn(|context| self.handler.inbox.poll(context)).await
    }

    /// The next event, if there is one now.
    pub fn try_recv(&mut self) -> Option<Event<Heard>> {
        self.handler.inbox.take()
    }

    /// The newest state that is known, whatever still waits in the inbox.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.handler.protocol().state().cloned()
    }

    /// The last welcome: this station's id, and the dial.
    #[must_use]
    pub fn welcome(&self) -> Option<Welcome> {
        self.handler.protocol().welcome().cloned()
    }

    /// Whether the connection is up and the server has greeted.
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self.handler.control.link_state.borrow() == LinkState::Up
    }

    /// How many requests are not answered yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.handler.protocol().waiting()
    }

    /// Waits until every request is answered, for as long as the retry window allows, and closes the
    /// connection.
    pub async fn close(self) -> Result<(), Failure> {
        self.handler.control.close();
        self.handler.control.until_ended().await
    }
}

impl Stream for Station {
    type Item = Event<Heard>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.handler.inbox.poll(context)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A station's side of the driver.
#[derive(Debug)]
struct StationHandler {
    control: LinkControl,
    protocol: Mutex<StationProtocol>,
    inbox: Inbox<Heard>,
    url: String,
}

impl StationHandler {
    fn protocol(&self) -> MutexGuard<'_, StationProtocol> {
        self.protocol.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionHandler for StationHandler {
    fn control(&self) -> &LinkControl {
        &self.control
    }

    fn query(&self) -> String {
        self.protocol().query()
    }

    fn on_connected(&self) {
        self.protocol().on_connected();
    }

    fn is_greeted(&self) -> bool {
        self.protocol().is_greeted()
    }

    fn next_to_send(&self) -> Option<String> {
        self.protocol().next_to_send()
    }

    fn on_sent(&self) {
        self.protocol().on_sent();
    }

    fn on_message(&self, text: &str) -> Result<(), Failure> {
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                let (text, why) = (text.to_owned(), error.to_string());
                self.inbox.put(Event::Unreadable { text, why });
                return Ok(());
            }
        };
        let delivery = self.protocol().on_message(&message);
        match delivery {
            Delivery::Consumed => {}
            Delivery::Forward => {
                self.inbox.put(Event::Message(Heard { message, text: text.to_owned() }));
            }
            Delivery::ForwardAndReady => {
                self.inbox.put(Event::Message(Heard { message, text: text.to_owned() }));
                self.control.link_state.send_replace(LinkState::Up);
                self.inbox.put(Event::Up);
            }
            Delivery::WrongToken(why) => {
                let (url, why) = (self.url.clone(), why.to_owned());
                return Err(Failure::Refused { url, status: None, why });
            }
        }
        self.control.room_freed.notify_one();
        self.control.wake.notify_one();
        Ok(())
    }

    fn on_disconnected(&self, why: String) {
        self.protocol().on_disconnected();
        let was_up = self.control.link_state.send_replace(LinkState::Connecting) == LinkState::Up;
        if was_up {
            self.inbox.put(Event::Down(why));
        }
    }

    fn is_idle(&self) -> bool {
        self.protocol().waiting() == 0
    }

    fn heartbeat_interval(&self) -> Duration {
        self.protocol().heartbeat_interval()
    }

    fn sends_pings(&self) -> bool {
        false
    }

    fn on_end(&self, failure: Option<Failure>) {
        self.protocol().on_end();
        self.control.link_state.send_replace(LinkState::Ended(failure.clone()));
        self.control.room_freed.notify_waiters();
        self.inbox.end(failure.map(Event::Failed));
    }
}

#[cfg(test)]
mod tests;
