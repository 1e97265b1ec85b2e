//! Finds what does not belong to the background: things that move, and things that have come to stay for a while. It
//! knows one camera, and neither what the things are nor which of them was there before.

mod regions;

use std::time::Duration;

use crate::image::{Rect, Rgb, Size};

/// The most cells on a side of the picture; a cell is a square of pixels that are looked at together.
const CELLS: usize = 240;

/// The smallest thing that is told, as a share of the picture.
pub const LEAST: f32 = 0.002;

/// The most things that are told of one picture, the largest first.
pub const MOST: usize = 128;

/// How many levels of 255 a cell must differ from the background, plus the noise.
const CONTRAST: f32 = 14.0;

/// How many mean deviations of a cell are noise.
const NOISE: f32 = 4.0;

/// The deviation that is assumed before a cell has been watched, in levels.
const FIRST_DEVIATION: f32 = 2.0;

/// How long the background takes to follow what changes a little: daylight, in seconds.
const FOLLOWS: f32 = 5.0;

/// How long it takes to take in what stands before it, in seconds: a thing at rest is told for one to three times as
/// long, by its contrast.
const TAKES_IN: f32 = 60.0;

/// The longest time between two pictures that counts, in seconds.
const LONGEST_GAP: f32 = 1.0;

/// From this share of the picture on it is not things that have changed, but the view.
const ANOTHER_VIEW: f32 = 0.6;

/// A thing before the background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blob {
    /// The box around it.
    pub rect: Rect,
    /// How much of the picture it covers: at least [`LEAST`].
    pub share: f32,
    /// How sure it is that it is no noise: 0 to 1.
    pub certainty: f32,
}

/// What one camera sees when nothing is there, as far as it has been learnt.
///
/// ```
/// use std::time::Duration;
/// use chadburn_sight::blob::Background;
/// use chadburn_sight::image::{Rgb, Size};
///
/// let mut background = Background::default();
/// let empty = Rgb::filled(Size::new(64, 48)?, [90, 90, 90]);
/// assert!(background.find(&empty, Duration::ZERO).is_empty());
/// let mut picture = empty.clone();
/// for (x, y) in (20..32).flat_map(|x| (10..22).map(move |y| (x, y))) {
///     picture.set(x, y, [200, 40, 40]);
/// }
/// let found = background.find(&picture, Duration::from_millis(100));
/// assert_eq!(found.len(), 1);
/// assert!((found[0].rect.centre()[0] - 26.0 / 64.0).abs() < 0.02);
/// # Ok::<(), chadburn_sight::image::ImageError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Background {
    model: Option<Model>,
}

impl Background {
    /// The things in this picture, the largest first; from it the background is learnt. `at` is its moment, since
    /// any beginning. The first picture, one of another size, and one of another view are background as they are.
    pub fn find(&mut self, picture: &Rgb, at: Duration) -> Vec<Blob> {
        let grid = Grid::of(picture.size());
        let cells = grid.means(picture);
        match &mut self.model {
            Some(model) if model.grid == grid => model.find(cells, at),
            _ => {
                self.model = Some(Model::new(grid, cells, at));
                Vec::new()
            }
        }
    }
}

/// Cells over a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    size: Size,
    /// The side of a cell, in pixels.
    cell: usize,
    columns: usize,
    rows: usize,
}

/// The mean colour of a cell.
type Mean = [f32; 3];

impl Grid {
    fn of(size: Size) -> Self {
        let cell = size.width().max(size.height()).div_ceil(CELLS);
        let (columns, rows) = (size.width().div_ceil(cell), size.height().div_ceil(cell));
        Self { size, cell, columns, rows }
    }

    /// The mean of each cell, row by row; those at the right and lower edge may be of fewer pixels.
    fn means(&self, picture: &Rgb) -> Vec<Mean> {
        let row_of_cells = self.size.width() * 3 * self.cell;
        let mut means = Vec::with_capacity(self.columns * self.rows);
        for rows in picture.bytes().chunks(row_of_cells) {
            let mut sums = vec![[0_u32; 4]; self.columns];
            for row in rows.chunks_exact(self.size.width() * 3) {
                for (sum, pixels) in sums.iter_mut().zip(row.chunks(self.cell * 3)) {
                    for pixel in pixels.chunks_exact(3) {
                        sum[0] += u32::from(pixel[0]);
                        sum[1] += u32::from(pixel[1]);
                        sum[2] += u32::from(pixel[2]);
                        sum[3] += 1;
                    }
                }
            }
            let mean = |[r, g, b, pixels]: [u32; 4]| [r, g, b].map(|it| it as f32 / pixels as f32);
            means.extend(sums.into_iter().map(mean));
        }
        means
    }

    /// The box around these cells.
    fn rect(&self, cells: &[usize]) -> Option<Rect> {
        let columns = cells.iter().map(|it| it % self.columns);
        let rows = cells.iter().map(|it| it / self.columns);
        let (left, right) = (columns.clone().min()?, columns.max()? + 1);
        let (top, bottom) = (rows.clone().min()?, rows.max()? + 1);
        let share = |cells: usize, pixels: usize| (cells * self.cell) as f32 / pixels as f32;
        let [x, y] = [self.size.width(), self.size.height()];
        Rect::new([share(left, x), share(top, y), share(right, x), share(bottom, y)])
    }
}

/// A background that has been begun.
#[derive(Clone, Debug)]
struct Model {
    grid: Grid,
    /// The colour of each cell.
    means: Vec<Mean>,
    /// By how many levels each cell strays from it by itself.
    deviations: Vec<f32>,
    /// The moment of the last picture.
    at: Duration,
}

impl Model {
    fn new(grid: Grid, means: Vec<Mean>, at: Duration) -> Self {
        Self { grid, deviations: vec![FIRST_DEVIATION; means.len()], means, at }
    }

    fn find(&mut self, cells: Vec<Mean>, at: Duration) -> Vec<Blob> {
        let seconds = at.saturating_sub(self.at).as_secs_f32().min(LONGEST_GAP);
        self.at = at;
        self.follow_light(&cells);
        let background = self.means.iter().zip(&self.deviations);
        let excess: Vec<_> = cells
            .iter()
            .zip(background)
            .map(|(cell, (mean, deviation))| {
                difference(*cell, *mean) / (CONTRAST + NOISE * deviation)
            })
            .collect();
        let columns = self.grid.columns;
        let mut covered = regions::covered(&excess, columns);
        let count = covered.iter().filter(|it| **it).count();
        if count as f32 > ANOTHER_VIEW * covered.len() as f32 {
            *self = Self::new(self.grid, cells, at);
            return Vec::new();
        }
        let mut blobs = Vec::new();
        for region in regions::regions(&covered, columns) {
            let outline = |of: &[Mean]| {
                let step = |(a, b)| difference(of[a], of[b]);
                regions::outline(&region, &covered, columns).map(step).sum::<f32>()
            };
            let share = region.len() as f32 / cells.len() as f32;
            if outline(&self.means) > GONE * outline(&cells) {
                for cell in region {
                    self.means[cell] = cells[cell];
                    covered[cell] = false;
                }
            } else if share >= LEAST {
                let mean = region.iter().map(|it| excess[*it]).sum::<f32>() / region.len() as f32;
                let certainty = (mean / SURE).clamp(0.0, 1.0);
                blobs.extend(self.grid.rect(&region).map(|rect| Blob { rect, share, certainty }));
            }
        }
        self.learn(&cells, &covered, seconds);
        blobs.sort_by(|a, b| b.share.total_cmp(&a.share));
        blobs.truncate(MOST);
        blobs
    }

    /// Brings the background into the light of this picture: each channel as much brighter as the middle cell is.
    fn follow_light(&mut self, cells: &[Mean]) {
        for channel in 0..3 {
            let pairs = cells.iter().zip(&self.means).step_by(LIGHT_STEP);
            let pairs = pairs.map(|(cell, mean)| (cell[channel], mean[channel]));
            let ratio = |(cell, mean): (f32, f32)| (mean > DARK).then(|| cell / mean);
            let mut ratios: Vec<_> = pairs.filter_map(ratio).collect();
            if ratios.len() < LIGHT_LEAST {
                continue;
            }
            let middle = ratios.len() / 2;
            let light = *ratios.select_nth_unstable_by(middle, f32::total_cmp).1;
            for mean in &mut self.means {
                mean[channel] = (mean[channel] * light).min(255.0);
            }
        }
    }

    /// Lets the background become a little more like this picture.
    fn learn(&mut self, cells: &[Mean], covered: &[bool], seconds: f32) {
        let [follows, takes_in] = [FOLLOWS, TAKES_IN].map(|it| 1.0 - (-seconds / it).exp());
        let model = self.means.iter_mut().zip(&mut self.deviations);
        for ((cell, covered), (mean, deviation)) in cells.iter().zip(covered).zip(model) {
            if !covered {
                *deviation += follows * (difference(*cell, *mean) - *deviation);
            }
            let rate = if *covered { takes_in } else { follows };
            for (mean, value) in mean.iter_mut().zip(cell) {
                *mean += rate * (value - *mean);
            }
        }
    }
}

/// How much more of an outline the background must have than the picture at a place where they differ: then a thing
/// has gone that was taken for background.
const GONE: f32 = 1.5;

/// A blob whose cells differ by so many times what they must is certain.
const SURE: f32 = 3.0;

/// Each so many cells the light is measured.
const LIGHT_STEP: usize = 5;

/// In fewer cells than these the light cannot be measured.
const LIGHT_LEAST: usize = 20;

/// A cell darker than this says nothing of the light, in levels.
const DARK: f32 = 16.0;

/// By how many levels two colours differ in the channel in which they differ most.
fn difference(a: Mean, b: Mean) -> f32 {
    (a[0] - b[0]).abs().max((a[1] - b[1]).abs()).max((a[2] - b[2]).abs())
}

#[cfg(test)]
mod tests;
