//! Pictures of brightness alone: between pixels, smoothed, and how steep they are. It looks for nothing.

use std::borrow::Cow;

use crate::image::{ImageError, Rgb, Size, exactly};

/// A grey picture: one byte a pixel, row by row from the top, borrowed or owned. The centre of the upper left pixel
/// is (0, 0).
///
/// ```
/// use chadburn_sight::grey::Grey;
/// use chadburn_sight::image::{Rgb, Size};
///
/// let picture = Rgb::filled(Size::new(8, 8)?, [200, 200, 200]);
/// let grey = Grey::from_rgb(&picture);
/// assert_eq!(grey.pixels()[0], 200);
/// assert!((grey.sample(3.25, 4.5) - 200.0).abs() < 1e-3);
/// # Ok::<(), chadburn_sight::image::ImageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey<'a> {
    size: Size,
    pixels: Cow<'a, [u8]>,
}

impl<'a> Grey<'a> {
    /// A picture of these bytes, which are one a pixel.
    pub fn new(size: Size, pixels: impl Into<Cow<'a, [u8]>>) -> Result<Self, ImageError> {
        Ok(Self { size, pixels: exactly(pixels, size.pixels())? })
    }

    /// The brightness of a picture in colour, weighted as in JPEG (ITU-R BT.601).
    #[must_use]
    pub fn from_rgb(picture: &Rgb) -> Grey<'static> {
        let luma = |it: &[u8]| {
            let [r, g, b] = [it[0], it[1], it[2]].map(u32::from);
            // Of 256; with the half it is never above 255.
            ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8
        };
        let pixels: Vec<_> = picture.bytes().chunks_exact(3).map(luma).collect();
        Grey { size: picture.size(), pixels: Cow::Owned(pixels) }
    }

    /// Its size.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Its bytes, one a pixel.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The brightness at a point between pixels, linear between the four around it: 0 to 255. Beyond the edge it is
    /// that of the edge; what is not a number counts as 0.
    #[must_use]
    pub fn sample(&self, x: f32, y: f32) -> f32 {
        let (left, right, across) = between(x, self.size.width());
        let (upper, lower, down) = between(y, self.size.height());
        let value = |x, y| f32::from(self.pixels[y * self.size.width() + x]);
        let along = |y| value(left, y) + (value(right, y) - value(left, y)) * across;
        let (top, bottom) = (along(upper), along(lower));
        top + (bottom - top) * down
    }

    /// The picture smoothed by a Gauss curve of `sigma` pixels, 0 to 32; beyond its edge the edge goes on. What is
    /// below 0.1 or not a number smooths nothing.
    #[must_use]
    pub fn blur(&self, sigma: f32) -> Grey<'static> {
        let mut values: Vec<_> = self.pixels.iter().map(|it| f32::from(*it)).collect();
        gaussian(&mut values, self.size, 1, sigma);
        let pixels: Vec<_> = values.into_iter().map(|it| it.round() as u8).collect();
        Grey { size: self.size, pixels: Cow::Owned(pixels) }
    }

    /// Half as wide and half as high; a pixel is the mean of four.
    #[must_use]
    pub fn half(&self) -> Grey<'static> {
        let (size, width) = (self.size.half(), self.size.width());
        let mut pixels = Vec::with_capacity(size.pixels());
        let mut sums = vec![0_u16; width];
        for y in 0..size.height() {
            let below = (2 * y + 1).min(self.size.height() - 1);
            let [upper, lower] = [2 * y, below].map(|y| &self.pixels[y * width..][..width]);
            for (sum, (upper, lower)) in sums.iter_mut().zip(upper.iter().zip(lower)) {
                *sum = u16::from(*upper) + u16::from(*lower);
            }
            let quarter = |sum: u16| ((sum + 2) / 4) as u8;
            if width == 1 {
                pixels.push(quarter(2 * sums[0]));
            }
            pixels.extend(sums.chunks_exact(2).map(|pair| quarter(pair[0] + pair[1])));
        }
        Grey { size, pixels: Cow::Owned(pixels) }
    }

    /// How steep the picture is at each pixel, by the operator of Sobel.
    #[must_use]
    pub fn gradients(&self) -> Gradients {
        let (width, height) = (self.size.width(), self.size.height());
        let (mut dx, mut dy) = (vec![0; self.size.pixels()], vec![0; self.size.pixels()]);
        let row = |y: usize| &self.pixels[y * width..][..width];
        // Down each column first: the weighted sum of three pixels, and the change.
        let (mut sums, mut changes) = (vec![0_i16; width], vec![0_i16; width]);
        for y in 1..height.saturating_sub(1) {
            let columns = row(y - 1).iter().zip(row(y)).zip(row(y + 1));
            for (((upper, middle), lower), (sum, change)) in
                columns.zip(sums.iter_mut().zip(&mut changes))
            {
                let [upper, middle, lower] = [*upper, *middle, *lower].map(i16::from);
                *sum = upper + 2 * middle + lower;
                *change = lower - upper;
            }
            let inside = y * width + 1..((y + 1) * width).saturating_sub(1);
            if inside.is_empty() {
                break;
            }
            for (dx, sums) in dx[inside.clone()].iter_mut().zip(sums.windows(3)) {
                *dx = sums[2] - sums[0];
            }
            for (dy, changes) in dy[inside].iter_mut().zip(changes.windows(3)) {
                *dy = changes[0] + 2 * changes[1] + changes[2];
            }
        }
        Gradients { size: self.size, dx, dy }
    }
}

/// The two pixels of a row or column around a coordinate, and how far it is from the first to the second.
pub(crate) fn between(at: f32, length: usize) -> (usize, usize, f32) {
    // `max` gives the other if one is not a number.
    let at = at.max(0.0).min((length - 1) as f32);
    let first = at as usize;
    (first, (first + 1).min(length - 1), at - first as f32)
}

/// How steep a picture is, a value for each pixel: eight times the change from one pixel to the next, -1020 to 1020.
/// On the outermost pixels it is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gradients {
    /// The picture's size.
    pub size: Size,
    /// The change to the right.
    pub dx: Vec<i16>,
    /// The change downwards.
    pub dy: Vec<i16>,
}

/// The widest smoothing, in pixels.
const MOST_SIGMA: f32 = 32.0;

/// Smooths `channels` interleaved planes in place.
pub(crate) fn gaussian(values: &mut [f32], size: Size, channels: usize, sigma: f32) {
    if sigma.is_nan() || sigma < 0.1 {
        return;
    }
    let sigma = sigma.min(MOST_SIGMA);
    // Beyond three sigma there is 0.3 % of the curve.
    let reach = (3.0 * sigma).ceil() as usize;
    let curve = |at: usize| (-0.5 * ((at as f32 - reach as f32) / sigma).powi(2)).exp();
    let mut kernel: Vec<_> = (0..=2 * reach).map(curve).collect();
    let sum: f32 = kernel.iter().sum();
    for weight in &mut kernel {
        *weight /= sum;
    }
    let (width, height) = (size.width(), size.height());
    let row = width * channels;
    let passes = [(channels, row, width, height), (row, channels, height, width)];
    let mut line = Vec::new();
    for (along, across, length, lines) in passes {
        for start in (0..lines).flat_map(|line| (0..channels).map(move |it| line * across + it)) {
            // The line with its ends drawn out, so that the inner loop asks nothing.
            line.clear();
            line.extend((0..length + 2 * reach).map(|at| {
                let inside = at.saturating_sub(reach).min(length - 1);
                values[start + inside * along]
            }));
            for at in 0..length {
                let sum =
                    line[at..].iter().zip(&kernel).map(|(value, weight)| value * weight).sum();
                values[start + at * along] = sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    fn noise(dice: &mut Rng, width: usize, height: usize) -> Grey<'static> {
        let pixels: Vec<_> = (0..width * height).map(|_| dice.u8(..)).collect();
        Grey::new(Size::new(width, height).unwrap(), pixels).unwrap()
    }

    #[test]
    fn white_is_white_and_green_brighter_than_blue() {
        let size = Size::new(1, 1).unwrap();
        let grey = |colour| Grey::from_rgb(&Rgb::filled(size, colour)).pixels()[0];
        assert_eq!([grey([255; 3]), grey([0; 3]), grey([100; 3])], [255, 0, 100]);
        assert!(grey([0, 255, 0]) > grey([255, 0, 0]) && grey([255, 0, 0]) > grey([0, 0, 255]));
    }

    #[test]
    fn samples_lie_between_their_pixels() {
        let grey = Grey::new(Size::new(2, 2).unwrap(), vec![0, 100, 50, 150]).unwrap();
        for (x, y, expected) in [
            (0.0, 0.0, 0.0),
            (1.0, 1.0, 150.0),
            (0.5, 0.0, 50.0),
            (0.5, 0.5, 75.0),
            (-7.0, 0.5, 25.0),
            (f32::INFINITY, f32::INFINITY, 150.0),
            (f32::NAN, f32::NAN, 0.0),
        ] {
            assert!((grey.sample(x, y) - expected).abs() < 1e-4, "{x} {y}");
        }
    }

    #[test]
    fn blur_keeps_the_mean_and_lowers_the_noise() {
        let mut dice = Rng::with_seed(2);
        let grey = noise(&mut dice, 64, 48);
        let mean = |it: &Grey| it.pixels().iter().map(|it| f64::from(*it)).sum::<f64>() / 3072.0;
        let spread = |it: &Grey| {
            let mean = mean(it);
            it.pixels().iter().map(|it| (f64::from(*it) - mean).abs()).sum::<f64>() / 3072.0
        };
        let soft = grey.blur(2.0);
        assert!((mean(&soft) - mean(&grey)).abs() < 3.0);
        assert!(spread(&soft) < spread(&grey) / 4.0);
        for nothing in [0.0, -3.0, f32::NAN] {
            assert_eq!(grey.blur(nothing), grey);
        }
    }

    #[test]
    fn a_slope_is_as_steep_everywhere() {
        let pixels: Vec<_> = (0..20 * 10).map(|at| (at % 20 * 3 + at / 20 * 5) as u8).collect();
        let gradients = Grey::new(Size::new(20, 10).unwrap(), pixels).unwrap().gradients();
        for (at, (dx, dy)) in gradients.dx.iter().zip(&gradients.dy).enumerate() {
            let (x, y) = (at % 20, at / 20);
            let is_edge = x == 0 || x == 19 || y == 0 || y == 9;
            assert_eq!((*dx, *dy), if is_edge { (0, 0) } else { (24, 40) });
        }
    }

    #[test]
    fn any_picture_can_be_smoothed_halved_and_derived() {
        let mut dice = Rng::with_seed(3);
        for _ in 0..200 {
            let (width, height) = (dice.usize(1..40), dice.usize(1..40));
            let grey = noise(&mut dice, width, height);
            assert_eq!(grey.blur(dice.f32() * 50.0).size(), grey.size());
            assert_eq!(grey.gradients().dx.len(), grey.size().pixels());
            let half = grey.half();
            assert_eq!(half.size().width(), (width / 2).max(1));
            let (darkest, brightest) =
                (grey.pixels().iter().min().unwrap(), grey.pixels().iter().max().unwrap());
            assert!(half.pixels().iter().all(|it| (darkest..=brightest).contains(&it)));
        }
    }
}
