//! What is wrong with a file, and when that is told.

use super::*;

#[test]
fn every_fault_is_told_only_when_it_has_settled_and_heals_without_a_writing() {
    use Condition::{Empty, Missing, NotAFile, NotText, NotUtf8, TooLarge, Unreadable};
    for condition in [Empty, Missing, Unreadable, NotUtf8, NotText, TooLarge, NotAFile] {
        for watch in [INOTIFY, Watch::Poll] {
            let mut play = Play::well(watch);
            play.seen = fault(condition);
            assert_eq!(play.say(1_300), [format!("{condition:?}")]);
            assert!(play.say(5_000).is_empty());
            play.seen = text("7", 1);
            assert_eq!(play.say(1_000), ["Ok"]);
            play.seen = fault(condition);
            assert_eq!(play.say(1_300), [format!("{condition:?}")]);
            play.seen = text("7", 2);
            assert_eq!(play.say(1_300), ["7", "Ok"], "made again");
        }
    }
}

#[test]
fn a_file_emptied_or_missing_for_a_moment_is_not_ill() {
    for condition in [Condition::Empty, Condition::Missing] {
        let mut play = Play::well(INOTIFY);
        play.hint(Hint::Changed);
        play.seen = fault(condition);
        assert!(play.say(100).is_empty());
        play.seen = text("8", 2);
        assert_eq!(play.say(250), ["8"]);
    }
}

#[test]
fn a_file_emptied_again_and_again_is_not_empty() {
    let mut play = Play::well(INOTIFY);
    for mtime in 0..100 {
        let stamp = Stamp { mtime: (mtime, 0), size: 0 };
        let detail = "status.eot is empty".to_owned();
        let empty = Fault { condition: Condition::Empty, detail, stamp: Some(stamp) };
        play.write(Seen::Fault(empty));
        assert!(play.say(35).is_empty());
    }
}

#[test]
fn a_file_removed_again_and_again_is_not_missing() {
    let mut play = Play::well(INOTIFY);
    for _ in 0..100 {
        play.seen = fault(Condition::Missing);
        play.hint(Hint::Changed);
        play.hint(Hint::Stirred);
        assert!(play.say(35).is_empty());
    }
    assert_eq!(play.say(120), ["Missing"]);
}

#[test]
fn a_file_is_missing_although_hints_of_others_are_lost_again_and_again() {
    let mut play = Play::well(INOTIFY);
    play.seen = fault(Condition::Missing);
    let mut said = Vec::new();
    for _ in 0..20 {
        play.hint(Hint::Lost);
        said.extend(play.say(35));
    }
    assert_eq!(said, ["Missing"]);
}

#[test]
fn an_accept_file_that_nobody_wrote_is_well() {
    let mut play = Play::new(true, INOTIFY, fault(Condition::Missing));
    assert_eq!(play.say(5_000), ["Ok"]);
    play.write(text("7", 1));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["7"]);
}

#[test]
fn a_fault_is_looked_at_once_a_second_and_not_more() {
    let mut play = Play::well(INOTIFY);
    play.seen = fault(Condition::Unreadable);
    assert_eq!(play.say(2_000), ["Unreadable"]);
    play.looks = 0;
    assert!(play.say(10_000).is_empty());
    assert!(play.looks <= 10);
}

#[test]
fn a_first_look_that_hangs_is_no_writing_without_end() {
    let mut rule = Rule::new(false, INOTIFY);
    assert_eq!(rule.next(Duration::ZERO), Step::Look);
    let back = Duration::from_secs(20);
    let seen = fault(Condition::Empty);
    let look = Look { seen, link: false, opened: true, clock: (0, 0), version: None };
    for _ in 0..2 {
        // The second one is due since long.
        rule.looked(back, look.clone());
        if rule.next(back) != Step::Look {
            break;
        }
    }
    assert_eq!(rule.next(back), Step::Wait(back + QUIET));
    assert_eq!(rule.next(back + QUIET), Step::Look);
    rule.looked(back + QUIET, look);
    let Step::Tell(Report::Health(health)) = rule.next(back + QUIET) else { panic!("it is known") };
    assert_eq!(health.state, Condition::Empty);
}
