//! Where the positions of one built instrument are. It does not know what they mean.

use chadburn_core::{DEFAULT, Position};

/// One position, in the unit in which lever and pointer are reckoned.
pub(crate) const MILLI: i32 = 1_000;

/// What differs from one built instrument to the next. `firmware/README.md` says how to find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// How many positions the dial has, 3 to 24.
    pub positions: u8,
    /// What the lever's converter reads at the first and at the last position, 0 to 4095; the last
    /// may be the smaller one.
    pub lever: [u16; 2],
    /// The servo's pulse at the first and at the last position, in microseconds; either way round.
    pub servo: [u16; 2],
}

/// The instrument on the first office's wall, wired as `firmware/README.md` draws it: the lever's
/// potentiometer of 270° between two resistors of a tenth of its own, with ten times its own from the
/// wiper to ground, and a servo of 270° over 500 to 2500 µs, each with its middle at the top of the
/// dial.
pub const WALL: Calibration = Calibration {
    // Eleven; a constant cannot be converted otherwise.
    #[expect(clippy::cast_possible_truncation, reason = "a dial has at most 24 positions")]
    positions: DEFAULT.sectors.len() as u8,
    lever: [718, 3306],
    servo: [728, 2272],
};

impl Calibration {
    /// The position with this number, if the instrument has it.
    #[must_use]
    pub fn position(&self, number: i32) -> Option<Position> {
        let number = u8::try_from(number).ok().filter(|number| *number <= self.positions)?;
        Position::new(number)
    }

    /// Where a converter's reading is on the dial, in thousandths of a position; beyond the ends
    /// too.
    pub(crate) fn lever_at(&self, raw: u16) -> i32 {
        let [first, last] = self.lever.map(i32::from);
        MILLI + (i32::from(raw) - first) * self.span() / (last - first)
    }

    /// The converter's reading with the lever there, in thousandths of a position.
    #[must_use]
    pub fn lever_raw(&self, milli: i32) -> u16 {
        self.between(self.lever, milli).clamp(0, 4_095)
    }

    /// The pulse that holds the servo there, in microseconds.
    #[must_use]
    pub fn pulse(&self, milli: i32) -> u16 {
        self.between(self.servo, milli.clamp(MILLI, MILLI + self.span()))
    }

    fn between(&self, [first, last]: [u16; 2], milli: i32) -> u16 {
        let (first, last) = (i32::from(first), i32::from(last));
        let value = first + (milli - MILLI) * (last - first) / self.span();
        u16::try_from(value.max(0)).unwrap_or(u16::MAX)
    }

    /// From the first to the last position, in thousandths of one.
    fn span(&self) -> i32 {
        (i32::from(self.positions) - 1) * MILLI
    }
}
