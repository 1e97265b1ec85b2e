//! Lines on their way to a file that may be slow, full or closed.
//!
//! Whoever writes a line copies it into a bounded buffer and goes on; a thread of its own carries
//! the buffer out. What finds no room is counted, and the count becomes a line when there is room
//! again. It does not know what a line says.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::flood::Flood;

/// The most bytes that wait: some two thousand lines.
const ROOM: usize = 256 * 1024;

/// The least time between two writes: a storm of lines then costs a hundred wake-ups a second, and not one a line.
const REST: Duration = Duration::from_millis(10);

/// How often the thread looks, while lines are being left out, whether that is over and is to be told.
const LOOK: Duration = Duration::from_secs(1);

/// The way to the file. A clone is the same way.
#[derive(Clone, Debug)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Rung when the buffer is no longer empty, and at both ends of the end.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Whole lines.
    lines: Vec<u8>,
    /// How many lines found no room since the last report.
    lost: u64,
    /// Nothing more will come.
    ending: bool,
    /// The thread has carried out everything and gone.
    ended: bool,
}

impl Queue {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(out: impl Write + Send + 'static, flood: Flood) -> io::Result<Self> {
        let queue = Self(Arc::new(Shared { waiting: Mutex::default(), changed: Condvar::new() }));
        let own = queue.clone();
        thread::Builder::new().name("log".into()).spawn(move || own.carry_out(out, &flood))?;
        Ok(queue)
    }

    /// Takes no more, and waits at most this long until everything is carried out.
    pub(super) fn end(&self, patience: Duration) {
        let mut waiting = self.waiting();
        waiting.ending = true;
        self.0.changed.notify_all();
        drop(self.0.changed.wait_timeout_while(waiting, patience, |waiting| !waiting.ended));
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a line with its end.
    pub(super) fn put(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.lines.len() + line.len() > ROOM {
            waiting.lost += 1;
            return;
        }
        // The thread only sleeps while the buffer is empty.
        let wake = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        drop(waiting);
        if wake {
            self.0.changed.notify_all();
        }
    }

    fn carry_out(&self, mut out: impl Write, flood: &Flood) {
        let mut batch = Vec::new();
        let mut next_write = Instant::now();
        let mut patience = LOOK;
        loop {
            let waiting = self.waiting();
            let idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.ending;
            let woken = self.0.changed.wait_timeout_while(waiting, patience, idle);
            let mut waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
            if waiting.lines.is_empty() && !waiting.ending {
                drop(waiting);
                flood.report();
                // Whatever is left out comes less than a second after a line that is not.
                patience = if flood.is_silent() { LOOK } else { Duration::MAX };
                continue;
            }
            let rest = next_write.saturating_duration_since(Instant::now());
            if !waiting.ending && !rest.is_zero() {
                drop(waiting);
                thread::sleep(rest);
                waiting = self.waiting();
            }
            if waiting.lines.is_empty() {
                waiting.ended = true;
                drop(waiting);
                self.0.changed.notify_all();
                return;
            }
            std::mem::swap(&mut batch, &mut waiting.lines);
            let lost = std::mem::take(&mut waiting.lost);
            drop(waiting);
            // A log that cannot be written is nobody's problem but its own.
            let _ = out.write_all(&batch);
            batch.clear();
            if lost > 0 {
                tracing::warn!(lost, "the log was full and has a hole here");
            }
            flood.report();
            (next_write, patience) = (Instant::now() + REST, LOOK);
        }
    }
}
