//! The disk is full, slow, broken or dead.

use std::io::Error;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustix::io::Errno;

use super::*;
use crate::book::book_file::SystemCall;

/// A disk on which, while it is switched on, this goes wrong.
fn broken(
    fails: impl Fn(SystemCall) -> Result<usize, Errno> + Send + 'static,
) -> (Arc<AtomicBool>, FaultHook) {
    let on = Arc::new(AtomicBool::new(true));
    let own = Arc::clone(&on);
    let fault = FaultHook(Box::new(move |step| {
        if own.load(Ordering::Relaxed) { fails(step).map_err(Error::from) } else { Ok(usize::MAX) }
    }));
    (on, fault)
}

fn fails_at(step: SystemCall, errno: Errno) -> (Arc<AtomicBool>, FaultHook) {
    broken(move |at| if at == step { Err(errno) } else { Ok(usize::MAX) })
}

#[test]
fn a_disk_that_takes_a_little_at_a_time_gets_every_byte_once() {
    for most in [1, 2, 7, 64] {
        let desk = Desk::new();
        let (_, fault) = broken(move |_| Ok(most));
        let kept = desk.keep_with(quick(), fault);
        kept.orders(1..=50);
        kept.stop();
        assert_eq!(seqs(&desk.lines()), (1..=50).collect::<Vec<_>>());
    }
}

/// The limits of a test that waits for many a next try.
fn hasty() -> Limits {
    Limits { sync_interval: Duration::from_millis(1), ..quick() }
}

/// A disk that takes so many bytes with its first write, and then nothing until it is mended;
/// perhaps half a line cannot even be cut off.
fn full_after(bytes: usize, cuts: bool) -> (Arc<AtomicBool>, FaultHook) {
    let first = AtomicBool::new(true);
    broken(move |step| match step {
        SystemCall::Write if first.swap(false, Ordering::Relaxed) && bytes > 0 => Ok(bytes),
        SystemCall::Write => Err(Errno::NOSPC),
        SystemCall::Cut if !cuts => Err(Errno::IO),
        _ => Ok(usize::MAX),
    })
}

#[test]
fn after_a_short_write_no_line_is_lost_twice_or_torn_wherever_it_ended() {
    let (before, after) = ([order(1)], [order(2), reply(3), order(4)]);
    for cuts in [true, false] {
        for bytes in 0..text(&after).len() {
            let desk = Desk::new();
            fs::write(desk.book(), text(&before)).unwrap();
            let (full, fault) = full_after(bytes, cuts);
            let (_, book) = open_with(&desk.book(), hasty(), wall_clock(), fault);
            // All three go with one write, because they wait already.
            for entry in &after {
                Recorder::new(book.queue.clone()).record(entry.clone());
            }
            let (tell, health) = channel();
            let keeper = book.keep(move |health| drop(tell.send(health))).unwrap();
            assert_eq!(health.recv_timeout(PATIENCE).unwrap().state, Condition::Unwritable);
            let torn = fs::read_to_string(desk.book()).unwrap();
            if cuts {
                assert!(torn.ends_with('\n'), "{bytes}: {torn}");
                assert_eq!(Desk::lines_of(&desk.book()).len(), torn.lines().count());
            }
            full.store(false, Ordering::Relaxed);
            assert_eq!(health.recv_timeout(PATIENCE).unwrap().state, Condition::Ok);
            keeper.stop(PATIENCE);
            let past = desk.past();
            assert_eq!(seqs(&past.entries), [1, 2, 3, 4], "{bytes} {cuts}");
            assert!(past.skipped <= u64::from(!cuts), "{bytes} {cuts}");
            if cuts {
                assert_eq!(desk.lines(), [&before[..], &after[..]].concat());
            }
        }
    }
}

#[test]
fn many_short_writes_one_after_the_other_lose_nothing_and_repeat_nothing() {
    for cuts in [true, false] {
        for bytes in [1, 5, 6, 7, 30, 60, 100] {
            let desk = Desk::new();
            // Of every two writes one takes a little, and one nothing.
            let full = AtomicBool::new(true);
            let (broken, fault) = broken(move |step| match step {
                SystemCall::Write if full.fetch_xor(true, Ordering::Relaxed) => Ok(bytes),
                SystemCall::Write => Err(Errno::NOSPC),
                SystemCall::Cut if !cuts => Err(Errno::IO),
                _ => Ok(usize::MAX),
            });
            let kept = desk.keep_with(hasty(), fault);
            kept.orders(1..=20);
            (0..12).for_each(|_| kept.flush());
            broken.store(false, Ordering::Relaxed);
            kept.flush();
            kept.stop();
            let past = desk.past();
            assert_eq!(seqs(&past.entries), (1..=20).collect::<Vec<_>>(), "{bytes} {cuts}");
        }
    }
}

#[test]
fn a_torn_line_that_cannot_be_cut_is_ended_at_the_next_start_too() {
    let desk = Desk::new();
    let (_, fault) = full_after(20, false);
    let kept = desk.keep_with(quick(), fault);
    kept.record(order(1));
    kept.flush();
    kept.stop();
    assert_eq!(fs::read(desk.book()).unwrap().len(), 20);
    let kept = desk.keep();
    kept.record(order(2));
    kept.stop();
    assert_eq!(seqs(&desk.lines()), [2]);
}

#[test]
fn a_disk_that_fails_is_health_told_on_change_and_nothing_is_lost_until_it_is_mended() {
    for (errno, why) in [
        (Errno::NOSPC, "no space left on device"),
        (Errno::IO, "input/output error"),
        (Errno::ACCESS, "permission denied"),
        (Errno::ROFS, "read-only file system"),
    ] {
        let desk = Desk::new();
        let (full, fault) = fails_at(SystemCall::Write, errno);
        full.store(false, Ordering::Relaxed);
        let kept = desk.keep_with(quick(), fault);
        assert_eq!(kept.health(), None);
        kept.orders(1..=3);
        kept.flush();
        full.store(true, Ordering::Relaxed);
        kept.orders(4..=6);
        let said = kept.health().expect("a complaint");
        assert!(said.to_lowercase().starts_with("bell-book.jsonl cannot be written: "), "{said}");
        assert!(said.to_lowercase().contains(why), "{said}");
        // It is tried again and again, and told once.
        (0..5).for_each(|_| kept.flush());
        assert_eq!(kept.recorder.counts(), Counts { queued: 3, dropped: 0, written: 3 });
        assert_eq!(kept.query(None, 10), Ok(vec![1, 2, 3]), "what is there can be read");
        full.store(false, Ordering::Relaxed);
        assert_eq!(kept.health(), None);
        assert!(kept.health.try_recv().is_err());
        kept.flush();
        assert_eq!(kept.recorder.counts(), Counts { queued: 0, dropped: 0, written: 6 });
        kept.stop();
        assert_eq!(seqs(&desk.lines()), [1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn what_finds_no_room_while_the_disk_is_full_is_one_hole() {
    let desk = Desk::new();
    let (full, fault) = fails_at(SystemCall::Write, Errno::NOSPC);
    let kept = desk.keep_with(Limits { queue_entries: 10, ..quick() }, fault);
    assert_eq!(kept.health(), None, "nothing has failed yet");
    kept.orders(1..=10);
    kept.record(hole(11, 14, 0));
    kept.orders(15..=20);
    assert!(kept.health().is_some());
    assert_eq!(kept.recorder.counts(), Counts { queued: 10, dropped: 7, written: 0 });
    full.store(false, Ordering::Relaxed);
    assert_eq!(kept.health(), None);
    kept.flush();
    kept.orders(21..=22);
    kept.stop();
    let lines = desk.lines();
    assert_eq!(seqs(&lines), (1..=11).chain(21..=22).collect::<Vec<_>>());
    assert_eq!(lines[10], hole(11, 20, 0));
}

#[test]
fn lines_that_cannot_be_made_durable_are_health_and_the_book_goes_on() {
    let desk = Desk::new();
    let (bad, fault) = fails_at(SystemCall::Sync, Errno::IO);
    let kept = desk.keep_with(quick(), fault);
    kept.orders(1..=2);
    while kept.health() != Some("bell-book.jsonl cannot be made durable: input/output error".into())
    {
    }
    bad.store(false, Ordering::Relaxed);
    kept.orders(3..=4);
    kept.stop();
    assert_eq!(seqs(&desk.lines()), [1, 2, 3, 4]);
}

#[test]
fn it_is_made_durable_once_a_pause_and_at_the_end() {
    let desk = Desk::new();
    let syncs = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&syncs);
    let (_, fault) = broken(move |step| {
        if step == SystemCall::Sync {
            seen.lock().unwrap().push(Instant::now());
        }
        Ok(usize::MAX)
    });
    let pause = Duration::from_millis(100);
    let kept = desk.keep_with(Limits { sync_interval: pause, ..quick() }, fault);
    let begun = Instant::now();
    for seq in 1.. {
        kept.record(order(seq));
        kept.flush();
        if begun.elapsed() > pause * 5 {
            break;
        }
    }
    let after_storm = syncs.lock().unwrap().clone();
    assert!((2..=6).contains(&after_storm.len()), "{after_storm:?}");
    assert!(after_storm.is_sorted_by(|a, b| b.duration_since(*a) >= pause));
    kept.record(order(1_000_000));
    kept.stop();
    assert!(syncs.lock().unwrap().len() > after_storm.len(), "the end is durable");
}

#[test]
fn that_a_run_begins_is_made_durable_at_once() {
    let desk = Desk::new();
    let (tell, synced) = channel();
    let (_, fault) = broken(move |step| {
        if step == SystemCall::Sync {
            let _ = tell.send(());
        }
        Ok(usize::MAX)
    });
    let kept = desk.keep_with(Limits { sync_interval: PATIENCE * 100, ..quick() }, fault);
    assert_eq!(kept.health(), None, "the keeper is at work, and will not look for long");
    while synced.try_recv().is_ok() {}
    kept.record(mark(1, What::Run));
    synced.recv_timeout(PATIENCE).unwrap();
    assert_eq!(seqs(&desk.lines()), [1]);
}

#[test]
fn a_dead_disk_holds_up_nobody() {
    for step in [SystemCall::Write, SystemCall::Sync, SystemCall::Open] {
        let desk = Desk::new();
        let (stuck, revive) = sync_channel::<()>(0);
        let (tell, dead) = channel();
        let revive = Mutex::new(revive);
        let (_, fault) = broken(move |at| match at {
            _ if at == step => {
                let _ = tell.send(());
                // For as long as the other end is there.
                let _ = revive.lock().unwrap().recv();
                Ok(usize::MAX)
            }
            _ => Ok(usize::MAX),
        });
        let kept = desk.keep_with(Limits { queue_entries: 100, ..quick() }, fault);
        kept.record(order(1));
        dead.recv_timeout(PATIENCE).unwrap();
        let begun = Instant::now();
        kept.orders(2..=100_000);
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits to record");
        let counts = kept.recorder.counts();
        assert!(counts.queued <= 100 && counts.dropped >= 99_800, "{counts:?}");
        let reader = Reader { patience: Duration::from_millis(50), ..kept.reader.clone() };
        let kept = Kept { reader, ..kept };
        assert_eq!(kept.query(None, 10), Err(BookError::Late));
        let begun = Instant::now();
        kept.keeper.stop(Duration::from_millis(100));
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(100) && took < Duration::from_secs(2), "{took:?}");
        drop(stuck);
    }
}

/// The process of the next test, for which this is run by its name: no file of it may grow beyond
/// a limit, which it then lifts.
#[test]
#[cfg(target_os = "linux")]
#[ignore = "is run by another test, in a process of its own"]
fn writes_to_the_end_of_the_disk() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let directory = PathBuf::from(std::env::var_os("BELL_BOOK_TEST").unwrap());
    let (_, book) = open(&directory.join("bell-book.jsonl"), quick());
    let (tell, health) = channel();
    let keeper = book.keep(move |health| drop(tell.send(health))).unwrap();
    let next = || health.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next().state, Condition::Ok);
    (1..=1_000).for_each(|seq| keeper.recorder().record(order(seq)));
    let complaint = next();
    assert_eq!(complaint.detail, "bell-book.jsonl cannot be written: file too large");
    let left = keeper.recorder().counts();
    assert!(left.queued > 0 && left.written > 0, "{left:?}");
    // Whole lines only, as many as there is room for.
    let size = fs::metadata(directory.join("bell-book.jsonl")).unwrap().len();
    assert!((8_000..=8_192).contains(&size), "{size}");
    assert_eq!(Desk::lines_of(&directory.join("bell-book.jsonl")).len() as u64, left.written);
    let limit = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: limit.maximum, ..limit }).unwrap();
    assert_eq!(next().state, Condition::Ok);
    keeper.stop(PATIENCE);
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_may_grow_no_further_is_whole_and_goes_on_when_it_may() {
    let desk = Desk::new();
    let child = crash::in_a_process_of_its_own("disk::writes_to_the_end_of_the_disk", &desk);
    // The shell ignores SIGXFSZ, and so does what it becomes.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -S -f 16; exec \"$@\"", "sh"])
        .arg0("sh")
        .arg(child.get_program())
        .args(child.get_args())
        .env("BELL_BOOK_TEST", desk.directory.path());
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    assert_eq!(seqs(&desk.lines()), (1..=1_000).collect::<Vec<_>>());
}
