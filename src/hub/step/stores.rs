//! Replies on their way into the accept file: one write at a time, and one for all who wait.

use uuid::Uuid;

use super::Key;
use crate::session::Form;
use crate::writing::{Stamp, Writing};

/// Said when the order has moved on.
pub(super) const STALE: &str = "that order is no longer the present one";

/// How many of our own writings are remembered until they are read back. One is in hand and one
/// may be waiting in the source; the rest is for a source that looks only now and then.
const CREDITS_MAX: usize = 16;

/// A reply that waits to be written, and whoever waits for it. At most one a station, which is not
/// heard while it waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The station's place.
    pub(super) key: Key,
    /// The station.
    pub(super) station: Uuid,
    /// How it wants its answer.
    pub(super) form: Form,
    /// The reply.
    pub(super) text: String,
    /// The order it replies to; `None` means whichever is present.
    pub(super) order: Option<u64>,
}

/// Replies on their way into the accept file.
#[derive(Debug, Default)]
pub(super) struct Stores {
    /// Those who wait for the next write.
    waiting: Vec<Waiting>,
    /// Those who wait for the write in hand; none if it is empty.
    in_hand: Vec<Waiting>,
    /// The ticket of the write in hand, or of the last one.
    ticket: u64,
    /// Whose reply is in hand, or was last.
    author: Uuid,
    /// What that reply will be read back as.
    text: String,
    /// Our own writings that were not read back, oldest first.
    credits: Vec<Credit>,
}

/// One of our own writings, and whose it is.
#[derive(Debug)]
struct Credit {
    /// The write it came from.
    ticket: u64,
    /// What it will be read back as. The stamp alone does not do: within one tick of the clock
    /// another hand may write the same inode, or the inode come round again.
    writing: Writing,
    /// Who caused it.
    author: Uuid,
}

impl Stores {
    /// Takes a reply.
    pub(super) fn push(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
    }

    /// How many replies wait, or are being written.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() + self.in_hand.len()
    }

    /// Starts the next write, if none is in hand and somebody waits: the last waiting reply, for
    /// all. Those whose order has moved on meanwhile are handed to `stale` instead.
    pub(super) fn start(
        &mut self,
        present: Option<u64>,
        mut stale: impl FnMut(Waiting),
    ) -> Option<(u64, String)> {
        if !self.in_hand.is_empty() {
            return None;
        }
        for waiting in self.waiting.drain(..) {
            if waiting.order.is_none() || waiting.order == present {
                self.in_hand.push(waiting);
            } else {
                stale(waiting);
            }
        }
        let last = self.in_hand.last()?;
        self.ticket += 1;
        self.author = last.station;
        // A source cuts off white space at the end.
        self.text = last.text.trim_end().into();
        Some((self.ticket, last.text.clone()))
    }

    /// The write in hand will be known by this stamp when it is read back.
    pub(super) fn noted(&mut self, ticket: u64, stamp: Stamp) {
        if ticket == self.ticket {
            if self.credits.len() == CREDITS_MAX {
                self.credits.remove(0);
            }
            let writing = Writing { stamp, text: self.text.clone() };
            self.credits.push(Credit { ticket, writing, author: self.author });
        }
    }

    /// The write in hand has ended: those who waited for it.
    pub(super) fn finish(&mut self, ticket: u64, written: bool) -> Vec<Waiting> {
        if ticket != self.ticket {
            return Vec::new();
        }
        if !written {
            // A file that was never renamed in cannot be read back, but its inode may be anyone's.
            self.credits.retain(|credit| credit.ticket != ticket);
        }
        std::mem::take(&mut self.in_hand)
    }

    /// Whose writing of ours this is, if it is one.
    pub(super) fn author(&mut self, writing: &Writing) -> Option<Uuid> {
        let alike = |credit: &Credit| credit.writing == *writing;
        let first = self.credits.iter().position(alike)?;
        // Of several alike the last one stands in the file. The others may still be on their way
        // here, but those before them were superseded before anybody read them.
        let author = self.credits.iter().rfind(|credit| alike(credit))?.author;
        self.credits.drain(..=first);
        Some(author)
    }
}
