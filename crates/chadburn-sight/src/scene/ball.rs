//! A ball that flies through a square room and is thrown back by its walls.

use super::View;
use super::canvas::Canvas;
use super::random::Random;
use crate::circle::Circle;
use crate::image::{Rgb, Size};

/// The room, in pixels.
pub const SIZE: Size = match Size::new(400, 400) {
    Ok(size) => size,
    Err(_) => panic!("a picture may be of this size"),
};

/// The ball's radius, in pixels.
pub const RADIUS: f32 = 20.0;

/// Where it starts, in pixels.
const START: [f32; 2] = [280.0, 60.0];

/// How far it flies from one picture to the next in either direction, in pixels: by chance, after each wall.
const SPEED: (f32, f32) = (1.0, 4.0);

/// The ball's colour.
const COLOUR: [f32; 3] = [240.0, 120.0, 40.0];

/// The room's colour.
const ROOM: [f32; 3] = [24.0, 28.0, 32.0];

/// A flight without end, one circle a picture. The ball stays within the room as a whole.
#[derive(Clone, Debug)]
pub struct Ball {
    at: [f32; 2],
    speed: [f32; 2],
    random: Random,
}

impl Ball {
    /// The flight of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let speed = [(); 2].map(|()| {
            let way = if random.bits() & 1 == 0 { 1.0 } else { -1.0 };
            way * random.between(SPEED.0, SPEED.1)
        });
        Self { at: START, speed, random }
    }
}

impl Iterator for Ball {
    type Item = Circle;

    fn next(&mut self) -> Option<Circle> {
        let circle = Circle { x: self.at[0], y: self.at[1], r: RADIUS, support: 1.0 };
        // The walls are the outer edges of the outermost pixels.
        let walls =
            [SIZE.width(), SIZE.height()].map(|it| (RADIUS - 0.5, it as f32 - 0.5 - RADIUS));
        for ((at, speed), (first, last)) in self.at.iter_mut().zip(&mut self.speed).zip(walls) {
            *at += *speed;
            if *at < first {
                *speed = self.random.between(SPEED.0, SPEED.1);
            } else if *at > last {
                *speed = -self.random.between(SPEED.0, SPEED.1);
            }
            *at = at.clamp(first, last);
        }
        Some(circle)
    }
}

/// The picture of a ball in the room. In a view that turns or enlarges, [`View::circle`] says where it is then.
#[must_use]
pub fn render(ball: &Circle, view: &View, seed: u64) -> Rgb<'static> {
    let mut canvas = Canvas::new(*view, SIZE, |_| ROOM);
    let &Circle { x, y, r, .. } = ball;
    canvas.paint([x, y], r, |[px, py]| (COLOUR, (px - x).hypot(py - y) - r));
    canvas.picture(seed)
}
