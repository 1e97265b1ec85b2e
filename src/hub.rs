//! The hub: one thread that owns every station, and the telegraph they look at.
//!
//! Reading order: [`Hub::step`] decides (pure: an event and a moment in, effects out),
//! [`Engine`] carries effects out on stations whose sockets it holds but does not open, and
//! [`driver`] runs the loop and is the only file that polls. [`frame`] and [`outbox`] are the two
//! halves of a connection. Other rooms reach the hub through a [`Handle`] and read a [`Snapshot`].
//! A station is a `Slot` in the engine (its socket), and a `Station` in `step` (what is decided about
//! it) with its `Session` (its wire and identity).

mod outgoing;
mod response_head;
mod step;

pub mod driver;
pub mod engine;
pub mod frame;
pub mod outbox;

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use chadburn_v1::Code;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use uuid::Uuid;

pub use self::engine::{Engine, Ports, SILENCE_SECONDS};
pub use self::step::{Census, Facts, Hub};
use crate::clock::Clock;
use crate::entry::Entry;
use crate::file::File;
use crate::policy::{Peer, Policy};
use crate::session::Want;
use crate::telegraph::TelegraphId;
pub use crate::wire::Wire;
use chadburn_web::limits::AddressPermit;
use live_file::writing::{Health, Report, Stamp};

/// How often a JSON station hears a beat, in seconds. A panel that misses two and a half of them
/// says that its link is lost, so this is what "honest link state" means in seconds.
pub const HEARTBEAT_SECONDS: u32 = 5;

/// A loop that has not signalled for longer than this, in seconds, has stalled; it signals every second.
const STALLED_SECONDS: u32 = 5;

/// How many inputs may wait for the hub. Reports about files have a queue of their own, of one.
const QUEUE: usize = 1024;

/// A station's place in the hub. A place is used again, a key never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The place.
    pub slot: u32,
    /// Which of the stations that have had this place.
    pub generation: u32,
}

/// What happens to the hub.
#[derive(Debug)]
pub enum Event<'a> {
    /// The server begins.
    Started,
    /// A station has come.
    Joined {
        /// Its place.
        key: Key,
        /// Its secret, from which its id is made: the one it came with, or a fresh one.
        secret: String,
        /// The latest number that it has already been told, if it is reconnecting.
        known_seq: Option<u64>,
        /// The language it speaks.
        wire: Wire,
        /// What is known of the other end.
        peer: Peer,
    },
    /// A station that was away has been sent everything that it missed.
    CaughtUp {
        /// Who.
        key: Key,
        /// The number of the last state that it was told.
        seen: Option<u64>,
    },
    /// A station sent a message.
    Heard {
        /// Who.
        key: Key,
        /// What.
        message: &'a str,
    },
    /// Somebody asks over HTTP.
    Asked {
        /// Comes back with the outcome.
        ticket: u64,
        /// Who, and what for.
        ask: Box<Ask>,
    },
    /// A station's conversation has ended.
    Left {
        /// Who.
        key: Key,
    },
    /// A source has news.
    Source {
        /// Of which file.
        file: File,
        /// What.
        report: Report,
    },
    /// A file's writer is about to rename its new contents into place.
    Prepared {
        /// Which file.
        file: File,
        /// Which write this is about.
        ticket: u64,
        /// The stamp by which they will be known when they are read back.
        stamp: Stamp,
    },
    /// A write has ended.
    Stored {
        /// Of which file.
        file: File,
        /// Which write.
        ticket: u64,
        /// Whether the text is durably in the file; else a line that says why not.
        result: Result<(), String>,
    },
    /// Whether the file could be written now, from its writer's trial write.
    Writable {
        /// In which file.
        file: File,
        /// Or why not, in one line.
        result: Result<(), String>,
    },
    /// A file's disk does not answer, or does again.
    Unanswered {
        /// Which file.
        file: File,
        /// Since when, in one line; `None` if it answers.
        why: Option<String>,
    },
    /// The policy, or the token, has changed.
    Policy(Policy),
    /// A tenth of a second has passed.
    Tick,
    /// The server ends.
    Shutdown,
    /// Everybody has left after the farewell.
    Ended,
}

/// What the hub wants done. Effects are carried out in their order.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send these to a newcomer in one write, and let it hear pushes from now on.
    Greet {
        /// To whom.
        to: Key,
        /// The messages, and for a state its number.
        messages: Vec<(Option<u64>, String)>,
        /// The latest number it knows, if it must first be sent what it has missed; see [`Hub::after`].
        behind: Option<u64>,
    },
    /// Say this to one station.
    Say {
        /// To whom.
        to: Key,
        /// The message.
        message: String,
    },
    /// Tell an HTTP client what became of its request.
    Respond {
        /// Which request.
        ticket: u64,
        /// What became of it.
        outcome: Outcome,
    },
    /// Hear nothing from this station until `Resume`: what it asked for is not answered yet.
    Hold(Key),
    /// Hear this station again.
    Resume(Key),
    /// This station has given a wrong token.
    WrongToken(Key),
    /// Close this station's connection.
    Close {
        /// Whose.
        key: Key,
        /// The close code.
        code: u16,
    },
    /// Tell the state to every greeted station; one that is slow gets the newest only.
    Push {
        /// The state's number.
        seq: u64,
        /// What text stations hear, if this concerns them.
        text: Option<Arc<str>>,
        /// What JSON stations hear.
        json: Arc<str>,
    },
    /// Tell every greeted JSON station and event stream of a file's health.
    TellHealth(String),
    /// Tell every greeted JSON station the roll, and no event stream; one that is slow gets the newest only.
    TellRoll(Arc<str>),
    /// Write this into the bell book.
    Record(Entry),
    /// Write this into a file, durably.
    Store {
        /// Which file.
        file: File,
        /// Comes back with the outcome.
        ticket: u64,
        /// The text, without its newline.
        text: String,
    },
    /// Nobody waits for this store any more.
    Abandon {
        /// Of which file.
        file: File,
        /// Which store.
        ticket: u64,
    },
    /// Let the other rooms see this.
    Publish(Snapshot),
    /// Write this line to the log; it holds nothing raw from the network.
    Log(String),
    /// Somebody who may asked for the server's end.
    AskShutdown,
    /// Say farewell to every station and close its connection; this is what JSON stations hear.
    Farewell(String),
}

/// What other rooms need to know of the telegraph, as of its last change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The number of the latest order, repeat or reply.
    pub seq: u64,
    /// Whether the bell rings.
    pub bell: bool,
    /// The `state` message, as JSON.
    pub state: Arc<str>,
    /// The bare status, if there is an order.
    pub status: Option<Arc<str>>,
    /// The health of the status file; `None` until its source has settled.
    pub status_file: Option<Health>,
    /// The health of the accept file; `None` until its source has settled.
    pub accept_file: Option<Health>,
    /// The health of the bell book; `None` without one.
    pub book: Option<Health>,
    /// The server is saying farewell.
    pub closing: bool,
}

impl Snapshot {
    /// The health of this file; `None` until its source has settled.
    #[must_use]
    pub fn health(&self, file: File) -> Option<&Health> {
        match file {
            File::Status => self.status_file.as_ref(),
            File::Accept => self.accept_file.as_ref(),
            File::Book => self.book.as_ref(),
        }
    }
}

/// A connection that HTTP hands over once it has judged the request that opened it: a WebSocket's
/// handshake, or a request for events.
#[derive(Debug)]
pub struct Newcomer {
    /// The socket, non-blocking and no longer registered with any runtime.
    pub socket: TcpStream,
    /// What the peer sent after its handshake and HTTP had already read.
    pub unread: Vec<u8>,
    /// The answer to its request, which has not gone out: with what the hub says first it makes
    /// one packet, and costs one call instead of two.
    pub unsent: Vec<u8>,
    /// The language it chose.
    pub wire: Wire,
    /// What is known of it.
    pub peer: Peer,
    /// The secret it comes back with, if it was here before: 16 to 64 characters that are safe in
    /// a URL, and nobody's business in a log.
    pub resume: Option<String>,
    /// The latest number that it has already been told, if it is reconnecting.
    pub known_seq: Option<u64>,
    /// The token that came with its request, if one did; not for a log either.
    pub token: Option<String>,
    /// Its place among the connections the server can afford; given back on drop.
    pub seat: OwnedSemaphorePermit,
    /// Its place among the connections of its address; given back on drop.
    pub address_permit: AddressPermit,
}

/// What the other rooms tell the hub.
#[derive(Debug)]
pub enum Input {
    /// HTTP hands over a connection: a WebSocket or an event stream.
    Join(Newcomer),
    /// Somebody asks over HTTP, and waits for the outcome at the other end.
    Ask(Box<Ask>, oneshot::Sender<Outcome>),
    /// Something else happened.
    Event(Event<'static>),
}

/// An event about a file, from the thread that reads or writes it.
#[derive(Debug)]
struct FileEvent {
    telegraph: TelegraphId,
    event: Event<'static>,
    /// When the source saw it.
    seen_at: Option<Instant>,
}

/// The way into one telegraph's hub: two bounded queues, which all telegraphs share, and a waker.
#[derive(Clone, Debug)]
pub struct Handle {
    telegraph: TelegraphId,
    /// Everything from async code: HTTP, policy and shutdown.
    inputs: mpsc::Sender<(TelegraphId, Input)>,
    /// Everything from the threads that read or write files (sources, writers, the bell book's), in
    /// order. Holds one: a source that must wait merges what happens meanwhile.
    reports: mpsc::Sender<FileEvent>,
    /// Wakes the driver from its poll.
    waker: Arc<mio::Waker>,
    /// When the driver's loop last signalled that it is alive, in seconds.
    alive_at: Arc<AtomicU32>,
    /// The clock of those seconds.
    clock: Clock,
}

/// A request over HTTP that the hub must decide, and carry out if it may be.
#[derive(Debug, PartialEq, Eq)]
pub struct Ask {
    /// What is known of whoever asks.
    pub peer: Peer,
    /// The token that came with the request, if one did.
    pub token: Option<String>,
    /// What whoever asks wants to be called; already validated (`chadburn_v1::is_name`).
    pub who: Option<String>,
    /// What is asked for: an order, an accept or an answer.
    pub want: Want,
    /// The station id to credit: a random one, since an HTTP client has none that lasts.
    pub station_id: Uuid,
}

/// What became of an [`Ask`]: it was carried out, durably; or why not, for a program and in one
/// line for a person.
pub type Outcome = Result<(), (Code, String)>;

/// The hub has ended and takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub has ended")]
pub struct Gone;

impl Handle {
    /// Sends this, waiting for room in the queue.
    pub async fn send(&self, input: Input) -> Result<(), Gone> {
        self.inputs.send((self.telegraph, input)).await.map_err(|_| Gone)?;
        self.wake()
    }

    /// Sends an event of a file's writer; blocks while the queue is full. The queue is that of the
    /// sources' reports, so that a write is known as prepared before it has ended, and before it is read back.
    pub fn send_from_writer(&self, event: Event<'static>) -> Result<(), Gone> {
        self.send_file_event(event, None)
    }

    /// Sends a report about a file, and when it was seen; blocks while the queue is full.
    pub fn report(&self, file: File, report: Report, seen_at: Instant) -> Result<(), Gone> {
        self.send_file_event(Event::Source { file, report }, Some(seen_at))
    }

    fn send_file_event(&self, event: Event<'static>, seen_at: Option<Instant>) -> Result<(), Gone> {
        let telegraph = self.telegraph;
        self.reports.blocking_send(FileEvent { telegraph, event, seen_at }).map_err(|_| Gone)?;
        self.wake()
    }

    /// Has the hub decide this and carry it out, and waits for the outcome.
    pub async fn ask(&self, ask: Ask) -> Result<Outcome, Gone> {
        let (answer, outcome) = oneshot::channel();
        self.send(Input::Ask(Box::new(ask), answer)).await?;
        outcome.await.map_err(|_| Gone)
    }

    /// Whether the hub's loop has signalled lately that it is alive.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let turned = self.alive_at.load(Ordering::Relaxed);
        // The loop may have signalled after the clock was read here.
        let silence = self.clock.now().seconds().saturating_sub(turned);
        silence <= STALLED_SECONDS
    }

    fn wake(&self) -> Result<(), Gone> {
        self.waker.wake().map_err(|_| Gone)
    }
}

#[cfg(test)]
mod tests;
