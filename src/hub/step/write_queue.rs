//! Texts on their way into a file: one write at a time, and one for all who wait.
//!
//! The same for replies and for orders; each file has its own.

use std::net::IpAddr;
use std::sync::Arc;

use chadburn_core::text::bare;
use chadburn_v1::By;
use uuid::Uuid;

use super::roll::How;
use super::{Asker, Author};
use crate::session::ResponseFormat;
use live_file::writing::{Stamp, Writing};

/// Said when the order has moved on.
pub(super) const STALE: &str = "that order is no longer the present one";

/// How many of our own writings are remembered until they are read back. At most two are normally
/// outstanding; the rest is for sources that poll, or fall behind on a busy machine.
const CREDITS_MAX: usize = 256;

/// A text that waits to be written, and whoever waits for it. At most one a station, which is not
/// heard while it waits; HTTP bounds its own.
#[derive(Debug)]
pub(super) struct PendingWrite {
    /// Who waits for the answer.
    pub(super) asker: Asker,
    /// The station that it is credited to.
    pub(super) station_id: Uuid,
    /// What that station is called.
    pub(super) who: Option<Arc<str>>,
    /// Its address, if it has not given the token.
    pub(super) from: Option<IpAddr>,
    /// How the answer is to be put.
    pub(super) format: ResponseFormat,
    /// The text.
    pub(super) text: String,
    /// The order it replies to; `None` means whichever is present.
    pub(super) order: Option<u64>,
    /// What goes into the roll when it is written.
    pub(super) how: Option<How>,
}

impl PendingWrite {
    /// Who is to be credited with it.
    pub(super) fn author(&self) -> Author {
        Author { by: By::Station(self.station_id), who: self.who.clone(), from: self.from }
    }
}

/// Texts on their way into a file.
#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    /// Those who wait for the next write.
    waiting: Vec<PendingWrite>,
    /// Those who wait for the write in progress; empty after `give_up`, although the write may still run.
    in_progress: Vec<PendingWrite>,
    /// What the write in progress writes, and who is to be credited with it; `None` if there is none.
    writing: Option<(String, Author)>,
    /// The ticket of the write in progress, or of the last one.
    ticket: u64,
    /// Our own writings that were not read back, oldest first.
    credits: Vec<Credit>,
}

/// One of our own writings, and whose it is.
#[derive(Debug)]
struct Credit {
    /// The write it came from.
    ticket: u64,
    /// What it will be read back as: stamp and text. The stamp alone (date and size) is not enough:
    /// within one tick of the clock somebody else may write a text of the same length.
    writing: Writing,
    /// Who caused it.
    author: Author,
}

impl WriteQueue {
    /// Takes a text.
    pub(super) fn push(&mut self, waiting: PendingWrite) {
        self.waiting.push(waiting);
    }

    /// Gives up everything that waits, and the write in progress, which may still be carried out.
    /// Returns the ticket of that write, and everybody who waited.
    pub(super) fn give_up(&mut self) -> (Option<u64>, Vec<PendingWrite>) {
        let mut given_up = std::mem::take(&mut self.in_progress);
        let ticket = (!given_up.is_empty()).then_some(self.ticket);
        given_up.append(&mut self.waiting);
        (ticket, given_up)
    }

    /// How many texts wait, or are being written.
    pub(super) fn pending(&self) -> usize {
        self.waiting.len() + self.in_progress.len()
    }

    /// Starts the next write, if none is in progress and somebody waits: the last waiting text, for
    /// those that `still_wanted` keeps.
    pub(super) fn start(
        &mut self,
        mut still_wanted: impl FnMut(&PendingWrite) -> bool,
    ) -> Option<(u64, String)> {
        if self.writing.is_some() {
            return None;
        }
        self.in_progress = std::mem::take(&mut self.waiting);
        self.in_progress.retain(|waiting| still_wanted(waiting));
        let last = self.in_progress.last()?;
        self.ticket += 1;
        self.writing = Some((last.text.clone(), last.author()));
        Some((self.ticket, last.text.clone()))
    }

    /// The write in progress will be known by this stamp when it is read back.
    pub(super) fn prepared(&mut self, ticket: u64, stamp: Stamp) {
        if let Some((text, author)) = self.writing.as_ref().filter(|_| ticket == self.ticket) {
            if self.credits.len() == CREDITS_MAX {
                self.credits.remove(0);
            }
            // As a source will read it.
            let writing = Writing { stamp, text: bare(text).into() };
            self.credits.push(Credit { ticket, writing, author: author.clone() });
        }
    }

    /// The write in progress has ended. Returns those who waited for it.
    pub(super) fn finish(&mut self, ticket: u64, written: bool) -> Vec<PendingWrite> {
        if ticket != self.ticket {
            return Vec::new();
        }
        self.writing = None;
        if !written {
            // It never reached the file. Forget it, or somebody else's writing with the same date and
            // text would be credited to us.
            self.credits.retain(|credit| credit.ticket != ticket);
        }
        std::mem::take(&mut self.in_progress)
    }

    /// Whose writing this is: a station's, or that of whoever else writes the file.
    pub(super) fn author(&mut self, writing: &Writing) -> Author {
        let alike = |credit: &Credit| credit.writing == *writing;
        let Some(first) = self.credits.iter().position(alike) else { return Author::FILE };
        // Of several alike the last one stands in the file. The others may still be on their way
        // here, but those before them were superseded before anybody read them.
        let last = self.credits.iter().rfind(|credit| alike(credit));
        let author = last.map_or(Author::FILE, |credit| credit.author.clone());
        self.credits.drain(..=first);
        author
    }
}
