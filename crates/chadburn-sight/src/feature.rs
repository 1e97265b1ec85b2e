//! What a thing looks like, as 208 numbers that change little with the light and the camera. It knows things by their
//! looks: no faces, no letters, and nothing of where they are.

pub mod matcher;
mod patch;

use std::error::Error;
use std::fmt;

use crate::grey::between;
use crate::image::{Rect, Rgb};
use patch::{Crop, Patch, SIDE};

/// How many numbers a map has: 2 × 2 cells of 20 for colour, then 4 × 4 cells of 8 for gradients.
pub const LENGTH: usize = COLOUR + GRADIENT;

/// Cells on a side, and numbers in a cell, of the part for colour: 16 hues, then 4 steps of brightness for what has
/// none.
const COLOURS: (usize, usize) = (2, HUES + LEVELS);
const HUES: usize = 16;
const LEVELS: usize = 4;
const COLOUR: usize = COLOURS.0 * COLOURS.0 * COLOURS.1;

/// Cells on a side, and directions in a cell, of the part for gradients. Directions go all around: dark to light is
/// another one than light to dark.
const GRADIENTS: (usize, usize) = (4, 8);
const GRADIENT: usize = GRADIENTS.0 * GRADIENTS.0 * GRADIENTS.1;

/// How much of the whole the gradients are; colours are the rest. This and what follows was chosen on rendered things
/// (`examples/measure`), for the most that are found at 1 % false.
const GRADIENT_SHARE: f32 = 0.65;

/// The chroma at which a pixel begins to have a hue, and at which it has nothing else, as shares of its brightness.
const CHROMA: (f32, f32) = (0.2, 0.6);

/// A gradient below this counts little beside those of a cell, in levels of 255 from pixel to pixel of the patch.
const FAINT: f32 = 0.5;

/// By how many degrees a thing may be turned from one camera to another: it is looked at in each of these ways.
const TURNS: [f32; 5] = [0.0, 20.0, -20.0, 40.0, -40.0];

/// What a thing looks like: [`LENGTH`] numbers, none negative, of which the squares add up to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    values: Box<[f32; LENGTH]>,
}

/// Why numbers are no map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureError {
    /// There are not [`LENGTH`] of them, but so many.
    Length(usize),
    /// One is negative, infinite or no number, or all are 0.
    Values,
}

impl fmt::Display for FeatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(actual) => write!(f, "a feature map of {actual} numbers, not {LENGTH}"),
            Self::Values => {
                write!(f, "a feature map has finite numbers from 0 on, not all of them 0")
            }
        }
    }
}

impl Error for FeatureError {}

impl TryFrom<&[f32]> for FeatureMap {
    type Error = FeatureError;

    /// A map of numbers from elsewhere, brought to length 1.
    fn try_from(values: &[f32]) -> Result<Self, FeatureError> {
        let array: [f32; LENGTH] =
            values.try_into().map_err(|_| FeatureError::Length(values.len()))?;
        if array.iter().any(|it| !it.is_finite() || *it < 0.0) {
            return Err(FeatureError::Values);
        }
        Self::unit(&array).ok_or(FeatureError::Values)
    }
}

impl FeatureMap {
    /// The mean of some maps; none if there are none.
    #[must_use]
    pub fn mean<'a>(maps: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut sum = [0.0; LENGTH];
        for map in maps {
            sum.iter_mut().zip(map.values.iter()).for_each(|(sum, value)| *sum += value);
        }
        Self::unit(&sum)
    }

    /// Its numbers: those of colour first, cell by cell and row by row.
    #[must_use]
    pub fn values(&self) -> &[f32; LENGTH] {
        &self.values
    }

    /// How alike two things look: 0 to 1.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        let products = self.values.iter().zip(other.values.iter()).map(|(a, b)| a * b);
        products.sum::<f32>().min(1.0)
    }

    /// The map of a patch.
    fn of(patch: &Patch) -> Self {
        let mut values = [0.0; LENGTH];
        let (colours, gradients) = values.split_at_mut(COLOUR);
        count_colours(patch, colours);
        count_gradients(patch, gradients);
        // Each pixel has a hue or a level of brightness, so that never all are 0.
        Self::unit(&values.map(f32::sqrt)).unwrap_or(Self { values: Box::new([0.0; LENGTH]) })
    }

    /// These numbers brought to length 1, or nothing if they have none.
    fn unit(values: &[f32; LENGTH]) -> Option<Self> {
        // In f64 no square of finite numbers overflows.
        let length = values.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>().sqrt();
        let values = || values.map(|it| (f64::from(it) / length) as f32);
        (length > 0.0).then(|| Self { values: Box::new(values()) })
    }
}

/// How a thing looks in one picture: as it stands, and as it would if it were turned a little, so that it is known again
/// before a camera that hangs askew.
#[derive(Clone, Debug, PartialEq)]
pub struct Looks {
    maps: [FeatureMap; TURNS.len()],
}

impl Looks {
    /// The looks of what is in a box of a picture with this balance.
    ///
    /// ```
    /// use chadburn_sight::feature::{Balance, Looks};
    /// use chadburn_sight::image::{Rect, Rgb, Size};
    ///
    /// let picture = Rgb::filled(Size::new(64, 48)?, [200, 60, 60]);
    /// let rect = Rect::new([0.2, 0.2, 0.6, 0.6]).expect("it is in the picture");
    /// let looks = Looks::of(&picture, rect, &Balance::of(&picture));
    /// assert!((looks.upright().cosine(looks.upright()) - 1.0).abs() < 1e-5);
    /// # Ok::<(), chadburn_sight::image::ImageError>(())
    /// ```
    #[must_use]
    pub fn of(picture: &Rgb, rect: Rect, balance: &Balance) -> Self {
        let crop = Crop::new(picture, rect, balance);
        Self { maps: TURNS.map(|it| FeatureMap::of(&crop.patch(it.to_radians()))) }
    }

    /// The map as the thing stands: the one to look for.
    #[must_use]
    pub const fn upright(&self) -> &FeatureMap {
        &self.maps[0]
    }

    /// How alike these looks are to a map, turned so that it is most: 0 to 1. Of several pictures of one thing it is
    /// the mean, and none is alike to nothing.
    pub fn alike<'a>(pictures: impl IntoIterator<Item = &'a Self>, map: &FeatureMap) -> f32 {
        let mut sums = [0.0; TURNS.len()];
        let mut count = 0.0;
        for looks in pictures {
            count += 1.0;
            sums.iter_mut().zip(&looks.maps).for_each(|(sum, it)| *sum += it.cosine(map));
        }
        sums.into_iter().fold(0.0, f32::max) / f32::max(count, 1.0)
    }
}

/// By how much the channels of a picture must be amplified so that its mean is grey (the assumption of a grey world),
/// and of the same brightness whatever the camera's gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    factors: [f32; 3],
}

impl Balance {
    /// The mean that each channel is brought to, in levels of 255.
    const MEAN: f32 = 110.0;

    /// The least and the most amplification: night is not made day.
    const RANGE: (f32, f32) = (0.25, 4.0);

    /// From this level on a channel may have been cut off, so that its colour is unknown.
    const CUT_OFF: u8 = 250;

    /// Of how many pixels the mean is taken.
    const SAMPLES: usize = 20_000;

    /// The balance of a whole picture; of a thing alone it takes its colour away.
    #[must_use]
    pub fn of(picture: &Rgb) -> Self {
        let step = (picture.size().pixels() / Self::SAMPLES) | 1;
        let mut sums = [0_u32; 4];
        for pixel in picture.bytes().chunks_exact(3).step_by(step) {
            if pixel.iter().all(|it| *it < Self::CUT_OFF) {
                for (sum, value) in sums.iter_mut().zip(pixel.iter().chain(&[1])) {
                    *sum += u32::from(*value);
                }
            }
        }
        let [r, g, b, pixels] = sums.map(|it| it as f32);
        let factor = |sum: f32| {
            // Where all is cut off, nothing is known.
            let factor = if pixels > 0.0 { Self::MEAN * pixels / sum.max(1.0) } else { 1.0 };
            factor.clamp(Self::RANGE.0, Self::RANGE.1)
        };
        Self { factors: [r, g, b].map(factor) }
    }
}

/// Counts hues and levels of brightness; each cell's counts add up to its share of what is not gradients.
fn count_colours(patch: &Patch, counts: &mut [f32]) {
    let (cells, bins) = COLOURS;
    for (x, y) in places(0) {
        let [r, g, b] = patch.colour(x, y);
        let (most, least) = (r.max(g).max(b), r.min(g).min(b));
        // A black pixel has no chroma rather than any.
        let chroma = (most - least) / (most + 1.0);
        let coloured = ((chroma - CHROMA.0) / (CHROMA.1 - CHROMA.0)).clamp(0.0, 1.0);
        let level = (most / 255.0).min(1.0) * LEVELS as f32 - 0.5;
        let (dark, light, share) = between(level, LEVELS);
        let (hue, next, rest) = around(hue([r, g, b], most, least), HUES);
        for (cell, weight) in near(x, y, cells) {
            let counts = &mut counts[cell * bins..][..bins];
            let weight = weight * Patch::weight(x, y);
            counts[hue] += weight * coloured * (1.0 - rest);
            counts[next] += weight * coloured * rest;
            counts[HUES + dark] += weight * (1.0 - coloured) * (1.0 - share);
            counts[HUES + light] += weight * (1.0 - coloured) * share;
        }
    }
    for counts in counts.chunks_exact_mut(bins) {
        scale(counts, 0.0, (1.0 - GRADIENT_SHARE) / (cells * cells) as f32);
    }
}

/// Counts the directions in which it gets brighter; each cell's counts add up to nearly its share of the gradients,
/// and to less where hardly anything is steep.
fn count_gradients(patch: &Patch, counts: &mut [f32]) {
    let (cells, bins) = GRADIENTS;
    let mut weights = vec![0.0; cells * cells];
    for (x, y) in places(1) {
        let [dx, dy] = patch.gradient(x, y);
        let steepness = dx.hypot(dy);
        let turn = dy.atan2(dx) / std::f32::consts::TAU;
        let (direction, next, rest) = around(turn, bins);
        for (cell, weight) in near(x, y, cells) {
            let weight = weight * Patch::weight(x, y);
            weights[cell] += weight;
            counts[cell * bins + direction] += weight * steepness * (1.0 - rest);
            counts[cell * bins + next] += weight * steepness * rest;
        }
    }
    let all: f32 = weights.iter().sum();
    for (counts, weight) in counts.chunks_exact_mut(bins).zip(weights) {
        scale(counts, FAINT * weight, GRADIENT_SHARE * weight / all);
    }
}

/// Brings counts to this sum; `more` is added to what they are divided by.
fn scale(counts: &mut [f32], more: f32, sum: f32) {
    let now = counts.iter().sum::<f32>() + more;
    if now > 0.0 {
        for count in counts {
            *count *= sum / now;
        }
    }
}

/// The pixels of a patch without a margin.
fn places(margin: usize) -> impl Iterator<Item = (usize, usize)> {
    let range = margin..SIDE - margin;
    range.clone().flat_map(move |y| range.clone().map(move |x| (x, y)))
}

/// The cells around a pixel of a patch, with how much it belongs to each.
fn near(x: usize, y: usize, cells: usize) -> [(usize, f32); 4] {
    let place = |at: usize| between((at as f32 + 0.5) / SIDE as f32 * cells as f32 - 0.5, cells);
    let ((left, right, across), (upper, lower, down)) = (place(x), place(y));
    [
        (upper * cells + left, (1.0 - down) * (1.0 - across)),
        (upper * cells + right, (1.0 - down) * across),
        (lower * cells + left, down * (1.0 - across)),
        (lower * cells + right, down * across),
    ]
}

/// The two of so many bins in a circle around a place, in turns, and how far it is from the first to the second.
fn around(turns: f32, bins: usize) -> (usize, usize, f32) {
    let at = turns.rem_euclid(1.0) * bins as f32;
    let first = at as usize;
    (first % bins, (first + 1) % bins, at - first as f32)
}

/// The hue in turns: 0 is red, a third green.
fn hue([r, g, b]: [f32; 3], most: f32, least: f32) -> f32 {
    let chroma = (most - least).max(1e-3);
    let sixths = if r >= g && r >= b {
        (g - b) / chroma
    } else if g >= b {
        2.0 + (b - r) / chroma
    } else {
        4.0 + (r - g) / chroma
    };
    sixths / 6.0
}

#[cfg(test)]
mod tests;
