//! A desk with a dial and things that move, as one camera sees it. Two cameras that are given the same things see the
//! same things.

use std::f64::consts::TAU;
use std::time::Duration;

use super::View;
use super::canvas::{Canvas, Light};
use super::random::Random;
use super::thing::Thing;
use crate::circle::Circle;
use crate::image::{Rect, Rgb, Size};

/// What a camera sees of it, in pixels.
pub const SIZE: Size = match Size::new(640, 480) {
    Ok(size) => size,
    Err(_) => panic!("a picture may be of this size"),
};

/// The dial's rim, in the scene.
pub const DIAL: Circle = Circle { x: 170.0, y: 240.0, r: 130.0, support: 1.0 };

/// The most things; each has a lane of its own.
pub const MOST: usize = 6;

/// From where to where the things move, in pixels from the left.
const LANES: (f32, f32) = (360.0, 600.0);

/// What something plain that covers looks like.
const COVER: Light = [105.0, 100.0, 95.0];

/// A desk, the things on it, and the camera.
#[derive(Clone, Debug)]
pub struct Desk {
    seed: u64,
    things: Vec<Mover>,
    /// All that does not move.
    still: Canvas,
    view: View,
}

/// A thing that moves to and fro.
#[derive(Clone, Debug)]
struct Mover {
    number: u64,
    thing: Thing,
    /// Half of its longer side, in pixels.
    radius: f32,
    /// The middle of its lane, in pixels from the top.
    y: f32,
    /// How long it takes there and back, in seconds, and where it begins, in turns.
    period: f64,
    phase: f64,
}

/// A picture, and all that is known of it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What the camera sees.
    pub picture: Rgb<'static>,
    /// The dial's rim, in pixels of the picture.
    pub dial: Circle,
    /// Where the pointer stands in the picture, in degrees clockwise from upright, 0 to 360.
    pub pointer: f32,
    /// The number of each thing, and the box around it, covered or not; those outside of the picture are left out.
    pub things: Vec<(u64, Rect)>,
}

impl Desk {
    /// A desk with the things of these numbers ([`Thing::new`]), at most [`MOST`]; how they move and what noise the
    /// camera has comes of the seed.
    #[must_use]
    pub fn new(seed: u64, things: &[u64], view: &View) -> Self {
        let view = view.checked();
        let mut random = Random::new(seed);
        let count = things.len().min(MOST);
        let lane = SIZE.height() as f32 / count.max(1) as f32;
        let things = things.iter().take(MOST).enumerate().map(|(at, number)| Mover {
            number: *number,
            thing: Thing::new(*number),
            radius: (lane * 0.4).min(48.0),
            y: (at as f32 + 0.5) * lane,
            period: f64::from(random.between(8.0, 16.0)),
            phase: f64::from(random.between(0.0, 1.0)),
        });
        let things = things.collect();
        let mut still = Canvas::new(view, SIZE, wood);
        still.paint([DIAL.x, DIAL.y], DIAL.r, |[x, y]| {
            let (x, y) = (x - DIAL.x, y - DIAL.y);
            (face(x, y, view.scale), x.hypot(y) - DIAL.r)
        });
        Self { seed, things, still, view }
    }

    /// What is seen at a moment, since any beginning, when the pointer stands at so many degrees clockwise from
    /// upright. The same moment looks the same again, noise included.
    ///
    /// ```
    /// use std::time::Duration;
    /// use chadburn_sight::scene::View;
    /// use chadburn_sight::scene::desk::Desk;
    ///
    /// let desk = Desk::new(1, &[0, 1, 2], &View { noise: 4.0, ..View::default() });
    /// let frame = desk.frame(Duration::from_secs(3), 45.0);
    /// assert_eq!(frame.things.len(), 3);
    /// assert_eq!(frame.picture, desk.frame(Duration::from_secs(3), 45.0).picture);
    /// ```
    #[must_use]
    pub fn frame(&self, at: Duration, pointer: f32) -> Frame {
        let pointer = if pointer.is_finite() { pointer.rem_euclid(360.0) } else { 0.0 };
        let mut canvas = self.still.clone();
        let (sin, cos) = pointer.to_radians().sin_cos();
        canvas.paint([DIAL.x, DIAL.y], DIAL.r, |[x, y]| {
            let (x, y) = (x - DIAL.x, y - DIAL.y);
            let (along, across) = (x * sin - y * cos, x * cos + y * sin);
            (POINTER, needle(along, across))
        });
        let mut things = Vec::new();
        for mover in &self.things {
            let centre = mover.centre(at);
            mover.paint(&mut canvas, centre, self.view.covered);
            things.extend(mover.rect(centre, &self.view).map(|rect| (mover.number, rect)));
        }
        let pointer = (pointer + self.view.rotation).rem_euclid(360.0);
        let dial = self.view.circle(DIAL, SIZE);
        let noise = self.seed ^ at.as_nanos() as u64;
        Frame { picture: canvas.picture(noise), dial, pointer, things }
    }
}

impl Mover {
    /// Where it is at a moment, in pixels of the scene.
    fn centre(&self, at: Duration) -> [f32; 2] {
        let turns = (at.as_secs_f64() / self.period + self.phase).fract();
        let (first, last) = (LANES.0 + self.radius, LANES.1 - self.radius);
        let share = 0.5 + 0.5 * (turns * TAU).sin() as f32;
        [first + (last - first) * share, self.y]
    }

    /// Paints it, and what covers a share of its box.
    fn paint(&self, canvas: &mut Canvas, [x, y]: [f32; 2], covered: f32) {
        let fine = self.radius * canvas.scale();
        let [half, high] = self.thing.half();
        canvas.paint([x, y], self.radius * 1.5, |[px, py]| {
            let [u, v] = [(px - x) / self.radius, (py - y) / self.radius];
            let (light, outside) = self.thing.at([u, v], fine);
            (light, outside * self.radius)
        });
        if covered > 0.0 {
            canvas.paint([x, y], self.radius * 1.5, |[px, py]| {
                let [u, v] = [(px - x) / self.radius, (py - y) / self.radius];
                let right = u - half * (2.0 * covered - 1.0);
                (COVER, right.max(-half - u).max(v.abs() - high) * self.radius)
            });
        }
    }

    /// The box around it in the picture.
    fn rect(&self, [x, y]: [f32; 2], view: &View) -> Option<Rect> {
        let [across, down] = self.thing.half().map(|it| it * self.radius * view.scale);
        let (sin, cos) = view.rotation.to_radians().sin_cos();
        let (sin, cos) = (sin.abs(), cos.abs());
        let [wide, high] = [across * cos + down * sin, across * sin + down * cos];
        let [x, y] = view.picture(SIZE).at([x, y]).map(|it| it + 0.5);
        let [width, height] = [SIZE.width() as f32, SIZE.height() as f32];
        Rect::new([
            (x - wide) / width,
            (y - high) / height,
            (x + wide) / width,
            (y + high) / height,
        ])
    }
}

/// The pointer's colour.
const POINTER: Light = [40.0, 30.0, 30.0];

/// How far a point of the dial is outside of the pointer; `along` and `across` it, in pixels.
fn needle(along: f32, across: f32) -> f32 {
    let tip = DIAL.r * 0.85;
    let half = 6.0 - 4.0 * (along / tip).clamp(0.0, 1.0);
    let blade = (across.abs() - half).max(along - tip).max(-20.0 - along);
    let hub = along.hypot(across) - 12.0;
    blade.min(hub)
}

/// The dial's face: a dark rim, eight marks of which the upper one is long, and one coloured sector.
fn face(x: f32, y: f32, fine: f32) -> Light {
    let from_middle = x.hypot(y);
    let turn = x.atan2(-y);
    let eighth = std::f32::consts::FRAC_PI_4;
    let off = (turn / eighth - (turn / eighth).round()) * eighth * from_middle;
    let is_upper = turn.abs() < eighth / 2.0;
    let mark = (off.abs() - 2.0)
        .max(from_middle - 112.0)
        .max(if is_upper { 85.0 } else { 98.0 } - from_middle);
    let sector =
        (70.0 - from_middle).max(from_middle - 84.0).max((turn - 1.2).abs() * from_middle - 40.0);
    let rim = DIAL.r - 9.0 - from_middle;
    let mut light = [226.0, 222.0, 208.0];
    for (outside, colour) in
        [(sector, [190.0, 60.0, 50.0]), (mark, [50.0, 48.0, 46.0]), (rim, [60.0, 48.0, 30.0])]
    {
        let cover = (0.5 - outside * fine).clamp(0.0, 1.0);
        light = [0, 1, 2].map(|it| light[it] + (colour[it] - light[it]) * cover);
    }
    light
}

/// The desk: grey-brown, darker to one side, with a faint grain.
fn wood([x, y]: [f32; 2]) -> Light {
    let grain =
        5.0 * (y * 0.11 + 2.0 * (x * 0.013).sin()).sin() + 3.0 * (y * 0.37 + x * 0.021).sin();
    let level = 128.0 + grain - 0.04 * x;
    [level * 1.06, level, level * 0.92]
}
