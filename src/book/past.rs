//! What earlier runs have left in the book.

use std::collections::VecDeque;

use tracing::warn;

use super::Limits;
use super::paths::{self, BookPaths, InputFile};
use super::scan::{Scan, Torn};
use super::trouble::Trouble;
use crate::entry::{Entry, What};

/// How many entries are kept in memory, for stations that reconnect and have missed something.
const KEPT: usize = 1_000;

/// How much of the files is read at the start at most, in bytes, should somebody have put larger
/// ones there. Older entries cannot be seen.
pub(super) const WINDOW: u64 = 64 * 1024 * 1024;

/// What the book says when it is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The largest number in it.
    pub last_seq: Option<u64>,
    /// The last line is an `end`, and nothing came after it that cannot be read: no number was given
    /// that the book does not know of.
    pub clean: bool,
    /// The newest 1,000 entries, the oldest of them first.
    pub entries: Vec<Entry>,
    /// The last order or repeat before those.
    pub order: Option<Entry>,
    /// The last reply before those.
    pub reply: Option<Entry>,
    /// How many lines could not be read.
    pub skipped: u64,
}

/// What of the present file is to be cut off.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where it is to end.
    pub(super) at: u64,
    /// Where it ended when it was seen.
    pub(super) size: u64,
}

/// Reads both files as far as that can be done.
pub(super) fn read(paths: &BookPaths, limits: &Limits, now: u64) -> (Past, Option<Cut>) {
    let older = usable(paths::open(&paths.older));
    let present = usable(paths::open(&paths.present));
    let size = present.as_ref().map(|input| input.size);
    let window = WINDOW.max(limits.file_bytes.saturating_mul(2));
    let mut past = Past::default();
    let torn = match Scan::new(older.into_iter().chain(present).collect(), window, now) {
        Ok(scan) => past.take(scan),
        Err(error) => {
            warn!(%error, "the bell book cannot be read");
            None
        }
    };
    (past, torn.zip(size).map(|(torn, size)| Cut { at: torn.from, size }))
}

fn usable(input: Result<Option<InputFile>, Trouble>) -> Option<InputFile> {
    input.unwrap_or_else(|trouble| {
        warn!(%trouble, "a part of the bell book is not read");
        None
    })
}

impl Past {
    /// Takes all of this in; returns the end of the last file if it is to be cut off.
    fn take(&mut self, mut scan: Scan) -> Option<Torn> {
        let mut newest = VecDeque::with_capacity(KEPT);
        loop {
            match scan.next() {
                Ok(Some(entry)) => {
                    self.clean = entry.what == What::End;
                    if newest.len() == KEPT {
                        self.forget(newest.pop_front());
                    }
                    newest.push_back(entry);
                }
                Ok(None) => break,
                Err(error) => {
                    warn!(%error, "the bell book is read no further");
                    break;
                }
            }
        }
        self.clean &= !scan.broken;
        // Where nothing at all looks like a book, somebody else's text would be cut.
        let torn = scan.torn.filter(|torn| torn.ours || scan.last.is_some());
        // What is cut off is told of then.
        self.skipped = scan.skipped - u64::from(torn.is_some());
        let unread = self.skipped.saturating_sub(scan.absurd);
        if unread > 0 {
            warn!(lines = unread, "lines of the bell book cannot be read and are skipped");
        }
        if scan.absurd > 0 {
            let lines = scan.absurd;
            warn!(
                lines,
                "lines of the bell book have numbers beyond 2^53 or a year ahead, or a text that is \
                 no status, and are ignored"
            );
        }
        self.last_seq = scan.last;
        self.entries = newest.into();
        torn
    }

    /// Keeps of this entry what later ones build on.
    fn forget(&mut self, entry: Option<Entry>) {
        match entry {
            // A run begins with nothing.
            Some(entry) if entry.what == What::Run => (self.order, self.reply) = (None, None),
            Some(entry) if matches!(entry.what, What::Order | What::Repeat) => {
                self.order = Some(entry);
            }
            Some(entry) if entry.what == What::Reply => self.reply = Some(entry),
            _ => {}
        }
    }
}
