//! Things with a shape, two colours and a pattern. Two of consecutive numbers, the first one even, have like colours
//! and another pattern, so that they can only be told apart by more than colour.

use super::canvas::Light;
use super::random::Random;

/// What a thing is covered with. Lengths are shares of its size, angles in radians.
#[derive(Clone, Copy, Debug)]
enum Pattern {
    Stripes { angle: f32, width: f32 },
    Checks { angle: f32, width: f32 },
    Dots { width: f32 },
    Rings { width: f32 },
    Halves { angle: f32 },
    Wedges { count: f32, angle: f32 },
    Cross { angle: f32, width: f32 },
    Corner { x: f32, y: f32 },
}

/// How many patterns there are.
const PATTERNS: u64 = 8;

/// How many pairs have another hue each; then they come again.
const HUES: u64 = 12;

/// A thing.
#[derive(Clone, Debug)]
pub struct Thing {
    /// Half of its width and height; the larger one is 1.
    half: [f32; 2],
    /// How round its corners are: 1 makes a disc of a square.
    round: f32,
    colours: [Light; 2],
    pattern: Pattern,
}

impl Thing {
    /// The thing of a number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let pair = number / 2;
        let mut of_pair = Random::new(pair);
        let hue = (pair % HUES) as f32 / HUES as f32;
        let strong = coloured(hue, of_pair.between(0.6, 0.9), of_pair.between(150.0, 220.0));
        let other = match pair % 3 {
            0 => [230.0; 3],
            1 => [35.0; 3],
            _ => coloured(hue + of_pair.between(0.3, 0.7), 0.7, 190.0),
        };
        let mut random = Random::new(!number);
        // The two of a pair are three kinds apart.
        let kind = pair.wrapping_mul(5).wrapping_add(3 * (number % 2)) % PATTERNS;
        let long = random.between(0.7, 1.0);
        Self {
            half: if random.bits() & 1 == 0 { [1.0, long] } else { [long, 1.0] },
            round: random.between(0.1, 1.0),
            colours: [strong, other],
            pattern: Pattern::new(kind, &mut random),
        }
    }

    /// Half of its width and height; the larger one is 1.
    #[must_use]
    pub const fn half(&self) -> [f32; 2] {
        self.half
    }

    /// The light at a point of a thing of size 1, and how far the point is outside. `fine` is how many pixels 1 is.
    pub(super) fn at(&self, [x, y]: [f32; 2], fine: f32) -> (Light, f32) {
        let round = self.round * self.half[0].min(self.half[1]);
        let [dx, dy] = [x.abs() - self.half[0] + round, y.abs() - self.half[1] + round];
        let outside = dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - round;
        let share = (0.5 + self.pattern.depth([x, y]) * fine).clamp(0.0, 1.0);
        let [a, b] = &self.colours;
        ([0, 1, 2].map(|it| a[it] + (b[it] - a[it]) * share), outside)
    }
}

impl Pattern {
    fn new(kind: u64, random: &mut Random) -> Self {
        let angle = random.between(0.0, std::f32::consts::PI);
        let width = random.between(0.45, 0.8);
        match kind {
            0 => Self::Stripes { angle, width },
            1 => Self::Checks { angle, width: width * 1.5 },
            2 => Self::Dots { width },
            3 => Self::Rings { width },
            4 => Self::Halves { angle: angle * 2.0 },
            5 => Self::Wedges { count: (random.bits() % 3 + 2) as f32, angle },
            6 => Self::Cross { angle, width: width * 0.4 },
            _ => Self::Corner { x: angle.cos() * 0.2, y: angle.sin() * 0.4 - 0.2 },
        }
    }

    /// How far a point is inside of what has the second colour; negative outside.
    fn depth(self, [x, y]: [f32; 2]) -> f32 {
        let along = |angle: f32| x * angle.cos() + y * angle.sin();
        let across = |angle: f32| y * angle.cos() - x * angle.sin();
        let stripe =
            |at: f32, width: f32| (0.25 - ((at / width).rem_euclid(1.0) - 0.5).abs()) * width;
        match self {
            Self::Stripes { angle, width } => stripe(along(angle), width),
            Self::Checks { angle, width } => {
                let (a, b) = (stripe(along(angle), width), stripe(across(angle), width));
                a.abs().min(b.abs()) * a.signum() * b.signum()
            }
            Self::Dots { width } => {
                let [x, y] = [x, y].map(|it| (it / width).rem_euclid(1.0) - 0.5);
                (0.33 - x.hypot(y)) * width
            }
            Self::Rings { width } => stripe(x.hypot(y), width),
            Self::Halves { angle } => along(angle),
            Self::Wedges { count, angle } => {
                ((y.atan2(x) + angle) * count).sin() * x.hypot(y) / count
            }
            Self::Cross { angle, width } => width - along(angle).abs().min(across(angle).abs()),
            Self::Corner { x: left, y: top } => (x - left).min(y - top),
        }
    }
}

/// A colour of a hue in turns, by how much of it is colour and how bright it is.
fn coloured(hue: f32, saturation: f32, level: f32) -> Light {
    // The three channels rise and fall a third of a turn apart.
    [0.0, 2.0, 4.0].map(|shift| {
        let at = (hue * 6.0 - shift + 3.0).rem_euclid(6.0) - 3.0;
        level * (1.0 - saturation * (at.abs() - 1.0).clamp(0.0, 1.0))
    })
}
