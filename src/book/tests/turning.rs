//! The two files in rotation.

use super::*;

/// How long a line of these is.
fn length(entry: &Entry) -> u64 {
    line(entry).len() as u64
}

#[test]
fn a_full_file_is_turned_over_at_its_exact_size() {
    // Ten lines of one length fit exactly; with one byte less, nine do.
    let ten = 10 * length(&order(11));
    for (limit, first) in [(ten, 10), (ten - 1, 9), (ten + 1, 10), (ten / 10, 1)] {
        for together in [true, false] {
            let desk = Desk::new();
            let kept =
                desk.keep_with(Limits { file_bytes: limit, ..quick() }, FaultHook::default());
            let fits = u64::try_from(first).unwrap();
            let numbers = 11..11 + fits;
            kept.orders(numbers.clone());
            kept.flush();
            assert!(!desk.older().exists(), "{limit}");
            for seq in numbers.end..numbers.end + fits {
                kept.record(order(seq));
                if !together {
                    kept.flush();
                }
            }
            kept.flush();
            assert_eq!(seqs(&Desk::lines_of(&desk.older())), numbers.clone().collect::<Vec<_>>());
            let all: Vec<_> = (11..11 + 2 * fits).collect();
            assert_eq!(seqs(&desk.lines()), all, "{limit} {together}");
            assert_eq!(kept.query(None, 100), Ok(all));
            kept.stop();
        }
    }
}

#[test]
fn whatever_the_limit_nothing_is_lost_or_twice_at_the_border_of_two_files() {
    for limit in [1, 50, 51, 99, 100, 101, 150, 237, 238, 399] {
        let desk = Desk::new();
        let limits = Limits { file_bytes: limit, ..quick() };
        let kept = desk.keep_with(limits, FaultHook::default());
        let mut last = Vec::new();
        for seq in 1..=40 {
            kept.record(if seq % 3 == 0 { mark(seq, What::Stale) } else { order(seq) });
            if seq % 4 == 0 {
                kept.flush();
                last = seqs(&desk.lines());
                assert_eq!(last.last(), Some(&seq), "the newest is there");
                assert!(last.is_sorted_by(|a, b| a + 1 == *b), "{limit}: {last:?}");
                let longest = length(&order(40)).max(limit);
                for file in [desk.book(), desk.older()] {
                    assert!(fs::metadata(file).map_or(0, |meta| meta.len()) <= longest);
                }
            }
        }
        assert!(!last.is_empty());
        kept.stop();
        assert_eq!(seqs(&desk.past().entries), seqs(&desk.lines()));
    }
}

#[test]
fn a_book_that_is_full_when_it_is_opened_is_turned_over_first() {
    let desk = Desk::new();
    let entries: Vec<_> = (1..=50).map(order).collect();
    fs::write(desk.book(), text(&entries)).unwrap();
    fs::write(desk.older(), "older still\n").unwrap();
    let kept = desk.keep_with(Limits { file_bytes: 100, ..quick() }, FaultHook::default());
    kept.record(order(51));
    kept.stop();
    assert_eq!(Desk::lines_of(&desk.older()), entries);
    assert_eq!(Desk::lines_of(&desk.book()), [order(51)]);
}

#[test]
fn a_book_that_cannot_be_turned_over_is_health_and_keeps_what_it_has() {
    let desk = Desk::new();
    fs::create_dir(desk.older()).unwrap();
    let kept = desk.keep_with(Limits { file_bytes: 150, ..quick() }, FaultHook::default());
    assert_eq!(kept.health(), None);
    kept.orders(1..=9);
    assert_eq!(kept.health(), Some("bell-book.jsonl cannot be turned over: is a directory".into()));
    assert!(!Desk::lines_of(&desk.book()).is_empty());
    fs::remove_dir(desk.older()).unwrap();
    assert_eq!(kept.health(), None);
    kept.stop();
    let left = seqs(&desk.lines());
    assert!(left.len() >= 2 && left.is_sorted_by(|a, b| a + 1 == *b), "{left:?}");
    assert_eq!(left.last(), Some(&9));
}

#[test]
fn an_older_file_that_is_none_is_not_read() {
    let desk = Desk::new();
    fs::create_dir(desk.older()).unwrap();
    fs::write(desk.book(), text(&[order(1)])).unwrap();
    assert_eq!(desk.past().entries, [order(1)]);
    let kept = desk.keep();
    let why = BookError::Unreadable("bell-book.jsonl.1 is a directory".into());
    assert_eq!(kept.query(None, 10), Err(why));
    kept.stop();
}

#[test]
fn a_thousand_of_the_longest_writings_leave_what_was_before_them() {
    let desk = Desk::new();
    let kept =
        desk.keep_with(Limits { burst: Limits::default().burst, ..quick() }, FaultHook::default());
    kept.orders([1]);
    for seq in 2..=2_000 {
        let status = Some("\u{1}".repeat(4_096).into());
        kept.record(Entry { status, by: Some(By::File), ..Entry::new(seq, seq, What::Reply) });
    }
    kept.stop();
    assert!(!desk.older().exists());
    let lines = desk.lines();
    assert_eq!(lines[0].seq, 1);
    assert_eq!(lines.last().map(|line| (line.seq, line.what)), Some((2_000, What::Reply)));
}
