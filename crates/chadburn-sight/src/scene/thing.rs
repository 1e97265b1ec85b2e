//! Things with a shape, two colours and a pattern. Two of consecutive numbers, the first one even, have like colours
//! and another pattern, so that they can only be told apart by more than colour.

use super::canvas::Light;
use super::random::Random;

/// What a thing is covered with.
#[derive(Clone, Copy, Debug)]
struct Pattern {
    /// Which of the [`PATTERNS`] it is.
    kind: u64,
    /// How it is turned, in radians.
    angle: f32,
    /// How wide what comes again is, as a share of the thing's size.
    width: f32,
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
            pattern: Pattern {
                kind,
                angle: random.between(0.0, std::f32::consts::PI),
                width: random.between(0.45, 0.8),
            },
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
    /// How far a point is inside of what has the second colour; negative outside.
    fn depth(self, [x, y]: [f32; 2]) -> f32 {
        let (sin, cos) = self.angle.sin_cos();
        let (u, v, width) = (x * cos + y * sin, y * cos - x * sin, self.width);
        let saw = |at: f32, width: f32| (at / width).rem_euclid(1.0) - 0.5;
        let stripe = |at: f32, width: f32| (0.25 - saw(at, width).abs()) * width;
        match self.kind {
            0 => stripe(u, width),
            1 => {
                let (a, b) = (stripe(u, 1.5 * width), stripe(v, 1.5 * width));
                a.abs().min(b.abs()) * a.signum() * b.signum()
            }
            2 => (0.33 - saw(u, width).hypot(saw(v, width))) * width,
            3 => stripe(u.hypot(v), width),
            4 => u,
            5 => (3.0 * v.atan2(u)).sin() * u.hypot(v) / 3.0,
            6 => 0.4 * width - u.abs().min(v.abs()),
            _ => u.min(v) + 0.2,
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
