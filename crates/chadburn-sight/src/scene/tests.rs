#![expect(clippy::float_cmp, reason = "what is computed in one way is the same")]

use std::time::Duration;

use super::ball::Ball;
use super::desk::Desk;
use super::*;
use crate::image::{Rect, Rgb};

/// The middle of the pixels that satisfy this, weighted by how much they do.
fn middle(picture: &Rgb, weight: impl Fn([u8; 3]) -> f32) -> [f32; 2] {
    let size = picture.size();
    let mut sums = [0.0_f64; 3];
    for at in 0..size.pixels() {
        let (x, y) = (at % size.width(), at / size.width());
        let weight = f64::from(weight(picture.pixel(x, y)));
        sums = [sums[0] + weight, sums[1] + weight * x as f64, sums[2] + weight * y as f64];
    }
    [1, 2].map(|it| (sums[it] / sums[0]) as f32)
}

#[test]
fn the_ball_is_painted_where_it_is_said_to_be() {
    for view in [View::default(), View { scale: 0.8, rotation: 33.0, ..View::default() }] {
        for truth in Ball::new(1).take(40) {
            let picture = ball::render(&truth, &view, 0);
            let [x, y] = middle(&picture, |it| f32::from(it[0].saturating_sub(24)));
            let there = view.circle(truth, ball::SIZE);
            assert!((x - there.x).abs() < 0.02 && (y - there.y).abs() < 0.02, "{there:?} {x} {y}");
        }
    }
}

#[test]
fn the_ball_starts_where_it_should_stays_in_the_room_and_never_rests() {
    let flight: Vec<_> = Ball::new(7).take(2_000).collect();
    assert_eq!((flight[0].x, flight[0].y, flight[0].r), (280.0, 60.0, 20.0));
    assert!(flight.iter().all(|it| [it.x, it.y].iter().all(|it| (19.5..=379.5).contains(it))));
    let mut walls = 0;
    for pair in flight.windows(2) {
        let steps = [pair[1].x - pair[0].x, pair[1].y - pair[0].y].map(f32::abs);
        assert!(steps.iter().all(|it| *it < 4.001), "{pair:?}");
        walls += usize::from(pair[1].x == 19.5 || pair[1].x == 379.5);
    }
    assert!(walls > 5, "{walls}");
    assert_ne!(flight[1], Ball::new(8).nth(1).unwrap());
    assert_eq!(flight[1_999], Ball::new(7).nth(1_999).unwrap());
}

#[test]
fn light_noise_and_blur_are_what_was_asked_for() {
    let ball = Ball::new(1).next().unwrap();
    let corner = |view: View, seed| ball::render(&ball, &view, seed).pixel(5, 395).map(f32::from);
    let plain = corner(View::default(), 0);
    let lit = View { gain: 2.0, balance: [1.5, 1.0, 0.5], ..View::default() };
    assert_eq!(corner(lit, 0), [plain[0] * 3.0, plain[1] * 2.0, plain[2]]);
    let noisy = ball::render(&ball, &View { noise: 6.0, gain: 3.0, ..View::default() }, 1);
    let below = noisy.bytes().chunks_exact(400 * 3).skip(200).flatten().step_by(3);
    let values: Vec<_> = below.map(|it| f32::from(*it) - 72.0).collect();
    let spread = (values.iter().map(|it| it * it).sum::<f32>() / values.len() as f32).sqrt();
    assert!((spread - 6.0).abs() < 0.2, "{spread}");
    assert_ne!(noisy, ball::render(&ball, &View { noise: 6.0, gain: 3.0, ..View::default() }, 2));
    let soft = ball::render(&ball, &View { blur: 4.0, ..View::default() }, 0);
    let (x, y) = (ball.x as usize, ball.y as usize);
    let steepest = |picture: &Rgb| {
        let row: Vec<_> = (x..x + 40).map(|x| i32::from(picture.pixel(x, y)[0])).collect();
        row.windows(2).map(|it| (it[0] - it[1]).abs()).max().unwrap()
    };
    assert!(steepest(&soft) * 4 < steepest(&ball::render(&ball, &View::default(), 0)));
}

#[test]
fn boxes_of_the_desk_hold_their_things_in_any_view() {
    let plain = View { scale: 0.9, rotation: 25.0, ..View::default() };
    for view in [View::default(), plain, View { covered: 0.4, ..plain }] {
        let (desk, empty) = (Desk::new(3, &[4, 7, 10], &view), Desk::new(3, &[], &view));
        for second in [0, 5] {
            let at = Duration::from_secs(second);
            let (frame, empty) = (desk.frame(at, 10.0), empty.frame(at, 10.0));
            let size = frame.picture.size();
            for x in 0..size.width() {
                for y in 0..size.height() {
                    let is_thing = frame.picture.pixel(x, y) != empty.picture.pixel(x, y);
                    // A pixel that an edge touches at its corner is painted a little.
                    let is_inside = |rect: &Rect| {
                        let [x1, y1, x2, y2] = rect.pixels(size);
                        x + 1 >= x1 && x <= x2 && y + 1 >= y1 && y <= y2
                    };
                    let inside = frame.things.iter().any(|it| is_inside(&it.1));
                    assert!(inside || !is_thing, "{view:?} {x} {y}");
                }
            }
            for (number, rect) in &frame.things {
                let [x1, y1, x2, y2] = rect.pixels(size);
                let all = (x1..x2).flat_map(|x| (y1..y2).map(move |y| (x, y)));
                let thing = |(x, y): &(usize, usize)| {
                    frame.picture.pixel(*x, *y) != empty.picture.pixel(*x, *y)
                };
                let share = all.clone().filter(thing).count() as f32 / all.count() as f32;
                assert!(share > 0.45, "{number} fills {share} of its box");
            }
        }
    }
}

#[test]
fn the_pointer_stands_where_it_is_said_to_stand() {
    let view = View { rotation: 12.0, scale: 0.9, ..View::default() };
    let desk = Desk::new(1, &[], &view);
    let bare = desk.frame(Duration::ZERO, 0.0);
    for degrees in [-90.0, 45.0, 137.5, 200.0, 1_000.0] {
        let frame = desk.frame(Duration::ZERO, degrees);
        assert!((frame.pointer - (degrees + 12.0).rem_euclid(360.0)).abs() < 1e-3);
        // Its tip is dark, and was not while it stood upright.
        let (sin, cos) = frame.pointer.to_radians().sin_cos();
        let [x, y] =
            [frame.dial.x + 60.0 * sin, frame.dial.y - 60.0 * cos].map(|it| it.round() as usize);
        assert!(frame.picture.pixel(x, y)[1] < 60 && bare.picture.pixel(x, y)[1] > 60, "{degrees}");
    }
    assert!(desk.frame(Duration::ZERO, f32::NAN).pointer.is_finite());
}

#[test]
fn a_view_without_sense_is_brought_to_one_that_has() {
    for wild in [f32::NAN, f32::INFINITY, -f32::INFINITY, -1.0, 1e30, 0.0] {
        let view = View {
            gain: wild,
            balance: [wild; 3],
            noise: wild,
            blur: wild,
            scale: wild,
            rotation: wild,
            covered: wild,
        };
        let checked = view.checked();
        assert_eq!(checked, checked.checked());
        let frame =
            Desk::new(u64::MAX, &[u64::MAX, 1, 2, 3, 4, 5, 6, 7], &view).frame(Duration::MAX, wild);
        assert!(frame.things.len() <= desk::MOST);
    }
    assert_eq!(
        View { gain: f32::NAN, scale: f32::NAN, ..View::default() }.checked(),
        View::default()
    );
}
