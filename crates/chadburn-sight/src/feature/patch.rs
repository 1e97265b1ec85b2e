//! What is in a box, brought to one size, one light and one sharpness.

use super::Balance;
use crate::grey::between;
use crate::image::{Rect, Rgb};

/// The side of a patch, in pixels.
pub(super) const SIDE: usize = 24;

/// How much of the way from the middle to the sides of a box a patch reaches: what is near the sides is partly background.
const WITHIN: f32 = 0.92;

/// The surroundings of a box, with so many pixels as patches need, in the light of the balance.
pub(super) struct Crop {
    /// Red, green and blue in levels of 255, row by row; bright ones may be above.
    colours: Vec<[f32; 3]>,
    columns: usize,
    rows: usize,
    /// Where the middle of the box is.
    middle: [f32; 2],
    /// How far the pixels of a patch are apart: 1 to 2, or less in a small box.
    step: f32,
}

impl Crop {
    pub(super) fn new(picture: &Rgb, rect: Rect, balance: &Balance) -> Self {
        let size = picture.size();
        let [width, height] = [size.width() as f32, size.height() as f32];
        let [across, down] = rect.extent();
        // A square with the box's area: a long thing is not drawn together, so that it stays itself when it is turned.
        let side = (across * width * down * height).sqrt() * WITHIN;
        // Pixels are put together in squares until a patch needs no more of them.
        let square = ((side / SIDE as f32) as usize).max(1);
        let [x, y] = rect.centre();
        let (x, y) = (x * width, y * height);
        // Its corners, however it is turned, and a pixel to be between.
        let reach = side * std::f32::consts::FRAC_1_SQRT_2 + square as f32;
        let range = |at: f32, length: usize| {
            let first = ((at - reach).max(0.0) as usize).min(length - 1);
            (
                first,
                ((at + reach).min(length as f32) as usize)
                    .saturating_sub(first)
                    .div_ceil(square)
                    .max(1),
            )
        };
        let ((left, columns), (top, rows)) = (range(x, size.width()), range(y, size.height()));
        let mut colours = Vec::with_capacity(columns * rows);
        for at in 0..columns * rows {
            let (left, top) = (left + at % columns * square, top + at / columns * square);
            let mut sum = [0_u32; 3];
            for y in top..top + square {
                for x in left..left + square {
                    let pixel = picture.pixel(x, y);
                    sum.iter_mut().zip(pixel).for_each(|(sum, it)| *sum += u32::from(it));
                }
            }
            let count = (square * square) as f32;
            colours.push([0, 1, 2].map(|it| sum[it] as f32 * balance.factors[it] / count));
        }
        let place = |at: f32, first: usize| (at - first as f32) / square as f32 - 0.5;
        let step = side / (SIDE * square) as f32;
        Self { colours, columns, rows, middle: [place(x, left), place(y, top)], step }
    }

    /// The patch in the middle, as if the picture had been turned by so many radians around it.
    pub(super) fn patch(&self, turn: f32) -> Patch {
        let (sin, cos) = turn.sin_cos();
        let (sin, cos) = (sin * self.step, cos * self.step);
        let mut colours = Vec::with_capacity(SIDE * SIDE);
        for (x, y) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))) {
            let [u, v] = [x, y].map(|it| it as f32 + 0.5 - SIDE as f32 / 2.0);
            colours.push(
                self.sample(self.middle[0] + u * cos - v * sin, self.middle[1] + u * sin + v * cos),
            );
        }
        let brightness = colours.iter().map(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b);
        let brightness = smoothed(&brightness.collect::<Vec<_>>());
        Patch { colours, brightness }
    }

    /// The colour at a point between pixels; beyond the edge that of the edge.
    fn sample(&self, x: f32, y: f32) -> [f32; 3] {
        let (left, right, across) = between(x, self.columns);
        let (upper, lower, down) = between(y, self.rows);
        let along = |y: usize| {
            let (a, b) =
                (self.colours[y * self.columns + left], self.colours[y * self.columns + right]);
            [0, 1, 2].map(|it| a[it] + (b[it] - a[it]) * across)
        };
        let (top, bottom) = (along(upper), along(lower));
        [0, 1, 2].map(|it| top[it] + (bottom[it] - top[it]) * down)
    }
}

/// A square of [`SIDE`] pixels.
pub(super) struct Patch {
    /// Red, green and blue in levels of 255; bright ones may be above.
    colours: Vec<[f32; 3]>,
    /// How bright each is after a little smoothing.
    brightness: Vec<f32>,
}

impl Patch {
    pub(super) fn colour(&self, x: usize, y: usize) -> [f32; 3] {
        self.colours[y * SIDE + x]
    }

    /// How steep it is inside of the margin, in levels from pixel to pixel.
    pub(super) fn gradient(&self, x: usize, y: usize) -> [f32; 2] {
        let at = y * SIDE + x;
        let half =
            |before: usize, after: usize| (self.brightness[after] - self.brightness[before]) / 2.0;
        [half(at - 1, at + 1), half(at - SIDE, at + SIDE)]
    }

    /// How much a pixel counts: 1 in the middle, 0 at the middle of a side and beyond. What is near the sides of a box is
    /// covered or background more often than what is in its middle.
    pub(super) fn weight(x: usize, y: usize) -> f32 {
        let from_middle = |at: usize| (at as f32 + 0.5) / (SIDE as f32 / 2.0) - 1.0;
        (1.0 - from_middle(x).powi(2) - from_middle(y).powi(2)).max(0.0).powi(3)
    }
}

/// A plane smoothed with the weights 1, 2, 1 in both directions, so that a sharp camera sees what a soft one does.
fn smoothed(plane: &[f32]) -> Vec<f32> {
    let three = |plane: &[f32], at: usize, place: usize, step: usize| {
        let before = if place > 0 { at - step } else { at };
        let after = if place + 1 < SIDE { at + step } else { at };
        (plane[before] + 2.0 * plane[at] + plane[after]) / 4.0
    };
    let along: Vec<_> = (0..plane.len()).map(|at| three(plane, at, at % SIDE, 1)).collect();
    (0..plane.len()).map(|at| three(&along, at, at / SIDE, SIDE)).collect()
}
