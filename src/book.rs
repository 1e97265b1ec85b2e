//! The bell book: the dated record of orders and replies, one line of JSON each.
//!
//! [`open`] reads what earlier runs have left, the [`Past`], and never fails: a file that cannot be
//! used is health. [`Book::keep`] starts the thread that writes, and gives its [`Keeper`]. Whoever
//! has something to record does it through a [`Recorder`] and waits for nothing; whoever wants to
//! read asks a [`Reader`]. Only `storm_filter`, which rations entries by kind and author, and `keeper`,
//! which syncs a `run` at once, look at what an entry says; the rest handles numbered lines.
//!
//! Reading order: `storm_filter` rations what may come in, by a `bucket`; `queue` holds it for `keeper`,
//! the thread; `book_file` appends and rotates; `lines` and `scan` read, `past` at the start, `reader` on
//! request, `times` by date; `paths` has the paths and the lock, `trouble` the errors.

mod book_file;
mod bucket;
mod keeper;
mod lines;
mod past;
mod paths;
mod queue;
mod reader;
mod scan;
mod storm_filter;
mod times;
mod trouble;

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::book_file::{BookFile, FaultHook};
use self::paths::BookPaths;
use self::queue::Queue;
use self::trouble::Trouble;
use crate::entry::{Entry, What};
use live_file::writing::Health;

pub use self::keeper::Keeper;
pub use self::past::Past;
pub use self::queue::{Counts, Recorder};
pub use self::reader::{BookError, LIMIT, LIMIT_MAX, Reader};
pub use self::storm_filter::StormFilter;
pub use self::times::Times;

/// How much the book takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest size of each of its two files, in bytes. Only a line that is longer by itself
    /// makes a file larger.
    pub file_bytes: u64,
    /// How many entries wait for the disk at most.
    pub queue_entries: usize,
    /// How many entries may come at once from whoever writes the files, or has the token; see
    /// [`StormFilter`].
    pub burst: u32,
    /// The least time between two syncs; also how often it is checked that the file is still in its
    /// place, and how soon a failed write is retried.
    pub sync_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 10_000_000,
            queue_entries: 4_096,
            burst: storm_filter::BURST,
            sync_interval: Duration::from_secs(1),
        }
    }
}

/// A book that nobody writes yet.
#[derive(Debug)]
pub struct Book {
    opened: OpenState,
    /// What waits to be written.
    queue: Queue,
    /// Where the two files are.
    paths: BookPaths,
    limits: Limits,
}

/// How far the opening of a book has come.
enum OpenState {
    Done(Opened),
    /// The disk has not answered yet. Calling this waits for it; `None` if the book could not be opened.
    Late(Box<dyn FnOnce() -> Option<Opened> + Send>),
}

impl OpenState {
    /// What there is of the book, as soon as its disk answers; nothing, if it cannot be opened.
    fn wait(self) -> Option<Opened> {
        match self {
            Self::Done(opened) => Some(opened),
            Self::Late(open) => open(),
        }
    }
}

/// What there is of a book once its files have been seen.
#[derive(Debug)]
struct Opened {
    /// The file, as it is written.
    file: BookFile,
    /// Another server holds the book's lock: nothing is written as long as this one runs.
    foreign: Option<Trouble>,
}

/// Reads what stands in the book at `path`, and cuts off a torn end. What cannot be read or written
/// is told in the log now, and as health by the keeper. A book that another server writes is not
/// ours: nothing of it is remembered, and nothing is written into it as long as this one runs.
#[must_use]
pub fn open(path: &Path, limits: Limits) -> (Past, Book) {
    open_at(path, limits, wall_clock())
}

/// The same at this time, in milliseconds since 1970: entries whose number is more than a year ahead of
/// it are ignored, since numbers start at the clock's milliseconds.
#[must_use]
pub fn open_at(path: &Path, limits: Limits, now: u64) -> (Past, Book) {
    open_with(path, limits, now, FaultHook::default())
}

fn wall_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

fn open_with(path: &Path, limits: Limits, now: u64, fault: FaultHook) -> (Past, Book) {
    let paths = BookPaths::new(path);
    let (lock, foreign) = match paths.lock() {
        Ok(lock) => (lock, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let (past, cut) = match foreign {
        None => past::read(&paths, &limits, now),
        Some(_) => (Past::default(), None),
    };
    let mut file = BookFile::new(paths.clone(), lock, limits.file_bytes, fault);
    if let Some(cut) = cut {
        file.cut(&cut);
    }
    (past, Book::new(paths, limits, OpenState::Done(Opened { file, foreign })))
}

impl Book {
    fn new(paths: BookPaths, limits: Limits, opened: OpenState) -> Self {
        Self { opened, queue: Queue::new(limits.queue_entries, limits.burst), paths, limits }
    }

    /// The book at `path`, whose disk does not answer yet. What is recorded waits until `open` returns
    /// the book, and what is remembered of earlier runs is not known.
    #[must_use]
    pub fn late(
        path: &Path,
        limits: Limits,
        open: impl FnOnce() -> Option<Self> + Send + 'static,
    ) -> Self {
        let open = || open()?.opened.wait();
        Self::new(BookPaths::new(path), limits, OpenState::Late(Box::new(open)))
    }

    /// Starts the thread that writes the book. It calls `on` with the book's health, once at its
    /// start and then whenever that changes. Fails only if no thread can be started.
    pub fn keep(self, on: impl FnMut(Health) + Send + 'static) -> io::Result<Keeper> {
        Keeper::start(self, on)
    }
}

/// The numbers from `from` to `to` are not in the book.
fn hole(from: u64, to: u64, at: u64) -> Entry {
    Entry { to: Some(to), ..Entry::new(from, at, What::Hole) }
}

/// The last number that this entry speaks of.
fn last_number(entry: &Entry) -> u64 {
    match entry.what {
        What::Hole => entry.to.map_or(entry.seq, |to| to.max(entry.seq)),
        _ => entry.seq,
    }
}

impl std::fmt::Debug for OpenState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done(opened) => opened.fmt(f),
            Self::Late(_) => f.write_str("Late"),
        }
    }
}

#[cfg(test)]
mod tests;
