//! Closes, renames, and the knock that vouches for the look.

use super::*;

#[test]
fn a_closed_writing_is_told_as_soon_as_the_knock_comes_round() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["8"]);
}

#[test]
fn a_writing_is_complete_when_the_hint_of_it_came_or_when_it_had_rested() {
    let mut play = Play::well(INOTIFY);
    let closed = play.now;
    play.write(text("8", 2));
    assert!(play.say(30).is_empty());
    play.knock_comes();
    assert_eq!((play.say(0), play.rule.completed()), (vec!["8".to_owned()], closed));

    let changed = play.now;
    play.hint(Hint::Changed);
    play.seen = text("9", 3);
    assert_eq!(play.say(500), ["9"]);
    let rested = changed + SOON + QUIET;
    assert_eq!(play.rule.completed(), rested);
}

#[test]
fn a_file_renamed_in_is_told_as_soon_as_the_knock_comes_round() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::MovedIn);
    play.seen = text("8", 2);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["8"]);
}

#[test]
fn a_file_renamed_in_over_one_that_is_written_is_looked_at_twice_and_no_look_before_it_is_told() {
    let mut play = Play::well(INOTIFY);
    for hint in [Hint::Changed, Hint::Opened, Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    play.hint(Hint::MovedIn);
    play.seen = text("8", 2);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert!(play.say(99).is_empty());
    assert_eq!(play.say(1), ["8"]);

    let mut play = Play::well(INOTIFY);
    play.rule.knocks.looked();
    let others = [Hint::Changed, Hint::Opened, Hint::Changed, Hint::Opened, Hint::Closed];
    for hint in others {
        play.hint(hint);
    }
    play.seen = text("half", 2);
    assert!(play.say(0).is_empty());
    play.hint(Hint::Opened);
    play.hint(Hint::MovedIn);
    play.seen = text("8", 3);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert!(play.say(99).is_empty());
    assert_eq!(play.say(1), ["8"]);
}

#[test]
fn a_change_before_the_knock_makes_the_look_worth_nothing() {
    let mut play = Play::well(INOTIFY);
    play.write(text("half of the next", 2));
    assert!(play.say(0).is_empty());
    play.hint(Hint::Changed);
    play.hint(Hint::Opened);
    play.knock_comes();
    assert!(play.say(90).is_empty());
    play.seen = text("the next", 3);
    play.hint(Hint::Closed);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["the next"]);
}

#[test]
fn a_change_after_the_knock_takes_nothing_back() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    play.hint(Hint::Changed);
    assert_eq!(play.say(0), ["8"]);
}

#[test]
fn attributes_and_removal_do_not_spoil_what_was_closed() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(0).is_empty());
    play.hint(Hint::Stirred);
    play.knock_comes();
    assert_eq!(play.say(0), ["8"]);
    play.seen = text("8", 3);
    assert_eq!(play.say(120), ["8"], "and they are looked at soon");
}

#[test]
fn a_knock_that_does_not_come_leaves_it_to_two_equal_looks() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(99).is_empty());
    assert_eq!(play.say(1), ["8"]);
}

#[test]
fn a_watcher_that_lags_vouches_for_nothing_until_its_knock_has_come() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(30).is_empty());
    play.write(text("9", 3));
    assert!(play.say(10).is_empty());
    play.knock_comes();
    assert!(play.say(80).is_empty());
    assert_eq!(play.say(20), ["9"]);
    play.knocks_come();
    play.write(text("10", 4));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["10"]);
}

#[test]
fn a_knock_that_is_lost_is_not_waited_for_for_ever() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert_eq!(play.say(600), ["8"]);
    play.knocks = 0;
    play.write(text("9", 3));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["9"]);
}

#[test]
fn a_look_that_the_watcher_did_not_tell_of_does_not_keep_later_knocks_from_counting() {
    let mut play = Play::well(INOTIFY);
    play.deaf = true;
    assert!(play.say(5_000).is_empty());
    play.deaf = false;
    play.write(text("8", 2));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["8"]);
}

#[test]
fn a_knock_made_before_hints_were_lost_vouches_for_no_later_look() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::MovedIn);
    play.seen = text("8", 2);
    assert!(play.say(0).is_empty(), "its knock is on its way");
    play.hint(Hint::Lost);
    play.hint(Hint::MovedIn);
    // The next writer is at work already, and what is told of that is still behind the old knock.
    play.seen = text("half", 3);
    assert!(play.say(5).is_empty());
    play.hint(Hint::Opened);
    play.hint(Hint::Knocked);
    assert!(play.say(0).is_empty());
    play.seen = text("whole", 4);
    assert_eq!(play.say(500), ["whole"]);
}

#[test]
fn a_hint_that_may_be_older_than_what_was_told_makes_no_repeat() {
    let mut play = Play::well(INOTIFY);
    play.seen = text("8", 2);
    assert_eq!(play.say(1_200), ["8"], "no hint told of it");
    for hint in [Hint::Opened, Hint::Changed, Hint::Closed, Hint::MovedIn] {
        play.hint(hint);
    }
    assert!(play.say(300).is_empty());
    play.knocks_come();
    assert!(play.say(1_200).is_empty());
    play.write(text("8", 2));
    assert_eq!(play.say(300), ["8"], "what comes behind the knock is of later");
}

#[test]
fn a_close_ends_a_change_that_was_told_before_without_a_repeat() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Opened);
    play.hint(Hint::Changed);
    play.seen = text("8", 2);
    assert_eq!(play.say(200), ["8"]);
    play.knocks_come();
    play.hint(Hint::Stirred);
    (play.seen, play.clock) = (text("8", 1), 2);
    play.hint(Hint::Closed);
    assert!(play.say(1_200).is_empty());
}

#[test]
fn a_knock_that_never_comes_leaves_hints_proving_something_after_a_while() {
    let mut play = Play::well(INOTIFY);
    play.seen = text("8", 2);
    assert_eq!(play.say(1_200), ["8"]);
    assert_eq!(std::mem::take(&mut play.knocks), 1, "and it is lost");
    assert!(play.say(2_000).is_empty());
    play.write(text("8", 2));
    assert_eq!(play.say(300), ["8"]);
}

#[test]
fn a_knock_made_while_others_are_late_is_given_as_long_as_they() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(30).is_empty(), "its knock is late");
    assert_eq!(play.say(90), ["8"], "and another is made");
    assert!(play.say(415).is_empty());
    assert_eq!(play.knocks, 2);
    play.hint(Hint::Stirred);
    assert!(play.say(15).is_empty(), "the first is lost by now, but not the second");
    play.write(text("8", 2));
    assert!(play.say(300).is_empty(), "what comes before that may be of what was told");
}

#[test]
fn a_look_between_a_knock_and_its_coming_round_does_not_make_it_somebody_elses() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(0).is_empty());
    // The next writer has emptied the file, which brings a look and no knock.
    play.seen = fault(Condition::Empty);
    play.hint(Hint::Changed);
    play.hint(Hint::Closed);
    // The hint of its open is behind the knock.
    play.deaf = true;
    assert!(play.say(0).is_empty());
    play.deaf = false;
    play.knock_comes();
    play.hint(Hint::Opened);
    assert!(play.say(0).is_empty());
    play.write(text("9", 3));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["9"], "the watcher does not lag");
}
