//! The kernel's watch of a directory: events in order, folded, late, and lost when there are too
//! many. What reaches the rule is boiled down as the watcher of the source room does it.

use std::collections::VecDeque;

use live_file::source::rule::Hint;

use crate::book::{Book, MS};
use crate::faults::Fault;
use crate::rng::Rng;
use crate::weather::{Watching, Weather};

/// An event as inotify tells it of one name in the directory, or of the directory itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raw {
    /// The file's content or size changed.
    Modify,
    /// It was made.
    Create,
    /// It was opened.
    Open,
    /// It was closed by somebody who could write.
    CloseWrite,
    /// Another was renamed to its name.
    MovedTo,
    /// It was renamed away.
    MovedFrom,
    /// It was removed.
    Delete,
    /// Its times or permissions changed.
    Attrib,
    /// The directory was opened.
    OpenDirectory,
    /// What nobody but this watch's source knows of was opened.
    Knock,
    /// Something happened under another name, which the number tells apart.
    Other(u64),
    /// Events were lost.
    Overflow,
}

/// The events of one watch on their way.
#[derive(Debug)]
pub struct Kernel {
    /// What is still in the kernel, and can be folded.
    queue: VecDeque<Raw>,
    /// What the watcher has taken out and not looked at.
    buffer: VecDeque<Raw>,
    /// How many events fit; beyond, they are lost.
    room: usize,
    /// Several writers may have the file open at once.
    overlap: bool,
    /// It tells of an opening before the emptying that comes with it.
    pub opens_first: bool,
    /// It tells nothing at all.
    pub deaf: bool,
    /// What it tells only then, because whoever has done it lost its processor at the end of the call.
    late: Vec<(u64, Raw)>,
    /// When the watcher's thread takes the next one.
    pub due: u64,
    book: Book,
    rng: Rng,
}

impl Kernel {
    /// A watch in this weather.
    #[must_use]
    pub fn new(rng: Rng, book: &Book, weather: &Weather) -> Self {
        let (queue, buffer, late) = (VecDeque::new(), VecDeque::new(), Vec::new());
        let (room, overlap, opens_first, deaf) = (0, false, false, false);
        let (due, book) = (u64::MAX, book.clone());
        let mut kernel =
            Self { queue, buffer, room, overlap, opens_first, deaf, late, due, book, rng };
        kernel.turns(weather);
        kernel
    }

    /// The weather changes.
    pub fn turns(&mut self, weather: &Weather) {
        self.deaf = weather.watching != Watching::Kernel;
        let Weather { room, overlap, opens_first, .. } = *weather;
        (self.room, self.overlap, self.opens_first) = (room, overlap, opens_first);
    }

    /// Something happened in the directory. Whether the watcher will hear of it.
    pub fn emit(&mut self, now: u64, raw: Raw) -> bool {
        if self.deaf {
            return false;
        }
        let waits = !self.queue.is_empty() || !self.buffer.is_empty();
        // inotify folds an event into the last one in its queue if they are equal. Two writers who
        // open the file in one breath are then one, and no rule can tell: not in this world.
        let folds = raw != Raw::Open || !self.overlap;
        if folds && self.queue.back() == Some(&raw) {
            return true;
        }
        let heard = self.queue.len() < self.room;
        if heard {
            self.queue.push_back(raw);
        } else if self.queue.back() != Some(&Raw::Overflow) {
            self.queue.push_back(Raw::Overflow);
            self.book.count(Fault::Overflow);
        }
        if !waits {
            // A watcher that lags is what makes a queue overflow.
            let lags = if self.room < 100 { 6 } else { 40 };
            let late =
                if self.rng.one_in(lags) { 50 * MS } else { self.rng.pick(&[60, 400, 3_000]) };
            self.due = self.due.min(now + 5 + self.rng.below(late));
        }
        heard
    }

    /// Something has happened that is told only at this time.
    pub fn emit_late(&mut self, due: u64, raw: Raw) {
        self.book.count(Fault::LateHint);
        self.late.push((due, raw));
        self.due = self.due.min(due);
    }

    fn emit_what_is_due(&mut self, now: u64) {
        for (_, raw) in self.late.extract_if(.., |(due, _)| *due <= now).collect::<Vec<_>>() {
            self.emit(now, raw);
        }
    }

    /// The watcher's thread takes an event.
    pub fn take(&mut self, now: u64) -> Option<Hint> {
        self.emit_what_is_due(now);
        if self.buffer.is_empty() {
            std::mem::swap(&mut self.queue, &mut self.buffer);
        }
        let raw = self.buffer.pop_front();
        self.due = if self.buffer.is_empty() && self.queue.is_empty() {
            self.next_late()
        } else {
            now + self.rng.pick(&[0, 2, 5, 5, 30])
        };
        raw.and_then(sift)
    }

    /// Nobody watches, and what is on its way at this moment is lost.
    pub fn passes_by(&mut self, now: u64) {
        self.emit_what_is_due(now);
        self.buffer.append(&mut self.queue);
        while !self.buffer.is_empty() {
            self.take(now);
        }
        self.due = self.next_late();
    }

    fn next_late(&self) -> u64 {
        self.late.iter().map(|(due, _)| *due).min().unwrap_or(u64::MAX)
    }
}

/// What an event says about the file, as `source/watch.rs` has it.
fn sift(raw: Raw) -> Option<Hint> {
    match raw {
        Raw::Modify | Raw::Create => Some(Hint::Changed),
        Raw::Overflow => Some(Hint::Lost),
        Raw::Open => Some(Hint::Opened),
        Raw::CloseWrite => Some(Hint::Closed),
        Raw::MovedTo => Some(Hint::MovedIn),
        Raw::MovedFrom | Raw::Delete => Some(Hint::Gone),
        Raw::Attrib => Some(Hint::Stirred),
        Raw::Knock => Some(Hint::Knocked),
        Raw::OpenDirectory | Raw::Other(_) => None,
    }
}
