//! Entries on their way to the book: bounded, and nobody who records one ever waits.
//!
//! An entry leaves the queue when it is in the file, and not before. What finds no room is counted,
//! and its numbers become a hole, which takes its place behind what was in time.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::storm_filter::StormFilter;
use super::{hole, last_number};
use crate::entry::Entry;

/// How many entries are written with one write at most.
const BATCH: usize = 256;

/// Records what happens. A clone records into the same book.
#[derive(Clone, Debug)]
pub struct Recorder(Queue);

/// How the book has kept up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many entries wait to be written.
    pub queued: usize,
    /// How many were dropped, because too many waited.
    pub dropped: u64,
    /// How many lines were written.
    pub written: u64,
}

impl Recorder {
    pub(super) fn new(queue: Queue) -> Self {
        Self(queue)
    }

    /// Records this, sooner or later. It never waits for the disk and never fails: what has no room
    /// leaves a hole.
    pub fn record(&self, entry: Entry) {
        self.0.put(entry);
    }

    /// How the book has kept up until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.counts()
    }
}

/// The queue. A clone is the same queue.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<QueueInner>);

#[derive(Debug)]
struct QueueInner {
    waiting: Mutex<Waiting>,
    /// Rung when there is something to do, and when the keeper has ended.
    changed: Condvar,
    /// How many entries wait at most.
    room: usize,
    /// When it was made.
    start: Instant,
}

#[derive(Debug)]
struct Waiting {
    /// Holds back what a storm must not put into the book, or not yet.
    filter: StormFilter,
    entries: VecDeque<Entry>,
    /// What found no room behind them.
    hole: Option<Entry>,
    /// How many entries have left.
    gone: u64,
    dropped: u64,
    /// Who waits until so many have left.
    readers: Vec<(u64, oneshot::Sender<()>)>,
    /// The keeper sleeps until there is an entry.
    eager: bool,
    /// Nothing more will come.
    ending: bool,
    /// Nobody writes any more.
    ended: bool,
}

impl Queue {
    pub(super) fn new(room: usize, burst: u32) -> Self {
        let waiting = Waiting {
            filter: StormFilter::new(burst),
            entries: VecDeque::new(),
            hole: None,
            gone: 0,
            dropped: 0,
            readers: Vec::new(),
            eager: false,
            ending: false,
            ended: false,
        };
        Self(Arc::new(QueueInner {
            waiting: Mutex::new(waiting),
            changed: Condvar::new(),
            room: room.max(1),
            start: Instant::now(),
        }))
    }

    fn put(&self, entry: Entry) {
        let mut waiting = self.waiting();
        let lines = waiting.filter.put(self.0.start.elapsed(), entry);
        let wake = waiting.eager && !lines.is_empty();
        waiting.take(lines, self.0.room);
        drop(waiting);
        if wake {
            self.0.changed.notify_all();
        }
    }

    /// Takes in what of a storm has been held for long enough.
    pub(super) fn release_due(&self) {
        let mut waiting = self.waiting();
        let lines = waiting.filter.release_due(self.0.start.elapsed());
        waiting.take(lines, self.0.room);
    }

    /// What of a storm is held, if nothing has come in since this mark.
    pub(super) fn kept(&self, mark: u64) -> Option<Vec<Entry>> {
        let waiting = self.waiting();
        (waiting.mark() == mark).then(|| waiting.filter.held())
    }

    fn counts(&self) -> Counts {
        let waiting = self.waiting();
        let (dropped, written) = (waiting.dropped, waiting.gone);
        Counts { queued: waiting.entries.len(), dropped, written }
    }

    /// Resolves when everything that has come in until now was written, or could not be; and how
    /// many entries that are.
    pub(super) fn flush(&self) -> (u64, oneshot::Receiver<()>) {
        let (tell, written) = oneshot::channel();
        let mut waiting = self.waiting();
        let mark = waiting.mark();
        if !waiting.ended {
            waiting.readers.push((mark, tell));
            self.0.changed.notify_all();
        }
        (mark, written)
    }

    /// Asks the keeper to end.
    pub(super) fn end(&self) {
        let mut waiting = self.waiting();
        let lines = waiting.filter.release_all();
        waiting.take(lines, self.0.room);
        waiting.ending = true;
        drop(waiting);
        self.0.changed.notify_all();
    }

    /// Waits at most this long for the keeper to have ended; returns whether it has.
    pub(super) fn ended_within(&self, patience: Duration) -> bool {
        let waiting = self.waiting();
        let end = self.0.changed.wait_timeout_while(waiting, patience, |waiting| !waiting.ended);
        end.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Takes these in; what finds no room is counted.
    fn take(&mut self, entries: Vec<Entry>, room: usize) {
        for entry in entries {
            if self.entries.len() < room {
                self.entries.push_back(entry);
                continue;
            }
            self.dropped += 1;
            let (from, to) = (entry.seq, last_number(&entry));
            self.hole = Some(match &self.hole {
                None => hole(from, to, entry.at),
                Some(has) => hole(has.seq.min(from), last_number(has).max(to), has.at),
            });
        }
    }

    /// How many will have left when everything that waits now has.
    fn mark(&self) -> u64 {
        self.gone + self.entries.len() as u64 + u64::from(self.hole.is_some())
    }
}

/// The keeper's side.
impl Queue {
    /// Waits until somebody waits or the book ends, or, if `eager`, until there is an entry; but
    /// not longer than this. Returns whether the book ends.
    pub(super) fn wait(&self, patience: Duration, eager: bool) -> bool {
        let idle = |waiting: &mut Waiting| {
            let work = eager && !waiting.entries.is_empty();
            !(work || waiting.ending || !waiting.readers.is_empty())
        };
        let mut waiting = self.waiting();
        waiting.eager = eager;
        let woken = self.0.changed.wait_timeout_while(waiting, patience, idle);
        let mut waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        waiting.eager = false;
        waiting.ending
    }

    /// Whether nothing waits, also not for the end of a storm.
    pub(super) fn is_at_rest(&self) -> bool {
        let waiting = self.waiting();
        waiting.entries.is_empty() && waiting.hole.is_none() && waiting.filter.held().is_empty()
    }

    /// How many entries will have left when everything that waits now has.
    pub(super) fn mark(&self) -> u64 {
        self.waiting().mark()
    }

    /// The first entries, not more than leave before this mark.
    pub(super) fn front(&self, mark: u64) -> Vec<Entry> {
        let waiting = self.waiting();
        let left = usize::try_from(mark.saturating_sub(waiting.gone)).unwrap_or(BATCH);
        waiting.entries.iter().take(left.min(BATCH)).cloned().collect()
    }

    /// So many of the first entries have been written.
    pub(super) fn written(&self, count: usize) {
        let mut waiting = self.waiting();
        waiting.entries.drain(..count);
        waiting.gone += count as u64;
        if waiting.entries.len() < self.0.room
            && let Some(hole) = waiting.hole.take()
        {
            tracing::warn!(
                from = hole.seq,
                to = last_number(&hole),
                dropped = waiting.dropped,
                "the bell book could not keep up and has a hole"
            );
            waiting.entries.push_back(hole);
        }
        let gone = waiting.gone;
        let (served, wait) = std::mem::take(&mut waiting.readers)
            .into_iter()
            .partition(|(mark, _): &(u64, _)| *mark <= gone);
        waiting.readers = wait;
        drop(waiting);
        answer(served);
    }

    /// Nothing more can be written for those who wait now.
    pub(super) fn give_up(&self) {
        let readers = std::mem::take(&mut self.waiting().readers);
        answer(readers);
    }

    /// Nobody writes any more.
    pub(super) fn ended(&self) {
        self.waiting().ended = true;
        self.give_up();
        self.0.changed.notify_all();
    }
}

fn answer(readers: Vec<(u64, oneshot::Sender<()>)>) {
    for (_, tell) in readers {
        // Whoever does not wait any more need not know.
        let _ = tell.send(());
    }
}
