//! A station: a link that speaks `chadburn.v1`.
//!
//! What is right to say when is the desk's business.

mod desk;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use chadburn_v1::SUBPROTOCOL;
use futures_util::{FutureExt, Stream};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::desk::{Desk, Turn};
use crate::driver::{Line, Standing, Talk, drive};
use crate::inbox::{Event, Inbox};
use crate::open::{Network, Open};
use crate::{Closed, Code, Failure, Id, Message, Position, Request, Settings, State, Welcome};

/// The longest message that a server takes, in bytes.
const LONGEST: usize = 65_536;

/// The longest message that is taken, in bytes: four times what PROTOCOL.md allows a server.
const LONGEST_HEARD: usize = 4 * LONGEST;

/// How many bytes a message takes at most: its text, and what was understood of it. An empty name in
/// a list has three bytes there and 24 here.
fn weight(heard: &Heard) -> usize {
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

/// What a request that was carried out has brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The lines that the debug console said.
    pub lines: Vec<String>,
}

/// Why a request was not carried out, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotDone {
    /// The server has said no.
    #[error("{message}")]
    Refused {
        /// Why, for a program.
        code: Code,
        /// Why, for a person.
        message: String,
    },
    /// The connection was lost before the answer came, and the telegraph has moved since. It may
    /// have been carried out, and is not sent again.
    #[error("the connection was lost before the answer came; it may have been carried out")]
    Unsure,
    /// A full outbox has dropped it.
    #[error("too many requests wait, and this one was dropped")]
    Dropped,
    /// It has more than 65,536 bytes, which no server takes.
    #[error("the request is too long")]
    TooLong,
    /// The link has ended.
    #[error("the link has ended")]
    Closed,
}

impl From<Closed> for NotDone {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// A request under way. It goes on when this is dropped; only its answer is lost.
#[derive(Debug)]
pub struct Asked(oneshot::Receiver<Result<Answer, NotDone>>);

impl Future for Asked {
    type Output = Result<Answer, NotDone>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = ready!(self.0.poll_unpin(context));
        Poll::Ready(answered.unwrap_or(Err(NotDone::Closed)))
    }
}

/// A station that does not give up. It is the same station whenever it comes back, hears what it
/// has missed or a [`Message::Gap`], and sends again what was not answered.
///
/// Requests go one after the other, each when the one before it was answered. An answer carries the
/// number of its order and may be said twice. An order is said again only if the present order is
/// still the one from before; if it is the one that was given, it was carried out; otherwise it is
/// [`NotDone::Unsure`]. (After a restart of the server the same order has a new number, so then its
/// text decides.)
#[derive(Debug)]
pub struct Station {
    talk: Arc<Conversation>,
    driver: JoinHandle<()>,
}

impl Station {
    /// A station at this address, or with these settings. When it comes back, the server is there
    /// and [`state`](Self::state) is the present one.
    pub async fn connect<S>(settings: S) -> Result<Self, Failure>
    where
        S: TryInto<Settings>,
        Failure: From<S::Error>,
    {
        let station = Self::open(settings)?;
        station.talk.line.settled().await?;
        Ok(station)
    }

    /// The same without waiting for the server. What is asked meanwhile waits in the outbox.
    pub fn open<S>(settings: S) -> Result<Self, Failure>
    where
        S: TryInto<Settings>,
        Failure: From<S::Error>,
    {
        let settings: Settings = settings.try_into()?;
        let longest = settings.longest.min(LONGEST_HEARD);
        let settings = settings.subprotocol(SUBPROTOCOL).longest(longest);
        let network = Network::new(settings.clone())?;
        Ok(Self::over(network, &settings))
    }

    fn over(open: impl Open, settings: &Settings) -> Self {
        let talk = Arc::new(Conversation {
            line: Line::default(),
            desk: Mutex::new(Desk::new(settings)),
            inbox: Inbox::new(settings.inbox, settings.inbox_bytes, weight),
            url: settings.url.clone(),
        });
        let url = settings.url.clone();
        let driver = tokio::spawn(drive(open, Arc::clone(&talk), settings.window, url));
        Self { talk, driver }
    }

    /// Gives a request to the outbox, and comes back when there was room for it. The answer comes
    /// from what is returned.
    pub async fn ask(&self, request: Request) -> Result<Asked, NotDone> {
        if request.encode(Some(&Id::Number(i64::MAX))).len() > LONGEST {
            return Err(NotDone::TooLong);
        }
        let (asker, answer) = oneshot::channel();
        let mut pending = (request, asker);
        loop {
            let room = self.talk.line.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if matches!(*self.talk.line.standing.borrow(), Standing::Ended(_)) {
                return Err(NotDone::Closed);
            }
            let put = self.talk.desk().put(pending.0, pending.1);
            match put {
                Ok(()) => break,
                Err(back) => pending = back,
            }
            room.await;
        }
        self.talk.line.wake.notify_one();
        Ok(Asked(answer))
    }

    /// Answers the order with this number: with a position or as it stands; coming or not.
    pub async fn answer(
        &self,
        order: u64,
        position: Option<Position>,
        coming: Option<bool>,
    ) -> Result<(), NotDone> {
        self.ask(Request::Answer { order, position, coming }).await?.await.map(drop)
    }

    /// Gives an order.
    pub async fn order(&self, status: impl Into<String>) -> Result<(), NotDone> {
        self.ask(Request::Order { status: status.into() }).await?.await.map(drop)
    }

    /// Says a line on the debug console, and hears what comes of it.
    pub async fn console(&self, command: impl Into<String>) -> Result<Vec<String>, NotDone> {
        let answer = self.ask(Request::Console { command: command.into() }).await?.await?;
        Ok(answer.lines)
    }

    /// The next event; `None` after the last one.
    pub async fn recv(&mut self) -> Option<Event<Heard>> {
        std::future::poll_fn(|context| self.talk.inbox.poll(context)).await
    }

    /// The next event, if there is one now.
    pub fn try_recv(&mut self) -> Option<Event<Heard>> {
        self.talk.inbox.take()
    }

    /// The newest state that is known, whatever still waits in the inbox.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.talk.desk().state().cloned()
    }

    /// The newest welcome: who one is, and the dial.
    #[must_use]
    pub fn welcome(&self) -> Option<Welcome> {
        self.talk.desk().welcome().cloned()
    }

    /// Whether the server is there.
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self.talk.line.standing.borrow() == Standing::Up
    }

    /// How many requests wait to be answered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.talk.desk().waiting()
    }

    /// Waits until every request is answered, for as long as the window allows, and leaves.
    pub async fn close(self) -> Result<(), Failure> {
        self.talk.line.close();
        self.talk.line.ended().await
    }
}

impl Stream for Station {
    type Item = Event<Heard>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.talk.inbox.poll(context)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What is said by a station and to it.
#[derive(Debug)]
struct Conversation {
    line: Line,
    desk: Mutex<Desk>,
    inbox: Inbox<Heard>,
    url: String,
}

impl Conversation {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Talk for Conversation {
    fn line(&self) -> &Line {
        &self.line
    }

    fn query(&self) -> String {
        self.desk().query()
    }

    fn up(&self) {
        self.desk().up();
    }

    fn greeted(&self) -> bool {
        self.desk().is_greeted()
    }

    fn next(&self) -> Option<String> {
        self.desk().next()
    }

    fn sent(&self) {
        self.desk().sent();
    }

    fn heard(&self, text: &str) -> Result<(), Failure> {
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                let (text, why) = (text.to_owned(), error.to_string());
                self.inbox.put(Event::Unreadable { text, why });
                return Ok(());
            }
        };
        let turn = self.desk().heard(&message);
        match turn {
            Turn::Mine => {}
            Turn::Everybodys => {
                self.inbox.put(Event::Message(Heard { message, text: text.to_owned() }));
            }
            Turn::Ready => {
                self.inbox.put(Event::Message(Heard { message, text: text.to_owned() }));
                self.line.standing.send_replace(Standing::Up);
                self.inbox.put(Event::Up);
            }
            Turn::WrongToken(why) => {
                let (url, why) = (self.url.clone(), why.to_owned());
                return Err(Failure::Refused { url, status: None, why });
            }
        }
        self.line.room.notify_one();
        self.line.wake.notify_one();
        Ok(())
    }

    fn down(&self, why: String) {
        self.desk().down();
        let was_up = self.line.standing.send_replace(Standing::Away) == Standing::Up;
        if was_up {
            self.inbox.put(Event::Down(why));
        }
    }

    fn idle(&self) -> bool {
        self.desk().waiting() == 0
    }

    fn beat(&self) -> Duration {
        self.desk().beat()
    }

    fn pings(&self) -> bool {
        false
    }

    fn ended(&self, failure: Option<Failure>) {
        self.desk().end();
        self.line.standing.send_replace(Standing::Ended(failure.clone()));
        self.line.room.notify_waiters();
        self.inbox.end(failure.map(Event::Failed));
    }
}

#[cfg(test)]
mod tests;
