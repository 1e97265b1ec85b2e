//! The firmware itself, on an emulated board: both ends of its line, and the world around it.

#![expect(clippy::unwrap_used, reason = "a board that is not there has failed")]

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use chadburn_core::Position;
use chadburn_core::serial::{Command, Health, Report, State};
use emulated_board::{Board, Host, Trouble};
use instrument::WALL;

fn position(number: u8) -> Position {
    Position::new(number).unwrap()
}

fn reply(number: u8) -> Command {
    Command::Reply(position(number))
}

/// The pulse that holds the pointer at this position.
fn pulse(number: u8) -> u16 {
    WALL.pulse(i32::from(number) * 1_000)
}

/// A board whose lever is in this detent, with a host that has asked it who it is.
fn board_with_host(lever: i32) -> (Board, Host) {
    let mut board = Board::start().unwrap();
    let mut host = Host::open(board.line()).unwrap();
    board.lever(lever * 1_000).unwrap();
    host.say(b"\n").unwrap();
    host.command(Command::Hello(1)).unwrap();
    let settled = |state: &State| state.order.is_some_and(|o| i32::from(o.number()) == lever);
    host.state(settled).unwrap();
    (board, host)
}

#[test]
fn it_says_who_it_is_and_what_the_lever_orders() {
    let mut board = Board::start().unwrap();
    let mut host = Host::open(board.line()).unwrap();
    host.command(Command::Hello(1)).unwrap();
    let name = host.wait(|line| match Report::parse(line) {
        Some(Report::Hello { version: 1, name }) => Some(name.to_owned()),
        _ => None,
    });
    assert_eq!(name.unwrap(), instrument::NAME);
    // Nothing is connected yet, and nothing is ordered.
    let bare = host.state(|state| state.health == Health::Fault).unwrap();
    assert_eq!((bare.order, bare.reply, bare.pointer), (None, None, None));

    board.lever(7_000).unwrap();
    let order = host.wait(|line| match Report::parse(line) {
        Some(Report::Order(order)) => Some(order),
        _ => None,
    });
    assert_eq!(order.unwrap(), position(7), "as the original says it");
    let ordered = host.state(|state| state.order.is_some()).unwrap();
    assert_eq!((ordered.order, ordered.health), (Some(position(7)), Health::Ok));
}

#[test]
fn a_sweep_orders_its_end_and_the_bell_rings_until_it_is_answered() {
    let (mut board, mut host) = board_with_host(6);
    host.command(reply(6)).unwrap();
    host.state(|state| !state.bell).unwrap();
    let moved = Instant::now();
    for milli in (6_000..=11_000).step_by(50) {
        board.lever(milli).unwrap();
    }
    let mut orders = Vec::new();
    let ordered = host
        .state(|state| {
            orders.extend(state.order.filter(|order| orders.last() != Some(order)));
            state.order == Some(position(11))
        })
        .unwrap();
    // A quarter of a second of it is the lever's rest.
    assert!(moved.elapsed() > Duration::from_millis(250));
    assert!(orders.iter().all(|order| [6, 11].contains(&order.number())), "{orders:?}");
    assert!(ordered.bell);
    board.wait(|pins| pins.bell).unwrap();
    host.command(reply(11)).unwrap();
    host.state(|state| state.reply == Some(position(11)) && !state.bell).unwrap();
    board.wait(|pins| !pins.bell).unwrap();
}

#[test]
fn a_reply_moves_the_pointer_steadily_and_it_arrives() {
    let (mut board, mut host) = board_with_host(6);
    assert_eq!(board.pins().pulse, None, "it is not driven before the first reply");
    host.command(reply(2)).unwrap();
    board.wait(|pins| pins.pulse == Some(pulse(2))).unwrap();
    host.command(reply(10)).unwrap();
    let mut before = pulse(2);
    let mut seen = 0;
    let arrived = board.wait(|pins| {
        let now = pins.pulse.unwrap();
        // Six positions a second are 19 µs in 20 ms; a busy machine may hide a third of a second.
        assert!((before..before + 300).contains(&now), "{before} then {now}");
        seen += usize::from(now != before);
        before = now;
        pins.pulse == Some(pulse(10))
    });
    arrived.unwrap();
    assert!(seen > 20, "the way was seen in {seen} steps");
    host.state(|state| state.pointer == Some(1_000)).unwrap();
}

#[test]
fn noise_moves_nothing_and_does_not_last() {
    let (mut board, mut host) = board_with_host(6);
    host.command(reply(6)).unwrap();
    host.state(|state| state.pointer == Some(600)).unwrap();
    let noise: [&[u8]; 6] =
        [b"A3*0000\r\n", b"\xff\x00\x1bA3\n", b"3\n", &[b'A'; 500], b"\nA12\n", b"A3 \n"];
    for noise in noise {
        host.say(noise).unwrap();
    }
    host.say(b"\n").unwrap();
    host.command(Command::Hello(1)).unwrap();
    let state = host.state(|state| state.errors >= 5).unwrap();
    assert_eq!(state.errors, 5, "each once, and an echo is none");
    assert_eq!((state.reply, state.pointer), (Some(position(6)), Some(600)));
    assert_eq!(board.pins().pulse, Some(pulse(6)));
    // Half a line, and then silence: the next one is heard whole.
    host.say(b"A1").unwrap();
    host.state(|state| state.errors == 6).unwrap();
    host.say(b"\n").unwrap();
    host.command(reply(7)).unwrap();
    host.state(|state| state.reply == Some(position(7))).unwrap();
    board.wait(|pins| pins.pulse == Some(pulse(7))).unwrap();
}

#[test]
fn a_restarted_board_is_another_device_and_stays_answered() {
    let place = tempfile::tempdir().unwrap();
    let link = place.path().join("telegraph");
    let (board, mut host) = board_with_host(7);
    symlink(board.line(), &link).unwrap();
    host.command(reply(7)).unwrap();
    host.state(|state| state.reply.is_some() && !state.bell).unwrap();
    // Every question is answered with a state more.
    for _ in 0..20 {
        host.command(Command::Hello(1)).unwrap();
    }
    let before = host.state(|state| state.seq > 12).unwrap();
    drop(board);
    let end = host.wait(|_| None::<()>);
    assert!(matches!(end, Err(Trouble::Ended(_))), "{end:?}");
    drop(host);

    let mut board = Board::start().unwrap();
    fs::remove_file(&link).unwrap();
    symlink(board.line(), &link).unwrap();
    let mut host = Host::open(&link).unwrap();
    board.lever(7_000).unwrap();
    host.command(Command::Hello(1)).unwrap();
    host.command(reply(7)).unwrap();
    let after = host.state(|state| state.order.is_some() && state.reply.is_some()).unwrap();
    assert!(after.seq < before.seq, "{} then {}", before.seq, after.seq);
    assert!(!after.bell, "an answered order stays answered");
    // From no pulse at once to the reply's: it was there already.
    board
        .wait(|pins| {
            assert!(!pins.bell);
            assert!(pins.pulse.is_none() || pins.pulse == Some(pulse(7)), "{pins:?}");
            pins.pulse.is_some()
        })
        .unwrap();
}

#[test]
fn a_host_that_comes_late_hears_the_newest() {
    let mut board = Board::start().unwrap();
    for lever in [3, 9, 4] {
        board.lever(lever * 1_000).unwrap();
        // Until the lamp has blinked, since nobody is there.
        board.wait(|pins| pins.lamp).unwrap();
        board.wait(|pins| !pins.lamp).unwrap();
    }
    let mut host = Host::open(board.line()).unwrap();
    host.command(Command::Hello(1)).unwrap();
    let order = host.state(|state| state.order.is_some()).unwrap().order;
    assert_eq!(order, Some(position(4)));
}

#[test]
fn a_broken_wire_is_a_fault_and_heals() {
    let (mut board, mut host) = board_with_host(7);
    board.break_lever().unwrap();
    let fault = host.state(|state| state.health == Health::Fault).unwrap();
    assert_eq!(fault.order, Some(position(7)), "the order stays");
    board.lever(8_000).unwrap();
    let healed = host.state(|state| state.health == Health::Ok).unwrap();
    assert_eq!(healed.order, Some(position(8)));
}

#[test]
fn a_panic_can_be_seen() {
    let (mut board, _host) = board_with_host(6);
    board.panic().unwrap();
    board.wait(|pins| pins.panicked).unwrap();
}
