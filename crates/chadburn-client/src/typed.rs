//! Any serde type over a plain link, as JSON.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::inbox::Event;
use crate::{Closed, Failure, Link, Settings};

/// A link on which `Out` is said and `In` is heard; usually enums that are tagged by `type`.
///
/// ```
/// # use futures_util::{SinkExt, StreamExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # // Somebody who lets each camera start that says who it is.
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("ws://{}/processor", listener.local_addr()?);
/// # tokio::spawn(async move {
/// #     let Ok((stream, _)) = listener.accept().await else { return };
/// #     let Ok(mut peer) = tokio_tungstenite::accept_async(stream).await else { return };
/// #     let Some(Ok(message)) = peer.next().await else { return };
/// #     assert_eq!(message.to_text().ok(), Some(r#"{"type":"identifier","id":"gate"}"#));
/// #     let start = r#"{"type":"start","cameraId":"gate"}"#;
/// #     let _ = peer.send(tokio_tungstenite::tungstenite::Message::text(start)).await;
/// # });
/// use chadburn_client::{Event, Settings, Typed};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type", rename_all = "camelCase")]
/// enum Eye {
///     Identifier { id: String },
///     Start { #[serde(rename = "cameraId")] camera_id: String },
/// }
///
/// let identity = serde_json::to_string(&Eye::Identifier { id: "gate".into() })?;
/// let settings = Settings::new(&url)?.identity(identity);
/// let mut link: Typed<Eye, Eye> = Typed::connect(settings).await?;
/// while let Some(event) = link.recv().await {
///     if let Event::Message(Eye::Start { camera_id }) = event {
///         assert_eq!(camera_id, "gate");
///         break;
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Typed<Out, In> {
    link: Link,
    types: PhantomData<fn(Out) -> In>,
}

impl<Out: Serialize, In: DeserializeOwned> Typed<Out, In> {
    /// As [`Link::connect`].
    pub async fn connect<S>(settings: S) -> Result<Self, Failure>
    where
        S: TryInto<Settings>,
        Failure: From<S::Error>,
    {
        Link::connect(settings).await.map(Self::from)
    }

    /// Gives a message to the outbox, as [`Link::send`] does.
    ///
    /// # Panics
    ///
    /// If the type cannot be JSON, such as a map whose keys are no strings.
    pub async fn send(&self, message: &Out) -> Result<(), Closed> {
        let text = serde_json::to_string(message).expect("a message can be JSON");
        self.link.send(text).await
    }

    /// The next event; `None` after the last one.
    pub async fn recv(&mut self) -> Option<Event<In>> {
        self.link.recv().await.map(read)
    }

    /// The next event, if there is one now.
    pub fn try_recv(&mut self) -> Option<Event<In>> {
        self.link.try_recv().map(read)
    }

    /// The link below.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// As [`Link::close`].
    pub async fn close(self) -> Result<(), Failure> {
        self.link.close().await
    }
}

impl<Out, In> From<Link> for Typed<Out, In> {
    fn from(link: Link) -> Self {
        Self { link, types: PhantomData }
    }
}

impl<Out, In: DeserializeOwned> Stream for Typed<Out, In> {
    type Item = Event<In>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(ready!(self.link.poll_next_unpin(context)).map(read))
    }
}

/// Understands what an event says, if it says something.
fn read<In: DeserializeOwned>(event: Event<String>) -> Event<In> {
    match event {
        Event::Message(text) => match serde_json::from_str(&text) {
            Ok(message) => Event::Message(message),
            Err(error) => Event::Unreadable { text, why: error.to_string() },
        },
        Event::Up => Event::Up,
        Event::Down(why) => Event::Down(why),
        Event::Unreadable { text, why } => Event::Unreadable { text, why },
        Event::Lagged(lagged) => Event::Lagged(lagged),
        Event::Failed(failure) => Event::Failed(failure),
    }
}
