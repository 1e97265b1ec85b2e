//! The rule, with a board and a file that are scripted.

use super::order_queue::WRITE_AGAIN;
use super::*;
use chadburn_core::DEFAULT;

/// No order was written.
const NONE: [u8; 0] = [];

fn position(number: u8) -> Position {
    Position::new(number).unwrap()
}

/// A bridge with a clock of its own, and what came of it.
struct Desk {
    rule: Rule,
    now: Duration,
    seq: u32,
    /// What was said to the board.
    said: Vec<String>,
    /// What went into the status file.
    written: Vec<u8>,
    /// Whether there is a status file.
    status: bool,
    /// Whether the status file can be written.
    writable: bool,
    reopened: usize,
}

impl Desk {
    fn new() -> Self {
        Self {
            rule: Rule::new(DEFAULT),
            now: Duration::ZERO,
            seq: 0,
            said: Vec::new(),
            written: Vec::new(),
            status: true,
            writable: true,
            reopened: 0,
        }
    }

    /// The same, with a board of version 1 on the line whose lever is there.
    fn with_board(order: u8, reply: Option<u8>) -> Self {
        let mut desk = Self::new();
        desk.step(Event::Opened);
        desk.hear(b"E1 eot-0.1.0*D4B1\r\n");
        desk.state(order, reply, false);
        desk.said.clear();
        desk
    }

    fn step(&mut self, event: Event<'_>) {
        for effect in self.rule.step(self.now, event) {
            match effect {
                Effect::Say(bytes) => {
                    let text = String::from_utf8(bytes).unwrap();
                    let lines = text.lines().map(|line| line.split('*').next().unwrap());
                    self.said.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
                }
                Effect::Write(order) => {
                    if self.writable {
                        self.written.push(order.number());
                    }
                    self.step(Event::Wrote(self.writable));
                }
                Effect::WriteIfMissing(order) if !self.status => self.rule.request_write(order),
                Effect::Reopen => self.reopened += 1,
                Effect::WriteIfMissing(_) | Effect::Log(_) => {}
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.step(Event::Heard(bytes));
    }

    /// The board says how things stand.
    fn state(&mut self, order: u8, reply: Option<u8>, bell: bool) {
        self.seq += 1;
        let state = State {
            seq: self.seq,
            order: Position::new(order),
            reply: reply.map(position),
            pointer: reply.map(|reply| u16::from(reply) * 100),
            errors: 0,
            health: Health::Ok,
            bell,
        };
        let line = Report::State(state).line().unwrap();
        self.hear(&line);
    }

    fn accept(&mut self, text: &str) {
        self.step(Event::Accept { text, new: true });
    }

    /// Lets time pass, in tenths of a second.
    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.now += Duration::from_millis(100);
            self.step(Event::Tick);
        }
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// How often this was said.
    fn count(&mut self, line: &str) -> usize {
        self.said().iter().filter(|said| *said == line).count()
    }
}

#[test]
fn it_asks_who_is_there_until_somebody_says() {
    let mut desk = Desk::new();
    desk.step(Event::Opened);
    assert_eq!(desk.said(), ["?1"]);
    desk.run(9_500);
    assert_eq!(desk.said(), ["?1", "?1", "?1"]);
    desk.hear(b"E1 eot-0.1.0*D4B1\r\n");
    desk.state(6, None, false);
    desk.run(3_000);
    assert_eq!(desk.said(), ["P"]);
}

#[test]
fn the_lever_moved_is_written_and_the_lever_at_rest_is_not() {
    let mut desk = Desk::with_board(6, None);
    assert_eq!(desk.written, NONE, "what it says first is no move");
    for order in [6, 7, 7, 7, 6] {
        desk.state(order, None, false);
    }
    assert_eq!(desk.written, [7, 6]);
}

#[test]
fn the_first_order_is_written_only_if_there_is_no_status_file() {
    let mut desk = Desk::new();
    desk.status = false;
    desk.step(Event::Opened);
    desk.state(6, None, false);
    desk.run(100);
    assert_eq!(desk.written, [6]);
}

#[test]
fn a_lever_that_was_moved_while_the_line_was_gone_has_moved() {
    let mut desk = Desk::with_board(6, None);
    desk.step(Event::Closed);
    desk.run(5_000);
    desk.step(Event::Opened);
    desk.state(6, None, false);
    assert_eq!(desk.written, NONE, "plugged in again, at rest");
    desk.step(Event::Closed);
    desk.step(Event::Opened);
    desk.state(8, None, false);
    assert_eq!(desk.written, [8]);
}

#[test]
fn a_lever_without_an_order_has_not_moved() {
    let mut desk = Desk::with_board(6, None);
    desk.state(0, None, false);
    desk.state(6, None, false);
    assert_eq!(desk.written, NONE);
}

#[test]
fn what_cannot_be_written_is_written_later_and_only_the_newest() {
    let mut desk = Desk::with_board(6, None);
    desk.writable = false;
    desk.state(7, None, false);
    desk.run(500);
    desk.state(9, None, false);
    desk.run(3_000);
    desk.state(9, None, false);
    desk.writable = true;
    desk.run(2_000);
    assert_eq!(desk.written, [9]);
}

#[test]
fn an_order_that_came_while_another_could_not_be_written_is_the_one() {
    let mut desk = Desk::with_board(6, None);
    let order = |number| Effect::Write(position(number));
    let state = |number| {
        let order = Position::new(number);
        let (pointer, health) = (None, Health::Ok);
        let state = State { seq: 9, order, reply: None, pointer, errors: 0, health, bell: false };
        Report::State(state).line().unwrap()
    };
    let now = Duration::from_secs(1);
    assert_eq!(desk.rule.step(now, Event::Heard(&state(7))), [order(7)]);
    assert_eq!(desk.rule.step(now, Event::Heard(&state(8))), [], "one is in hand");
    assert_eq!(desk.rule.step(now, Event::Wrote(false)), []);
    assert_eq!(desk.rule.step(now + WRITE_AGAIN, Event::Tick), [order(8)]);
    assert_eq!(desk.rule.step(now + WRITE_AGAIN, Event::Wrote(true)), []);
}

#[test]
fn a_reply_is_said_until_the_board_has_it() {
    let mut desk = Desk::with_board(7, None);
    desk.accept("7");
    assert_eq!(desk.said(), ["A7"], "at once");
    desk.run(2_000);
    assert_eq!(desk.count("A7"), 4, "every half second");
    desk.state(7, Some(7), false);
    desk.run(2_000);
    assert_eq!(desk.count("A7"), 0);
    desk.accept("lunch");
    assert_eq!(desk.said(), ["A8"], "a name is its number");
    desk.accept("9");
    assert_eq!(desk.said(), ["A9"], "a newer one does not wait for the other's turn");
}

#[test]
fn a_board_that_was_plugged_in_again_gets_its_reply_again() {
    let mut desk = Desk::with_board(7, None);
    desk.accept("7");
    desk.state(7, Some(7), false);
    desk.step(Event::Closed);
    desk.said.clear();
    desk.step(Event::Opened);
    assert_eq!(desk.said(), ["?1"], "not before it has said how it stands");
    desk.state(7, None, true);
    assert_eq!(desk.said(), ["A7"]);
}

#[test]
fn an_old_reply_does_not_answer_a_new_order_and_the_same_reply_anew_does() {
    let mut desk = Desk::with_board(7, Some(7));
    desk.step(Event::Accept { text: "7", new: false });
    desk.state(8, Some(7), true);
    desk.state(7, Some(7), true);
    desk.run(2_000);
    assert_eq!(desk.count("A7"), 0, "nobody has answered");
    desk.accept("7");
    desk.run(1_000);
    assert_eq!(desk.count("A7"), 3, "until the bell is silent");
    desk.state(7, Some(7), false);
    desk.run(2_000);
    assert_eq!(desk.count("A7"), 0);
}

#[test]
fn a_new_bridge_answers_nothing_with_an_old_reply() {
    let mut desk = Desk::new();
    desk.step(Event::Opened);
    desk.step(Event::Accept { text: "7", new: false });
    desk.state(7, Some(7), true);
    desk.run(2_000);
    assert_eq!(desk.count("A7"), 0, "the bell has its reason");
}

#[test]
fn a_text_that_is_no_position_moves_nothing() {
    let mut desk = Desk::with_board(7, Some(7));
    desk.accept("7");
    for text in ["broken", "12", "07", "on my way"] {
        desk.accept(text);
        desk.run(1_000);
        desk.state(7, Some(7), false);
    }
    assert_eq!(desk.said().iter().filter(|line| line.starts_with('A')).count(), 0);
}

#[test]
fn a_board_that_speaks_version_1_gives_no_bare_orders() {
    let mut desk = Desk::with_board(6, None);
    desk.hear(b"11\r\n1\r\n");
    desk.run(5_000);
    assert_eq!(desk.written, NONE);
    // Also when the number comes first.
    desk.step(Event::Closed);
    desk.step(Event::Opened);
    desk.run(200);
    desk.hear(b"1\r\n");
    desk.run(1_000);
    desk.state(6, None, false);
    desk.run(5_000);
    assert_eq!(desk.written, NONE);
}

#[test]
fn the_original_firmware_is_understood() {
    let mut desk = Desk::new();
    desk.step(Event::Opened);
    desk.run(500);
    desk.hear(b"6\r\n");
    desk.run(4_000);
    assert_eq!(desk.written, NONE, "what it says first is no move");
    desk.hear(b"11\r\n");
    desk.hear(b"11\r\n");
    desk.hear(b"7\r\n");
    assert_eq!(desk.written, [11, 7]);
    desk.said.clear();
    desk.accept("7");
    desk.run(30_000);
    assert_eq!(desk.count("A7"), 1, "it cannot confirm");
    desk.accept("8");
    desk.run(30_000);
    assert_eq!(desk.count("A8"), 1);
    assert_eq!(desk.reopened, 0, "it may be silent as long as it likes");
}

#[test]
fn the_tail_of_a_torn_number_is_no_order() {
    let mut desk = Desk::new();
    desk.status = false;
    desk.step(Event::Opened);
    desk.hear(b"1\r\n");
    desk.run(10_000);
    assert_eq!(desk.written, NONE, "it may have been an 11");
    desk.hear(b"11\r\n");
    desk.run(10_000);
    assert_eq!(desk.written, [11]);
}

#[test]
fn every_fixture_is_heard_as_it_is_meant() {
    let fixtures = include_str!("../../../tests/fixtures/serial.v1.txt");
    let fixtures = fixtures.lines().filter(|line| line.starts_with("board "));
    let mut counted = 0;
    for fixture in fixtures {
        let cells: Vec<_> = fixture.split('|').map(str::trim).collect();
        let mut desk = Desk::with_board(6, None);
        desk.hear(cells[1].as_bytes());
        desk.hear(b"\r\n");
        let words: Vec<_> = cells[2].trim_start_matches("= ").split(' ').collect();
        assert_eq!(desk.rule.garbage.lines, u64::from(words == ["nothing"]), "{fixture}");
        let order: Option<u8> = match words[..] {
            ["state", _, order, ..] => order.parse().ok(),
            // Without a seal it is nothing to a board that seals.
            _ => None,
        };
        assert_eq!(desk.written, Vec::from_iter(order), "{fixture}");
        counted += 1;
    }
    assert!(counted > 30, "only {counted} fixtures were found");
}

#[test]
fn garbage_is_counted_and_never_believed() {
    let mut desk = Desk::with_board(6, None);
    let garbage: [&[u8]; 5] = [
        b"S 9 7 6 600 0 ok ring*0000\r\n",
        b"S 9 7 6 600 0 ok ring\r\n",
        b"\xff\x00\x80\r\n",
        &[b'7'; 4_000],
        b"\nE1 eot\n",
    ];
    for garbage in garbage {
        desk.hear(garbage);
    }
    desk.hear(b"S 9 7 6 6");
    desk.run(600);
    assert_eq!(desk.rule.garbage.lines, 6);
    assert_eq!(desk.written, NONE);
    desk.state(7, None, false);
    assert_eq!(desk.written, [7], "and afterwards all is well");
}

#[test]
fn a_board_that_falls_silent_is_given_up() {
    let mut desk = Desk::with_board(6, None);
    desk.run(7_900);
    assert_eq!(desk.reopened, 0);
    desk.run(100);
    assert_eq!(desk.reopened, 1);
    desk.run(60_000);
    assert_eq!(desk.reopened, 1);
    assert_eq!(desk.rule.status_summary(), "no device");
}

#[test]
fn any_bytes_in_any_pieces_write_nothing_that_was_not_sealed() {
    let mut dice = fastrand::Rng::with_seed(9);
    let mut desk = Desk::with_board(6, None);
    for _ in 0..20_000 {
        let alphabet = b"0123456789SEA?P*- \r\n okringquietfault";
        let piece: Vec<u8> = (0..dice.usize(..60))
            .map(|_| match dice.u8(..9) {
                0 => dice.u8(..),
                _ => alphabet[dice.usize(..alphabet.len())],
            })
            .collect();
        desk.hear(&piece);
        desk.run(100 * dice.u64(..3));
    }
    assert_eq!(desk.written, NONE);
    assert!(desk.rule.garbage.lines > 1_000);
}
