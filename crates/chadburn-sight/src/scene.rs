//! Pictures of which everything is known, to measure with and to look at: a ball, and a desk with a dial and moving
//! things, as one camera or another would see them. It finds nothing.

pub mod ball;
mod canvas;
pub mod desk;
pub mod random;
pub mod thing;

use crate::circle::Circle;
use crate::image::Size;

/// How a camera sees a scene. What is out of range is brought to the nearest value in it; what is not a number is as
/// in [`View::default`], which changes nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// How much brighter everything is: 0.02 to 8.
    pub gain: f32,
    /// How much brighter red, green and blue are in addition: 0.2 to 5 each.
    pub balance: [f32; 3],
    /// The standard deviation of the noise in each channel of each pixel, in levels: 0 to 64.
    pub noise: f32,
    /// The standard deviation of the defocus, in pixels: 0 to 16.
    pub blur: f32,
    /// How much larger everything is, around the middle of the picture: 0.25 to 4.
    pub scale: f32,
    /// By how many degrees the scene is turned clockwise around the middle: -360 to 360.
    pub rotation: f32,
    /// How much of each thing's box something plain covers, from its left: 0 to 0.9.
    pub covered: f32,
}

impl Default for View {
    fn default() -> Self {
        Self {
            gain: 1.0,
            balance: [1.0; 3],
            noise: 0.0,
            blur: 0.0,
            scale: 1.0,
            rotation: 0.0,
            covered: 0.0,
        }
    }
}

impl View {
    /// The same with every value in its range.
    #[must_use]
    pub fn checked(self) -> Self {
        let or = |value: f32, least: f32, most: f32, neutral: f32| {
            if value.is_nan() { neutral } else { value.clamp(least, most) }
        };
        Self {
            gain: or(self.gain, 0.02, 8.0, 1.0),
            balance: self.balance.map(|it| or(it, 0.2, 5.0, 1.0)),
            noise: or(self.noise, 0.0, 64.0, 0.0),
            blur: or(self.blur, 0.0, 16.0, 0.0),
            scale: or(self.scale, 0.25, 4.0, 1.0),
            rotation: or(self.rotation, -360.0, 360.0, 0.0),
            covered: or(self.covered, 0.0, 0.9, 0.0),
        }
    }

    /// Where a circle of the scene is in a picture of this size.
    #[must_use]
    pub fn circle(&self, circle: Circle, size: Size) -> Circle {
        let [x, y] = self.picture(size).at([circle.x, circle.y]);
        Circle { x, y, r: circle.r * self.checked().scale, ..circle }
    }

    /// Where points of the scene are in a picture of this size, both in pixels.
    fn picture(&self, size: Size) -> Turn {
        let view = self.checked();
        Turn::new(size, view.rotation, view.scale)
    }

    /// Which points of the scene are at points of a picture of this size.
    fn scene(&self, size: Size) -> Turn {
        let view = self.checked();
        Turn::new(size, -view.rotation, view.scale.recip())
    }
}

/// Points turned around the middle of a picture, and brought nearer to it or farther away.
#[derive(Clone, Copy, Debug)]
struct Turn {
    middle: [f32; 2],
    sin: f32,
    cos: f32,
}

impl Turn {
    fn new(size: Size, degrees: f32, scale: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let middle = [size.width(), size.height()].map(|it| (it - 1) as f32 / 2.0);
        Self { middle, sin: sin * scale, cos: cos * scale }
    }

    fn at(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [mx, my] = self.middle;
        let (dx, dy) = (x - mx, y - my);
        [mx + dx * self.cos - dy * self.sin, my + dx * self.sin + dy * self.cos]
    }
}

#[cfg(test)]
mod tests;
