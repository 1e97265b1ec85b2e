//! A circle fitted to the edge between pixels: the picture is read along rays from the centre, and a few of them that
//! meet another edge do not count.

use std::f32::consts::TAU;

use super::{Circle, Search};
use crate::grey::Grey;

/// How far apart the picture is read along a ray, in pixels.
const STEP: f32 = 0.5;

/// How far from its steepest point an edge goes on, in pixels: antialiasing and a little blur.
const EDGE: f32 = 2.0;

/// How much of its height an edge that is out of focus has within that distance.
const SOFT: f32 = 0.5;

/// How many rays there are at least and at most; else one for each pixel of the circle.
const RAYS: (f32, f32) = (24.0, 96.0);

/// How often the rays are sent out, each time from the circle that was fitted before.
const ROUNDS: usize = 4;

/// When it has moved by less than this, in pixels, it stays there.
const AT_REST: f32 = 0.005;

/// How often outliers are sorted out anew.
const FITS: usize = 3;

/// How far from the circle an edge may be to support it: in pixels, or as a share of the radius.
const SUPPORTS: (f32, f32) = (1.0, 0.02);

/// A ray that has met an edge.
struct Hit {
    /// The ray's direction.
    direction: [f32; 2],
    /// How far beyond the circle the edge is, in pixels.
    beyond: f32,
}

/// The circle nearest to a guess that is wrong by `reach` pixels at most. None if there is nothing to fit to.
pub(super) fn refine(grey: &Grey, guess: Circle, reach: f32, search: &Search) -> Option<Circle> {
    let mut circle = guess;
    let mut reach = reach;
    for _ in 0..ROUNDS {
        let (hits, rays) = hits(grey, &circle, reach, search.contrast);
        let change = fit(&hits)?;
        let is_near =
            |hit: &&Hit| hit.beyond(change).abs() <= SUPPORTS.0.max(SUPPORTS.1 * circle.r);
        circle.support = hits.iter().filter(is_near).count() as f32 / rays as f32;
        let [x, y, r] = change;
        circle = Circle { x: circle.x + x, y: circle.y + y, r: circle.r + r, ..circle };
        // A fit that runs away, or that hardly any ray agrees with, gets no better.
        if circle.support < search.support / 2.0
            || circle.r < 1.0
            || (circle.x - guess.x).hypot(circle.y - guess.y) > guess.r
        {
            return None;
        }
        if x.abs().max(y.abs()).max(r.abs()) < AT_REST {
            break;
        }
        reach = (reach / 2.0).max(EDGE + STEP);
    }
    Some(circle)
}

impl Hit {
    /// How far beyond the circle it is once that has changed.
    fn beyond(&self, [x, y, r]: [f32; 3]) -> f32 {
        self.beyond - (x * self.direction[0] + y * self.direction[1] + r)
    }
}

/// Where the rays around a circle meet its edge, and how many rays there are.
fn hits(grey: &Grey, circle: &Circle, reach: f32, contrast: f32) -> (Vec<Hit>, usize) {
    let rays = (TAU * circle.r).clamp(RAYS.0, RAYS.1) as usize;
    let steps = (2.0 * (reach + EDGE) / STEP) as usize + 1;
    let start = circle.r - (steps - 1) as f32 / 2.0 * STEP;
    let mut line = Vec::with_capacity(steps);
    let mut hits = Vec::with_capacity(rays);
    for ray in 0..rays {
        let (sin, cos) = (ray as f32 / rays as f32 * TAU).sin_cos();
        line.clear();
        line.extend((0..steps).map(|step| {
            let along = start + step as f32 * STEP;
            grey.sample(circle.x + cos * along, circle.y + sin * along)
        }));
        if let Some(at) = edge(&line, contrast) {
            hits.push(Hit { direction: [cos, sin], beyond: start + at * STEP - circle.r });
        }
    }
    (hits, rays)
}

/// Where a line of brightness has its edge, in steps from its beginning: the middle of the change around the place where
/// the two sides differ most, weighted by how steep it is. None if the edge is less than `contrast` levels high.
fn edge(line: &[f32], contrast: f32) -> Option<f32> {
    let reach = (EDGE / STEP) as usize;
    let change = |at: usize| {
        let (before, after) = (&line[at + 1 - reach..=at], &line[at + 1..=at + reach]);
        (after.iter().sum::<f32>() - before.iter().sum::<f32>()) / reach as f32
    };
    let inside = reach..line.len().checked_sub(1 + reach)?;
    let largest = |(a, changed), at| {
        let change: f32 = change(at);
        if change.abs() > f32::abs(changed) { (at, change) } else { (a, changed) }
    };
    let (middle, change) = inside.fold((reach, 0.0), largest);
    let (mut sum, mut moment) = (0.0, 0.0);
    for at in middle - reach..=middle + reach {
        // What falls while the edge rises belongs to something else.
        let rise = ((line[at + 1] - line[at]) * change.signum()).max(0.0);
        sum += rise;
        moment += rise * (at as f32 + 0.5);
    }
    (change.abs() >= contrast * SOFT && sum > 0.0).then(|| moment / sum)
}

/// By how much the circle's x, y and r have to change so that it fits: least squares, in which what is far off
/// counts less and less (Tukey's biweight).
fn fit(hits: &[Hit]) -> Option<[f32; 3]> {
    let mut change = [0.0; 3];
    let mut scale = f32::INFINITY;
    for _ in 0..FITS {
        let mut sums = [[0.0_f64; 4]; 3];
        for hit in hits {
            let share = hit.beyond(change) / scale;
            let weight = f64::from((1.0 - share * share).max(0.0).powi(2));
            let [cos, sin] = hit.direction.map(f64::from);
            let row = [cos, sin, 1.0, f64::from(hit.beyond)];
            for (sums, a) in sums.iter_mut().zip(row) {
                for (sum, b) in sums.iter_mut().zip(row) {
                    *sum += weight * a * b;
                }
            }
        }
        change = solve(sums)?.map(|it| it as f32);
        let mut off: Vec<_> = hits.iter().map(|hit| hit.beyond(change).abs()).collect();
        let middle = off.len() / 2;
        // 4.685 standard deviations keep 95 % of the precision; 1.4826 medians are one. Below a tenth of a pixel
        // the grid itself is what is seen.
        scale = 4.685 * (1.4826 * *off.select_nth_unstable_by(middle, f32::total_cmp).1).max(0.1);
    }
    Some(change)
}

/// Solves three equations; the last column is the right side. None if they leave the answer open.
fn solve(mut rows: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for at in 0..3 {
        let pivot = (at..3).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()))?;
        rows.swap(at, pivot);
        let row = rows[at];
        // A circle of which an edge is seen along less than some degrees gives nearly nothing here.
        if row[at].abs() < 1e-3 {
            return None;
        }
        for other in (0..3).filter(|it| *it != at) {
            let factor = rows[other][at] / row[at];
            for (value, of) in rows[other].iter_mut().zip(row) {
                *value -= factor * of;
            }
        }
    }
    Some([0, 1, 2].map(|it| rows[it][3] / rows[it][it]))
}
