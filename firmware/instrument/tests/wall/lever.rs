//! The lever: where it comes to rest is an order, and nothing else is.

use chadburn_core::Position;
use chadburn_core::serial::Health;
use instrument::WALL;

use crate::world::World;

#[test]
fn the_power_up_position_is_an_order_as_soon_as_it_rests() {
    for lever in 1..=11 {
        let mut world = World::new(lever);
        world.run(250);
        assert_eq!(world.orders(), []);
        world.run(1);
        assert_eq!(world.orders(), [lever]);
        world.run(60_000);
        assert_eq!(world.orders(), [], "a lever at rest orders nothing");
    }
}

#[test]
fn every_move_orders_its_end_and_nothing_on_the_way() {
    for (from, to) in (1..=11).flat_map(|from| (1..=11).map(move |to| (from, to))) {
        for takes in [1, 150, 1_000] {
            let mut world = World::settled(u8::try_from(from).unwrap());
            // A sweep, and half a detent past the end.
            for ms in 0..=takes {
                world.lever((from * (takes - ms) + to * ms) * 1_000 / takes);
                world.run(1);
            }
            world.lever(to * 1_000 + (to - from).signum() * 500);
            world.run(100);
            world.lever(to * 1_000);
            world.run(300);
            let expected = if from == to { vec![] } else { vec![u8::try_from(to).unwrap()] };
            assert_eq!(world.orders(), expected, "{from} to {to} in {takes} ms");
        }
    }
}

#[test]
fn a_lever_that_trembles_between_two_detents_stays_in_its_own() {
    let mut world = World::settled(7);
    for ms in 0..5_000 {
        // 0.6 of a position away, and 50 times a second.
        world.lever(7_000 + if ms % 20 < 10 { 600 } else { -600 });
        world.run(1);
    }
    assert_eq!(world.orders(), []);
}

#[test]
fn a_lever_between_two_detents_is_in_the_one_it_was_nearer_to_when_it_left_the_first() {
    let mut world = World::settled(7);
    world.lever(7_640);
    world.run(1_000);
    assert_eq!(world.orders(), [], "still in COFFEE");
    world.lever(7_660);
    world.run(1_000);
    assert_eq!(world.orders(), [8]);
    world.lever(7_360);
    world.run(1_000);
    assert_eq!(world.orders(), [], "and still in LUNCH");
}

#[test]
fn a_spike_is_nothing() {
    // Spikes all the time, from power-up on: the lever comes to rest nevertheless, and stays.
    let mut world = World::new(7);
    for ms in 0..10_000 {
        world.raw = match ms % 10 {
            3 => 0,
            7 => 4_095,
            _ => WALL.lever_raw(7_000),
        };
        world.run(1);
    }
    let states = world.states();
    assert!(states.iter().all(|state| state.health == Health::Ok));
    let order = states.iter().find_map(|state| state.order);
    assert_eq!(order, Position::new(7));
}

#[test]
fn a_broken_wire_is_a_fault_and_no_order() {
    for broken in [0, 20, 4_080, 4_095] {
        let mut world = World::settled(7);
        world.raw = broken;
        world.run(400);
        let states = world.states();
        assert_eq!(states.len(), 1, "{states:?}");
        assert_eq!(states[0].health, Health::Fault);
        assert_eq!(states[0].order.unwrap().number(), 7, "the order stays");
        world.order(3);
        world.run(400);
        let healed = world.states();
        assert_eq!(healed[0].health, Health::Ok);
        assert_eq!(healed[0].order.unwrap().number(), 3);
    }
}

#[test]
fn without_a_lever_at_power_up_there_is_no_order() {
    let mut world = World::new(7);
    world.raw = 0;
    world.run(10_000);
    let state = world.state();
    assert_eq!((state.order, state.health, state.bell), (None, Health::Fault, false));
    assert_eq!(world.orders(), []);
}

#[test]
fn any_voltage_gives_a_position_of_the_dial_or_a_fault() {
    for raw in 0..=4_095 {
        let mut world = World::new(1);
        world.raw = raw;
        world.run(260);
        let states = world.states();
        let last = states.last().unwrap();
        match last.order {
            Some(order) => assert!((1..=11).contains(&order.number()), "{raw}"),
            None => assert_eq!(last.health, Health::Fault, "{raw}"),
        }
    }
}

/// What the converter reads with the lever there, in thousandths of a position: two resistors of
/// 1 kΩ at the ends of 10 kΩ and 270°, and 100 kΩ from the wiper to ground, as the README draws it.
fn read(milli: i32) -> u16 {
    let degrees = 135.0 + f64::from(milli - 6_000) / 1_000.0 * 20.84;
    let below = 1.0 + 10.0 * degrees / 270.0;
    let above = 12.0 - below;
    let below = 1.0 / (1.0 / below + 1.0 / 100.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4095")]
    let raw = (4_095.0 * below / (above + below)).round() as u16;
    raw
}

#[test]
fn the_parts_of_the_readme_read_as_the_calibration_says() {
    assert_eq!([read(1_000), read(11_000)], WALL.lever);
    // In between the 100 kΩ bend the line a little: by a tenth of a position at most.
    for number in 1..=11 {
        let off = f64::from(read(number * 1_000)) - f64::from(WALL.lever_raw(number * 1_000));
        assert!(off.abs() < 26.0, "{number}: {off}");
        // Also with the lever a third of a position beside its detent.
        for beside in [-333, 0, 333] {
            let mut world = World::new(1);
            world.raw = read(number * 1_000 + beside);
            world.run(300);
            assert_eq!(world.orders(), [u8::try_from(number).unwrap()], "{number} {beside}");
        }
    }
}

#[test]
fn each_broken_wire_of_the_readme_is_noticed_wherever_the_lever_stands() {
    // The upper or the wiper's wire: the 100 kΩ pull to ground. The lower one: they and the rest
    // of the potentiometer are what is left of the divider, and the least of it is at the first
    // position.
    let least = 4_095.0 * 100.0 / (100.0 + 12.0 - (1.0 + 10.0 * (135.0 - 104.2) / 270.0));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4095")]
    for broken in [0, least as u16, 4_095] {
        let mut world = World::settled(7);
        world.raw = broken;
        world.run(400);
        assert_eq!(world.states()[0].health, Health::Fault, "{broken}");
    }
}
