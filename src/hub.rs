//! The hub's face to the other rooms. (Interface first; the hub itself follows.)

use std::net::TcpStream;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use uuid::Uuid;

use crate::policy::Peer;
use crate::writing::{File, Health, Report, Stamp};

/// The language a station speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// The original's text, without a subprotocol.
    Text,
    /// JSON, subprotocol `chadburn.v1`.
    Json,
}

/// A connection that HTTP hands over once the WebSocket handshake is answered.
#[derive(Debug)]
pub struct Newcomer {
    /// The socket, non-blocking and no longer registered with any runtime.
    pub socket: TcpStream,
    /// What the peer sent after its handshake and HTTP had already read.
    pub unread: Vec<u8>,
    /// The language it chose.
    pub wire: Wire,
    /// What is known of it.
    pub peer: Peer,
    /// Its place among the connections the server can afford; given back on drop.
    pub seat: OwnedSemaphorePermit,
}

/// What the other rooms tell the hub.
#[derive(Debug)]
pub enum Input {
    /// A WebSocket was opened.
    Join(Newcomer),
    /// A source has news.
    Source(File, Report),
    /// The accept file is about to be replaced by our own writing with this stamp.
    Noted { ticket: u64, stamp: Stamp },
    /// The writing of the accept file has ended.
    Stored { ticket: u64, result: Result<(), String> },
    /// The server was told to end.
    Shutdown,
}

/// What HTTP needs to know of the telegraph, as of its last change.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The `state` message, as JSON.
    pub state: Arc<str>,
    /// The bare status, if there is an order.
    pub status: Option<Arc<str>>,
    /// The health of the status file; `None` until its source has settled.
    pub status_file: Option<Health>,
    /// The health of the accept file; `None` until its source has settled.
    pub accept_file: Option<Health>,
    /// The server is saying farewell.
    pub closing: bool,
}

/// The way into the hub: a bounded queue, and a bell cord that wakes it.
#[derive(Clone, Debug)]
pub struct Handle {
    queue: mpsc::Sender<Input>,
}

/// The hub has ended and takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl Handle {
    /// Puts this before the hub, waiting for room in the queue.
    pub async fn send(&self, input: Input) -> Result<(), Gone> {
        self.queue.send(input).await.map_err(|_| Gone)
    }

    /// The same from a thread of its own.
    pub fn blocking_send(&self, input: Input) -> Result<(), Gone> {
        self.queue.blocking_send(input).map_err(|_| Gone)
    }

    /// The station's id, made here.
    #[must_use]
    pub fn id() -> Uuid {
        Uuid::new_v4()
    }
}
