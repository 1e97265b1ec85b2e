//! Who may still be writing, and for how long that is believed.

use super::*;

#[test]
fn the_close_of_one_writer_says_nothing_while_another_writes() {
    let mut play = Play::well(INOTIFY);
    for hint in [Hint::Changed, Hint::Opened, Hint::Changed, Hint::Opened, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("half", 2);
    assert!(play.say(90).is_empty());
    play.seen = text("whole", 3);
    play.hint(Hint::Closed);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["whole"]);
}

#[test]
fn one_who_opened_the_file_before_the_other_changed_it_may_still_write() {
    let mut play = Play::well(INOTIFY);
    for hint in [Hint::Opened, Hint::Changed, Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("half", 2);
    assert!(play.say(90).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn an_open_taken_for_that_of_our_look_is_known_when_the_knock_comes_round() {
    let mut play = Play::well(INOTIFY);
    play.seen = text("half", 2);
    play.rule.handles.looked(play.now);
    let others = [Hint::Changed, Hint::Opened, Hint::Changed, Hint::Opened, Hint::Closed];
    for hint in others {
        play.hint(hint);
    }
    assert!(play.say(0).is_empty());
    play.hint(Hint::Opened);
    play.knock_comes();
    assert!(play.say(90).is_empty());
}

#[test]
fn after_lost_hints_and_under_a_new_watch_no_close_ends_a_writing_for_half_a_second() {
    for lose in [
        |play: &mut Play| play.hint(Hint::Lost),
        |play: &mut Play| {
            play.rule.set_watch(play.now, INOTIFY);
        },
    ] {
        let mut play = Play::well(INOTIFY);
        lose(&mut play);
        play.write(text("8", 2));
        assert!(play.say(90).is_empty());
        assert_eq!(play.say(60), ["8"]);
        play.knocks_come();
        assert!(play.say(400).is_empty());
        play.write(text("9", 3));
        assert!(play.say(0).is_empty());
        play.knock_comes();
        assert_eq!(play.say(0), ["9"]);
    }
}

#[test]
fn that_holds_from_the_moment_the_file_is_made() {
    let mut play = Play::new(false, INOTIFY, fault(Condition::Missing));
    assert_eq!(play.say(200), ["Missing"]);
    for hint in [Hint::Changed, Hint::Opened, Hint::Changed, Hint::Opened, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("half", 2);
    assert!(play.say(90).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn an_open_that_the_kernel_folded_into_another_is_not_waited_for_after_the_knock() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Opened);
    play.hint(Hint::Changed);
    play.seen = text("half", 2);
    play.deaf = true;
    assert!(play.say(20).is_empty());
    play.deaf = false;
    play.seen = text("8", 3);
    play.hint(Hint::Closed);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["8"]);
    let others = [Hint::Opened, Hint::Changed, Hint::Opened, Hint::Changed, Hint::Closed];
    for hint in others {
        play.hint(hint);
    }
    play.seen = text("half", 4);
    assert!(play.say(90).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn a_reader_in_the_midst_of_a_writing_delays_others_for_half_a_second_only() {
    let mut play = Play::well(INOTIFY);
    for hint in [Hint::Changed, Hint::Opened, Hint::Opened, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("8", 2);
    assert_eq!(play.say(500), ["8"]);
    play.knocks_come();
    play.write(text("9", 3));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["9"]);
}

#[test]
fn looks_whose_hints_come_late_are_not_taken_for_somebody_elses() {
    let mut play = Play::well(INOTIFY);
    play.deaf = true;
    play.write(text("8", 2));
    assert!(play.say(0).is_empty());
    for hint in [Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("9", 3);
    assert!(play.say(0).is_empty());
    play.deaf = false;
    play.hint(Hint::Opened);
    assert_eq!(std::mem::take(&mut play.knocks), 2);
    play.hint(Hint::Knocked);
    play.hint(Hint::Opened);
    play.hint(Hint::Knocked);
    assert_eq!(play.say(0), ["9"]);
    play.write(text("10", 4));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["10"]);
}

#[test]
fn a_reader_in_the_midst_of_many_writings_does_not_silence_them() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Changed);
    play.hint(Hint::Opened);
    let mut said = Vec::new();
    for round in 2..70 {
        play.write(text(&round.to_string(), round));
        said.extend(play.say(0));
        if play.knocks > 0 {
            play.knock_comes();
        }
        said.extend(play.say(10));
    }
    assert!(said.len() > 10, "{said:?}");
}

#[test]
fn our_own_look_in_the_midst_of_a_writing_does_not_delay_it() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Changed);
    play.hint(Hint::Opened);
    play.seen = text("half", 2);
    let looks = play.looks;
    assert!(play.say(20).is_empty());
    assert!(play.looks > looks);
    play.seen = text("whole", 3);
    play.hint(Hint::Changed);
    play.hint(Hint::Closed);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["whole"]);
}

#[test]
fn the_close_of_one_whose_open_was_lost_does_not_hide_the_next_writer() {
    // Those who had opened the file before hints were lost close it, at once or much later, and in
    // between we look.
    for (first, look) in [(0, true), (0, false), (400, true), (400, false)] {
        let mut play = Play::well(INOTIFY);
        play.hint(Hint::Lost);
        // No knock follows the next look: it would set right what is counted here.
        play.rule.heard = Heard::default();
        assert!(play.say(first).is_empty());
        for _ in 0..3 {
            play.hint(Hint::Closed);
        }
        if look {
            play.rule.handles.looked(play.now);
            play.hint(Hint::Opened);
            play.hint(Hint::Closed);
        }
        assert!(play.say(490 - first).is_empty());
        // One empties the file, another comes and goes.
        for hint in [Hint::Opened, Hint::Changed, Hint::Opened, Hint::Changed] {
            play.hint(hint);
        }
        play.seen = text("half", 2);
        assert!(play.say(50).is_empty());
        play.hint(Hint::Closed);
        assert!(play.say(40).is_empty());
        assert_eq!(play.knocks, 0, "{first} ms, {look}");
    }
}

#[test]
fn the_close_of_one_who_held_the_file_for_long_does_not_hide_the_next_writers() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Opened);
    assert!(play.say(600).is_empty());
    play.hint(Hint::Closed);
    for hint in [Hint::Opened, Hint::Changed, Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("half", 2);
    assert!(play.say(90).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn a_look_of_which_the_watcher_never_told_hides_nobody_for_longer_than_half_a_second() {
    let mut play = Play::well(INOTIFY);
    play.rule.handles.looked(play.now);
    assert!(play.say(500).is_empty());
    for hint in [Hint::Opened, Hint::Changed, Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("half", 2);
    assert!(play.say(90).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn one_who_opened_the_file_is_not_forgotten_as_early_as_a_look_before_it() {
    let mut play = Play::well(INOTIFY);
    play.rule.handles.looked(play.now);
    play.hint(Hint::Opened);
    assert!(play.say(400).is_empty());
    play.hint(Hint::Opened);
    play.hint(Hint::MovedIn);
    play.seen = text("8", 2);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(200), ["8"]);
    for hint in [Hint::Changed, Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("half", 3);
    assert!(play.say(90).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn a_close_does_not_make_a_look_grow_older_than_its_open() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Opened);
    play.hint(Hint::Opened);
    assert!(play.say(20).is_empty());
    play.rule.handles.looked(play.now);
    play.hint(Hint::Opened);
    play.hint(Hint::Closed);
    assert!(play.say(475).is_empty());
    play.hint(Hint::Opened);
    play.hint(Hint::Changed);
    play.seen = text("half", 2);
    // The one who did not close is forgotten now, and the look is not.
    assert!(play.say(10).is_empty());
    for hint in [Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    assert!(play.say(40).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn a_crowd_that_cannot_be_counted_makes_no_close_count() {
    let mut play = Play::well(INOTIFY);
    for _ in 0..200 {
        play.hint(Hint::Opened);
        play.rule.handles.looked(play.now);
    }
    for hint in [Hint::Opened, Hint::Changed, Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    play.seen = text("half", 2);
    assert!(play.say(90).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn what_was_renamed_in_unbelieved_leaves_those_known_who_are_writing() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(30).is_empty(), "the watcher lags");
    // Two have it open, and while one of them writes the file is renamed away and back.
    for hint in [Hint::Opened, Hint::Opened, Hint::Changed, Hint::Stirred, Hint::MovedIn] {
        play.hint(hint);
    }
    play.seen = text("half", 3);
    assert!(play.say(10).is_empty());
    play.knock_comes();
    play.hint(Hint::Closed);
    assert!(play.say(80).is_empty());
    assert_eq!(play.knocks, 0);
}
