//! The pointer: it arrives, stays on the dial, and never jumps.

use instrument::{Pointer, WALL};

use crate::world::{World, position};

/// The most it moves in 5 ms, in thousandths of a position: 6 positions a second, rounded up.
const MOST: i32 = 31;

/// The most its speed changes from one 5 ms to the next: 12 positions a second each second would
/// be 0.3 thousandths, and two readings are rounded.
const GENTLE: i32 = 3;

/// Follows a pointer for so many milliseconds and holds it to the dial and to its profile. How far
/// it went in the last 5 ms goes in and comes out.
fn follow(pointer: &mut Pointer, now: &mut u64, ms: u64, pace: &mut i32) {
    for _ in 0..ms / 5 {
        let before = pointer.milli().unwrap();
        *now += 5;
        pointer.advance(*now);
        let after = pointer.milli().unwrap();
        assert!((1_000..=11_000).contains(&after), "it left the dial: {after}");
        let moved = after - before;
        assert!(moved.abs() <= MOST, "it jumped by {moved} at {before}");
        assert!((moved - *pace).abs() <= GENTLE, "it jerked: {pace} then {moved} at {before}");
        *pace = moved;
    }
}

#[test]
fn it_is_not_driven_before_the_first_reply() {
    let mut world = World::new(7);
    for _ in 0..30_000 {
        world.run(1);
        assert_eq!(world.pins.pulse, None);
    }
    assert_eq!(world.state().pointer, None);
    world.reply(3);
    world.run(1);
    assert_eq!(world.pins.pulse, Some(WALL.pulse(3_000)), "it is taken to stand there");
}

#[test]
fn every_move_arrives_in_range_and_in_time() {
    for from in 1..=11_u8 {
        for to in 1..=11_u8 {
            let (mut pointer, mut now, mut pace) = (Pointer::new(), 0, 0);
            pointer.turn_to(now, position(from));
            pointer.turn_to(now, position(to));
            let way = u64::from(from.abs_diff(to));
            // At top speed, and half a second for start and brake.
            follow(&mut pointer, &mut now, 550 + way * 1_000 / 6, &mut pace);
            assert_eq!(pointer.milli(), Some(i32::from(to) * 1_000), "{from} to {to}");
            assert!(!pointer.moves());
        }
    }
}

#[test]
fn it_never_passes_its_target_when_it_is_left_in_peace() {
    let mut pointer = Pointer::new();
    pointer.turn_to(0, position(2));
    pointer.turn_to(0, position(10));
    let mut before = 2_000;
    for now in 0..3_000 {
        pointer.advance(now);
        let at = pointer.milli().unwrap();
        assert!((before..=10_000).contains(&at), "{before} then {at}");
        before = at;
    }
    assert_eq!(before, 10_000);
}

#[test]
fn every_change_of_mind_on_the_way_stays_in_range_and_arrives() {
    for from in 1..=11_u8 {
        for first in 1..=11_u8 {
            for second in 1..=11_u8 {
                for after in [50, 200, 450, 700, 1_000, 1_500] {
                    let (mut pointer, mut now, mut pace) = (Pointer::new(), 0, 0);
                    pointer.turn_to(now, position(from));
                    pointer.turn_to(now, position(first));
                    follow(&mut pointer, &mut now, after, &mut pace);
                    pointer.turn_to(now, position(second));
                    follow(&mut pointer, &mut now, 3_500, &mut pace);
                    let end = Some(i32::from(second) * 1_000);
                    assert_eq!(pointer.milli(), end, "{from}, {first}, {second} after {after} ms");
                }
            }
        }
    }
}

#[test]
fn a_host_that_cannot_decide_does_not_drive_it_off_the_dial() {
    let (mut pointer, mut now, mut pace) = (Pointer::new(), 0, 0);
    pointer.turn_to(now, position(6));
    let mut dice = 1_u64;
    for _ in 0..20_000 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        pointer.turn_to(now, position(u8::try_from((dice >> 33) % 11).unwrap() + 1));
        follow(&mut pointer, &mut now, 5 * ((dice >> 40) % 80), &mut pace);
    }
}

#[test]
fn a_late_tick_loses_nothing() {
    let mut late = Pointer::new();
    let mut punctual = Pointer::new();
    for pointer in [&mut late, &mut punctual] {
        pointer.turn_to(0, position(1));
        pointer.turn_to(0, position(11));
    }
    for now in 0..=900 {
        punctual.advance(now);
    }
    late.advance(900);
    assert_eq!(late.milli(), punctual.milli());
    late.advance(1_000_000);
    late.turn_to(1_000_000, position(1));
    late.advance(1_000_005);
    assert!(late.milli().unwrap() > 10_990, "rest is not saved up for a jump");
}

#[test]
fn pulses_stay_between_the_ends() {
    let [first, last] = WALL.servo;
    assert_eq!((WALL.pulse(1_000), WALL.pulse(11_000)), (first, last));
    assert_eq!((WALL.pulse(-5_000), WALL.pulse(20_000)), (first, last));
    assert_eq!(WALL.pulse(6_000), 1_500, "STOP is the middle");
}
