use super::*;
use crate::scene::View;
use crate::scene::desk::{self, Desk};
use crate::scene::random::Random;
use fastrand::Rng;

const TICK: Duration = Duration::from_millis(100);

/// A grey wall with a pattern, and noise of a seed.
fn wall(seed: u64, light: f32) -> Rgb<'static> {
    let size = Size::new(320, 240).unwrap();
    let mut random = Random::new(seed);
    let mut bytes = Vec::new();
    for at in 0..size.pixels() {
        let level = 100.0 + 30.0 * ((at % 320) as f32 / 9.0).sin() + 4.0 * random.normal();
        bytes.extend([(level * light) as u8; 3]);
    }
    Rgb::new(size, bytes).unwrap()
}

/// A box of a colour at a place in pixels.
fn put(picture: &mut Rgb, x: usize, y: usize, side: usize, colour: [u8; 3]) {
    for y in y..y + side {
        for x in x..x + side {
            picture.set(x, y, colour);
        }
    }
}

/// The box that [`put`] paints.
fn place(x: usize, y: usize, side: usize) -> Rect {
    let [x1, y1, x2, y2] = [x, y, x + side, y + side].map(|it| it as f32);
    Rect::new([x1 / 320.0, y1 / 240.0, x2 / 320.0, y2 / 240.0]).unwrap()
}

#[test]
fn moving_things_are_found_where_they_are_and_nothing_else() {
    let view = View { noise: 5.0, blur: 0.7, ..View::default() };
    // The pointer stands still, so that it is background.
    let desk = Desk::new(2, &[0, 3, 5, 8], &view);
    let empty = Desk::new(2, &[], &view);
    let mut background = Background::default();
    for step in 0..8 {
        assert!(background.find(&empty.frame(TICK * step, 30.0).picture, TICK * step).is_empty());
    }
    for step in 8..24 {
        let frame = desk.frame(TICK * step, 30.0);
        let found = background.find(&frame.picture, TICK * step);
        assert_eq!(found.len(), 4, "step {step}: {found:?}");
        for (number, rect) in &frame.things {
            let best = found.iter().map(|it| it.rect.overlap(*rect)).fold(0.0, f32::max);
            assert!(best > 0.75, "step {step}: {number} overlaps by {best}");
        }
        assert!(found.iter().all(|it| it.share >= LEAST && it.certainty > 0.3), "{found:?}");
    }
}

#[test]
fn the_pointer_is_a_thing_when_it_moves() {
    let desk = Desk::new(2, &[], &View { noise: 3.0, ..View::default() });
    let mut background = Background::default();
    for step in 0..8 {
        background.find(&desk.frame(TICK * step, 30.0).picture, TICK * step);
    }
    let found = background.find(&desk.frame(TICK * 8, 120.0).picture, TICK * 8);
    let dial = desk::DIAL.rect(desk::SIZE).unwrap();
    assert!(!found.is_empty() && found.iter().all(|it| it.rect.overlap(dial) > 0.0), "{found:?}");
}

#[test]
fn light_that_changes_is_no_thing() {
    let mut background = Background::default();
    let lights = [1.0, 1.0, 1.0, 0.7, 0.7, 1.3, 1.3, 0.5, 1.0, 1.02, 1.05, 1.1, 1.2, 1.4, 1.6];
    for (step, light) in lights.into_iter().enumerate() {
        let found = background.find(&wall(step as u64, light), TICK * step as u32);
        assert!(found.is_empty(), "step {step}: {found:?}");
    }
    let mut picture = wall(99, 0.8);
    put(&mut picture, 100, 100, 40, [200, 60, 60]);
    let found = background.find(&picture, TICK * 15);
    assert!(found.len() == 1 && found[0].rect.overlap(place(100, 100, 40)) > 0.8, "{found:?}");
}

#[test]
fn what_was_there_from_the_first_leaves_no_ghost() {
    let mut background = Background::default();
    for step in 0..40_u32 {
        let mut picture = wall(u64::from(step), 1.0);
        let x = 20 + 6 * step as usize;
        put(&mut picture, x, 80, 40, [220, 160, 40]);
        let found = background.find(&picture, TICK * step);
        // As long as it overlaps the place where it began nobody can tell what is there.
        if step > 12 {
            assert_eq!(found.len(), 1, "step {step}: {found:?}");
            assert!(found[0].rect.overlap(place(x, 80, 40)) > 0.8, "step {step}: {found:?}");
        }
    }
}

#[test]
fn a_thing_at_rest_is_told_for_a_minute_then_taken_for_background_and_leaves_no_ghost() {
    let mut background = Background::default();
    background.find(&wall(0, 1.0), Duration::ZERO);
    let mut told = Vec::new();
    let mut pictures = [1, 2, 3, 4, 5].map(|seed| wall(seed, 1.0));
    for picture in &mut pictures {
        put(picture, 100, 60, 50, [30, 40, 160]);
    }
    for second in 1..400_u32 {
        let picture = &pictures[second as usize % pictures.len()];
        told.push(!background.find(picture, Duration::from_secs(second.into())).is_empty());
    }
    let seconds = told.iter().filter(|it| **it).count();
    assert!((60..300).contains(&seconds), "told for {seconds} s");
    assert!(told[..seconds].iter().all(|it| *it), "told without a gap");
    let found = background.find(&wall(1_000, 1.0), Duration::from_secs(400));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn specks_are_too_small() {
    // 0.2 % of 320 × 240 is 153 pixels.
    for (side, is_told) in [(8, false), (10, false), (16, true)] {
        let mut background = Background::default();
        background.find(&wall(0, 1.0), Duration::ZERO);
        let mut picture = wall(1, 1.0);
        put(&mut picture, 50, 50, side, [250, 20, 20]);
        assert_eq!(!background.find(&picture, TICK).is_empty(), is_told, "{side}");
    }
}

#[test]
fn another_view_is_background_at_once() {
    let mut background = Background::default();
    let desk = Desk::new(1, &[], &View::default());
    let turned = Desk::new(1, &[], &View { rotation: 90.0, gain: 0.5, ..View::default() });
    let black = Rgb::filled(desk::SIZE, [0; 3]);
    background.find(&desk.frame(TICK, 0.0).picture, TICK);
    assert!(background.find(&black, TICK * 2).is_empty());
    assert!(background.find(&turned.frame(TICK, 0.0).picture, TICK * 3).is_empty());
    assert!(background.find(&turned.frame(TICK, 0.0).picture, TICK * 4).is_empty());
    // Another size begins anew.
    assert!(background.find(&wall(0, 1.0), TICK * 5).is_empty());
    let mut picture = wall(1, 1.0);
    put(&mut picture, 10, 10, 30, [250, 20, 20]);
    assert_eq!(background.find(&picture, TICK * 6).len(), 1);
}

#[test]
fn any_pictures_at_any_moments_give_bounded_answers() {
    let mut dice = Rng::with_seed(3);
    for _ in 0..60 {
        let size = Size::new(dice.usize(1..400), dice.usize(1..60)).unwrap();
        let mut background = Background::default();
        for _ in 0..8 {
            let mut picture = Rgb::filled(size, [dice.u8(..); 3]);
            for _ in 0..dice.usize(0..40) {
                let (x, y) = (dice.usize(0..size.width()), dice.usize(0..size.height()));
                put(&mut picture, x, y, dice.usize(1..30), [dice.u8(..), dice.u8(..), dice.u8(..)]);
            }
            let found = background.find(&picture, Duration::from_nanos(dice.u64(..)));
            assert!(found.len() <= MOST);
            for it in &found {
                assert!(
                    it.share >= LEAST && it.share <= 1.0 && (0.0..=1.0).contains(&it.certainty)
                );
            }
            assert!(found.windows(2).all(|it| it[0].share >= it[1].share));
        }
    }
}
