//! The face of the telegraph in a terminal: where lever and pointer stand, bell and lamp.

use std::fmt::Write;

use chadburn_core::{DEFAULT, Position};
use emulated_board::Pins;

use super::pointer;

/// What the keys do.
pub(super) const HELP: &str =
    "  ← →  move the lever   a  answer   u  unplug, plug in   q  enough\n";

/// How many columns a position has.
const COLUMNS: i32 = 6;

/// How many lines the face has.
const LINES: usize = 7;

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Face {
    /// Where the panel is.
    address: String,
    /// The lever's position.
    pub(super) lever: i32,
    /// What the status file says.
    pub(super) order: String,
    /// What the pins do; none while the board is unplugged.
    pub(super) pins: Option<Pins>,
}

impl Face {
    /// A telegraph whose lever is at STOP.
    pub(super) fn new(address: String) -> Self {
        Self { address, lever: 6, order: String::new(), pins: None }
    }

    /// The face, drawn over the one before if there is one.
    pub(super) fn draw(&self, again: bool) -> String {
        let mut text = String::new();
        if again {
            // As many lines up.
            let _ = write!(text, "\x1b[{LINES}A");
        }
        let numbers = DEFAULT.sectors.iter().map(|sector| {
            let columns = usize::try_from(COLUMNS).unwrap_or_default();
            format!("{:^columns$}", sector.position.number())
        });
        let at = self.pins.and_then(pointer);
        let lines = [
            format!("  panel    {}", self.address),
            format!("  lever    {}", marked('▼', Some(self.lever * 1_000))),
            format!("           {}", numbers.collect::<String>()),
            format!("  pointer  {}", marked('▲', at)),
            format!("  ordered  {}", named(&self.order)),
            format!("  reply    {}", at.map_or("none yet".to_owned(), nearest)),
            format!("  {}", self.lights()),
        ];
        for line in lines {
            // What was there before goes, and what is too long for the terminal is cut off: each line
            // stays one.
            let _ = writeln!(text, "\x1b[K\x1b[?7l{line}\x1b[?7h");
        }
        text
    }

    fn lights(&self) -> String {
        match self.pins {
            None => "the board is unplugged".to_owned(),
            Some(Pins { panicked: true, .. }) => "the firmware has panicked".to_owned(),
            Some(pins) => {
                let lamp = if pins.lamp { '●' } else { '○' };
                format!("lamp {lamp}   {}", if pins.bell { "DING!" } else { "" })
            }
        }
    }
}

/// A mark at this place, in thousandths of a position.
fn marked(mark: char, milli: Option<i32>) -> String {
    let Some(milli) = milli else { return String::new() };
    let column = ((milli - 1_000) * COLUMNS + 500) / 1_000 + COLUMNS / 2 - 1;
    let column = usize::try_from(column).unwrap_or_default();
    format!("{:column$}{mark}", "")
}

/// What a pointer there shows.
fn nearest(milli: i32) -> String {
    let number = (milli + 500) / 1_000;
    let near = (milli - number * 1_000).abs() < 20;
    if near { named(&number.to_string()) } else { "…".to_owned() }
}

/// A status with the name of its position, if it is one.
fn named(status: &str) -> String {
    match Position::from_plain_number(status).and_then(|position| DEFAULT.sector(position)) {
        Some(sector) => format!("{status} {}", sector.name),
        None => status.escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lever_and_pointer_stand_above_and_below_their_numbers() {
        let mut face = Face::new("http://127.0.0.1:1873".to_owned());
        for number in 1..=11 {
            face.lever = number;
            let pulse = Some(instrument::WALL.pulse(number * 1_000));
            face.pins = Some(Pins { pulse, ..Pins::default() });
            let drawn = face.draw(false);
            let lines: Vec<_> = drawn.lines().collect();
            assert_eq!(lines.len(), LINES);
            let column = |line: &str, mark: &str| {
                let at = line.find(mark).unwrap_or_else(|| panic!("no {mark:?} in {line:?}"));
                line[..at].chars().count()
            };
            let number = format!(" {number} ");
            let under = column(lines[2], &number) + 1;
            assert_eq!(column(lines[1], "▼"), under, "{drawn}");
            assert_eq!(column(lines[3], "▲"), under, "{drawn}");
        }
    }

    #[test]
    fn a_pointer_on_its_way_shows_no_position() {
        assert_eq!(nearest(7_000), "7 COFFEE");
        assert_eq!(nearest(7_300), "…");
    }
}
