//! The rule, sentence by sentence.

mod faults;
mod handles;
mod knock;
mod late;
mod sim;
mod table;

use super::*;
use crate::source::look::Version;
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
    /// The wall clock.
    clock: i64,
    /// Which version of the file stands there.
    version: Option<Version>,
    /// What the last look saw, and of which version.
    saw: Option<(Seen, Version)>,
}

fn text(text: &str, mtime: i64) -> Seen {
    let stamp = Stamp { mtime: (mtime, 0), size: text.len() as u64 };
    Seen::Text(Writing { stamp, text: text.to_owned() })
}

fn fault(condition: Condition) -> Seen {
    Seen::Fault(Fault { condition, detail: format!("status.eot {condition:?}"), stamp: None })
}

impl Play {
    fn new(may_be_missing: bool, watch: Watch, seen: Seen) -> Self {
        let rule = Rule::new(may_be_missing, watch);
        Self {
            rule,
            now: Duration::ZERO,
            seen,
            deaf: false,
            looks: 0,
            knocks: 0,
            clock: 1,
            version: None,
            saw: None,
        }
    }

    /// One that has told `7` and that all is well.
    fn well(watch: Watch) -> Self {
        let mut play = Self::new(false, watch, text("7", 1));
        assert_eq!(play.say(150), ["7", "Ok"]);
        if watch == INOTIFY {
            play.knock_comes();
        }
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
                step @ (Step::Look | Step::Glance) => {
                    self.looks += 1;
                    let (seen, clock) = (self.seen.clone(), (self.clock, 0));
                    let saw = self.version.map(|version| (seen.clone(), version));
                    let unchanged = saw.is_some() && self.saw == saw;
                    let read = step == Step::Look || !unchanged;
                    let empty =
                        matches!(&seen, Seen::Fault(it) if it.condition == Condition::Empty);
                    let opened = (empty || matches!(seen, Seen::Text(_))) && read;
                    self.saw = saw;
                    let look = Look { seen, link: false, opened, clock, version: self.version };
                    self.rule.looked(self.now, look);
                    if opened && !self.deaf {
                        self.hint(Hint::Opened);
                    }
                }
                Step::Knock => self.knocks += 1,
                Step::Wait(until) | Step::AwaitKnock(until) if until > end => {
                    self.now = end;
                    return said;
                }
                Step::Wait(until) | Step::AwaitKnock(until) => self.now = until,
            }
        }
    }

    fn hint(&mut self, hint: Hint) {
        self.rule.hint(self.now, hint);
    }

    /// A knock was made, and comes round.
    fn knock_comes(&mut self) {
        assert_eq!(self.knocks, 1);
        self.knocks_come();
    }

    /// All knocks that were made come round.
    fn knocks_come(&mut self) {
        for _ in 0..std::mem::take(&mut self.knocks) {
            self.hint(Hint::Knocked);
        }
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
    let mut play = Play::new(false, INOTIFY, text("7", 1));
    assert!(play.say(50).is_empty());
    play.seen = text("71", 2);
    assert!(play.say(140).is_empty());
    assert_eq!(play.say(20), ["71", "Ok"]);
    assert!(play.say(5_000).is_empty());
}

#[test]
fn a_file_written_without_end_is_not_waited_for_but_told_when_it_rests() {
    let mut play = Play::new(false, INOTIFY, text("0", 0));
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
    let back = [Hint::Gone, Hint::MovedIn];
    let others = [Hint::Closed, Hint::Stirred, Hint::Swapped, Hint::Opened, Hint::Changed];
    for hint in others.into_iter().chain(back) {
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
fn another_watch_is_told_with_the_health() {
    let mut play = Play::well(INOTIFY);
    play.rule.set_watch(play.now, Watch::Poll);
    assert_eq!(play.say(1_000), ["Ok"]);
    play.rule.set_watch(play.now, Watch::Poll);
    assert!(play.say(1_000).is_empty());
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
fn a_writing_that_is_told_is_not_read_a_second_time() {
    let mut play = Play::well(INOTIFY);
    play.write(text("8", 2));
    assert!(play.say(0).is_empty());
    play.looks = 0;
    play.knock_comes();
    assert_eq!(play.say(200), ["8"]);
    assert_eq!(play.looks, 0, "until the next second");
}

#[test]
fn of_eight_looks_at_what_nobody_touches_one_reads_it_and_a_hint_makes_it_be_read_at_once() {
    let mut rule = Play::well(INOTIFY).rule;
    let look =
        Look { seen: text("7", 1), link: false, opened: false, clock: (100, 0), version: None };
    let mut steps = Vec::new();
    let mut now = EVERY;
    while steps.len() < 16 {
        match rule.next(now) {
            Step::Wait(until) => {
                assert!(until <= now + EVERY && until.subsec_nanos() == 0, "{until:?}");
                now = until;
            }
            step => {
                steps.push(step);
                rule.looked(now, look.clone());
            }
        }
    }
    let reads = |steps: &[Step]| steps.iter().filter(|step| **step == Step::Look).count();
    assert_eq!(reads(&steps), 2, "{steps:?}");
    let Step::Wait(_) = rule.next(now) else { panic!("it has looked") };
    rule.hint(now, Hint::Stirred);
    assert_eq!(rule.next(now + SOON), Step::Look);
}

#[test]
fn a_hint_at_the_moment_at_which_it_settles_loses_no_health() {
    let mut play = Play::well(INOTIFY);
    play.rule = Rule::new(false, Watch::Inotify);
    // The first second has passed without anything that holds still.
    assert!(!play.rule.has_news(Duration::ZERO));
    assert!(play.rule.has_news(EVERY), "whoever took a hint now must not ask what to do next");
    assert!(matches!(play.rule.next(EVERY), Step::Tell(Report::Health(_))));
}
