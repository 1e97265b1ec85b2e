#![expect(clippy::float_cmp, reason = "what is computed in one way is the same")]

use super::*;
use crate::image::Rgb;
use crate::scene::View;
use crate::scene::ball::{self, Ball};
use crate::scene::random::Random;
use fastrand::Rng;

/// Circles of one colour on a ground of another, drawn in turn.
fn discs(size: (usize, usize), ground: u8, discs: &[(f32, f32, f32, u8)]) -> Grey<'static> {
    let size = Size::new(size.0, size.1).unwrap();
    let mut pixels = vec![ground; size.pixels()];
    for (x, y, r, level) in discs {
        for (at, pixel) in pixels.iter_mut().enumerate() {
            let (px, py) = ((at % size.width()) as f32, (at / size.width()) as f32);
            let cover = (0.5 + r - (px - x).hypot(py - y)).clamp(0.0, 1.0);
            *pixel = (f32::from(*pixel) * (1.0 - cover) + f32::from(*level) * cover).round() as u8;
        }
    }
    Grey::new(size, pixels).unwrap()
}

/// How far off the centre and the radius are.
fn off(found: &Circle, x: f32, y: f32, r: f32) -> f32 {
    ((found.x - x).abs() + (found.y - y).abs()).max((found.r - r).abs())
}

#[test]
fn the_ball_is_never_missed_and_its_centre_is_known_to_a_fraction_of_a_pixel() {
    let search = Search::new(10.0, 40.0).unwrap();
    let view = View { noise: 4.0, blur: 0.5, ..View::default() };
    let mut sum = 0.0;
    for (seed, truth) in Ball::new(3).take(200).enumerate() {
        let grey = Grey::from_rgb(&ball::render(&truth, &view, seed as u64));
        for most in [1, 32] {
            let found = search.most(most).find(&grey);
            assert_eq!(found.len(), 1, "picture {seed}: {found:?}");
            let l1 = (found[0].x - truth.x).abs() + (found[0].y - truth.y).abs();
            assert!(l1 < 0.2 && (found[0].r - truth.r).abs() < 0.2, "{seed}: {:?}", found[0]);
            assert!(found[0].support > 0.9);
            sum += l1;
        }
    }
    assert!(sum / 400.0 < 0.03, "mean L1 is {} px", sum / 400.0);
}

#[test]
fn the_ball_is_found_in_the_dark_in_noise_and_out_of_focus() {
    let mut random = Random::new(8);
    let search = Search::new(10.0, 60.0).unwrap().most(1);
    let mut sum = 0.0;
    for (seed, truth) in Ball::new(4).take(100).enumerate() {
        let view = View {
            gain: random.between(0.4, 1.2),
            balance: [(); 3].map(|()| random.between(0.8, 1.2)),
            noise: random.between(0.0, 12.0),
            blur: random.between(0.0, 2.5),
            ..View::default()
        };
        let grey = Grey::from_rgb(&ball::render(&truth, &view, seed as u64));
        let found = search.find(&grey);
        assert!(!found.is_empty(), "{view:?}");
        let off = off(&found[0], truth.x, truth.y, truth.r);
        assert!(off < 1.2, "{view:?}: {found:?}, not {truth:?}");
        sum += off;
    }
    assert!(sum / 100.0 < 0.2, "{}", sum / 100.0);
}

#[test]
fn a_turned_and_enlarged_view_is_measured_in_its_own_pixels() {
    let view = View { scale: 1.5, rotation: 30.0, ..View::default() };
    let mut random = Random::new(9);
    for _ in 0..50 {
        let [x, y] = [(); 2].map(|()| random.between(120.0, 280.0));
        let truth = Circle { x, y, r: ball::RADIUS, support: 1.0 };
        let there = view.circle(truth, ball::SIZE);
        let grey = Grey::from_rgb(&ball::render(&truth, &view, 0));
        let found = Search::new(20.0, 40.0).unwrap().find(&grey);
        assert!(off(&found[0], there.x, there.y, 30.0) < 0.1, "{found:?} {there:?}");
    }
}

#[test]
fn several_circles_of_any_size_are_found_at_once() {
    let truth = [
        (80.3, 90.8, 60.5, 220),
        (250.0, 60.0, 12.2, 30),
        (230.7, 190.1, 35.0, 200),
        (60.0, 220.0, 8.0, 10),
    ];
    let found = Search::new(6.0, 80.0).unwrap().find(&discs((320, 260), 110, &truth));
    assert_eq!(found.len(), 4, "{found:?}");
    for (x, y, r, _) in truth {
        assert!(found.iter().any(|it| off(it, x, y, r) < 0.15), "{x} {y} {r}: {found:?}");
    }
    assert!(found.windows(2).all(|it| it[0].support >= it[1].support));
    let two = Search::new(6.0, 80.0).unwrap().most(2).find(&discs((320, 260), 110, &truth));
    assert_eq!(two.len(), 2);
    assert!(
        two.iter().all(|it| found.iter().any(|other| off(it, other.x, other.y, other.r) < 0.1))
    );
}

#[test]
fn a_rim_and_its_hub_are_two_circles() {
    let found = Search::new(10.0, 90.0).unwrap().find(&discs(
        (200, 200),
        90,
        &[(99.0, 101.0, 80.0, 230), (99.0, 101.0, 15.0, 40)],
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    for r in [80.0, 15.0] {
        assert!(found.iter().any(|it| off(it, 99.0, 101.0, r) < 0.1), "{found:?}");
    }
}

#[test]
fn what_covers_a_quarter_of_it_does_not_move_it() {
    let base = discs((160, 160), 60, &[(80.0, 80.0, 40.0, 200)]);
    let mut pixels = base.pixels().to_vec();
    for y in 0..80 {
        for x in 85..160 {
            pixels[y * 160 + x] = 130;
        }
    }
    let found = Search::new(20.0, 60.0).unwrap().find(&Grey::new(base.size(), pixels).unwrap());
    assert!(off(&found[0], 80.0, 80.0, 40.0) < 0.15, "{found:?}");
    assert!(found[0].support < 0.95);
}

#[test]
fn there_are_no_circles_where_none_are() {
    let size = Size::new(320, 240).unwrap();
    let mut dice = Rng::with_seed(6);
    let mut noise = || (0..size.pixels()).map(|_| dice.u8(..)).collect::<Vec<_>>();
    let stripes = (0..size.pixels()).map(|at| if at % 17 < 8 { 40 } else { 210 }).collect();
    let checks = |side: usize| {
        let odd = move |at: usize| (at % 320 / side + at / 320 / side) % 2 == 1;
        (0..size.pixels()).map(|at| if odd(at) { 40 } else { 210 }).collect()
    };
    for pixels in [vec![7; size.pixels()], noise(), noise(), stripes, checks(40), checks(16)] {
        let grey = Grey::new(size, pixels).unwrap();
        for search in [Search::new(8.0, 100.0).unwrap(), Search::new(20.0, 60.0).unwrap()] {
            let found = search.find(&grey);
            assert!(found.is_empty(), "{found:?}");
        }
        let soft = Search::new(8.0, 100.0).unwrap().find(&grey.blur(2.0));
        assert!(soft.len() < 2, "{soft:?}");
    }
}

#[test]
fn a_faint_circle_is_found_only_by_who_asks_for_it() {
    let faint = discs((120, 120), 100, &[(60.0, 60.0, 30.0, 106)]);
    let search = Search::new(20.0, 40.0).unwrap();
    assert!(search.find(&faint).is_empty());
    assert!(off(&search.contrast(3.0).find(&faint)[0], 60.0, 60.0, 30.0) < 0.5);
    let half = discs((120, 120), 100, &[(60.0, 60.0, 30.0, 200), (60.0, 120.0, 60.0, 100)]);
    assert!(search.support(0.8).find(&half).is_empty());
    assert_eq!(search.support(0.3).find(&half).len(), 1);
}

#[test]
fn a_large_picture_is_as_exact() {
    let grey = discs((3000, 2000), 80, &[(1490.3, 1010.6, 420.25, 190)]);
    let found = Search::new(200.0, 600.0).unwrap().most(1).find(&grey);
    assert!(off(&found[0], 1490.3, 1010.6, 420.25) < 0.15, "{found:?}");
}

#[test]
fn radii_that_make_no_sense_are_refused() {
    for (smallest, largest) in [
        (3.9, 10.0),
        (20.0, 10.0),
        (f32::NAN, 10.0),
        (5.0, f32::NAN),
        (5.0, f32::INFINITY),
        (-1.0, 1.0),
    ] {
        assert!(Search::new(smallest, largest).is_err(), "{smallest} {largest}");
    }
    let error = Search::new(20.0, 10.0).unwrap_err().to_string();
    assert_eq!(error, "radii from 20 to 10 px; the first is 4 at least, the other no less");
    let search = Search::new(5.0, 10.0).unwrap();
    assert_eq!(search.support(f32::NAN).contrast(f32::NAN), search);
    assert_eq!(search.most(0), search.most(1));
    assert_eq!(search.most(usize::MAX), search.most(32));
}

#[test]
fn any_picture_can_be_searched_for_any_circles() {
    let mut dice = Rng::with_seed(7);
    for _ in 0..400 {
        let size = Size::new(dice.usize(1..90), dice.usize(1..90)).unwrap();
        let levels = [2, 30, 255][dice.usize(0..3)];
        let pixels: Vec<_> = (0..size.pixels()).map(|_| dice.u8(0..levels)).collect();
        let picture = Grey::new(size, pixels).unwrap();
        let picture = if dice.bool() { picture.blur(2.0) } else { picture };
        let smallest = 4.0 + dice.f32() * 40.0;
        let search = Search::new(smallest, smallest + dice.f32() * 1e4).unwrap();
        let search = search.most(dice.usize(..)).support(dice.f32()).contrast(dice.f32() * 40.0);
        let found = search.find(&picture);
        assert!(found.len() <= Search::MOST);
        for it in &found {
            assert!([it.x, it.y, it.r].iter().all(|it| it.is_finite()) && it.r > 3.0, "{it:?}");
            assert!((0.0..=1.0).contains(&it.support), "{it:?}");
        }
        assert_eq!(found, search.find(&picture), "the same twice");
    }
}

#[test]
fn a_circle_has_a_box_in_shares_of_the_picture() {
    let size = Size::new(100, 50).unwrap();
    let circle = Circle { x: 49.5, y: 24.5, r: 10.0, support: 1.0 };
    assert_eq!(circle.rect(size).unwrap().corners(), [0.4, 0.3, 0.6, 0.7]);
    assert_eq!(Circle { x: 200.0, ..circle }.rect(size), None);
    let black = Grey::from_rgb(&Rgb::filled(size, [0; 3]));
    assert!(Search::new(4.0, 20.0).unwrap().find(&black).is_empty());
}

#[test]
fn a_guess_that_is_pixels_off_is_fitted_as_exactly() {
    let grey = discs((100, 100), 60, &[(50.2, 48.7, 20.3, 200)]);
    let search = Search::new(10.0, 40.0).unwrap();
    for (x, y, r) in
        [(50.2, 48.7, 20.3), (52.2, 46.7, 21.0), (48.0, 48.7, 19.5), (50.2, 51.0, 22.0)]
    {
        let guess = Circle { x, y, r, support: 0.0 };
        let found = refine::refine(&grey, guess, 4.0, &search).unwrap();
        assert!(off(&found, 50.2, 48.7, 20.3) < 0.03, "{guess:?}: {found:?}");
        assert!(found.support > 0.99);
    }
    // Nothing is there.
    let empty = Circle { x: 20.0, y: 20.0, r: 12.0, support: 0.0 };
    assert_eq!(refine::refine(&grey, empty, 3.0, &search), None);
}
