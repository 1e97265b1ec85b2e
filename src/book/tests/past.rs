//! What is found when a book is opened.

use super::*;

fn past_of(text: impl AsRef<[u8]>) -> Past {
    let desk = Desk::new();
    fs::write(desk.book(), text).unwrap();
    desk.past()
}

#[test]
fn a_book_that_is_not_there_is_an_empty_one() {
    let desk = Desk::new();
    assert_eq!(desk.past(), Past::default());
    assert_eq!(fs::read(desk.book()).ok(), None, "nothing is made before it is kept");
}

#[test]
fn a_torn_tail_is_cut_at_every_byte_and_the_book_goes_on() {
    let before = [mark(1, What::Run), order(2), reply(3)];
    let last = Entry { status: Some("Käse".into()), ..order(4) };
    let tail = line(&last);
    for bytes in 0..tail.len() {
        let desk = Desk::new();
        let mut content = text(&before).into_bytes();
        content.extend_from_slice(&tail.as_bytes()[..bytes]);
        fs::write(desk.book(), &content).unwrap();
        let past = desk.past();
        assert_eq!(past.entries, before, "{bytes}");
        assert_eq!((past.last_seq, past.clean, past.skipped), (Some(3), false, 0));
        assert_eq!(fs::read_to_string(desk.book()).unwrap(), text(&before), "{bytes}");
        let kept = desk.keep();
        kept.record(order(9));
        kept.stop();
        assert_eq!(seqs(&desk.lines()), [1, 2, 3, 9]);
    }
}

#[test]
fn a_last_line_that_is_no_json_is_torn_too() {
    let before = text(&[order(1), mark(1, What::End)]);
    for tail in ["{\"seq\":2,\n", "\0\0\0\0", "\0\0\n", "garbage", "garbage\n"] {
        let desk = Desk::new();
        fs::write(desk.book(), before.clone() + tail).unwrap();
        let past = desk.past();
        assert_eq!((past.clean, past.skipped, past.last_seq), (false, 0, Some(1)), "{tail:?}");
        assert_eq!(fs::read_to_string(desk.book()).unwrap(), before, "{tail:?}");
    }
    for whole in ["{\"seq\":", "\0\0\0\0\0\n", "{\n"] {
        let desk = Desk::new();
        fs::write(desk.book(), whole).unwrap();
        assert_eq!(desk.past(), Past::default());
        assert_eq!(fs::read_to_string(desk.book()).unwrap(), "", "{whole:?}");
    }
}

#[test]
fn a_line_of_a_later_version_and_a_foreign_text_are_left_alone() {
    let later = text(&[order(1)]) + "{\"seq\":2,\"at\":3,\"what\":\"bell\"}\n";
    let diary = "Dear diary\nnothing happened";
    for (foreign, skipped) in [(later.as_str(), 1), (diary, 2), ("7\n", 1)] {
        let desk = Desk::new();
        fs::write(desk.book(), foreign).unwrap();
        assert_eq!(desk.past().skipped, skipped, "{foreign}");
        assert_eq!(fs::read_to_string(desk.book()).unwrap(), foreign);
        let kept = desk.keep();
        kept.record(order(9));
        kept.stop();
        let newline = if foreign.ends_with('\n') { "" } else { "\n" };
        let whole = format!("{foreign}{newline}{}", line(&order(9)));
        assert_eq!(fs::read_to_string(desk.book()).unwrap(), whole);
        assert_eq!(desk.past().entries.last(), Some(&order(9)));
    }
}

#[test]
fn a_book_is_clean_when_it_ends_with_an_end() {
    let (run, end) = (mark(1, What::Run), mark(2, What::End));
    assert!(past_of(text(&[run.clone(), order(2), end.clone()])).clean);
    assert!(!past_of(text(&[run.clone(), order(2)])).clean);
    assert!(!past_of(text(&[end.clone(), run])).clean);
    let later = "{\"seq\":2,\"at\":3,\"what\":\"bell\"}\n";
    assert!(!past_of(text(&[end]) + later).clean, "it may have been a run");
    assert!(!past_of("").clean);
}

#[test]
fn unreadable_lines_are_skipped_and_missing_numbers_are_a_hole() {
    let wide = "x".repeat(200_000);
    for (broken, skipped) in [
        ("garbage\n", 1),
        ("{\"seq\":3,\"at\":1,\"wh\n", 1),
        ("\0\0\0\n\u{1b}[2J\n", 2),
        ("{\"seq\":18446744073709551615,\"at\":1,\"what\":\"order\"}\n", 1),
        ("{\"seq\":9007199254740992,\"at\":1,\"what\":\"order\"}\n", 1),
        ("{\"seq\":-1,\"at\":1,\"what\":\"order\"}\n", 1),
        ("[]\nnull\n7\n", 3),
        (&format!("{wide}\n"), 1),
        (&format!("{}\n", wide.repeat(10)), 1),
    ] {
        let around = |next: &Entry| text(&[order(1), order(2)]) + broken + &line(next);
        let past = past_of(around(&order(5)));
        let kept = [order(1), order(2), hole(3, 4, 1_005), order(5)];
        assert_eq!((past.entries.as_slice(), past.skipped), (&kept[..], skipped), "{broken:.50}");
        assert_eq!(past.last_seq, Some(5));
        // An end bears the number of what is missing before it.
        let past = past_of(around(&mark(5, What::End)));
        assert_eq!(past.entries[2], hole(3, 5, 1_005));
        assert!(past.clean);
        assert_eq!(seqs(&past_of(around(&order(3))).entries), [1, 2, 3], "nothing is missing");
        assert_eq!(seqs(&past_of(around(&mark(2, What::Run))).entries), [1, 2, 2]);
    }
    let past = past_of("garbage\n".to_owned() + &line(&order(9)));
    assert_eq!(seqs(&past.entries), [9], "nobody knows what came before");
    assert_eq!(seqs(&past_of(b"\xff\xfe\n\n\n").entries), [0; 0]);
}

fn with_status(entry: Entry, status: Option<String>) -> Entry {
    Entry { status: status.map(Into::into), ..entry }
}

#[test]
fn what_cannot_be_is_ignored_and_moves_nothing() {
    const NOW: u64 = 1_800_000_000_000;
    const YEAR: u64 = 365 * 24 * 60 * 60 * 1_000;
    let past_at = |now, entries: &[Entry]| {
        let desk = Desk::new();
        fs::write(desk.book(), text(entries)).unwrap();
        let past = open_at(&desk.book(), Limits::default(), now).0;
        assert_eq!(fs::read_to_string(desk.book()).unwrap(), text(entries), "nothing is cut");
        past
    };
    let far = 1 << 53;
    for absurd in [
        order(NOW + YEAR + 1),
        order(far),
        mark(NOW + 10 * YEAR, What::Run),
        mark(NOW + 10 * YEAR, What::End),
        hole(2, NOW + YEAR + 1, 7),
        hole(2, u64::MAX, 7),
        Entry { at: far, ..order(2) },
        Entry { since: Some(far), ..order(2) },
        Entry { after_ms: Some(far), ..reply(2) },
        Entry { more: Some(far), ..hole(2, 3, 7) },
        Entry { to: Some(far), ..mark(2, What::Stale) },
        hole(3, 2, 7),
        with_status(order(2), None),
        with_status(order(2), Some(String::new())),
        with_status(reply(2), Some("a\0b".into())),
        with_status(reply(2), Some("x".repeat(4_097))),
        with_status(mark(2, What::Stale), Some("x".repeat(4_097))),
    ] {
        let past = past_at(NOW, &[order(1), absurd.clone(), order(5)]);
        assert_eq!((past.last_seq, past.skipped), (Some(5), 1), "{absurd:?}");
        assert_eq!(past.entries, [order(1), hole(2, 4, 1_005), order(5)], "{absurd:?}");
        let past = past_at(NOW, &[order(1), absurd]);
        assert_eq!((past.last_seq, past.clean), (Some(1), false));
    }
    let ahead = order(NOW + YEAR);
    assert_eq!(
        past_at(NOW, std::slice::from_ref(&ahead)).last_seq,
        Some(NOW + YEAR),
        "a clock may be wrong"
    );
    // A clock that was never set is none: then the file's own time counts.
    let today = wall_clock();
    assert_eq!(past_at(0, &[order(today)]).last_seq, Some(today));
    assert_eq!(past_at(0, &[order(today.max(NOW) + 3 * YEAR)]).last_seq, None);
}

#[test]
fn the_newest_thousand_are_kept_and_what_they_build_on() {
    let mut entries = vec![mark(0, What::Run), order(1), reply(2)];
    entries.extend((3..=1_003).map(reply));
    let desk = Desk::new();
    fs::write(desk.older(), text(&entries[..500])).unwrap();
    fs::write(desk.book(), text(&entries[500..])).unwrap();
    let past = desk.past();
    assert_eq!(past.entries, entries[entries.len() - 1_000..]);
    assert_eq!((past.order, past.reply), (Some(order(1)), Some(reply(3))));
    assert_eq!(past.last_seq, Some(1_003));
    fs::write(desk.book(), text(&entries[500..1_000])).unwrap();
    let past = desk.past();
    assert_eq!((past.entries.len(), past.order, past.reply), (1_000, None, None));
}

#[test]
fn what_a_run_builds_on_is_its_own() {
    let mut entries = vec![mark(0, What::Run), order(1), reply(2), mark(3, What::Run), order(4)];
    entries.extend((5..=1_004).map(order));
    let past = past_of(text(&entries));
    assert_eq!((past.order, past.reply), (Some(order(4)), None));
}

#[test]
fn a_torn_older_file_is_not_cut_but_skipped() {
    let desk = Desk::new();
    fs::write(desk.older(), line(&order(1)) + "{\"seq\":2").unwrap();
    fs::write(desk.book(), line(&order(3))).unwrap();
    let past = desk.past();
    assert_eq!(past.entries, [order(1), hole(2, 2, 1_003), order(3)]);
    assert_eq!(past.skipped, 1);
    assert!(fs::read_to_string(desk.older()).unwrap().ends_with("{\"seq\":2"));
}

#[test]
fn the_last_number_is_the_largest() {
    let past = past_of(text(&[order(7), order(3)]) + "x\n" + &line(&order(9)));
    assert_eq!(past.last_seq, Some(9));
    assert_eq!(past.entries[2], hole(8, 8, 1_009), "only 8 is missing");
    assert_eq!(past_of(text(&[order(7), order(3)])).last_seq, Some(7));
}

#[test]
fn a_hole_counts_with_its_last_number() {
    assert_eq!(past_of(text(&[order(1), hole(2, 8, 0)])).last_seq, Some(8));
    let past = past_of(text(&[order(1), hole(2, 8, 0)]) + "x\n" + &line(&order(9)));
    assert_eq!(seqs(&past.entries), [1, 2, 9], "nothing is missing twice");
}

/// As much as this process has ever had in memory, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The process of the next test, for which this is run by its name.
#[test]
#[cfg(target_os = "linux")]
#[ignore = "is run by another test, in a process of its own"]
fn opens_a_giant() {
    let directory = PathBuf::from(std::env::var_os("BELL_BOOK_TEST").unwrap());
    let before = peak_kib();
    let (past, book) = open(&directory.join("bell-book.jsonl"), quick());
    assert!(past.entries.is_empty());
    let keeper = book.keep(|_| ()).unwrap();
    keeper.recorder().record(order(1));
    keeper.stop(PATIENCE);
    let grown = peak_kib() - before;
    assert!(grown < 16 * 1024, "{grown} KiB");
}

#[test]
#[cfg(target_os = "linux")]
fn a_giant_is_not_read_into_memory() {
    for sparse in [256 << 20, 1 << 40] {
        let desk = Desk::new();
        fs::File::create(desk.book()).unwrap().set_len(sparse).unwrap();
        let child = crash::in_a_process_of_its_own("past::opens_a_giant", &desk).output().unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        assert_eq!(seqs(&Desk::lines_of(&desk.book())), [1], "it was turned over");
        assert_eq!(fs::metadata(desk.older()).unwrap().len(), sparse);
    }
}
