//! The bell book of a life: a queue, a keeper who writes when the disk lets him, two files in
//! rotation, and all that befalls them. What a run begins with is read by the server's real reader.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use chadburn::book::{self, Limits, StormFilter};
use chadburn::entry::{Entry, What};
use chadburn::telegraph::history::History;
use chadburn_core::DEFAULT;
use serde_json::Value;
use tempfile::TempDir;

use crate::book::{Book, MS, SECOND};
use crate::faults::Fault;
use crate::rng::Rng;

/// Of so many of the newest entries a station that comes back is surely told; the server promises
/// 1,000, among which holes count.
pub const SURELY: usize = 900;

/// How many lines strangers may cause between two orders: eight first answers of each of the four
/// addresses, two others with each of them, and what is let through after pauses that double, of a
/// day some thirteen times a reply and a stale answer of each address.
const STRANGERS: usize = 8 * 4 * 3 + 13 * 2 * 4;

/// How often what was written is made durable, in microseconds.
const SYNC: u64 = SECOND;

/// The book and its keeper.
#[derive(Debug)]
pub struct Ledger {
    rng: Rng,
    book: Book,
    /// The directory in which the real reader finds the files.
    desk: TempDir,
    /// The file that is written.
    present: Vec<u8>,
    /// The one before it.
    older: Vec<u8>,
    /// How many bytes of `present` no power failure can take.
    durable: usize,
    /// When that was.
    synced: u64,
    /// What does not come in, or not yet: the server's own rule.
    filter: StormFilter,
    /// What waits for the disk.
    queue: VecDeque<Entry>,
    /// How many entries of strangers have come in since the last order.
    strangers: usize,
    /// What found no room behind it.
    hole: Option<Entry>,
    /// How many wait at most.
    room: usize,
    /// How large a file becomes.
    limit: usize,
    /// How long the keeper takes at most.
    slow: u64,
    /// Whether the disk takes anything.
    writable: bool,
    /// It may become unwritable, and things happen to it between two runs.
    faults: bool,
    /// When the keeper writes next.
    pub due: u64,
}

/// What a run finds in the book.
#[derive(Debug, Default)]
pub struct Found {
    /// What the real reader makes of it.
    pub history: History,
    /// The largest number in it.
    pub last: Option<u64>,
    /// The last line is the end of a run.
    pub clean: bool,
    /// The states of which a returning station must be told, by number: how many entries came after
    /// each, and whether everything that its run had said before is in the book, too.
    pub states: BTreeMap<u64, (usize, bool)>,
    /// The numbers between a clean end and the next run in it. Should another run have been there
    /// and died before it had written anything, then nobody can know.
    pub between: Vec<RangeInclusive<u64>>,
}

impl Ledger {
    /// An empty book.
    #[must_use]
    pub fn new(mut rng: Rng, book: &Book) -> Self {
        Self {
            book: book.clone(),
            desk: desk().expect("there is a place for temporary files"),
            present: Vec::new(),
            older: Vec::new(),
            durable: 0,
            synced: 0,
            filter: filter(&mut rng),
            queue: VecDeque::new(),
            strangers: 0,
            hole: None,
            room: rng.pick(&[4_096, 4_096, 2, 10]),
            limit: rng.pick(&[10_000_000, 10_000_000, 20_000, 3_000]),
            slow: rng.pick(&[300, 5 * MS, 400 * MS]),
            writable: true,
            faults: rng.one_in(2),
            due: u64::MAX,
            rng,
        }
    }

    /// In a long life files stay small, because they are read anew for every run.
    pub fn keep_little(&mut self) {
        self.limit = self.limit.min(100_000);
    }

    /// The server has something written down, and waits for nothing.
    pub fn record(&mut self, entry: Entry) {
        for entry in self.filter.put(self.time(), entry) {
            self.enqueue(entry);
        }
        // What is kept is looked at once a second.
        self.due = self.due.min(self.book.now() + SECOND);
    }

    fn time(&self) -> Duration {
        Duration::from_micros(self.book.now())
    }

    fn enqueue(&mut self, entry: Entry) {
        // So an order or a reply that was recorded is still in the book after a stranger's storm.
        if matches!(entry.what, What::Order | What::Repeat | What::Run) {
            self.strangers = 0;
        }
        self.strangers += usize::from(entry.from.is_some());
        self.book.hold(self.strangers <= STRANGERS, || {
            format!("strangers fill the bell book: {} lines since an order", self.strangers)
        });
        if self.queue.len() >= self.room {
            let to = last_number(&entry);
            let (from, to) = match &self.hole {
                None => (entry.seq, to),
                Some(hole) => (hole.seq.min(entry.seq), last_number(hole).max(to)),
            };
            let hole = Entry { to: Some(to), ..Entry::new(from, entry.at, What::Hole) };
            self.book.note(|| format!("the book has no room: {hole:?}"));
            self.hole = Some(hole);
            return;
        }
        self.queue.push_back(entry);
        self.due = self.due.min(self.book.now() + 5 + self.rng.below(self.slow));
    }

    /// The keeper writes what waits, if he can. Returns whether that is news.
    pub fn write(&mut self) -> Option<bool> {
        let now = self.book.now();
        for entry in self.filter.release_due(self.time()) {
            self.enqueue(entry);
        }
        let before = self.writable;
        if self.faults && self.rng.one_in(if before { 40 } else { 3 }) {
            self.writable = !before;
            if before {
                self.book.count(Fault::BookUnwritable);
            }
        }
        let begins = self.queue.iter().any(|entry| entry.what == What::Run) && self.writable;
        if self.writable {
            self.append(usize::MAX);
        }
        if begins || now >= self.synced + SYNC {
            (self.durable, self.synced) = (self.present.len(), now);
        }
        let nothing = self.queue.is_empty() && self.filter.held().is_empty();
        self.due = if nothing { u64::MAX } else { now + SECOND };
        (self.writable != before).then_some(self.writable)
    }

    fn append(&mut self, most: usize) {
        for _ in 0..most {
            let Some(entry) = self.queue.pop_front() else { break };
            let line = line(&entry);
            if !self.present.is_empty() && self.present.len() + line.len() > self.limit {
                self.older = std::mem::take(&mut self.present);
                self.durable = 0;
            }
            self.present.extend(line);
            if let Some(hole) = self.hole.take() {
                self.queue.push_back(hole);
            }
        }
    }

    /// The run has ended as it should, and the keeper with it, if the disk let him.
    pub fn finish(&mut self) {
        if self.writable {
            self.append(usize::MAX);
        }
        self.durable = self.present.len();
        self.forget();
    }

    /// The server has died, perhaps because the power failed.
    pub fn crash(&mut self) {
        if self.writable && self.rng.one_in(3) {
            let some = self.rng.index(self.queue.len() + 1);
            self.append(some);
        }
        if self.writable
            && self.rng.one_in(3)
            && let Some(entry) = self.queue.front()
        {
            // Killed in the middle of a line.
            self.book.count(Fault::HalfLine);
            let line = line(entry);
            self.present.extend(&line[..self.rng.index(line.len())]);
        }
        if self.rng.one_in(3) {
            self.book.count(Fault::PowerFailure);
            let durable = self.durable.min(self.present.len());
            let kept = durable + self.rng.index(self.present.len() - durable + 1);
            let length = self.present.len();
            self.present.truncate(kept);
            if self.rng.one_in(3) {
                // The length was on the disk already, and the content was not.
                self.present.resize(length, 0);
            }
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.filter = filter(&mut self.rng);
        self.queue.clear();
        (self.hole, self.due) = (None, u64::MAX);
    }

    /// What a new run finds, after whatever has befallen the files.
    pub fn open(&mut self, unix_ms: u64) -> Found {
        if self.faults {
            let what = self.rng.below(8);
            match what {
                0 => self.older.clear(),
                1 => self.spoil(),
                _ => {}
            }
            if what < 2 {
                self.book.count(Fault::BookSpoilt);
            }
        }
        let path = self.desk.path().join("bell-book.jsonl");
        let turned = self.desk.path().join("bell-book.jsonl.1");
        for (path, bytes) in [(&path, &self.present), (&turned, &self.older)] {
            fs::write(path, bytes).expect("the desk takes a file");
        }
        let (past, _) = book::open_at(&path, Limits::default(), unix_ms);
        let mut found = self.found();
        let stood = (past.order.as_ref(), past.reply.as_ref());
        found.history = History::from_book(
            &DEFAULT,
            stood.0,
            stood.1,
            &past.entries,
            past.last_seq,
            past.clean,
        );
        self.present = fs::read(&path).expect("the reader leaves the file");
        self.durable = self.present.len();
        self.writable = true;
        self.book.note(|| format!("the book has {found:?}"));
        found
    }

    /// A line in the middle cannot be read any more.
    fn spoil(&mut self) {
        let file = if self.rng.one_in(2) { &mut self.older } else { &mut self.present };
        if file.is_empty() {
            return;
        }
        let at = self.rng.index(file.len());
        let begin = file[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        file[begin] = b'#';
    }

    /// What is in the book, read in a way of its own.
    fn found(&self) -> Found {
        let mut found = Found::default();
        let mut states = Vec::new();
        // Nothing is known of what the run said before, until one begins.
        let (mut whole, mut end) = (false, None);
        // After a hole a state is known when its order and its reply have both come again.
        let mut knows = (true, true);
        let mut count = 0;
        for file in [&self.older, &self.present] {
            for line in file.split_inclusive(|&byte| byte == b'\n') {
                let line = line.strip_suffix(b"\n").ok_or(line);
                let entry = line.ok().and_then(|line| serde_json::from_slice::<Entry>(line).ok());
                let Some(entry) = entry else {
                    (whole, found.clean, knows) = (false, false, (false, false));
                    // A torn line is cut off, and then nothing tells that it was there.
                    end = end.filter(|_| line.is_err());
                    continue;
                };
                count += 1;
                found.clean = entry.what == What::End;
                found.last = found.last.max(Some(last_number(&entry)));
                let after = end.take().map(|end| end + 1..=entry.seq);
                match entry.what {
                    What::Run => {
                        (whole, knows) = (true, (true, true));
                        found.between.extend(after);
                    }
                    What::Hole => knows = (false, false),
                    What::Order | What::Repeat | What::Reply => {
                        let reply = entry.what == What::Reply;
                        knows = (knows.0 || !reply, knows.1 || reply);
                        if knows == (true, true) {
                            states.push((count, entry.seq, whole));
                        }
                    }
                    What::End => end = Some(entry.seq),
                    What::Stale => {}
                }
            }
        }
        found.between.extend(end.map(|end| end + 1..=u64::MAX));
        let states = states.into_iter().map(|(at, seq, whole)| (seq, (count - at, whole)));
        found.states = states.filter(|(_, (after, _))| *after < SURELY).collect();
        found
    }
}

/// Mostly nothing is folded but what strangers say.
fn filter(rng: &mut Rng) -> StormFilter {
    StormFilter::new(rng.pick(&[1_000, 1_000, 20, 3, 0]))
}

/// A directory of its own; in memory where that can be had, because every run opens its book.
fn desk() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

/// The line as it stands in the file: what is said of an entry in a word of JSON.
fn line(entry: &Entry) -> Vec<u8> {
    let value: Value = serde_json::to_value(entry).expect("an entry is plain");
    format!("{value}\n").into_bytes()
}

fn last_number(entry: &Entry) -> u64 {
    if entry.what == What::Hole { entry.to.unwrap_or(entry.seq) } else { entry.seq }
}
