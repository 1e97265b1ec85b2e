//! Pictures in RGB, their sizes, and boxes in them. It knows no file format.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// A colour as red, green and blue, each 0 to 255.
pub type Colour = [u8; 3];

/// Width and height of a picture in pixels, within [`Size::MOST_ON_A_SIDE`] and [`Size::MOST_PIXELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: usize,
    height: usize,
}

impl Size {
    /// The longest side, in pixels.
    pub const MOST_ON_A_SIDE: usize = 16_384;

    /// The most pixels: 16 million, more than cameras send as video.
    pub const MOST_PIXELS: usize = 16_000_000;

    /// A size, unless a side is 0 or the picture would be too large.
    pub const fn new(width: usize, height: usize) -> Result<Self, ImageError> {
        let most = Self::MOST_ON_A_SIDE;
        let is_large = width > most || height > most || width * height > Self::MOST_PIXELS;
        if width == 0 || height == 0 || is_large {
            return Err(ImageError::Size { width, height });
        }
        Ok(Self { width, height })
    }

    /// Pixels in a row, at least 1.
    #[must_use]
    pub const fn width(self) -> usize {
        self.width
    }

    /// Rows, at least 1.
    #[must_use]
    pub const fn height(self) -> usize {
        self.height
    }

    /// Width times height.
    #[must_use]
    pub const fn pixels(self) -> usize {
        self.width * self.height
    }

    /// Half of it in both directions, rounded down, but no side shorter than 1.
    pub(crate) fn half(self) -> Self {
        Self { width: (self.width / 2).max(1), height: (self.height / 2).max(1) }
    }
}

/// Why bytes are no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// A side is 0, or the picture is larger than [`Size`] allows.
    Size {
        /// The width that was asked for, in pixels.
        width: usize,
        /// The height that was asked for, in pixels.
        height: usize,
    },
    /// There are not as many bytes as pixels need.
    Length {
        /// How many bytes the size needs.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { width, height } => write!(
                f,
                "a picture of {width} × {height} pixels; sides are 1 to {}, and at most {} pixels",
                Size::MOST_ON_A_SIDE,
                Size::MOST_PIXELS
            ),
            Self::Length { expected, actual } => {
                write!(f, "a picture of {actual} bytes, where its size needs {expected}")
            }
        }
    }
}

impl Error for ImageError {}

/// These bytes, if there are as many as expected.
pub(crate) fn exactly<'a>(
    bytes: impl Into<Cow<'a, [u8]>>,
    expected: usize,
) -> Result<Cow<'a, [u8]>, ImageError> {
    let bytes = bytes.into();
    let actual = bytes.len();
    if actual == expected { Ok(bytes) } else { Err(ImageError::Length { expected, actual }) }
}

/// A picture in colour: three bytes a pixel, row by row from the top, borrowed or owned.
///
/// ```
/// use chadburn_sight::image::{Rgb, Size};
///
/// let size = Size::new(2, 1)?;
/// let picture = Rgb::new(size, vec![255, 0, 0, 0, 0, 255])?;
/// assert_eq!(picture.pixel(1, 0), [0, 0, 255]);
/// assert!(Rgb::new(size, vec![0; 5]).is_err());
/// # Ok::<(), chadburn_sight::image::ImageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb<'a> {
    size: Size,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Rgb<'a> {
    /// A picture of these bytes, which are three a pixel.
    pub fn new(size: Size, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, ImageError> {
        Ok(Self { size, bytes: exactly(bytes, size.pixels() * 3)? })
    }

    /// A picture of one colour.
    #[must_use]
    pub fn filled(size: Size, colour: Colour) -> Rgb<'static> {
        Rgb { size, bytes: Cow::Owned(colour.repeat(size.pixels())) }
    }

    /// Its size.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Its bytes, three a pixel.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its bytes, copied only if they were borrowed.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_owned()
    }

    /// The colour of a pixel; beyond the edge that of the nearest one inside.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> Colour {
        let at = (y.min(self.size.height - 1) * self.size.width + x.min(self.size.width - 1)) * 3;
        [self.bytes[at], self.bytes[at + 1], self.bytes[at + 2]]
    }

    /// Paints a pixel; nothing happens beyond the edge.
    pub fn set(&mut self, x: usize, y: usize, colour: Colour) {
        if x < self.size.width && y < self.size.height {
            let at = (y * self.size.width + x) * 3;
            self.bytes.to_mut()[at..at + 3].copy_from_slice(&colour);
        }
    }
}

/// A box in a picture, in shares of it: 0 is the left or upper edge, 1 the right or lower one. It lies within
/// the picture, and has an area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    corners: [f32; 4],
}

impl Rect {
    /// The smallest width and height, in shares of the picture: less than a pixel of any.
    const LEAST: f32 = 1e-6;

    /// The box from `[x1, y1]` to `[x2, y2]`, cut off at the picture's edges. None if nothing of it is left, or if
    /// one of them is not a number.
    #[must_use]
    pub fn new(corners: [f32; 4]) -> Option<Self> {
        // Clamping keeps what is not a number, and comparisons with that are false.
        let rect = Self { corners: corners.map(|it| it.clamp(0.0, 1.0)) };
        rect.extent().iter().all(|it| *it >= Self::LEAST).then_some(rect)
    }

    /// `[x1, y1, x2, y2]`, each 0 to 1.
    #[must_use]
    pub const fn corners(self) -> [f32; 4] {
        self.corners
    }

    /// Width and height, in shares of the picture.
    #[must_use]
    pub fn extent(self) -> [f32; 2] {
        let [x1, y1, x2, y2] = self.corners;
        [x2 - x1, y2 - y1]
    }

    /// The middle, in shares of the picture.
    #[must_use]
    pub fn centre(self) -> [f32; 2] {
        let [x1, y1, x2, y2] = self.corners;
        [f32::midpoint(x1, x2), f32::midpoint(y1, y2)]
    }

    /// Its share of the picture, above 0 and at most 1.
    #[must_use]
    pub fn area(self) -> f32 {
        let [width, height] = self.extent();
        width * height
    }

    /// How much two boxes have in common, by how much they cover together: 0 to 1.
    #[must_use]
    pub fn overlap(self, other: Self) -> f32 {
        let [a, b] = [self.corners, other.corners];
        let common = Self::new([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
        let common = common.map_or(0.0, Self::area);
        common / (self.area() + other.area() - common)
    }

    /// The pixels it touches: `[x1, y1, x2, y2]`, the last column and row not included, at least one of each.
    #[must_use]
    pub fn pixels(self, size: Size) -> [usize; 4] {
        let [x1, y1, x2, y2] = self.corners;
        let [width, height] = [size.width as f32, size.height as f32];
        let left = ((x1 * width) as usize).min(size.width - 1);
        let top = ((y1 * height) as usize).min(size.height - 1);
        let right = ((x2 * width).ceil() as usize).clamp(left + 1, size.width);
        let bottom = ((y2 * height).ceil() as usize).clamp(top + 1, size.height);
        [left, top, right, bottom]
    }
}

/// The places within a distance of this one in both directions, in a grid of so many that is kept row by row.
pub(crate) fn around(
    at: usize,
    reach: usize,
    columns: usize,
    all: usize,
) -> impl Iterator<Item = usize> + Clone {
    let near =
        move |at: usize, length: usize| at.saturating_sub(reach)..(at + reach + 1).min(length);
    let (x, y) = (at % columns, at / columns);
    near(y, all / columns).flat_map(move |y| near(x, columns).map(move |x| y * columns + x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    #[test]
    fn sizes_are_bounded() {
        for (width, height) in
            [(0, 1), (1, 0), (16_385, 1), (4_001, 4_000), (usize::MAX, 2), (usize::MAX, usize::MAX)]
        {
            assert_eq!(Size::new(width, height), Err(ImageError::Size { width, height }));
        }
        for (width, height) in [(1, 1), (16_384, 1), (4_000, 4_000)] {
            assert_eq!(Size::new(width, height).unwrap().pixels(), width * height);
        }
    }

    #[test]
    fn errors_are_one_clear_line() {
        let size = Size::new(3, 2).unwrap();
        let error = Rgb::new(size, &[0; 17][..]).unwrap_err();
        assert_eq!(error.to_string(), "a picture of 17 bytes, where its size needs 18");
        let error = Size::new(0, 7).unwrap_err().to_string();
        assert!(error.starts_with("a picture of 0 × 7 pixels; sides are 1 to 16384"), "{error}");
    }

    #[test]
    fn pixels_beyond_the_edge_do_no_harm() {
        let mut picture = Rgb::filled(Size::new(2, 2).unwrap(), [1, 2, 3]);
        picture.set(2, 0, [9; 3]);
        picture.set(0, usize::MAX, [9; 3]);
        assert_eq!(picture, Rgb::filled(picture.size(), [1, 2, 3]));
        picture.set(1, 1, [9; 3]);
        assert_eq!(picture.pixel(usize::MAX, 7), [9; 3]);
    }

    #[test]
    fn any_box_lies_within_the_picture_and_touches_a_pixel() {
        let mut dice = Rng::with_seed(1);
        let strange = [f32::NAN, f32::INFINITY, -f32::INFINITY, -0.0, f32::MIN_POSITIVE];
        let mut made = 0;
        for _ in 0..10_000 {
            let corners = std::array::from_fn(|_| match dice.usize(0..12) {
                0..5 => strange[dice.usize(0..strange.len())],
                _ => dice.f32() * 3.0 - 1.0,
            });
            let Some(rect) = Rect::new(corners) else { continue };
            made += 1;
            assert!(rect.corners().iter().all(|it| (0.0..=1.0).contains(it)), "{corners:?}");
            assert!(rect.area() > 0.0 && (0.99..1.01).contains(&rect.overlap(rect)), "{corners:?}");
            let size = Size::new(dice.usize(1..50), dice.usize(1..50)).unwrap();
            let [x1, y1, x2, y2] = rect.pixels(size);
            assert!(x1 < x2 && x2 <= size.width() && y1 < y2 && y2 <= size.height());
        }
        assert!(made > 500, "{made}");
    }

    #[test]
    fn overlap_is_the_common_share() {
        let rect = |corners| Rect::new(corners).unwrap();
        let left = rect([0.0, 0.0, 0.5, 1.0]);
        assert!((left.overlap(left) - 1.0).abs() < 1e-6);
        assert!((left.overlap(rect([0.25, 0.0, 0.75, 1.0])) - 1.0 / 3.0).abs() < 1e-6);
        assert!(left.overlap(rect([0.5, 0.0, 1.0, 1.0])).abs() < 1e-6);
    }
}
