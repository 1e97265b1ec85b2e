//! More is recorded than can be written.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::*;
use crate::book::book_file::SystemCall;

#[test]
fn the_newest_are_dropped_counted_and_told_of_as_a_hole() {
    let desk = Desk::new();
    // The thread is let go when all is recorded.
    let (hold, kept_back) = sync_channel::<()>(0);
    let kept_back = std::sync::Mutex::new(kept_back);
    let fault = FaultHook(Box::new(move |step| {
        if step == SystemCall::Open {
            let _ = kept_back.lock().unwrap().recv();
        }
        Ok(usize::MAX)
    }));
    let kept = desk.keep_with(Limits { queue_entries: 600, ..quick() }, fault);
    kept.orders(1..=599);
    assert_eq!(kept.recorder.counts(), Counts { queued: 599, dropped: 0, written: 0 });
    kept.orders(600..=1_000);
    assert_eq!(kept.recorder.counts(), Counts { queued: 600, dropped: 400, written: 0 });
    let written = kept.reader.queue.flush();
    drop(hold);
    written.1.blocking_recv().unwrap();
    assert_eq!(desk.lines().len(), 601, "the hole, too, was recorded before");
    kept.orders(1_001..=1_002);
    kept.stop();
    let lines = desk.lines();
    assert_eq!(seqs(&lines), (1..=601).chain(1_001..=1_002).collect::<Vec<_>>());
    assert_eq!(lines[600], hole(601, 1_000, 1_601));
    assert_eq!(accounted(&lines), (1..=1_002).collect());
}

#[test]
fn every_number_is_written_or_in_a_hole_in_a_storm_of_many() {
    let desk = Desk::new();
    let limits = Limits { queue_entries: 600, file_bytes: u64::MAX, ..quick() };
    let slow = FaultHook(Box::new(|step| {
        if step == SystemCall::Write {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(usize::MAX)
    }));
    let kept = desk.keep_with(limits, slow);
    let next = Arc::new(std::sync::Mutex::new(1));
    thread::scope(|scope| {
        for _ in 0..4 {
            let (recorder, next) = (kept.recorder.clone(), Arc::clone(&next));
            scope.spawn(move || {
                for _ in 0..5_000 {
                    // One hub gives the numbers: they are recorded in their order.
                    let mut seq = next.lock().unwrap();
                    recorder.record(order(*seq));
                    *seq += 1;
                }
            });
        }
    });
    let counts = kept.recorder.counts();
    assert!(counts.queued <= 600, "{counts:?}");
    kept.stop();
    let lines = desk.lines();
    assert!(
        lines.is_sorted_by(|a, b| last_number(a) < b.seq),
        "in order, and holes in their place"
    );
    assert_eq!(accounted(&lines), (1..=20_000).collect());
    let holes = lines.iter().filter(|entry| entry.what == What::Hole).count();
    assert_eq!(lines.len() - holes + usize::try_from(counts.dropped).unwrap(), 20_000);
}

#[test]
fn a_book_that_nobody_keeps_any_more_takes_no_memory_without_end() {
    let desk = Desk::new();
    let kept = desk.keep();
    let recorder = kept.recorder.clone();
    let reader = kept.reader.clone();
    kept.orders(1..=3);
    kept.stop();
    (4..=10_000).for_each(|seq| recorder.record(order(seq)));
    assert_eq!(recorder.counts().queued, 4_096);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entries = runtime.block_on(reader.query(None, 10)).unwrap();
    assert_eq!(seqs(&entries), [1, 2, 3], "it can still be read");
}

#[test]
fn a_hole_stands_where_the_dropped_would_have() {
    let queue = Queue::new(3, u32::MAX);
    let recorder = Recorder::new(queue.clone());
    (1..=5).for_each(|seq| recorder.record(order(seq)));
    assert_eq!(seqs(&queue.front(u64::MAX)), [1, 2, 3]);
    queue.written(1);
    recorder.record(order(6));
    assert_eq!(queue.front(u64::MAX), [order(2), order(3), hole(4, 5, 1_004)], "it takes a place");
    queue.written(2);
    recorder.record(order(7));
    assert_eq!(queue.front(u64::MAX), [hole(4, 5, 1_004), hole(6, 6, 1_006), order(7)]);
}
