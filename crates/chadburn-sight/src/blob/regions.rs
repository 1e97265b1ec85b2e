//! Which cells of a grid belong together.

use crate::image::around;

/// The cells that something stands before: of the cell and those around it more than half exceed 1.
pub(super) fn covered(excess: &[f32], columns: usize) -> Vec<bool> {
    let is_covered = |at: usize| {
        let (mut all, mut over) = (0, 0);
        for cell in around(at, 1, columns, excess.len()) {
            all += 1;
            over += usize::from(excess[cell] > 1.0);
        }
        2 * over > all
    };
    (0..excess.len()).map(is_covered).collect()
}

/// The cells of each region. Two cells belong together if no more than one is between them.
pub(super) fn regions(covered: &[bool], columns: usize) -> Vec<Vec<usize>> {
    let mut left = covered.to_vec();
    let mut regions = Vec::new();
    for first in 0..left.len() {
        if !std::mem::take(&mut left[first]) {
            continue;
        }
        let mut region = vec![first];
        let mut next = 0;
        while let Some(at) = region.get(next).copied() {
            next += 1;
            for cell in around(at, 2, columns, covered.len()) {
                if std::mem::take(&mut left[cell]) {
                    region.push(cell);
                }
            }
        }
        regions.push(region);
    }
    regions
}

/// Pairs of a cell inside of a region and one outside of all, two apart: the cell between them may be of both.
pub(super) fn outline(
    region: &[usize],
    covered: &[bool],
    columns: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let apart = move |at: usize| {
        let (x, y) = (at % columns, at / columns);
        let rows = covered.len() / columns;
        let left = (x >= 2).then(|| at - 2);
        let right = (x + 2 < columns).then(|| at + 2);
        let above = (y >= 2).then(|| at - 2 * columns);
        let below = (y + 2 < rows).then(|| at + 2 * columns);
        [left, right, above, below].into_iter().flatten().map(move |other| (at, other))
    };
    region.iter().flat_map(move |at| apart(*at)).filter(|(_, other)| !covered[*other])
}
