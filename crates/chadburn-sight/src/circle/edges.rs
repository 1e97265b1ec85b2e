//! Where a picture has edges: pixels that are steeper than their neighbours up and down the slope.

use crate::grey::Gradients;

/// A pixel on an edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// Its coordinates, in pixels.
    pub(super) at: [f32; 2],
    /// The direction in which it gets brighter; its length is 1.
    pub(super) up: [f32; 2],
}

/// At most one pixel of so many is steep enough for an edge, which bounds the time that noise can take.
const RARITY: usize = 6;

/// How many times steeper than the middle one of all pixels an edge is. Of noise alone one pixel in 500 is.
const ABOVE_NOISE: usize = 3;

/// How steep an edge is at least that is one level high: half of what Sobel's operator makes of it when it is sharp,
/// since it may lie between two pixels.
const LEVEL: f32 = 2.0;

/// From how many pixels it is estimated how steep a picture is.
const SAMPLES: usize = 4_000;

/// The steepest that there can be, rounded up: 1020 in both directions.
const STEEPEST: usize = 1443;

/// The edges that are at least `contrast` levels high.
pub(super) fn edges(gradients: &Gradients, contrast: f32) -> Vec<Edge> {
    let width = gradients.size.width();
    let slopes = gradients.dx.iter().zip(&gradients.dy);
    let square = |dx: i16, dy: i16| i32::from(dx) * i32::from(dx) + i32::from(dy) * i32::from(dy);
    let squares: Vec<i32> = slopes.map(|(dx, dy)| square(*dx, *dy)).collect();
    let least = threshold(&squares).max((contrast * LEVEL) as i32).pow(2);
    let mut edges = Vec::new();
    for (y, row) in squares.chunks_exact(width).enumerate() {
        for (x, square) in row.iter().enumerate().filter(|(_, square)| **square >= least) {
            // The outermost pixels are not steep, so that there are neighbours.
            let at = y * width + x;
            let (dx, dy) = (gradients.dx[at], gradients.dy[at]);
            let next = uphill(dx, dy, width);
            if *square >= squares[at - next] && *square > squares[at + next] {
                let length = (*square as f32).sqrt();
                let up = [f32::from(dx) / length, f32::from(dy) / length];
                edges.push(Edge { at: [x as f32, y as f32], up });
            }
        }
    }
    edges
}

/// How far the neighbour on this slope is in memory; the one on its other side is as far before.
fn uphill(dx: i16, dy: i16, width: usize) -> usize {
    // The eight directions part at 22.5°, whose tangent is nearly 5 / 12.
    let (across, down) = (12 * i32::from(dx).abs(), 12 * i32::from(dy).abs());
    if down * 12 < across * 5 {
        1
    } else if across * 12 < down * 5 {
        width
    } else if (dx > 0) == (dy > 0) {
        width + 1
    } else {
        width - 1
    }
}

/// How steep an edge must be in this picture.
fn threshold(squares: &[i32]) -> i32 {
    // An odd step does not stay in a few columns where the width is even.
    let step = (squares.len() / SAMPLES) | 1;
    let mut counts = vec![0_usize; STEEPEST + 1];
    let mut all = 0;
    for square in squares.iter().step_by(step) {
        counts[(*square as f32).sqrt() as usize] += 1;
        all += 1;
    }
    // The steepness below which a share of the pixels is.
    let below = |wanted: usize| {
        let mut seen = 0;
        let reaches = |count: &usize| {
            seen += count;
            seen > wanted
        };
        counts.iter().position(reaches).unwrap_or(STEEPEST)
    };
    let noise = below(all / 2) * ABOVE_NOISE;
    let rare = below(all - all.div_ceil(RARITY)) + 1;
    i32::try_from(noise.max(rare)).unwrap_or(i32::MAX)
}
