//! What the engine wants of the world: sockets that are handed in, and somebody to do what is not for
//! stations.

use std::io::{Read, Write};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::entry::Entry;
use crate::file::File;
use crate::hub::{Outcome, Snapshot, Wire};
use crate::policy::Peer;
use crate::telegraph::TelegraphId;

/// A station's socket: non-blocking and edge-triggered. After a partial read or write go on until
/// `WouldBlock`.
pub trait Socket: Read + Write {
    /// Nothing more will be sent, and the other end may know.
    fn finish(&mut self);
    /// Whether the connection is broken. After the peer's end of stream a read does not show it.
    fn is_cut(&mut self) -> bool;
    /// A wrong token came over it.
    fn wrong_token(&mut self) {}
}

/// Where effects go that are not for stations; most are of one telegraph.
pub trait Ports {
    /// Write this into a file; the outcome comes back as [`Event::Stored`](crate::hub::Event::Stored).
    /// `Err` if nobody is there to do it, with a line that says why.
    fn store(
        &mut self,
        telegraph: TelegraphId,
        file: File,
        ticket: u64,
        text: String,
    ) -> Result<(), String>;
    /// Nobody waits for this write any more: it fails unless its rename has been made or has begun.
    /// Its outcome still comes back.
    fn abandon(&mut self, telegraph: TelegraphId, file: File, ticket: u64);
    /// Write this into the bell book.
    fn record(&mut self, telegraph: TelegraphId, entry: Entry);
    /// Tell an HTTP client what became of its request.
    fn respond(&mut self, ticket: u64, outcome: Outcome);
    /// Remembers where the outcome of this request goes.
    fn register_ask(&mut self, ticket: u64, answer: oneshot::Sender<Outcome>);
    /// Let the other rooms see this.
    fn publish(&mut self, telegraph: TelegraphId, snapshot: Snapshot);
    /// Write a line to the log.
    fn log(&mut self, line: &str);
    /// The server shall end.
    fn ask_shutdown(&mut self);
    /// How long after a writing was complete its push had been handed to the last socket. Called by
    /// the driver, which has a clock.
    fn pushed(&mut self, _: Duration) {}
    /// Of which file it is another that its disk does not answer, and since when, in one line; `None` if it answers.
    /// Called by the driver about once a second.
    fn disks(&mut self) -> Vec<(TelegraphId, File, Option<String>)> {
        Vec::new()
    }
    /// The hub's loop is alive. Called by the driver about once a second, with what the engine has counted.
    fn sign_of_life(&mut self, _: &Tally) {}
}

/// What is counted of stations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many sockets there are on each wire, in the order of [`Wire`].
    pub sockets: [usize; 3],
    /// How often a station got the newest state in place of older ones.
    pub conflated: u64,
    /// How many were given up because they took nothing.
    pub stuck: u64,
    /// How many were given up because they said nothing.
    pub silent: u64,
    /// How many were closed because their frames broke the protocol.
    pub violations: u64,
    /// How many were given up because they were owed too much.
    pub overfull: u64,
    /// How many were closed because they came back on another connection.
    pub replaced: u64,
}

/// How a station arrives.
#[derive(Debug)]
pub struct Arrival {
    /// The telegraph it wants to hear of.
    pub telegraph: TelegraphId,
    /// What it has sent already.
    pub unread: Vec<u8>,
    /// The language it speaks.
    pub wire: Wire,
    /// What is known of the other end.
    pub peer: Peer,
    /// Its secret: the one it came with, or a fresh one.
    pub secret: String,
    /// The latest number that it has already been told, if it is reconnecting.
    pub known_seq: Option<u64>,
}
