//! Where circles may be: each edge votes for the points up and down its slope, and where many votes fall the
//! distances to the edges around tell the radius.

use std::f32::consts::TAU;

use super::edges::Edge;
use super::{Circle, Search};
use crate::image::{Size, around};

/// The side of a cell that votes fall into, and the step from vote to vote, in pixels. The direction of an edge is
/// not known better.
const CELL: f32 = 2.0;

/// How many votes of an edge fall into the nine cells around a centre.
const STEPS: f32 = 3.0;

/// This share of the votes and of the edges that a circle must have makes it worth a closer look, which counts anew.
const ENOUGH: f32 = 0.5;

/// By how much the slope of an edge may miss the centre: the cosine of 20°.
const TOWARDS: f32 = 0.94;

/// How many centres are looked at for each circle that is wanted, and how many in any case.
const CENTRES: (usize, usize) = (3, 6);

/// How many radii are looked at around a centre: a dial has a rim and a hub.
const RADII: usize = 2;

/// What may be circles, those with most edges first; they are wrong by a few pixels.
pub(super) fn candidates(
    edges: &[Edge],
    size: Size,
    [smallest, largest]: [f32; 2],
    search: &Search,
) -> Vec<Circle> {
    // A larger circle has its centre outside, or too few edges.
    let range = [smallest, largest.min(size.width().max(size.height()) as f32)];
    let mut found = Vec::new();
    let enough = search.support * ENOUGH;
    let most = CENTRES.0 * search.most + CENTRES.1;
    for [x, y] in Votes::count(edges, size, range).peaks(enough * TAU * STEPS, most) {
        let radii = radii(edges, [x, y], range).into_iter();
        let radii = radii.filter(|(support, _)| *support >= enough);
        found.extend(radii.map(|(support, r)| Circle { x, y, r, support }));
    }
    found.sort_by(|a, b| b.support.total_cmp(&a.support));
    found
}

/// Votes in cells, row by row.
struct Votes {
    columns: usize,
    cells: Vec<f32>,
}

impl Votes {
    /// Each edge votes for the points at every distance in the range, up and down its slope. A vote weighs as much as
    /// the edge fills of a circle, in radians, so that large circles with many edges win no more than small ones.
    fn count(edges: &[Edge], size: Size, [smallest, largest]: [f32; 2]) -> Self {
        let cells = |pixels: usize| pixels.div_ceil(CELL as usize);
        let (columns, rows) = (cells(size.width()), cells(size.height()));
        let mut votes = Self { columns, cells: vec![0.0; columns * rows] };
        let distances = std::iter::successors(Some(smallest), |it| Some(it + CELL));
        let distances = distances.take_while(|it| *it < largest + CELL);
        let distances: Vec<_> = distances.map(|it| (it, 1.0 / it)).collect();
        let (right, bottom) = (size.width() as f32, size.height() as f32);
        for Edge { at: [x, y], up } in edges {
            for way in [1.0, -1.0] {
                let [dx, dy] = [up[0] * way, up[1] * way];
                for (distance, weight) in &distances {
                    let (x, y) = (x + 0.5 + dx * distance, y + 0.5 + dy * distance);
                    // Who has left the picture does not come back.
                    if x < 0.0 || y < 0.0 || x >= right || y >= bottom {
                        break;
                    }
                    votes.cells[(y / CELL) as usize * columns + (x / CELL) as usize] += weight;
                }
            }
        }
        votes
    }

    /// The points around which most votes are, and `least` at least.
    fn peaks(&self, least: f32, most: usize) -> Vec<[f32; 2]> {
        let (columns, all) = (self.columns, self.cells.len());
        let sum = |at: usize| around(at, 1, columns, all).map(|it| self.cells[it]).sum();
        // Most cells have no votes.
        let sums = self.cells.iter().enumerate();
        let sums: Vec<f32> =
            sums.map(|(at, votes)| if *votes > 0.0 { sum(at) } else { 0.0 }).collect();
        let mut peaks = Vec::new();
        for at in (0..all).filter(|at| sums[*at] >= least) {
            // Of equals the first is a peak.
            let is_peak =
                |other: usize| sums[at].total_cmp(&sums[other]).then(other.cmp(&at)).is_ge();
            if !around(at, 1, columns, all).all(is_peak) {
                continue;
            }
            let mut mean = [0.0; 3];
            for cell in around(at, 1, columns, all) {
                let (x, y) = ((cell % columns) as f32 + 0.5, (cell / columns) as f32 + 0.5);
                let votes = self.cells[cell];
                mean = [mean[0] + votes * x, mean[1] + votes * y, mean[2] + votes];
            }
            peaks.push((sums[at], [0, 1].map(|it| mean[it] / mean[2] * CELL - 0.5)));
        }
        peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
        peaks.truncate(most);
        peaks.into_iter().map(|(_, centre)| centre).collect()
    }
}

/// The radii at which most edges lie around a centre, with the share of the circle that they fill.
fn radii(edges: &[Edge], [x, y]: [f32; 2], [smallest, largest]: [f32; 2]) -> Vec<(f32, f32)> {
    // A pixel more at both ends, since the centre is not known exactly.
    let first = smallest - 1.5;
    let mut shares = vec![0.0_f32; (largest - smallest) as usize + 4];
    let (least, most) = (first.max(1.0).powi(2), (first + shares.len() as f32).powi(2));
    for edge in edges {
        let (dx, dy) = (edge.at[0] - x, edge.at[1] - y);
        let square = dx * dx + dy * dy;
        if square < least || square >= most {
            continue;
        }
        let distance = square.sqrt();
        if (dx * edge.up[0] + dy * edge.up[1]).abs() >= TOWARDS * distance {
            let last = shares.len() - 1;
            shares[((distance - first) as usize).min(last)] += 1.0 / (distance * TAU);
        }
    }
    let sum = |at: usize| shares[at.saturating_sub(1)..(at + 2).min(shares.len())].iter().sum();
    let mut best: Vec<(f32, usize)> = Vec::new();
    let mut sums: Vec<(f32, usize)> = (0..shares.len()).map(|at| (sum(at), at)).collect();
    sums.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (share, at) in sums {
        if best.iter().all(|it| it.1.abs_diff(at) > 2) {
            best.push((share, at));
        }
        if best.len() == RADII {
            break;
        }
    }
    best.into_iter().map(|(share, at)| (share, first + at as f32 + 0.5)).collect()
}
