//! The line: what is said when, and what noise does.

use chadburn_core::serial::Report;
use instrument::{Lamp, Outgoing};

use crate::world::{World, state};

#[test]
fn at_power_up_it_says_who_it_is_and_then_how_things_stand() {
    let mut world = World::new(6);
    world.run(300);
    let said = world.said();
    assert_eq!(said.len(), 4, "{said:?}");
    assert_eq!(Report::parse(&said[0]), Some(Report::Hello { version: 1, name: "eot-0.1.0" }));
    assert_eq!(said[2], "6");
    let states: Vec<_> = [&said[1], &said[3]].map(|line| line.split('*').next().unwrap()).into();
    assert_eq!(states, ["S 1 - - - 0 ok quiet", "S 2 6 - - 0 ok quiet"]);
}

#[test]
fn a_state_comes_every_two_seconds_and_its_number_rises() {
    let mut world = World::settled(6);
    world.run(20_000);
    let states = world.states();
    assert_eq!(states.len(), 10);
    assert!(states.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1), "{states:?}");
}

#[test]
fn every_fixture_is_heard_as_it_is_meant() {
    let fixtures = include_str!("../../../../tests/fixtures/serial.v1.txt");
    let fixtures = fixtures.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut counted = 0;
    for fixture in fixtures {
        let cells: Vec<_> = fixture.split('|').map(str::trim).collect();
        let [who, line, meaning] = cells[..] else { panic!("{fixture}") };
        let mut world = World::settled(6);
        world.hear(line.as_bytes());
        world.hear(b"\r\n");
        world.run(1);
        let said = world.said();
        let lamp = world.station.lamp(world.now);
        let state = world.state();
        let reply = state.reply.map(|reply| format!("reply {reply}"));
        match (who, meaning.trim_start_matches("= ")) {
            ("host", "keep-alive") => assert_ne!(lamp, Lamp::NoHost, "{fixture}"),
            ("host", "hello 1" | "hello 2") => assert!(said[0].starts_with("E1 "), "{fixture}"),
            // This dial has eleven positions.
            ("host", "reply 24") => assert_eq!((reply, state.errors), (None, 1), "{fixture}"),
            ("host", "nothing") => {
                let own = Report::parse(line).is_some();
                assert_eq!((reply, state.errors), (None, u16::from(!own)), "{fixture}");
            }
            ("host", meaning) => assert_eq!(reply.as_deref(), Some(meaning), "{fixture}"),
            // A terminal that echoes says what the board says: nothing comes of it.
            (_, "nothing") => assert_eq!(lamp == Lamp::NoHost, reply.is_none(), "{fixture}"),
            _ => assert_eq!((reply, state.errors, lamp), (None, 0, Lamp::NoHost), "{fixture}"),
        }
        counted += 1;
    }
    assert!(counted > 60, "only {counted} fixtures were found");
}

#[test]
fn asked_who_it_is_it_says_everything() {
    for question in ["?1\n", "?1*2ED6\r\n", "\n\n?2\r"] {
        let mut world = World::settled(6);
        world.hear(question.as_bytes());
        world.run(1);
        let said = world.said();
        assert!(said[0].starts_with("E1 eot-"), "{said:?}");
        assert_eq!(said[1], "6");
        assert!(said[2].starts_with("S ") && said.len() == 3, "{said:?}");
    }
}

#[test]
fn a_bare_number_moves_nothing_and_is_no_mistake() {
    let mut world = World::answered(7, 7);
    world.hear(b"3\n11\r\n");
    world.hear(b"E1 eot-0.1.0*D4B1\nS 2 7 - - 0 ok ring*BA3D\n");
    world.run(1_000);
    let now = world.state();
    assert_eq!((now.reply, now.errors), (now.order, 0));
}

#[test]
fn noise_is_counted_and_moves_nothing() {
    let mut world = World::answered(7, 7);
    let noise: [&[u8]; 6] =
        [b"A3*0000\n", b"A99\n", b"\xff\xfe\x00A3\n", b"reply 3\n", &[b'A'; 5_000], b"\nA12\n"];
    for noise in noise {
        world.hear(noise);
        world.run(100);
    }
    assert_eq!(world.states().len(), 0, "a complaint for every mistake could go on for ever");
    let now = world.state();
    assert_eq!(now.errors, 6);
    assert_eq!(now.reply, now.order);
}

#[test]
fn half_a_line_does_not_wait_for_ever() {
    let mut world = World::answered(7, 7);
    world.hear(b"A1");
    world.run(499);
    world.hear(b"1\n");
    world.run(1);
    assert_eq!(world.state().reply.unwrap().number(), 11, "it came in time");
    world.hear(b"A");
    world.run(501);
    world.hear(b"3\n");
    world.run(1);
    let now = world.state();
    assert_eq!(now.reply.unwrap().number(), 11);
    assert_eq!(now.errors, 1, "half a line and an echo");
}

#[test]
fn what_was_not_sent_is_never_old() {
    let mut world = World::answered(7, 7);
    // Nobody listens while the lever goes from place to place.
    for lever in [1, 5, 9, 2] {
        world.order(lever);
        for _ in 0..10_000 {
            world.now += 1;
            let _ = world.station.tick(world.now, world.raw);
        }
    }
    world.run(1);
    let said = world.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], "2");
    let Some(Report::State(found)) = Report::parse(&said[1]) else { panic!("{said:?}") };
    assert_eq!(
        state(2, Some(7), Some(700), true),
        chadburn_core::serial::State { seq: 0, ..found }
    );
}

#[test]
fn lines_go_out_in_whatever_pieces_are_taken() {
    let mut world = World::new(6);
    world.pins = world.station.tick(1, world.raw);
    let mut outgoing = Outgoing::default();
    let mut sent = Vec::new();
    for take in (0..7).cycle().take(60) {
        let mut room = take;
        outgoing.send(
            || world.station.next_line(1),
            |bytes| {
                let taken = room.min(bytes.len());
                sent.extend_from_slice(&bytes[..taken]);
                room -= taken;
                taken
            },
        );
    }
    assert_eq!(
        String::from_utf8(sent).unwrap(),
        "E1 eot-0.1.0*D4B1\r\nS 1 - - - 0 ok quiet*2EA3\r\n"
    );
    // A line that is half gone is forgotten with its host; the next one hears it whole.
    world.station.opened();
    outgoing.send(|| world.station.next_line(1), |bytes| bytes.len().min(3));
    outgoing.forget();
    world.station.opened();
    let mut sent = Vec::new();
    let put = |bytes: &[u8]| {
        sent.extend_from_slice(bytes);
        bytes.len()
    };
    outgoing.send(|| world.station.next_line(1), put);
    assert!(sent.starts_with(b"E1 eot-0.1.0*D4B1\r\nS 2 "), "{sent:?}");
}
