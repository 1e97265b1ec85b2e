//! The book with real files.

mod crash;
mod disk;
mod full;
mod past;
mod place;
mod query;
mod turning;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use chadburn_v1::By;
use tempfile::TempDir;

use super::*;
use live_file::writing::Condition;

/// Whoever waits for something that must happen waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory with a book.
struct Desk {
    directory: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn book(&self) -> PathBuf {
        self.at("bell-book.jsonl")
    }

    fn older(&self) -> PathBuf {
        self.at("bell-book.jsonl.1")
    }

    fn past(&self) -> Past {
        open(&self.book(), Limits::default()).0
    }

    /// Keeps the book with these limits, and this going wrong.
    fn keep_with(&self, limits: Limits, fault: FaultHook) -> Kept {
        let (_, book) = open_with(&self.book(), limits, wall_clock(), fault);
        let (tell, health) = channel();
        let keeper = book.keep(move |health| drop(tell.send(health))).unwrap();
        Kept { recorder: keeper.recorder(), reader: keeper.reader(), keeper, health }
    }

    fn keep(&self) -> Kept {
        self.keep_with(quick(), FaultHook::default())
    }

    /// The lines of both files, each whole.
    fn lines(&self) -> Vec<Entry> {
        let mut lines = Self::lines_of(&self.older());
        lines.extend(Self::lines_of(&self.book()));
        lines
    }

    /// The lines of this file, each whole; none if it is not there.
    fn lines_of(path: &Path) -> Vec<Entry> {
        let all = fs::read_to_string(path).unwrap_or_default();
        assert!(all.is_empty() || all.ends_with('\n'), "{all:?}");
        all.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// The limits of a test: a second is long.
fn quick() -> Limits {
    Limits { sync_interval: Duration::from_millis(20), burst: u32::MAX, ..Limits::default() }
}

/// A book that is being kept.
struct Kept {
    keeper: Keeper,
    recorder: Recorder,
    reader: Reader,
    health: Receiver<Health>,
}

impl Kept {
    fn record(&self, entry: Entry) {
        self.recorder.record(entry);
    }

    fn orders(&self, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            self.record(order(seq));
        }
    }

    /// Returns when everything recorded was written, or could not be.
    fn flush(&self) {
        let _ = self.reader.queue.flush().1.blocking_recv();
    }

    fn stop(self) {
        self.keeper.stop(PATIENCE);
    }

    /// The next health: `None` if it is good, else what is wrong.
    fn health(&self) -> Option<String> {
        let health = self.health.recv_timeout(PATIENCE).expect("a health");
        match health.state {
            Condition::Ok => {
                assert_eq!(health.detail, "");
                None
            }
            Condition::Unwritable => Some(health.detail),
            other => panic!("{other:?}"),
        }
    }

    fn query(&self, since: Option<u64>, limit: usize) -> Result<Vec<u64>, BookError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let entries = runtime.block_on(self.reader.query(since, limit));
        // What is stuck in a dead disk is not waited for.
        runtime.shutdown_background();
        entries.map(|entries| seqs(&entries))
    }
}

fn order(seq: u64) -> Entry {
    Entry { status: Some("7".into()), ..Entry::new(seq, 1_000 + seq, What::Order) }
}

fn reply(seq: u64) -> Entry {
    let status = Some("7".into());
    Entry { status, by: Some(By::File), ..Entry::new(seq, 1_000 + seq, What::Reply) }
}

fn mark(seq: u64, what: What) -> Entry {
    Entry::new(seq, 1_000 + seq, what)
}

fn line(entry: &Entry) -> String {
    serde_json::to_string(entry).unwrap() + "\n"
}

fn text(entries: &[Entry]) -> String {
    entries.iter().map(line).collect()
}

fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}

/// Every number that is in the book, or in one of its holes.
fn accounted(entries: &[Entry]) -> BTreeSet<u64> {
    entries.iter().flat_map(|entry| entry.seq..=last_number(entry)).collect()
}

#[test]
fn what_is_recorded_is_in_the_file_as_lines() {
    let desk = Desk::new();
    let kept = desk.keep();
    assert_eq!(kept.health(), None);
    let entries = [mark(9, What::Run), order(10), reply(11), mark(11, What::End)];
    for entry in &entries {
        kept.record(entry.clone());
    }
    kept.stop();
    assert_eq!(fs::read_to_string(desk.book()).unwrap(), text(&entries));
    let past = desk.past();
    assert_eq!((past.last_seq, past.clean, past.entries), (Some(11), true, entries.to_vec()));
}

#[test]
fn every_entry_comes_back_as_it_was() {
    let desk = Desk::new();
    let full = Entry {
        status: Some("\u{1}\u{1b}\"\\\r\n\u{2028}é中🔔".into()),
        position: chadburn_core::Position::new(7),
        name: Some("COFFEE".into()),
        by: Some(By::Station(uuid::Uuid::new_v4())),
        who: Some("Käthe".into()),
        since: Some(3),
        after_ms: Some(4),
        to: Some(5),
        ..mark(6, What::Stale)
    };
    // The longest there can be, each byte of it escaped.
    let long = Entry { status: Some("\u{1}".repeat(4_096).into()), ..full.clone() };
    let kept = desk.keep();
    kept.record(full.clone());
    kept.record(long.clone());
    kept.stop();
    assert_eq!(desk.past().entries, [full, long]);
}

#[test]
fn an_entry_that_could_not_be_read_back_is_a_hole() {
    let desk = Desk::new();
    let kept = desk.keep();
    kept.record(Entry { status: Some("x".repeat(lines::LONGEST).into()), ..order(5) });
    kept.stop();
    assert_eq!(desk.past().entries, [hole(5, 5, 1_005)]);
}

#[test]
fn the_counts_tell_how_the_book_keeps_up() {
    let desk = Desk::new();
    let kept = desk.keep();
    kept.orders(1..=300);
    kept.flush();
    assert_eq!(kept.recorder.counts(), Counts { queued: 0, dropped: 0, written: 300 });
}
