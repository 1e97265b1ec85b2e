//! The process ends in the middle of it.

use std::process::{Command, Stdio};

use super::*;

/// This test binary, about to run one of its ignored tests on this desk.
pub(super) fn in_a_process_of_its_own(test: &str, desk: &Desk) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", &format!("book::tests::{test}")])
        .env("BELL_BOOK_TEST", desk.directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Two files of this size.
const SMALL: u64 = 100_000;

#[test]
#[ignore = "is run by another test, in a process of its own"]
fn storms_until_it_is_killed() {
    let directory = PathBuf::from(std::env::var_os("BELL_BOOK_TEST").unwrap());
    let limits = Limits { file_bytes: SMALL, ..quick() };
    let (past, book) = open(&directory.join("bell-book.jsonl"), limits);
    let keeper = book.keep(|_| ()).unwrap();
    let recorder = keeper.recorder();
    for seq in past.last_seq.unwrap_or(0) + 1.. {
        recorder.record(Entry { status: Some("x".repeat(200).into()), ..order(seq) });
        if recorder.counts().queued > 1_000 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_process_killed_in_a_storm_leaves_whole_lines_with_rising_numbers() {
    let desk = Desk::new();
    let mut last = 0;
    for round in 0..8 {
        let mut child =
            in_a_process_of_its_own("crash::storms_until_it_is_killed", &desk).spawn().unwrap();
        // Until it has turned over at least once, and a little into the next file each time.
        let begun = std::time::Instant::now();
        let until = SMALL / 10 * (round + 1);
        let newest = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
        let before = fs::read(desk.older()).unwrap_or_default();
        while fs::read(desk.older()).unwrap_or_default() == before || newest(&desk.book()) < until {
            assert!(begun.elapsed() < PATIENCE, "the storm does not write");
            assert_eq!(child.try_wait().unwrap(), None);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let past = desk.past();
        assert_eq!(past.skipped, 0);
        let entries = desk.lines();
        let numbers = seqs(&entries);
        // Holes stand for what their ends say; everything between the first and last is there.
        let (first, newest) = (numbers[0], past.last_seq.unwrap());
        assert!(numbers.is_sorted_by(|a, b| a < b), "numbers rise");
        assert_eq!(accounted(&entries), (first..=newest).collect(), "nothing is lost between");
        assert!(newest > last, "the book goes on");
        assert!(fs::metadata(desk.older()).unwrap().len() <= SMALL);
        last = newest;
    }
}
