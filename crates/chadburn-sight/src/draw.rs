//! Boxes and small labels burnt into a picture, for those who cannot draw them over it. It decides nothing.

use crate::image::{Colour, Rect, Rgb};

/// The letters: blocks of a line that names them and of seven lines that show them, five columns each.
const FONT: &str = include_str!("draw/font.txt");

/// Width and height of a letter, in dots.
const LETTER: (usize, usize) = (5, 7);

/// Dots from one letter to the next.
const ADVANCE: usize = LETTER.0 + 1;

/// Dots between letters and the rim of their label.
const RIM: usize = 2;

/// The most letters of a label; others are left out.
pub const LONGEST_LABEL: usize = 40;

/// A picture's shorter side has as many pixels for one pixel that a line is wide, and a dot of a letter.
const FINENESS: usize = 400;

/// Draws a box with a label above it, or inside where there is no room. Letters are capitals; what is neither
/// letter, digit nor one of `. , : - _ / % # ( ) +` is a question mark. An empty label is none.
///
/// ```
/// use chadburn_sight::draw;
/// use chadburn_sight::image::{Rect, Rgb, Size};
///
/// let mut picture = Rgb::filled(Size::new(320, 240)?, [0, 0, 0]);
/// let rect = Rect::new([0.25, 0.25, 0.75, 0.75]).expect("it is in the picture");
/// draw::boxed(&mut picture, rect, [255, 200, 0], "blob 7");
/// assert_eq!(picture.pixel(80, 100), [255, 200, 0]);
/// # Ok::<(), chadburn_sight::image::ImageError>(())
/// ```
pub fn boxed(picture: &mut Rgb, rect: Rect, colour: Colour, label: &str) {
    let size = picture.size();
    let dot = size.width().min(size.height()).div_ceil(FINENESS);
    let [x1, y1, x2, y2] = rect.pixels(size);
    let (right, bottom) = (x2.saturating_sub(dot).max(x1), y2.saturating_sub(dot).max(y1));
    for [left, top, right, bottom] in
        [[x1, y1, x2, y1 + dot], [x1, bottom, x2, y2], [x1, y1, x1 + dot, y2], [right, y1, x2, y2]]
    {
        fill(picture, [left, top, right.min(x2), bottom.min(y2)], colour);
    }
    let letters = label.chars().count().min(LONGEST_LABEL);
    if letters == 0 {
        return;
    }
    let width = (letters * ADVANCE - 1 + 2 * RIM) * dot;
    let height = (LETTER.1 + 2 * RIM) * dot;
    // What does not fit is moved to the left, and cut off only where the picture is too narrow.
    let left = x1.min(size.width().saturating_sub(width));
    let top = y1.checked_sub(height).unwrap_or(y1);
    fill(picture, [left, top, left + width, top + height], colour);
    // The weights of BT.601, in thousandths.
    let [r, g, b] = colour.map(u32::from);
    let ink = if 299 * r + 587 * g + 114 * b > 128_000 { [0; 3] } else { [255; 3] };
    for (at, letter) in label.chars().take(LONGEST_LABEL).enumerate() {
        let left = left + (RIM + at * ADVANCE) * dot;
        for (x, y) in dots(letter) {
            let (x, y) = (left + x * dot, top + (RIM + y) * dot);
            fill(picture, [x, y, x + dot, y + dot], ink);
        }
    }
}

/// Paints the pixels of a rectangle, as far as they are in the picture.
fn fill(picture: &mut Rgb, [x1, y1, x2, y2]: [usize; 4], colour: Colour) {
    let size = picture.size();
    for y in y1..y2.min(size.height()) {
        for x in x1..x2.min(size.width()) {
            picture.set(x, y, colour);
        }
    }
}

/// The dots of a letter.
fn dots(letter: char) -> impl Iterator<Item = (usize, usize)> {
    let capital = letter.to_ascii_uppercase();
    let place = |wanted: char| {
        let names = FONT.lines().step_by(LETTER.1 + 1);
        names.enumerate().find_map(|(block, names)| {
            // A name stands in the middle of its letter's columns.
            let at = names.char_indices().find(|(at, it)| at % ADVANCE == 2 && *it == wanted)?.0;
            Some((block, at - 2))
        })
    };
    let place = if letter == ' ' { None } else { place(capital).or_else(|| place('?')) };
    place.into_iter().flat_map(|(block, left)| {
        let lines = FONT.lines().skip(block * (LETTER.1 + 1) + 1).take(LETTER.1);
        lines.enumerate().flat_map(move |(y, line)| {
            let dots = line.bytes().skip(left).take(LETTER.0).enumerate();
            dots.filter(|(_, dot)| *dot == b'#').map(move |(x, _)| (x, y))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Size;
    use fastrand::Rng;

    #[test]
    fn every_letter_is_there_and_another_one() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-_/%#()+?";
        assert_eq!(letters.len(), 48);
        let shapes: Vec<Vec<_>> = letters.chars().map(|it| dots(it).collect()).collect();
        for (at, shape) in shapes.iter().enumerate() {
            assert!(shape.len() >= 3 && !shapes[..at].contains(shape), "{at}");
        }
        assert_eq!(dots('a').collect::<Vec<_>>(), shapes[0]);
        assert_eq!(dots('ü').collect::<Vec<_>>(), shapes[47]);
        assert_eq!(dots(' ').count(), 0);
    }

    #[test]
    fn the_line_is_on_the_edge_and_the_inside_is_left_alone() {
        let mut picture = Rgb::filled(Size::new(100, 100).unwrap(), [7; 3]);
        boxed(&mut picture, Rect::new([0.2, 0.4, 0.599, 0.799]).unwrap(), [255, 0, 0], "");
        for y in 0..100 {
            for x in 0..100 {
                let is_inside = (20..60).contains(&x) && (40..80).contains(&y);
                let is_line = is_inside && (x == 20 || x == 59 || y == 40 || y == 79);
                let expected = if is_line { [255, 0, 0] } else { [7; 3] };
                assert_eq!(picture.pixel(x, y), expected, "{x} {y}");
            }
        }
    }

    #[test]
    fn any_box_and_label_can_be_drawn_into_any_picture() {
        let mut dice = Rng::with_seed(4);
        for _ in 0..300 {
            let size = Size::new(dice.usize(1..300), dice.usize(1..300)).unwrap();
            let mut picture = Rgb::filled(size, [0; 3]);
            let Some(rect) = Rect::new(std::array::from_fn(|_| dice.f32())) else { continue };
            let label: String = (0..dice.usize(0..60)).map(|_| dice.char(..)).collect();
            boxed(&mut picture, rect, [200, 220, 240], &label);
            let [x, y, ..] = rect.pixels(size);
            assert_ne!(picture.pixel(x, y), [0; 3], "{rect:?} in {size:?}");
        }
    }
}
