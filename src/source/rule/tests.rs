//! The rule, sentence by sentence.

use super::*;
use crate::writing::Stamp;

/// A rule, its time, and what stands on the disk whenever it looks.
struct Play {
    rule: Rule,
    now: Duration,
    seen: Seen,
    /// The watcher tells nothing of our looks.
    deaf: bool,
    looks: u32,
    knocks: u32,
}

fn text(text: &str, mtime: i64) -> Seen {
    let stamp = Stamp { device: 1, inode: 1, mtime: (mtime, 0) };
    Seen::Text(Writing { stamp, text: text.to_owned() })
}

fn fault(condition: Condition) -> Seen {
    Seen::Fault(Fault { condition, detail: format!("status.eot {condition:?}"), stamp: None })
}

impl Play {
    fn new(file: File, watch: Watch, seen: Seen) -> Self {
        let rule = Rule::new(file, watch);
        Self { rule, now: Duration::ZERO, seen, deaf: false, looks: 0, knocks: 0 }
    }

    /// One that has told `7` and that all is well.
    fn well(watch: Watch) -> Self {
        let mut play = Self::new(File::Status, watch, text("7", 1));
        assert_eq!(play.say(150), ["7", "Ok"]);
        play
    }

    /// What is said in the next so many milliseconds, if no knock comes round.
    fn say(&mut self, ms: u64) -> Vec<String> {
        let end = self.now + Duration::from_millis(ms);
        let mut said = Vec::new();
        loop {
            match self.rule.next(self.now) {
                Step::Tell(Report::Written(writing)) => said.push(writing.text),
                Step::Tell(Report::Health(health)) => said.push(format!("{:?}", health.state)),
                Step::Look => {
                    self.looks += 1;
                    let opened = matches!(self.seen, Seen::Text(_));
                    if opened && !self.deaf {
                        self.hint(Hint::Opened);
                    }
                    let look = Look { seen: self.seen.clone(), link: false, opened };
                    self.rule.looked(self.now, look);
                }
                Step::Knock => self.knocks += 1,
                Step::Wait(until) if until > end => {
                    self.now = end;
                    return said;
                }
                Step::Wait(until) => self.now = until,
            }
        }
    }

    fn hint(&mut self, hint: Hint) {
        self.rule.hint(self.now, hint);
    }

    /// A knock was made, and comes round.
    fn knock_comes(&mut self) {
        assert_eq!(std::mem::take(&mut self.knocks), 1);
        self.hint(Hint::Knocked);
    }

    /// Somebody writes in place, and this is what stands there then.
    fn write(&mut self, seen: Seen) {
        for hint in [Hint::Changed, Hint::Opened, Hint::Changed, Hint::Closed] {
            self.hint(hint);
        }
        self.seen = seen;
    }
}

const INOTIFY: Watch = Watch::Inotify;

#[test]
fn the_first_thing_said_is_what_did_not_change_for_100_ms_and_then_the_health() {
    let mut play = Play::new(File::Status, INOTIFY, text("7", 1));
    assert!(play.say(50).is_empty());
    play.seen = text("71", 2);
    assert!(play.say(140).is_empty());
    assert_eq!(play.say(20), ["71", "Ok"]);
    assert!(play.say(5_000).is_empty());
}

#[test]
fn a_file_written_without_end_is_not_waited_for_but_told_when_it_rests() {
    let mut play = Play::new(File::Status, INOTIFY, text("0", 0));
    let mut said = Vec::new();
    for round in 1..200 {
        play.seen = text(&round.to_string(), round);
        play.hint(Hint::Changed);
        said.extend(play.say(20));
    }
    assert_eq!(said, ["Ok"]);
    assert_eq!(play.say(250), ["199"]);
}

#[test]
fn the_same_writing_says_nothing_however_often_it_is_hinted_at() {
    let mut play = Play::well(INOTIFY);
    for hint in [Hint::Closed, Hint::MovedIn, Hint::Stirred, Hint::Changed, Hint::Closed] {
        play.hint(hint);
        assert!(play.say(300).is_empty());
    }
}

#[test]
fn the_same_text_written_again_is_a_new_writing() {
    let mut play = Play::well(INOTIFY);
    play.seen = text("7", 2);
    assert_eq!(play.say(1_200), ["7"]);
}

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
fn a_file_renamed_in_over_one_that_is_written_is_told_and_no_look_before_it_is() {
    let mut play = Play::well(INOTIFY);
    for hint in [Hint::Changed, Hint::Opened, Hint::Opened, Hint::Changed, Hint::Closed] {
        play.hint(hint);
    }
    play.hint(Hint::MovedIn);
    play.seen = text("8", 2);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["8"]);

    let mut play = Play::well(INOTIFY);
    play.rule.knocks.look_begins();
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
    assert_eq!(play.say(0), ["8"]);
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
    play.rule.hands.looked(play.now);
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
        assert!(play.say(400).is_empty());
        play.write(text("9", 3));
        assert!(play.say(0).is_empty());
        play.knock_comes();
        assert_eq!(play.say(0), ["9"]);
    }
}

#[test]
fn that_holds_from_the_moment_the_file_is_made() {
    let mut play = Play::new(File::Status, INOTIFY, fault(Condition::Missing));
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
fn a_file_held_open_is_told_when_it_has_not_changed_for_100_ms() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Changed);
    play.seen = text("71", 2);
    assert!(play.say(100).is_empty());
    assert_eq!(play.say(10), ["71"]);
}

#[test]
fn what_no_hint_told_of_is_found_within_a_second_and_told_at_the_second_look() {
    let mut play = Play::well(INOTIFY);
    play.seen = text("8", 2);
    assert_eq!(play.say(1_100), ["8"]);
}

#[test]
fn polling_needs_two_equal_looks_and_no_hint() {
    let mut play = Play::well(Watch::Poll);
    play.seen = text("8", 2);
    assert!(play.say(99).is_empty());
    play.seen = text("9", 3);
    assert!(play.say(99).is_empty());
    assert_eq!(play.say(110), ["9"]);
    play.hint(Hint::Closed);
    play.hint(Hint::MovedIn);
    play.seen = text("10", 4);
    assert!(play.say(40).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn polling_tells_nothing_of_a_file_that_never_rests_and_the_last_writing_when_it_does() {
    let mut play = Play::well(Watch::Poll);
    for (round, pause) in [20, 60, 40, 90].into_iter().cycle().take(400).enumerate() {
        let round = i64::try_from(round).unwrap();
        play.seen = text(&format!("half of {round}"), round);
        assert!(play.say(pause).is_empty(), "{round}");
    }
    play.seen = text("the last", 1_000);
    assert_eq!(play.say(210), ["the last"]);
}

#[test]
fn every_fault_is_told_only_when_it_has_settled_and_heals_without_a_writing() {
    use Condition::{Empty, Missing, NotAFile, NotUtf8, TooLarge, Unreadable};
    for condition in [Empty, Missing, Unreadable, NotUtf8, TooLarge, NotAFile] {
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
        let stamp = Stamp { device: 1, inode: 1, mtime: (mtime, 0) };
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
    let mut play = Play::new(File::Accept, INOTIFY, fault(Condition::Missing));
    assert_eq!(play.say(5_000), ["Ok"]);
    play.write(text("7", 1));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["7"]);
}

#[test]
fn another_watch_is_told_with_the_health() {
    let mut play = Play::well(INOTIFY);
    play.rule.set_watch(play.now, Watch::Poll);
    assert_eq!(play.say(1_000), ["Ok"]);
    play.rule.set_watch(play.now, Watch::Poll);
    assert!(play.say(1_000).is_empty());
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
fn a_swap_behind_a_symlink_is_told_like_a_rename_unless_somebody_is_writing() {
    let mut play = Play::well(INOTIFY);
    play.hint(Hint::Swapped);
    play.seen = text("8", 2);
    assert!(play.say(0).is_empty());
    play.knock_comes();
    assert_eq!(play.say(0), ["8"]);
    play.hint(Hint::Changed);
    play.hint(Hint::Swapped);
    play.seen = text("half", 3);
    assert!(play.say(90).is_empty());
    assert_eq!(play.knocks, 0);
}

#[test]
fn what_comes_while_a_report_waits_is_folded_into_the_newest() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(0).is_empty());
    play.knock_comes();
    for round in 0..10_000 {
        play.write(text(&round.to_string(), 3 + round));
    }
    assert!(play.rule.has_news(play.now));
    assert_eq!(play.say(0), ["8"]);
    play.knock_comes();
    assert_eq!(play.say(0), ["9999"]);
}

#[test]
fn a_hint_at_the_moment_at_which_it_settles_loses_no_health() {
    let mut play = Play::well(INOTIFY);
    play.rule = Rule::new(File::Status, Watch::Inotify);
    // The first second has passed without anything that holds still.
    assert!(!play.rule.has_news(Duration::ZERO));
    assert!(play.rule.has_news(EVERY), "whoever took a hint now must not ask what to do next");
    assert!(matches!(play.rule.next(EVERY), Step::Tell(Report::Health(_))));
}
