use std::time::Duration;

use super::*;
use crate::image::{Colour, Size};
use crate::scene::View;
use crate::scene::desk::Desk;
use fastrand::Rng;

/// How things of these numbers look to a camera, in some pictures one after the other.
fn seen(numbers: std::ops::Range<u64>, view: &View, seed: u64) -> Vec<Vec<Looks>> {
    let numbers: Vec<_> = numbers.collect();
    let mut seen: Vec<Vec<Looks>> = numbers.iter().map(|_| Vec::new()).collect();
    for (lane, numbers) in numbers.chunks(6).enumerate() {
        let desk = Desk::new(seed, numbers, view);
        for picture in 0..4 {
            let frame = desk.frame(Duration::from_millis(2_000 + 100 * picture), 0.0);
            let balance = Balance::of(&frame.picture);
            for (at, (_, rect)) in frame.things.iter().enumerate() {
                seen[lane * 6 + at].push(Looks::of(&frame.picture, *rect, &balance));
            }
        }
    }
    assert!(seen.iter().all(|it| it.len() == 4), "all things are in all pictures");
    seen
}

#[test]
fn things_are_known_again_before_another_camera() {
    let begun = seen(0..24, &View { noise: 3.0, blur: 0.5, ..View::default() }, 1);
    // Another light, a turn, another distance, less sharp, and partly covered.
    let others = [
        View {
            gain: 0.6,
            balance: [1.2, 1.0, 0.8],
            noise: 3.0,
            blur: 0.7,
            scale: 0.6,
            rotation: 20.0,
            covered: 0.0,
        },
        View {
            gain: 1.2,
            balance: [0.8, 1.0, 1.2],
            noise: 3.0,
            blur: 1.0,
            scale: 1.0,
            rotation: -12.0,
            covered: 0.3,
        },
    ];
    let (mut first, mut same, mut different) = (0, Vec::new(), Vec::new());
    for (seed, view) in others.iter().enumerate() {
        let there = seen(0..24, view, 2 + seed as u64);
        for (thing, looks) in begun.iter().enumerate() {
            let wanted = FeatureMap::mean(looks.iter().map(Looks::upright)).unwrap();
            let alike: Vec<_> = there.iter().map(|it| Looks::alike(it, &wanted)).collect();
            let best = alike.iter().copied().fold(0.0, f32::max);
            first += usize::from(alike[thing] >= best);
            for (other, alike) in alike.into_iter().enumerate() {
                if other == thing { &mut same } else { &mut different }.push(alike);
            }
        }
    }
    assert!(first * 100 >= same.len() * 95, "{first} of {} are first", same.len());
    // At 1 % false that is, which is where the rule's bound is.
    different.sort_by(f32::total_cmp);
    let bound = different[different.len() * 99 / 100];
    assert!((bound - matcher::ALIKE).abs() < 0.03, "{bound}");
    let found = same.iter().filter(|it| **it > bound).count();
    assert!(found * 100 >= same.len() * 85, "{found} of {} are found", same.len());
}

#[test]
fn light_and_colour_of_the_light_change_a_map_little() {
    let plain = &seen(0..4, &View::default(), 1)[0][0];
    for (gain, balance) in [(0.5, [1.0; 3]), (0.8, [1.2, 1.0, 0.8]), (1.1, [0.8, 1.1, 1.0])] {
        let lit = &seen(0..4, &View { gain, balance, ..View::default() }, 1)[0][0];
        let cosine = plain.upright().cosine(lit.upright());
        assert!(cosine > 0.97, "{gain} {balance:?}: {cosine}");
    }
}

/// A picture with a square of a colour in its middle, and the square's box.
fn square(colour: Colour) -> (Rgb<'static>, Rect) {
    let mut picture = Rgb::filled(Size::new(200, 200).unwrap(), [120; 3]);
    for (x, y) in (80..120).flat_map(|x| (80..120).map(move |y| (x, y))) {
        picture.set(x, y, colour);
    }
    (picture, Rect::new([0.4, 0.4, 0.6, 0.6]).unwrap())
}

#[test]
fn the_parts_of_a_map_are_where_the_protocol_has_them() {
    assert_eq!(LENGTH, 208);
    let map = |colour| {
        let (picture, rect) = square(colour);
        Looks::of(&picture, rect, &Balance { factors: [1.0; 3] }).upright().clone()
    };
    // Red is the first hue of each of the four cells, white the brightest level.
    for (colour, bin) in [([200, 0, 0], 0), ([0, 200, 200], 8), ([255; 3], 19), ([0; 3], 16)] {
        for cell in 0..4 {
            let part = map(colour).values()[cell * 20..][..20].to_vec();
            let best = part.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            assert_eq!(best.0, bin, "{colour:?} {part:?}");
        }
    }
    // Brighter to the right, which is the first of eight directions.
    let size = Size::new(64, 64).unwrap();
    let slope: Vec<u8> = (0..size.pixels()).flat_map(|at| [(at % 64 * 3) as u8; 3]).collect();
    let slope = Rgb::new(size, slope).unwrap();
    let looks = Looks::of(&slope, Rect::new([0.1, 0.1, 0.9, 0.9]).unwrap(), &Balance::of(&slope));
    for cell in 0..16 {
        let part = &looks.upright().values()[80 + cell * 8..][..8];
        assert!(
            part.iter().enumerate().all(|(at, it)| (*it > 0.01) == (at == 0)),
            "{cell} {part:?}"
        );
    }
}

#[test]
fn only_numbers_that_are_a_map_become_one() {
    let of = |values: &[f32]| FeatureMap::try_from(values);
    assert_eq!(of(&[1.0; 207]), Err(FeatureError::Length(207)));
    assert_eq!(of(&[]), Err(FeatureError::Length(0)));
    for bad in [f32::NAN, f32::INFINITY, -0.1] {
        let mut values = [0.5; LENGTH];
        values[207] = bad;
        assert_eq!(of(&values), Err(FeatureError::Values));
    }
    assert_eq!(of(&[0.0; LENGTH]), Err(FeatureError::Values));
    for value in [f32::MAX, 1.0, 1e-30, f32::MIN_POSITIVE / 1e4] {
        let map = of(&[value; LENGTH]).unwrap();
        assert!((map.cosine(&map) - 1.0).abs() < 1e-4, "{value}");
    }
    let error = of(&[1.0; 3]).unwrap_err().to_string();
    assert_eq!(error, "a feature map of 3 numbers, not 208");
}

#[test]
fn any_box_of_any_picture_has_looks() {
    let mut dice = Rng::with_seed(9);
    for _ in 0..200 {
        let size = Size::new(dice.usize(1..300), dice.usize(1..300)).unwrap();
        let level = dice.u8(..);
        let bytes: Vec<_> = match dice.u8(0..3) {
            0 => vec![level; size.pixels() * 3],
            1 => vec![[0, 255][usize::from(dice.bool())]; size.pixels() * 3],
            _ => (0..size.pixels() * 3).map(|_| dice.u8(..)).collect(),
        };
        let picture = Rgb::new(size, bytes).unwrap();
        let [x, y] = [dice.f32(), dice.f32()];
        let [w, h] = [dice.f32(), dice.f32()].map(|it| it * it * it + 2e-6);
        let Some(rect) = Rect::new([x, y, x + w, y + h]) else { continue };
        let looks = Looks::of(&picture, rect, &Balance::of(&picture));
        for map in &looks.maps {
            let again = FeatureMap::try_from(&map.values()[..]).unwrap();
            assert!((again.cosine(map) - 1.0).abs() < 1e-3, "{size:?} {rect:?}");
        }
    }
}
