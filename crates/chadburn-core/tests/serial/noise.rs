//! What no noise may do: any bytes in any pieces give the same lines, and a state line in which
//! one bit flips or one byte is lost is never believed.

use chadburn_core::Position;
use chadburn_core::serial::{Command, Health, Heard, LineReader, MAX_LINE, Report, State};
use fastrand::Rng;

/// What a reader makes of bytes, in words that can be compared.
fn hear(reader: &mut LineReader<MAX_LINE>, bytes: &[u8]) -> Vec<Option<String>> {
    let mut heard = Vec::new();
    for byte in bytes {
        match reader.push(*byte) {
            Some(Heard::Line(line)) => heard.push(Some(line.to_owned())),
            Some(Heard::Garbage) => heard.push(None),
            None => {}
        }
    }
    heard
}

/// The states that bytes are believed to say.
fn believed(bytes: &[u8]) -> Vec<State> {
    let lines = hear(&mut LineReader::new(), bytes).into_iter().flatten();
    lines
        .filter_map(|line| match Report::parse(&line) {
            Some(Report::State(state)) => Some(state),
            _ => None,
        })
        .collect()
}

/// The same lines, found the slow and obvious way.
fn lines_by_splitting(bytes: &[u8]) -> Vec<Option<String>> {
    let mut lines: Vec<_> = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).collect();
    lines.pop();
    lines.retain(|line| !line.is_empty());
    let printable = |line: &[u8]| line.iter().all(|byte| (b' '..=b'~').contains(byte));
    let fine = |line: &[u8]| line.len() <= MAX_LINE && printable(line);
    lines.iter().map(|line| fine(line).then(|| String::from_utf8_lossy(line).into())).collect()
}

/// Numbers that shake a parser, the same ones each time.
struct Dice(Rng);

impl Dice {
    fn byte(&mut self) -> u8 {
        // Mostly what lines are made of, so that some lines come about.
        let alphabet = b"0123456789ASEP?*- \r\n\n\x00\xff";
        match self.0.u8(..8) {
            0 => self.0.u8(..),
            _ => alphabet[self.0.usize(..alphabet.len())],
        }
    }

    fn position(&mut self) -> Option<Position> {
        Position::new(self.0.u8(..25))
    }

    fn state(&mut self) -> State {
        let pointer = self.0.u16(..2_400);
        State {
            seq: self.0.u32(..) >> self.0.u32(..32),
            order: self.position(),
            reply: self.position(),
            pointer: Some(pointer + 1).filter(|pointer| *pointer >= 100),
            errors: self.0.u16(..) >> self.0.u32(..16),
            health: if self.0.bool() { Health::Ok } else { Health::Fault },
            bell: self.0.bool(),
        }
    }
}

#[test]
fn any_bytes_in_any_pieces_give_the_same_lines() {
    for seed in 1..=2_000 {
        let mut dice = Dice(Rng::with_seed(seed));
        let bytes: Vec<_> = (0..dice.0.usize(..400)).map(|_| dice.byte()).collect();
        let expected = lines_by_splitting(&bytes);
        let mut reader = LineReader::new();
        let mut rest = &bytes[..];
        let mut heard = Vec::new();
        while !rest.is_empty() {
            let piece = (1 + dice.0.usize(..70)).min(rest.len());
            heard.extend(hear(&mut reader, &rest[..piece]));
            rest = &rest[piece..];
        }
        assert_eq!(heard, expected, "seed {seed}");
        for line in heard.iter().flatten() {
            // Whatever is believed must be sayable.
            let _ = Report::parse(line).map(|report| report.line().expect("it was believed"));
            let _ = Command::parse(line).map(|command| command.line());
        }
    }
}

#[test]
fn overlong_lines_count_once_and_the_longest_is_heard() {
    for length in 1..200 {
        let line = "7".repeat(length);
        let heard = hear(&mut LineReader::new(), format!("{line}\r\n\r\nP\n").as_bytes());
        let expected = if length <= MAX_LINE { Some(line) } else { None };
        assert_eq!(heard, [expected, Some("P".to_owned())], "{length}");
    }
}

#[test]
fn half_a_line_can_be_given_up() {
    let mut reader = LineReader::<MAX_LINE>::new();
    assert!(!reader.abandon());
    assert_eq!(hear(&mut reader, b"A1"), []);
    assert!(reader.is_within());
    assert!(reader.abandon());
    assert!(!reader.is_within());
    assert_eq!(hear(&mut reader, b"7\n"), [Some("7".to_owned())]);
    assert!(!reader.is_within() && !reader.abandon(), "a whole line is not half a line");
}

#[test]
fn every_state_comes_back_as_it_was() {
    let mut dice = Dice(Rng::with_seed(7));
    for _ in 0..50_000 {
        let state = dice.state();
        let line = Report::State(state).line().expect("every state can be said");
        assert!(line.text().len() <= MAX_LINE, "{line:?}");
        assert_eq!(believed(&line), [state], "{line:?}");
    }
}

#[test]
fn a_flipped_bit_or_a_lost_byte_is_never_believed() {
    let mut dice = Dice(Rng::with_seed(11));
    let mut lines: Vec<_> = (0..300).map(|_| dice.state()).collect();
    let everything = State {
        seq: u32::MAX,
        order: Position::new(24),
        reply: Position::new(24),
        pointer: Some(2_400),
        errors: u16::MAX,
        health: Health::Fault,
        bell: false,
    };
    let nothing =
        State { seq: 0, order: None, reply: None, pointer: None, errors: 0, ..everything };
    lines.extend([everything, nothing]);
    for state in lines {
        let line = Report::State(state).line().expect("every state can be said");
        let text = line.text().len();
        for at in 0..text {
            for bit in 0..8 {
                let mut flipped = line.to_vec();
                flipped[at] ^= 1 << bit;
                assert_eq!(believed(&flipped), [], "bit {bit} of byte {at} in {line:?}");
                assert_eq!(orders(&flipped), 0, "bit {bit} of byte {at} in {line:?}");
            }
            let mut shorter = line.to_vec();
            shorter.remove(at);
            assert_eq!(believed(&shorter), [], "without byte {at} of {line:?}");
            assert_eq!(orders(&shorter), 0, "without byte {at} of {line:?}");
        }
        // Either byte of the line end is enough.
        for at in [text, text + 1] {
            let mut shorter = line.to_vec();
            shorter.remove(at);
            assert_eq!(believed(&shorter), [state], "without byte {at} of {line:?}");
        }
    }
}

/// How many bare orders the bytes are taken for: none must come out of a broken state.
fn orders(bytes: &[u8]) -> usize {
    let lines = hear(&mut LineReader::new(), bytes).into_iter().flatten();
    lines.filter(|line| matches!(Report::parse(line), Some(Report::Order(_)))).count()
}

#[test]
fn a_sealed_command_is_not_mistaken_for_another() {
    let positions = (1..=24).filter_map(Position::new).map(Command::Reply);
    let commands = positions.chain([Command::Hello(1), Command::KeepAlive]);
    for command in commands {
        let line = command.line();
        let heard = |bytes: &[u8]| -> Vec<_> {
            let lines = hear(&mut LineReader::new(), bytes).into_iter().flatten();
            lines.filter_map(|line| Command::parse(&line)).collect()
        };
        assert_eq!(heard(&line), [command]);
        for at in 0..line.text().len() {
            let mut shorter = line.to_vec();
            shorter.remove(at);
            assert_eq!(heard(&shorter), [], "without byte {at} of {line:?}");
            for bit in 0..8 {
                let mut flipped = line.to_vec();
                flipped[at] ^= 1 << bit;
                let heard = heard(&flipped);
                // The star may turn into a line end, and then the seal is gone; the rest is true.
                assert!(heard.iter().all(|found| *found == command), "{flipped:?}: {heard:?}");
            }
        }
    }
}
