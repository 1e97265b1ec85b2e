//! What waits for one connection, in order.
//!
//! What a client is told of a camera, and the lists, are replaced in their place by something newer. It knows no
//! socket, and not what happens when too much waits.

use std::collections::VecDeque;

use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A message, shared by all whom it goes to.
pub type Text = Utf8Bytes;

/// What replaces a message that still waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Plain,
    /// Newer boxes of this connection's camera.
    Boxes(u64),
    /// A newer list of cameras.
    Cameras,
    /// A newer list of objects.
    Objects,
}

/// The messages that wait for a connection.
#[derive(Debug, Default)]
pub struct Outbox {
    messages: VecDeque<(Kind, Text)>,
    /// How many of them nothing replaces.
    plain: usize,
    /// The length of those, in bytes.
    bytes: usize,
}

impl Outbox {
    /// Puts a message at the end, or in the place of an older one of its kind. Whether it replaced one.
    pub fn push(&mut self, kind: Kind, text: Text) -> bool {
        if kind == Kind::Plain {
            self.plain += 1;
            self.bytes += text.len();
        } else if let Some((_, older)) = self.messages.iter_mut().find(|(it, _)| *it == kind) {
            *older = text;
            return true;
        }
        self.messages.push_back((kind, text));
        false
    }

    /// The next message.
    pub fn pop(&mut self) -> Option<Text> {
        let (kind, text) = self.messages.pop_front()?;
        if kind == Kind::Plain {
            self.plain -= 1;
            self.bytes -= text.len();
        }
        Some(text)
    }

    /// Of this camera's connection nothing newer will come.
    pub fn settle(&mut self, connection: u64) {
        let last = self.messages.iter_mut().find(|(kind, _)| *kind == Kind::Boxes(connection));
        if let Some((kind, text)) = last {
            *kind = Kind::Plain;
            self.plain += 1;
            self.bytes += text.len();
        }
    }

    /// How many messages wait that nothing replaces.
    #[must_use]
    pub fn plain(&self) -> usize {
        self.plain
    }

    /// How long those are together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}
