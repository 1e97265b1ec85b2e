//! What is read while it is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::sync::Semaphore;

use super::*;

#[test]
fn everything_recorded_before_is_in_the_answer() {
    let desk = Desk::new();
    let kept = desk.keep();
    assert_eq!(kept.query(None, 10), Ok(vec![]));
    for seq in 1..=200 {
        kept.record(order(seq));
        assert_eq!(kept.query(Some(seq - 1), 10), Ok(vec![seq]));
    }
    kept.stop();
}

#[test]
fn since_and_limit_reach_over_both_files() {
    let desk = Desk::new();
    // Numbers with gaps, as runs leave them.
    let numbers: Vec<u64> = (1..=3_000).map(|seq| seq * 10).collect();
    let entries: Vec<_> = numbers.iter().map(|&seq| order(seq)).collect();
    fs::write(desk.older(), text(&entries[..1_800])).unwrap();
    fs::write(desk.book(), text(&entries[1_800..])).unwrap();
    let kept = desk.keep();
    let newest = |limit: usize| Ok(numbers[3_000 - limit..].to_vec());
    for limit in [1, 2, 1_199, 1_200, 1_201, 1_300, 2_999, 3_000] {
        assert_eq!(kept.query(None, limit), newest(limit), "{limit}");
    }
    assert_eq!(kept.query(None, 10_000), newest(3_000));
    assert_eq!(kept.query(None, usize::MAX), newest(3_000));
    for since in [0, 5, 10, 17_985, 17_990, 18_000, 18_005, 18_010, 29_985, 29_990] {
        for limit in [1, 7, 1_500, 10_000] {
            let after: Vec<_> =
                numbers.iter().copied().filter(|seq| *seq > since).take(limit).collect();
            assert_eq!(kept.query(Some(since), limit), Ok(after), "{since} {limit}");
        }
    }
    assert_eq!(kept.query(Some(30_000), 10), Ok(vec![]));
    assert_eq!(kept.query(Some(u64::MAX), 10), Ok(vec![]));
    kept.stop();
}

#[test]
fn a_book_of_many_megabytes_is_found_through() {
    let desk = Desk::new();
    let long = |seq| Entry { status: Some("x".repeat(1_000).into()), ..order(seq) };
    let entries: Vec<_> = (1..=4_000).map(long).collect();
    fs::write(desk.older(), text(&entries[..2_500])).unwrap();
    fs::write(desk.book(), text(&entries[2_500..])).unwrap();
    let kept = desk.keep();
    assert_eq!(kept.query(None, 3), Ok(vec![3_998, 3_999, 4_000]));
    for since in [0, 1, 300, 2_499, 2_500, 3_600, 3_998] {
        let next: Vec<_> = (since + 1..=4_000).take(3).collect();
        assert_eq!(kept.query(Some(since), 3), Ok(next), "{since}");
    }
    assert_eq!(kept.query(None, 4_000).unwrap().len(), 4_000);
    kept.stop();
}

#[test]
fn an_answer_has_only_so_much_text() {
    let desk = Desk::new();
    let long = |seq| Entry { status: Some("x".repeat(4_000).into()), ..order(seq) };
    let entries: Vec<_> = (1..=4_000).map(long).collect();
    fs::write(desk.book(), text(&entries)).unwrap();
    let kept = desk.keep();
    let newest = kept.query(None, 10_000).unwrap();
    assert!((1_900..2_100).contains(&newest.len()), "{}", newest.len());
    assert_eq!(newest.last(), Some(&4_000), "the newest");
    let first = kept.query(Some(0), 10_000).unwrap();
    assert_eq!((first[0], first.len()), (1, newest.len()), "the first");
    kept.stop();
}

#[test]
fn the_end_of_a_hole_is_news_to_whoever_knows_its_beginning() {
    let desk = Desk::new();
    fs::write(desk.book(), text(&[order(1), hole(2, 6, 0), order(7)])).unwrap();
    let kept = desk.keep();
    assert_eq!(kept.query(Some(1), 10), Ok(vec![2, 7]));
    assert_eq!(kept.query(Some(4), 10), Ok(vec![2, 7]));
    assert_eq!(kept.query(Some(6), 10), Ok(vec![7]));
    kept.stop();
}

#[test]
fn a_file_that_is_met_under_both_names_is_read_once() {
    let desk = Desk::new();
    fs::write(desk.book(), text(&[order(1), order(2)])).unwrap();
    fs::hard_link(desk.book(), desk.older()).unwrap();
    let kept = desk.keep();
    assert_eq!(kept.query(None, 10), Ok(vec![1, 2]));
    kept.stop();
}

#[test]
fn entries_are_found_behind_any_amount_of_rubbish() {
    let desk = Desk::new();
    let rubbish = "x".repeat(99) + "\n";
    fs::write(desk.book(), text(&[order(1), order(2)]) + &rubbish.repeat(10_000)).unwrap();
    let kept = desk.keep();
    assert_eq!(kept.query(Some(1), 10), Ok(vec![2]));
    assert_eq!(kept.query(None, 10), Ok(vec![1, 2]));
    kept.stop();
}

#[test]
fn unreadable_lines_are_no_reason_not_to_answer() {
    let desk = Desk::new();
    let lines = line(&order(1)) + "garbage\n" + &line(&order(3)) + "{\"seq\":4";
    fs::write(desk.book(), lines).unwrap();
    fs::write(desk.older(), "\0\0\0").unwrap();
    let kept = desk.keep();
    assert_eq!(kept.query(None, 10), Ok(vec![1, 2, 3]));
    kept.stop();
}

#[test]
fn answers_are_whole_while_it_is_written_and_turned_over() {
    let desk = Desk::new();
    let limits = Limits { file_bytes: 20_000, ..quick() };
    let kept = desk.keep_with(limits, FaultHook::default());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (recorder, done) = (kept.recorder.clone(), &done);
        scope.spawn(move || {
            for seq in 1.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                while recorder.counts().queued > 500 {
                    thread::yield_now();
                }
                recorder.record(order(seq));
            }
        });
        let mut newest = 0;
        for _ in 0..50 {
            let found = kept.query(None, 40).unwrap();
            assert!(found.is_sorted_by(|a, b| a + 1 == *b), "{found:?}");
            let last = found.last().copied().unwrap_or(0);
            assert!(last >= newest, "never back");
            newest = last;
        }
        done.store(true, Ordering::Relaxed);
    });
    kept.stop();
}

#[tokio::test]
async fn only_so_many_read_at_once_and_nobody_waits_for_ever() {
    let desk = Desk::new();
    let kept = desk.keep();
    kept.orders(1..=5);
    let seats = Arc::new(Semaphore::new(0));
    let patience = Duration::from_millis(20);
    let reader = Reader { seats: Arc::clone(&seats), patience, ..kept.reader.clone() };
    assert_eq!(reader.query(None, 10).await, Err(BookError::Late));
    seats.add_permits(1);
    let reader = Reader { patience: PATIENCE, ..reader };
    let all = (0..20).map(|_| {
        let reader = reader.clone();
        tokio::spawn(async move { reader.query(None, 10).await })
    });
    for answer in all.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap().unwrap().len(), 5);
    }
    assert_eq!(seats.available_permits(), 1);
}

/// The numbers of the entries of these times, where entry 1 is of the first moment here, and so on.
fn of_times(moments: &[u64], times: Times, since: Option<u64>, limit: usize) -> Vec<u64> {
    let desk = Desk::new();
    let entries: Vec<_> =
        (1..).zip(moments).map(|(seq, at)| Entry { at: *at, ..order(seq) }).collect();
    fs::write(desk.book(), text(&entries)).unwrap();
    let kept = desk.keep();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(kept.reader.query_times(times, since, limit)).unwrap();
    kept.stop();
    seqs(&found)
}

#[test]
fn a_clock_that_once_was_wrong_hides_nothing_and_stops_no_search() {
    let now = 1_000_000;
    let times = |from, to| Times { from, to, now };
    let right = [100, 200, 300, 400];
    assert_eq!(of_times(&right, times(Some(200), Some(300)), None, 10), [2, 3]);
    assert_eq!(of_times(&right, times(Some(200), None), None, 2), [2, 3], "the oldest of them");
    assert_eq!(of_times(&right, times(None, Some(300)), None, 2), [2, 3], "the newest of them");
    assert_eq!(of_times(&right, times(Some(100), None), Some(2), 10), [3, 4]);
    assert_eq!(of_times(&right, times(Some(500), None), None, 10), [0; 0]);
    // Once it stood far in the future: what is said of then, and what came after it.
    let ahead = [100, 9_000_000, 9_000_001, 300, 400];
    assert_eq!(of_times(&ahead, times(Some(250), None), None, 10), [2, 3, 4, 5]);
    assert_eq!(of_times(&ahead, times(Some(350), None), None, 10), [2, 3, 5]);
    assert_eq!(of_times(&ahead, times(None, Some(150)), None, 10), [1, 2, 3]);
    // Once it stood at the beginning of all times.
    let behind = [100, 200, 5, 6, 300];
    assert_eq!(of_times(&behind, times(Some(150), None), None, 10), [2, 3, 4, 5]);
    assert_eq!(of_times(&behind, times(Some(250), None), None, 10), [5]);
}
