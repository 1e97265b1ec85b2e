//! The lever: from a trembling voltage to an order. It does not know what the positions mean.

use chadburn_core::Position;

use crate::calibration::{Calibration, MILLI};

/// How far from its detent, in thousandths of a position, a lever still counts as in it. More than
/// half, so that a lever between two detents does not tremble between two orders.
const HOLD: i32 = 650;

/// How far beyond the first and the last position, in thousandths of one, a voltage can be the
/// lever's. A broken wire pulls it further.
const BEYOND: i32 = 750;

/// How far a lever may move, in thousandths of a position, and still count as at rest. The
/// converter's own noise is a tenth of that, and a slow hand is faster.
const STILL: i32 = 150;

/// How long a lever must be at rest before it is an order, in milliseconds.
const SETTLE_MS: u64 = 250;

/// What the lever says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is in this detent.
    At(Position),
    /// The voltage cannot be the lever's: a wire is broken.
    OutOfRange,
}

/// The lever.
#[derive(Clone, Debug)]
pub struct Lever {
    /// Where the positions are.
    calibration: Calibration,
    /// The latest three samples, the newest last; none before the first.
    recent: Option<[u16; 3]>,
    /// Where it is at the moment.
    present: Option<Present>,
    /// What they said for long enough.
    settled: Option<Reading>,
}

#[derive(Clone, Copy, Debug)]
struct Present {
    /// What the latest samples say.
    reading: Reading,
    /// Where it was when it came to rest, in thousandths of a position.
    at: i32,
    /// Since when it rests there, in milliseconds since power-up.
    since: u64,
}

impl Lever {
    /// A lever of which nothing is known yet.
    #[must_use]
    pub const fn new(calibration: Calibration) -> Self {
        Self { calibration, recent: None, present: None, settled: None }
    }

    /// Takes a sample, 0 to 4095, and says where the lever has come to rest; none before the first
    /// time. A sweep is nowhere until it ends.
    pub fn sample(&mut self, now: u64, raw: u16) -> Option<Reading> {
        let [_, older, old] = self.recent.unwrap_or([raw; 3]);
        self.recent = Some([older, old, raw]);
        // The middle one of three: a single spike is nothing.
        let middle = older.min(old).max(older.max(old).min(raw));
        let at = self.calibration.lever_at(middle);
        let reading = self.read(at);
        match self.present {
            Some(present) if present.rests(reading, at) => {
                if now.saturating_sub(present.since) >= SETTLE_MS {
                    self.settled = Some(reading);
                }
            }
            _ => self.present = Some(Present { reading, at, since: now }),
        }
        self.settled
    }

    fn read(&self, milli: i32) -> Reading {
        if let Some(Present { reading: Reading::At(held), .. }) = self.present
            && (milli - i32::from(held.number()) * MILLI).abs() <= HOLD
        {
            return Reading::At(held);
        }
        let last = i32::from(self.calibration.positions) * MILLI;
        if !(MILLI - BEYOND..=last + BEYOND).contains(&milli) {
            return Reading::OutOfRange;
        }
        let nearest = ((milli + MILLI / 2) / MILLI).clamp(1, last / MILLI);
        self.calibration.position(nearest).map_or(Reading::OutOfRange, Reading::At)
    }
}

impl Present {
    /// Whether a lever that was here and is there now has not been moved.
    fn rests(&self, reading: Reading, at: i32) -> bool {
        let out = reading == Reading::OutOfRange;
        self.reading == reading && (out || (at - self.at).abs() <= STILL)
    }
}
