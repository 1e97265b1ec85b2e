//! The thread that writes the book, so that nobody who records waits for a disk.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use chadburn_v1::json_line;
use tracing::{error, info, warn};

use super::book_file::BookFile;
use super::lines::LONGEST;
use super::queue::{Queue, Recorder};
use super::reader::Reader;
use super::trouble::Trouble;
use super::{Book, OpenState, Opened, hole, last_number};
use crate::entry::{Entry, What};
use live_file::disk::Calls;
use live_file::writing::{Condition, Health, Watch};

/// The least time between two writes, unless somebody asks to read: entries of a burst go into one
/// write.
const WRITE_GAP: Duration = Duration::from_millis(20);

/// While nothing is to be written, the file is looked after this many times more rarely.
const IDLE_LOOKS: u32 = 10;

/// The book as it is being kept, until it is stopped. Dropped, it is told to end, and not waited
/// for.
#[derive(Debug)]
pub struct Keeper {
    queue: Queue,
    reader: Reader,
    calls: Calls,
}

impl Keeper {
    pub(super) fn start(book: Book, on: impl FnMut(Health) + Send + 'static) -> io::Result<Self> {
        let Book { opened, queue, paths, limits } = book;
        let (calls, foreign) = (Calls::default(), Arc::new(OnceLock::new()));
        if let OpenState::Done(Opened { foreign: Some(trouble), .. }) = &opened {
            let _ = foreign.set(trouble.clone());
        }
        let reader = Reader::new(paths, Arc::clone(&foreign), queue.clone(), calls.clone(), limits);
        let keeper = Self { queue: queue.clone(), reader, calls: calls.clone() };
        thread::Builder::new().name("bell-book".into()).spawn(move || {
            let work = || {
                let Some(Opened { file, foreign: trouble }) = calls.make(|| opened.wait()) else {
                    return;
                };
                if let Some(trouble) = trouble {
                    let _ = foreign.set(trouble);
                }
                let (sync_interval, told) = (limits.sync_interval, Told::Nothing);
                WriteLoop {
                    file,
                    foreign: &foreign,
                    queue: &queue,
                    calls: &calls,
                    sync_interval,
                    on,
                    told,
                }
                .keep();
            };
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                error!("the bell book is no longer written after a panic");
            }
            queue.ended();
        })?;
        Ok(keeper)
    }

    /// Its calls of the disk.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Records what happens.
    #[must_use]
    pub fn recorder(&self) -> Recorder {
        Recorder::new(self.queue.clone())
    }

    /// Reads the book.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Writes what is queued, makes it durable and ends. Waits no longer than this, whatever the
    /// disk does; and not at all for one that hangs.
    pub fn stop(self, patience: Duration) {
        self.queue.end();
        let patience = if self.calls.unanswered().is_some() { Duration::ZERO } else { patience };
        if !self.queue.ended_within(patience) {
            warn!("the bell book could not be finished in time");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.queue.end();
    }
}

/// The state of the book's thread.
struct WriteLoop<'a, F> {
    file: BookFile,
    /// Another server holds the book's lock, or has taken it: nothing is written as long as this one runs.
    foreign: &'a OnceLock<Trouble>,
    queue: &'a Queue,
    calls: &'a Calls,
    sync_interval: Duration,
    on: F,
    told: Told,
}

/// What was last told of the book's health.
#[derive(PartialEq, Eq)]
enum Told {
    Nothing,
    Well,
    Unwell(Trouble),
}

impl<F: FnMut(Health)> WriteLoop<'_, F> {
    fn keep(mut self) {
        // Due at once.
        let mut next_look = Instant::now();
        let mut next_write = next_look;
        loop {
            let well = self.told == Told::Well;
            let patience = next_look.saturating_duration_since(Instant::now());
            let mut ending = self.queue.wait(patience, well);
            let gap = next_write.saturating_duration_since(Instant::now());
            if well && !ending && !gap.is_zero() {
                ending = self.queue.wait(gap, false);
            }
            // While something is wrong, whoever asks finds out at once whether it still is.
            let due = ending || !well || Instant::now() >= next_look;
            let calls = self.calls;
            let result = calls.make(|| self.write(due));
            let now = Instant::now();
            next_write = now + WRITE_GAP;
            let idle = due && result.is_ok() && self.queue.is_at_rest();
            let soon = now + self.sync_interval;
            next_look = if idle {
                now + self.sync_interval * IDLE_LOOKS
            } else if due {
                soon
            } else {
                next_look.min(soon)
            };
            if result.is_err() {
                self.queue.give_up();
            }
            let over = ending && (result.is_err() || self.queue.front(u64::MAX).is_empty());
            self.tell(result.err().map_or(Told::Well, Told::Unwell));
            if over {
                return;
            }
        }
    }

    /// Writes what waits; and, when it is due, looks after the file and syncs it. That a run has begun
    /// is synced at once, so that after a crash the next run knows that this one began and that
    /// numbers may be missing.
    fn write(&mut self, due: bool) -> Result<(), Trouble> {
        if due
            && self.foreign.get().is_none()
            && let Err(trouble) = self.file.renew_lock()
        {
            let _ = self.foreign.set(trouble);
        }
        if let Some(trouble) = self.foreign.get() {
            return Err(trouble.clone());
        }
        if due {
            self.queue.release_due();
            self.file.open_current()?;
        }
        let mark = self.queue.mark();
        let mut begins = false;
        loop {
            let entries = self.queue.front(mark);
            begins |= entries.iter().any(|entry| entry.what == What::Run);
            let lines: Vec<_> = entries.iter().map(line).collect();
            if lines.is_empty() {
                self.queue.written(0);
                break;
            }
            let (count, result) = self.file.append(&lines);
            self.queue.written(count);
            result?;
        }
        if due || begins { self.file.sync() } else { Ok(()) }
    }

    /// Tells the book's health, if it is another than before.
    fn tell(&mut self, now: Told) {
        if self.told == now {
            return;
        }
        let (state, detail) = match &now {
            Told::Unwell(trouble) => {
                warn!(%trouble, "the bell book is not written");
                (Condition::Unwritable, trouble.to_string())
            }
            Told::Well | Told::Nothing => {
                if self.told != Told::Nothing {
                    info!("the bell book is written again");
                }
                (Condition::Ok, String::new())
            }
        };
        self.told = now;
        (self.on)(Health { state, detail, watch: Watch::Poll });
    }
}

/// The entry's line. One too long to be read back becomes a hole.
pub(super) fn line(entry: &Entry) -> Vec<u8> {
    let json = |entry: &Entry| serde_json::to_string(entry).map(json_line).unwrap_or_default();
    let mut line = json(entry);
    if line.is_empty() || line.len() >= LONGEST {
        line = json(&hole(entry.seq, last_number(entry), entry.at));
    }
    line.push('\n');
    line.into_bytes()
}
