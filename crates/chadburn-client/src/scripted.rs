//! A scripted [`Open`] for tests: connections are in-memory pipes, so that tests run in tokio's paused
//! time.

use std::collections::VecDeque;

use futures_util::StreamExt;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::Settings;
use crate::open::{Cause, Open, limits};

/// The outcome of one attempt to connect. The last one in the script repeats.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ScriptedOutcome {
    /// There is no server.
    Unreachable,
    /// The attempt never ends.
    NoAnswer,
    /// The server rejects us for good.
    Rejected,
    /// A connection through a pipe with a buffer of so many bytes.
    Pipe(usize),
    /// `Unreachable` until then, and then a connection. Attempts before that do not use up the script.
    UnreachableUntil(Instant),
}

/// Opens connections by the script, and passes their server ends to the test.
pub(crate) struct ScriptedConnector {
    settings: Settings,
    script: VecDeque<ScriptedOutcome>,
    ends: mpsc::UnboundedSender<ServerEnd>,
}

impl Open for ScriptedConnector {
    type Stream = DuplexStream;

    async fn open(&mut self, _: &str) -> Result<WebSocketStream<DuplexStream>, Cause> {
        let next = self.script.front().copied().expect("a script has a last line");
        if let ScriptedOutcome::UnreachableUntil(moment) = next
            && Instant::now() < moment
        {
            return Err(Cause::Passing("nobody is there".into()));
        }
        if self.script.len() > 1 {
            self.script.pop_front();
        }
        let capacity = match next {
            ScriptedOutcome::Rejected => {
                return Err(Cause::Final { status: Some(404), why: "404 Not Found".into() });
            }
            ScriptedOutcome::Pipe(capacity) => capacity,
            ScriptedOutcome::UnreachableUntil(_) => 1024,
            ScriptedOutcome::NoAnswer => return std::future::pending().await,
            ScriptedOutcome::Unreachable => return Err(Cause::Passing("nobody is there".into())),
        };
        let (ours, theirs) = tokio::io::duplex(capacity);
        let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
        self.ends.send(theirs).map_err(|_| Cause::Passing("the test is over".into()))?;
        let limits = Some(limits(&self.settings));
        Ok(WebSocketStream::from_raw_socket(ours, Role::Client, limits).await)
    }
}

/// The server ends, in the order in which they are made.
pub(crate) type ServerEnds = mpsc::UnboundedReceiver<ServerEnd>;

/// The server's end of a connection.
pub(crate) type ServerEnd = WebSocketStream<DuplexStream>;

impl ScriptedConnector {
    /// A connector with this script, and the server ends of its connections.
    pub(crate) fn new(
        settings: Settings,
        script: impl Into<VecDeque<ScriptedOutcome>>,
    ) -> (Self, ServerEnds) {
        let (sender, ends) = mpsc::unbounded_channel();
        (Self { settings, script: script.into(), ends: sender }, ends)
    }
}

/// Settings for a connection through a [`ScriptedConnector`].
pub(crate) fn settings() -> Settings {
    Settings::new("ws://scripted/").expect("that is an address")
}

pub(crate) async fn next_text(end: &mut ServerEnd) -> String {
    loop {
        match end.next().await {
            Some(Ok(Message::Text(text))) => return text.to_string(),
            Some(Ok(_)) => {}
            other => panic!("a text was to come, not {other:?}"),
        }
    }
}

pub(crate) async fn next_texts(end: &mut ServerEnd, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        texts.push(next_text(end).await);
    }
    texts
}
