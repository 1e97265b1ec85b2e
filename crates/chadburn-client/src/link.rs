//! A plain link: texts there and back, whatever they mean.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use thiserror::Error;
use tokio::task::JoinHandle;

use crate::driver::{ConnectionHandler, LinkControl, LinkState, drive};
use crate::inbox::{Event, Inbox};
use crate::open::{Network, Open};
use crate::outbox::Outbox;
use crate::{Failure, Settings};

/// The link has ended, or was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the link has ended")]
pub struct Closed;

/// A link to a WebSocket server that reconnects by itself. To drop it loses what waits to be sent;
/// [`close`](Link::close) sends that first.
///
/// ```
/// # use futures_util::{SinkExt, StreamExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # // Somebody who hears one message, says it back, and goes.
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("ws://{}/", listener.local_addr()?);
/// # tokio::spawn(async move {
/// #     while let Ok((stream, _)) = listener.accept().await {
/// #         let Ok(mut peer) = tokio_tungstenite::accept_async(stream).await else { return };
/// #         let Some(Ok(message)) = peer.next().await else { return };
/// #         let _ = peer.send(message).await;
/// #     }
/// # });
/// use chadburn_client::{Event, Link};
///
/// let mut link = Link::connect(url).await?;
/// link.send("hello").await?;
/// assert_eq!(link.recv().await, Some(Event::Up));
/// assert_eq!(link.recv().await, Some(Event::Message("hello".into())));
/// // The other side goes away and comes back, and the link with it.
/// assert!(matches!(link.recv().await, Some(Event::Down(_))));
/// link.send("once more").await?;
/// assert_eq!(link.recv().await, Some(Event::Up));
/// assert_eq!(link.recv().await, Some(Event::Message("once more".into())));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Link {
    handler: Arc<PlainHandler>,
    driver: JoinHandle<()>,
}

impl Link {
    /// Connects to this address, or with these settings, and returns once the link is up.
    pub async fn connect<S>(settings: S) -> Result<Self, Failure>
    where
        S: TryInto<Settings>,
        Failure: From<S::Error>,
    {
        let link = Self::open(settings)?;
        link.handler.control.until_up_or_ended().await?;
        Ok(link)
    }

    /// Like [`connect`](Self::connect), but returns at once. What is sent meanwhile waits in the outbox.
    pub fn open<S>(settings: S) -> Result<Self, Failure>
    where
        S: TryInto<Settings>,
        Failure: From<S::Error>,
    {
        let settings = settings.try_into()?;
        let network = Network::new(settings.clone())?;
        Ok(Self::over(network, settings))
    }

    pub(crate) fn over(open: impl Open, settings: Settings) -> Self {
        let handler = Arc::new(PlainHandler {
            control: LinkControl::default(),
            outbox: Mutex::new(Outbox::new(settings.outbox.0, settings.outbox.1)),
            inbox: Inbox::new(settings.inbox, settings.inbox_bytes, String::len),
            identity_pending: AtomicBool::new(false),
            identity: settings.identity,
            greeting: settings.greeting,
            beat: settings.beat,
        });
        let driver = tokio::spawn(drive(open, Arc::clone(&handler), settings.window, settings.url));
        Self { handler, driver }
    }

    /// Puts a text into the outbox. With [`Full::Wait`](crate::Full::Wait) it returns when there was
    /// room for it. One of nearly 16 MiB or more cannot be sent, and ends the link when it is its turn.
    pub async fn send(&self, text: impl Into<String>) -> Result<(), Closed> {
        let mut text = text.into();
        loop {
            let room = self.handler.control.room_freed.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            match self.try_send(text) {
                Ok(None) => return Ok(()),
                Ok(Some(back)) => text = back,
                Err(closed) => return Err(closed),
            }
            room.await;
        }
    }

    /// Puts a text into the outbox, or returns it if there is no room now.
    pub fn try_send(&self, text: impl Into<String>) -> Result<Option<String>, Closed> {
        if matches!(*self.handler.control.link_state.borrow(), LinkState::Ended(_)) {
            return Err(Closed);
        }
        let back = self.handler.outbox().put(text.into()).err();
        self.handler.control.wake.notify_one();
        Ok(back)
    }

    /// Waits until the outbox has room, or the link has ended. It does not borrow the link, so that whoever has
    /// something to send can wait for events at the same time.
    pub fn room(&self) -> impl Future<Output = ()> + Send + use<> {
        let handler = Arc::clone(&self.handler);
        async move {
            loop {
                let freed = handler.control.room_freed.notified();
                tokio::pin!(freed);
                freed.as_mut().enable();
                let ended = matches!(*handler.control.link_state.borrow(), LinkState::Ended(_));
                if ended || handler.outbox().has_room() {
                    return;
                }
                freed.await;
            }
        }
    }

    /// The next event; `None` after the last one.
    pub async fn recv(&mut self) -> Option<Event<String>> {
        std::future::poll_fn(|context| self.handler.inbox.poll(context)).await
    }

    /// The next event, if there is one now.
    pub fn try_recv(&mut self) -> Option<Event<String>> {
        self.handler.inbox.take()
    }

    /// Whether the connection is up and, if a greeting was set, the other side has greeted.
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self.handler.control.link_state.borrow() == LinkState::Up
    }

    /// How many messages wait to be sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.handler.outbox().len()
    }

    /// How many messages a full outbox has dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.handler.outbox().dropped()
    }

    /// Sends what waits, for as long as the window allows, and closes the link.
    pub async fn close(self) -> Result<(), Failure> {
        self.handler.control.close();
        self.handler.control.until_ended().await
    }
}

impl Stream for Link {
    type Item = Event<String>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.handler.inbox.poll(context)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A plain link's side of the driver.
#[derive(Debug)]
struct PlainHandler {
    control: LinkControl,
    outbox: Mutex<Outbox<String>>,
    inbox: Inbox<String>,
    /// The identity has still to be sent on this connection.
    identity_pending: AtomicBool,
    /// The message that we send first, if any.
    identity: Option<String>,
    /// The message that the other side sends first, if any.
    greeting: Option<String>,
    beat: Duration,
}

impl PlainHandler {
    fn outbox(&self) -> MutexGuard<'_, Outbox<String>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark_up(&self) {
        self.control.link_state.send_replace(LinkState::Up);
        self.inbox.put(Event::Up);
    }
}

impl ConnectionHandler for PlainHandler {
    fn control(&self) -> &LinkControl {
        &self.control
    }

    fn query(&self) -> String {
        String::new()
    }

    fn on_connected(&self) {
        self.identity_pending.store(self.identity.is_some(), Ordering::Release);
        if self.greeting.is_none() {
            self.mark_up();
        }
    }

    fn is_greeted(&self) -> bool {
        *self.control.link_state.borrow() == LinkState::Up
    }

    fn next_to_send(&self) -> Option<String> {
        if self.identity_pending.load(Ordering::Acquire) {
            return self.identity.clone();
        }
        if !self.is_greeted() {
            return None;
        }
        self.outbox().next().cloned()
    }

    fn on_sent(&self) {
        if !self.identity_pending.swap(false, Ordering::AcqRel) {
            self.outbox().done();
            self.control.room_freed.notify_one();
        }
    }

    fn on_message(&self, text: &str) -> Result<(), Failure> {
        if !self.is_greeted() {
            if self.greeting.as_deref() != Some(text) {
                return Ok(());
            }
            self.mark_up();
            self.control.wake.notify_one();
        }
        self.inbox.put(Event::Message(text.to_owned()));
        Ok(())
    }

    fn on_disconnected(&self, why: String) {
        self.outbox().put_back();
        let was_up = self.control.link_state.send_replace(LinkState::Connecting) == LinkState::Up;
        if was_up {
            self.inbox.put(Event::Down(why));
        }
    }

    fn is_idle(&self) -> bool {
        self.outbox().len() == 0
    }

    fn heartbeat_interval(&self) -> Duration {
        self.beat
    }

    fn sends_pings(&self) -> bool {
        true
    }

    fn on_end(&self, failure: Option<Failure>) {
        self.control.link_state.send_replace(LinkState::Ended(failure.clone()));
        self.control.room_freed.notify_waiters();
        self.inbox.end(failure.map(Event::Failed));
    }
}

#[cfg(test)]
mod tests;
