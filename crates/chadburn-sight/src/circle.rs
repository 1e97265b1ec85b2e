//! Finds circles: edges vote for the centres that their gradient points to, and the best are fitted to the edge
//! between pixels. It knows no colour, and no circle of another picture.

mod edges;
mod refine;
mod votes;

use std::error::Error;
use std::fmt;

use crate::grey::Grey;
use crate::image::{Rect, Size};

/// A circle. The centre of the upper left pixel is (0, 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// How far the centre is to the right, in pixels.
    pub x: f32,
    /// How far the centre is down, in pixels.
    pub y: f32,
    /// The radius, in pixels.
    pub r: f32,
    /// Along how much of the circle there is an edge in the picture: 0 to 1.
    pub support: f32,
}

impl Circle {
    /// The box around it in a picture of this size, or none if it is outside.
    #[must_use]
    pub fn rect(&self, size: Size) -> Option<Rect> {
        // Shares count from the upper left corner of the first pixel, circles from its centre.
        let (x, y, r) = (self.x + 0.5, self.y + 0.5, self.r);
        let [width, height] = [size.width() as f32, size.height() as f32];
        Rect::new([(x - r) / width, (y - r) / height, (x + r) / width, (y + r) / height])
    }
}

/// Which circles are looked for.
///
/// ```
/// use chadburn_sight::circle::Search;
///
/// let search = Search::new(10.0, 40.0)?.most(1).support(0.7);
/// assert!(Search::new(40.0, 10.0).is_err());
/// # Ok::<(), chadburn_sight::circle::SearchError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    smallest: f32,
    largest: f32,
    most: usize,
    support: f32,
    contrast: f32,
}

/// The radii make no sense: they are [`Search::SMALLEST`] at least, finite, and the smaller one first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchError {
    /// The smallest radius that was asked for, in pixels.
    pub smallest: f32,
    /// The largest radius that was asked for, in pixels.
    pub largest: f32,
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { smallest, largest } = self;
        let least = Search::SMALLEST;
        write!(
            f,
            "radii from {smallest} to {largest} px; the first is {least} at least, the other no less"
        )
    }
}

impl Error for SearchError {}

impl Search {
    /// The smallest radius, in pixels: a smaller circle has too few edges to tell it from a speck.
    pub const SMALLEST: f32 = 4.0;

    /// The most circles that are found in one picture.
    pub const MOST: usize = 32;

    /// Circles of these radii, in pixels; at most 32 of them, with an edge along 60 % that is 12 levels high.
    pub fn new(smallest: f32, largest: f32) -> Result<Self, SearchError> {
        if smallest >= Self::SMALLEST && largest >= smallest && largest.is_finite() {
            Ok(Self { smallest, largest, most: Self::MOST, support: 0.6, contrast: 12.0 })
        } else {
            Err(SearchError { smallest, largest })
        }
    }

    /// At most so many, 1 to 32. Fewer take less time.
    #[must_use]
    pub fn most(self, most: usize) -> Self {
        Self { most: most.clamp(1, Self::MOST), ..self }
    }

    /// Along how much of a circle there must be an edge: 0.3 to 1. What is not a number changes nothing.
    #[must_use]
    pub fn support(self, support: f32) -> Self {
        let support = if support.is_nan() { self.support } else { support.clamp(0.3, 1.0) };
        Self { support, ..self }
    }

    /// How many levels of grey an edge must be high: 2 to 128. What is not a number changes nothing.
    #[must_use]
    pub fn contrast(self, contrast: f32) -> Self {
        let contrast = if contrast.is_nan() { self.contrast } else { contrast.clamp(2.0, 128.0) };
        Self { contrast, ..self }
    }

    /// The circles in this picture, those with the most support first. Time and memory are bounded whatever is in
    /// it: larger pictures are searched at a smaller scale, and the finds are fitted at their own.
    ///
    /// ```
    /// use chadburn_sight::circle::Search;
    /// use chadburn_sight::grey::Grey;
    /// use chadburn_sight::scene::View;
    /// use chadburn_sight::scene::ball::{self, Ball};
    ///
    /// let truth = Ball::new(1).next().expect("it never ends");
    /// let picture = ball::render(&truth, &View::default(), 0);
    /// let found = Search::new(10.0, 40.0)?.most(1).find(&Grey::from_rgb(&picture));
    /// assert!((found[0].x - truth.x).abs() < 0.1 && (found[0].y - truth.y).abs() < 0.1);
    /// # Ok::<(), chadburn_sight::circle::SearchError>(())
    /// ```
    #[must_use]
    pub fn find(&self, grey: &Grey) -> Vec<Circle> {
        let (scale, small) = reduced(grey, self.smallest);
        let looked_at = small.as_ref().unwrap_or(grey);
        let radii = [self.smallest / scale, self.largest / scale];
        let edges = edges::edges(&looked_at.gradients(), self.contrast);
        let mut found: Vec<Circle> = Vec::new();
        for guess in votes::candidates(&edges, looked_at.size(), radii, self) {
            if found.iter().any(|it| is_same(it, &enlarged(guess, scale))) {
                continue;
            }
            // What was searched at a smaller scale has less noise there, and its details here.
            let near = refine::refine(looked_at, guess, FROM_VOTES, self);
            let circle = if small.is_some() {
                let off = if near.is_some() { FITTED } else { FROM_VOTES };
                let guess = enlarged(near.unwrap_or(guess), scale);
                refine::refine(grey, guess, off * scale, self)
            } else {
                near
            };
            let Some(circle) = circle else { continue };
            // The edge may be a little beyond the radius that was asked for.
            let is_wanted = (self.smallest - 0.5..=self.largest + 0.5).contains(&circle.r)
                && circle.support >= self.support;
            if is_wanted && !found.iter().any(|it| is_same(it, &circle)) {
                found.push(circle);
                if found.len() == self.most && circle.support > SURE {
                    break;
                }
            }
        }
        found.sort_by(|a, b| b.support.total_cmp(&a.support));
        found.truncate(self.most);
        found
    }
}

/// By how many pixels a circle may be off that was voted for.
const FROM_VOTES: f32 = 3.0;

/// The same of one that was fitted, in a picture that is smaller than the one that counts.
const FITTED: f32 = 1.0;

/// From this support on nothing better is looked for.
const SURE: f32 = 0.9;

/// The longest side of a picture in which small circles are searched, in pixels.
const LONGEST: usize = 1000;

/// The picture at the smallest scale at which the smallest circle can be seen, or is small enough as a whole; and how
/// much smaller that is. None if it is the picture itself.
fn reduced(grey: &Grey, smallest: f32) -> (f32, Option<Grey<'static>>) {
    let mut scale = 1.0;
    let mut small: Option<Grey<'static>> = None;
    loop {
        let now = small.as_ref().unwrap_or(grey);
        let longest = now.size().width().max(now.size().height());
        if longest <= LONGEST && smallest / (scale * 2.0) < Search::SMALLEST {
            return (scale, small);
        }
        small = Some(now.half());
        scale *= 2.0;
    }
}

/// A circle of a picture that is so many times smaller, in this one.
fn enlarged(circle: Circle, scale: f32) -> Circle {
    let [x, y] = [circle.x, circle.y].map(|it| (it + 0.5) * scale - 0.5);
    Circle { x, y, r: circle.r * scale, ..circle }
}

/// Whether two finds are one circle.
fn is_same(a: &Circle, b: &Circle) -> bool {
    let apart = (a.x - b.x).hypot(a.y - b.y) + (a.r - b.r).abs();
    apart < 0.4 * a.r.min(b.r)
}

#[cfg(test)]
mod tests;
