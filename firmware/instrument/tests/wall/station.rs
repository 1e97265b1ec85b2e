//! The whole: order, reply, bell and lamp.

use chadburn_core::serial::Health;
use instrument::{Lamp, WALL};

use crate::world::{World, position};

#[test]
fn an_order_rings_until_it_is_answered_and_the_pointer_arrives() {
    let mut world = World::answered(6, 6);
    assert!(!world.state().bell);
    world.order(7);
    world.run(300);
    let ordered = world.states();
    assert_eq!(ordered.len(), 1);
    assert_eq!((ordered[0].order, ordered[0].bell), (Some(position(7)), true));
    let mut strokes = 0;
    for _ in 0..10_000 {
        world.run(1);
        strokes += usize::from(world.pins.bell);
    }
    assert!((2_900..=3_100).contains(&strokes), "ten strokes of 300 ms: {strokes}");
    world.reply(7);
    world.run(1);
    assert!(!world.pins.bell);
    assert!(!world.states().last().unwrap().bell);
    world.run(1_500);
    let arrived = *world.states().last().unwrap();
    assert_eq!((arrived.reply, arrived.pointer), (Some(position(7)), Some(700)));
    assert_eq!(world.pins.pulse, Some(WALL.pulse(7_000)));
}

#[test]
fn a_reply_that_differs_moves_the_pointer_and_does_not_silence_the_bell() {
    let mut world = World::answered(6, 6);
    world.order(7);
    world.run(300);
    world.reply(9);
    world.run(2_000);
    let state = world.state();
    assert_eq!((state.reply, state.pointer, state.bell), (Some(position(9)), Some(900), true));
}

#[test]
fn an_order_given_again_rings_again_although_the_old_reply_still_matches() {
    let mut world = World::answered(7, 7);
    for lever in [8, 7] {
        world.order(lever);
        world.run(300);
    }
    assert!(world.state().bell, "nobody has answered this order");
    world.reply(7);
    assert!(!world.state().bell);
}

#[test]
fn plugged_in_again_an_answered_order_stays_answered_and_the_bell_silent() {
    let mut world = World::new(7);
    world.run(20);
    world.hear(b"\n?1\n");
    world.run(30);
    // The host has the reply before the lever has settled.
    world.reply(7);
    for _ in 0..3_000 {
        world.run(1);
        assert!(!world.pins.bell);
    }
    assert!(!world.state().bell);
}

#[test]
fn an_order_that_was_given_while_the_board_was_without_power_rings() {
    let mut world = World::new(8);
    world.reply(7);
    world.run(300);
    assert!(world.state().bell);
}

#[test]
fn without_a_host_nothing_rings_and_the_lamp_blinks() {
    let mut world = World::settled(7);
    world.order(8);
    for _ in 0..20_000 {
        world.run(1);
        assert!(!world.pins.bell, "nobody could answer");
        assert_eq!(world.station.lamp(world.now), Lamp::NoHost);
    }
    world.hear(b"P\n");
    world.run(300);
    assert!(world.pins.bell);
}

#[test]
fn the_lamp_says_what_is_wrong() {
    let mut world = World::answered(6, 6);
    world.hear(b"P*BB05\r\n");
    assert_eq!(world.station.lamp(world.now), Lamp::Well);
    for _ in 0..9_999 {
        world.run(1);
        assert!(world.pins.lamp);
    }
    world.run(1);
    assert_eq!(world.station.lamp(world.now), Lamp::NoHost);
    world.hear(b"garbage\n7\nP*0000\n");
    assert_eq!(world.station.lamp(world.now), Lamp::NoHost, "noise is nobody's word");
    world.hear(b"P\n");
    assert_eq!(world.station.lamp(world.now), Lamp::Well);
    world.order(7);
    world.run(300);
    assert_eq!(world.station.lamp(world.now), Lamp::Unanswered);
    world.raw = 0;
    world.run(300);
    assert_eq!(world.station.lamp(world.now), Lamp::Fault);
    assert_eq!(world.state().health, Health::Fault);
}

#[test]
fn a_reply_said_again_is_confirmed_again() {
    let mut world = World::answered(7, 7);
    for _ in 0..3 {
        world.reply(7);
        world.run(1);
        assert_eq!(world.states().len(), 1, "the state may have been lost on its way");
    }
}

#[test]
fn whatever_comes_nothing_leaves_its_range() {
    let mut dice = 3_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let mut world = World::new(6);
    let mut replies = 0;
    let alphabet = b"A?P0123456789*ABCDEF \r\n\n";
    for _ in 0..30_000 {
        match roll(4) {
            // Any voltage, and mostly a detent's.
            0 if roll(5) == 0 => world.raw = u16::try_from(roll(4_096)).unwrap(),
            0 => world.order(u8::try_from(1 + roll(11)).unwrap()),
            1 => {
                let noise: Vec<_> = (0..roll(12))
                    .map(|_| alphabet[usize::try_from(roll(alphabet.len() as u64)).unwrap()])
                    .collect();
                world.hear(&noise);
            }
            2 => world.reply(u8::try_from(1 + roll(24)).unwrap()),
            _ => world.run(roll(300)),
        }
        world.run(1);
        let [least, most] = WALL.servo;
        assert!(world.pins.pulse.is_none_or(|pulse| (least..=most).contains(&pulse)));
        for state in world.states() {
            let numbers = [state.order, state.reply].into_iter().flatten();
            assert!(numbers.into_iter().all(|position| position.number() <= 11), "{state:?}");
            assert!(state.pointer.is_none_or(|at| (100..=1_100).contains(&at)), "{state:?}");
            replies += usize::from(state.reply.is_some());
        }
    }
    assert!(replies > 1_000, "it went on: {replies}");
}
