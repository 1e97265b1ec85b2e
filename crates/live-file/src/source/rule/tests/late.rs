//! Hints that come long after what they tell of was seen, because whoever did it lost its processor.

use std::time::UNIX_EPOCH;

use super::*;

/// What stands there: the text, and which file it is of, changed when, in milliseconds of the wall clock.
fn stands(play: &mut Play, seen: Seen, file: u64, changed: i64) {
    play.seen = seen;
    let changed = (changed / 1_000, changed % 1_000 * 1_000_000);
    play.version = Some(Version { file: (1, file, Some(UNIX_EPOCH)), changed });
}

/// One that has told `8`, found without any hint in file 2 that was changed at 2 s. The clock is at 4 s.
fn told() -> Play {
    let mut play = Play::well(INOTIFY);
    stands(&mut play, text("8", 2), 2, 2_000);
    play.clock = 4;
    assert_eq!(play.say(1_200), ["8"]);
    play.knock_comes();
    play
}

/// What is said of these hints.
fn hinted(play: &mut Play, hints: &[Hint]) -> Vec<String> {
    for hint in hints {
        play.hint(*hint);
    }
    let said = play.say(1_300);
    play.knocks_come();
    said
}

const MOVED: [Hint; 1] = [Hint::MovedIn];

const WRITTEN: [Hint; 2] = [Hint::Changed, Hint::Closed];

#[test]
fn a_hint_of_what_was_told_makes_no_repeat_and_the_next_one_does() {
    for (hints, file) in [(&MOVED[..], 3), (&WRITTEN, 2)] {
        let mut play = told();
        assert!(hinted(&mut play, hints).is_empty(), "{hints:?}");
        stands(&mut play, text("8", 2), 9, 3_000);
        assert!(hinted(&mut play, &[Hint::Stirred]).is_empty(), "and it is forgotten: {hints:?}");
        stands(&mut play, text("8", 2), file, 3_500);
        assert_eq!(hinted(&mut play, hints), ["8"], "{hints:?}");
    }
}

#[test]
fn other_attributes_do_not_make_a_late_hint_one_of_a_new_writing() {
    for hints in [&MOVED[..], &WRITTEN] {
        let mut play = told();
        stands(&mut play, text("8", 2), 2, 2_500);
        assert!(hinted(&mut play, &[Hint::Stirred]).is_empty());
        assert!(hinted(&mut play, hints).is_empty(), "{hints:?}");
    }
    let mut play = told();
    stands(&mut play, text("8", 1), 2, 2_500);
    assert!(hinted(&mut play, &[Hint::Stirred, Hint::MovedIn]).is_empty(), "nor at one time");
}

#[test]
fn a_rename_that_is_seen_before_its_hint_is_told_when_that_comes() {
    let mut play = told();
    stands(&mut play, text("8", 1), 3, 3_000);
    assert!(hinted(&mut play, &[Hint::Stirred]).is_empty(), "an earlier date is no writing");
    assert_eq!(hinted(&mut play, &MOVED), ["8"], "a rename is one");
}

#[test]
fn a_close_that_comes_long_after_the_last_change_is_told() {
    let mut play = told();
    play.hint(Hint::Opened);
    play.hint(Hint::Changed);
    stands(&mut play, text("8", 2), 2, 3_000);
    assert!(play.say(900).is_empty(), "the date is that which was told");
    play.hint(Hint::Closed);
    assert_eq!(play.say(1_300), ["8"]);
}

#[test]
fn two_writings_within_a_tick_of_the_clock_are_two() {
    let mut play = Play::well(INOTIFY);
    play.clock = 2;
    for _ in 0..2 {
        play.write(text("8", 2));
        stands(&mut play, text("8", 2), 2, 2_000);
        assert!(play.say(0).is_empty());
        play.knocks_come();
        assert_eq!(play.say(0), ["8"]);
    }
    assert!(hinted(&mut play, &MOVED).is_empty(), "but a rename brings another file");
}

#[test]
fn a_number_that_is_given_to_another_file_within_a_tick_is_no_proof_that_it_is_the_same() {
    let born = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
    for (birth, repeated) in [(born(4), true), (None, true), (born(3), false)] {
        let mut play = Play::well(INOTIFY);
        let version = |changed| Some(Version { file: (1, 2, birth), changed });
        (play.seen, play.version, play.clock) = (text("8", 4), version((4, 0)), 4);
        assert_eq!(play.say(1_200), ["8"]);
        play.knock_comes();
        play.version = version((4, 8_000_000));
        assert_eq!(!hinted(&mut play, &MOVED).is_empty(), repeated, "{birth:?}");
    }
}

#[test]
fn a_removal_that_is_heard_before_its_replacement_is_told_makes_that_no_return() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Gone);
    stands(&mut play, text("8", 2), 2, 2_000);
    play.clock = 4;
    assert_eq!(play.say(1_200), ["8"]);
    play.knock_comes();
    stands(&mut play, text("8", 1), 2, 3_000);
    assert!(hinted(&mut play, &MOVED).is_empty(), "its date was set, and its hint is late");
}

#[test]
fn a_late_hint_of_a_rename_does_not_vouch_for_what_is_written_in_the_new_file_meanwhile() {
    for (quiet, says) in [(0, 0), (499, 0), (500, 1)] {
        let mut play = told();
        play.hint(Hint::Opened);
        play.hint(Hint::Changed);
        play.now += Duration::from_millis(quiet);
        play.hint(Hint::Opened);
        stands(&mut play, text("half, or whole", 3), 3, 3_000);
        play.hint(Hint::MovedIn);
        assert!(play.say(0).is_empty());
        play.knocks_come();
        assert_eq!(play.say(0).len(), says, "changed {quiet} ms ago");
    }
}
