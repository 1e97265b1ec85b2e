//! Reads the book while it is written, for whoever asks over HTTP.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::past::WINDOW;
use super::paths::BookPaths;
use super::queue::Queue;
use super::scan::Scan;
use super::times::{Times, within};
use super::trouble::Trouble;
use super::{Limits, last_number};
use crate::entry::Entry;
use live_file::disk::Calls;

/// How many entries one gets who does not say how many.
pub const LIMIT: usize = 1_000;

/// How many entries one gets at most.
pub const LIMIT_MAX: usize = 10_000;

/// How much text they have at most, in bytes of status, names and the rest; beyond it there are
/// fewer of them.
pub(super) const TEXT_MAX: usize = 8 * 1024 * 1024;

/// How many read at the same time. Whoever else wants to waits.
const SEATS: usize = 2;

/// How long everything together may take: a seat, what must be written first, and the reading.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the files are read at most, until nothing comes in meanwhile: only then is it known
/// where that belongs which is kept of a storm. Who reads in vain reads of it when it is written.
const ROUNDS: usize = 3;

/// How much of the book's end is looked at first, in bytes; then four times as much each time,
/// until everything asked for is in it. Mostly the newest is asked for.
const FIRST_LOOK: u64 = 256 * 1024;

/// Why the book cannot be read now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// Too many read it, or the disk is slow or dead.
    #[error("the bell book cannot be read in time")]
    Late,
    /// It cannot be read, and why, in one line for a person.
    #[error("{0}")]
    Unreadable(String),
}

/// Reads the book. A clone reads the same book.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) paths: Arc<BookPaths>,
    /// The book is another server's.
    pub(super) foreign: Arc<OnceLock<Trouble>>,
    pub(super) queue: Queue,
    /// The calls of whoever writes the book.
    pub(super) calls: Calls,
    pub(super) seats: Arc<Semaphore>,
    /// How much of the files is read at most, in bytes.
    pub(super) window: u64,
    pub(super) patience: Duration,
}

impl Reader {
    pub(super) fn new(
        paths: BookPaths,
        foreign: Arc<OnceLock<Trouble>>,
        queue: Queue,
        calls: Calls,
        limits: Limits,
    ) -> Self {
        let window = WINDOW.max(limits.file_bytes.saturating_mul(2));
        let seats = Arc::new(Semaphore::new(SEATS));
        let (paths, patience) = (Arc::new(paths), PATIENCE);
        Self { paths, foreign, queue, calls, seats, window, patience }
    }

    /// The first `limit` entries after the number `since`; without it the newest. The limit is at
    /// most [`LIMIT_MAX`], and the oldest entry comes first. Everything recorded before is in it,
    /// unless it could not be written.
    pub async fn query(&self, since: Option<u64>, limit: usize) -> Result<Vec<Entry>, BookError> {
        let limit = limit.min(LIMIT_MAX);
        let files = move |paths: &BookPaths, window| read(paths, since, limit, window);
        let after = |entry: &Entry| since.is_none_or(|since| last_number(entry) > since);
        self.reading(files, |found, mut kept| {
            kept.retain(after);
            add(found, kept, since.is_some(), limit);
        })
        .await
    }

    /// The first `limit` entries of these times and after this number; the newest if only the end of
    /// the times is given. In all else as [`query`](Self::query).
    pub async fn query_times(
        &self,
        times: Times,
        since: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Entry>, BookError> {
        let limit = limit.min(LIMIT_MAX);
        let all = move |paths: &BookPaths, window| {
            let failed = |error: io::Error| Trouble::failed(&paths.present, "read", &error);
            let scan = Scan::new(paths.open()?, window, super::wall_clock()).map_err(failed)?;
            within(scan, times, since, limit).map_err(failed)
        };
        let of_it = |entry: &Entry| {
            since.is_none_or(|since| last_number(entry) > since) && times.include(entry.at)
        };
        self.reading(all, |found, mut kept| {
            kept.retain(of_it);
            add(found, kept, times.from.is_some() || since.is_some(), limit);
        })
        .await
    }

    /// Reads on a thread of its own, when everything recorded before is in the files, and adds what is
    /// kept of a storm.
    async fn reading(
        &self,
        read: impl Fn(&BookPaths, u64) -> Result<Vec<Entry>, Trouble> + Send + Sync + 'static,
        add: impl FnOnce(&mut Vec<Entry>, Vec<Entry>),
    ) -> Result<Vec<Entry>, BookError> {
        if let Some(trouble) = self.foreign.get() {
            return Err(BookError::Unreadable(trouble.to_string()));
        }
        if self.calls.unanswered().is_some() {
            return Err(BookError::Late);
        }
        let deadline = Instant::now() + self.patience;
        let late = |_| BookError::Late;
        let seat = timeout_at(deadline, Arc::clone(&self.seats).acquire_owned()).await;
        let seat = seat.map_err(late)?.map_err(|_| BookError::Late)?;
        let (seat, read) = (Arc::new(seat), Arc::new(read));
        let mut found = Vec::new();
        for _ in 0..ROUNDS {
            // A keeper that has ended writes nothing more; then it is all there.
            let (mark, written) = self.queue.flush();
            let _ = timeout_at(deadline, written).await.map_err(late)?;
            let (paths, window) = (Arc::clone(&self.paths), self.window);
            let (seat, read) = (Arc::clone(&seat), Arc::clone(&read));
            let reading = spawn_blocking(move || {
                // Whoever is stuck in a dead disk keeps the seat.
                let _seat = seat;
                read(&paths, window).map_err(|trouble| trouble.to_string())
            });
            found = match timeout_at(deadline, reading).await.map_err(late)? {
                Ok(read) => read.map_err(BookError::Unreadable)?,
                Err(panic) => return Err(BookError::Unreadable(panic.to_string())),
            };
            if let Some(kept) = self.queue.kept(mark) {
                add(&mut found, kept);
                break;
            }
        }
        Ok(found)
    }
}

fn read(
    paths: &BookPaths,
    since: Option<u64>,
    limit: usize,
    window: u64,
) -> Result<Vec<Entry>, Trouble> {
    let mut bytes = FIRST_LOOK;
    loop {
        let files = paths.open()?;
        let whole = files.iter().map(|input| input.size).sum::<u64>().min(window) <= bytes;
        let failed = |error: io::Error| Trouble::failed(&paths.present, "read", &error);
        let scan = Scan::new(files, bytes.min(window), super::wall_clock()).map_err(failed)?;
        let found = match since {
            Some(since) => after(scan, since, limit, whole),
            None => newest(scan, limit, whole),
        };
        if let Some(found) = found.map_err(failed)? {
            return Ok(found);
        }
        bytes = bytes.saturating_mul(4);
    }
}

/// Puts what is kept of a storm behind what was found in the files; of all that, the oldest or the
/// newest are wanted.
fn add(found: &mut Vec<Entry>, kept: Vec<Entry>, oldest: bool, limit: usize) {
    found.extend(kept);
    if oldest {
        found.truncate(limit);
    } else {
        found.drain(..found.len().saturating_sub(limit));
    }
}

/// The first entries after this number, if the first entry here is not after it or all is here.
fn after(mut scan: Scan, since: u64, limit: usize, whole: bool) -> io::Result<Option<Vec<Entry>>> {
    let (mut found, mut text) = (Vec::new(), 0);
    let mut begins = whole;
    while found.len() < limit
        && let Some(entry) = scan.next()?
    {
        if last_number(&entry) <= since {
            begins = true;
            continue;
        }
        if !begins {
            return Ok(None);
        }
        text += size(&entry);
        if text > TEXT_MAX {
            break;
        }
        found.push(entry);
    }
    Ok((begins || whole).then_some(found))
}

/// The newest entries, if there are enough of them or all is here.
fn newest(mut scan: Scan, limit: usize, whole: bool) -> io::Result<Option<Vec<Entry>>> {
    let (mut found, mut text) = (VecDeque::new(), 0);
    let mut enough = whole;
    while let Some(entry) = scan.next()? {
        text += size(&entry);
        found.push_back(entry);
        while found.len() > limit || text > TEXT_MAX {
            enough = true;
            text -= found.pop_front().as_ref().map_or(0, size);
        }
    }
    Ok((enough || found.len() == limit).then(|| found.into()))
}

/// About how much memory an entry takes.
pub(super) fn size(entry: &Entry) -> usize {
    let texts = [&entry.status, &entry.name, &entry.who];
    let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
    size_of::<Entry>() + texts
}
