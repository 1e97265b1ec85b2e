//! The server's time, by what it said last and how long ago that was: whoever asks how long something
//! has lasted there asks its clock, and not ours.

use std::time::{SystemTime, UNIX_EPOCH};

use chadburn_client::Message;
use tokio::time::Instant;

/// The server's clock; our own until it has said what time it is.
#[derive(Debug)]
pub(super) struct ServerClock {
    /// UTC in milliseconds.
    said: u64,
    /// When it was said.
    heard: Instant,
}

impl ServerClock {
    pub(super) fn new() -> Self {
        Self { said: ours(), heard: Instant::now() }
    }

    /// Hears what time it is, if that is said.
    pub(super) fn heard(&mut self, message: &Message) {
        let said = match message {
            Message::Welcome(welcome) => welcome.at,
            Message::Beat { at } => Some(*at),
            _ => None,
        };
        if let Some(said) = said {
            *self = Self { said, heard: Instant::now() };
        }
    }

    /// The time there: UTC in milliseconds.
    pub(super) fn now(&self) -> u64 {
        let since = u64::try_from(self.heard.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.said.saturating_add(since)
    }
}

/// The time here: UTC in milliseconds.
pub(super) fn ours() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(now).unwrap_or(u64::MAX)
}
