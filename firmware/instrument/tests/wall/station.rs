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
