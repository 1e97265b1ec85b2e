//! The bridge and a board that says what the script wants.

use std::fs;
use std::os::unix::net::UnixDatagram;

use chadburn_core::Position;
use chadburn_core::serial::{Command, Health, Report, State};
use emulated_board::{PATIENCE, Script};

use crate::house::{House, Program};

/// A board of version 1, its lever here and its pointer there.
fn state(order: u8, reply: u8) -> Vec<u8> {
    let reply = Position::new(reply);
    let state = State {
        seq: 1,
        order: Position::new(order),
        reply,
        pointer: reply.map(|reply| u16::from(reply.number()) * 100),
        errors: 0,
        health: Health::Ok,
        bell: false,
    };
    Report::State(state).line().unwrap().to_vec()
}

/// Waits for a command.
fn hear(board: &mut Script, wanted: Command) {
    board.wait(|line| (Command::parse(line) == Some(wanted)).then_some(())).unwrap();
}

fn reply(number: u8) -> Command {
    Command::Reply(Position::new(number).unwrap())
}

/// A bridge that knows that the lever is at 6.
fn bridged(house: &House) -> (Program, Script) {
    let mut board = Script::start().unwrap();
    house.plug(board.line());
    let bridge = house.bridge();
    hear(&mut board, Command::Hello(1));
    board.say(b"E1 eot-0.1.0*D4B1\r\n").unwrap();
    board.say(&state(6, 0)).unwrap();
    bridge.says("introduced");
    (bridge, board)
}

#[test]
fn the_lever_is_written_when_it_moves_and_undoes_no_other_order() {
    let house = House::new();
    house.write("status.eot", "6\n");
    let (_bridge, mut board) = bridged(&house);
    board.say(&state(7, 0)).unwrap();
    house.wait_for("status.eot", "7");
    // Somebody else orders, and the lever rests.
    house.write("status.eot", "8\n");
    for number in [7, 8, 9] {
        house.write("accept.eot", &format!("{number}\n"));
        board.say(&state(7, 0)).unwrap();
        hear(&mut board, reply(number));
        board.say(&state(7, number)).unwrap();
    }
    assert_eq!(house.read("status.eot"), "8");
    board.say(&state(3, 9)).unwrap();
    house.wait_for("status.eot", "3");
    let entries = fs::read_dir(house.file(".")).unwrap().flatten();
    let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    assert_eq!(names.len(), 3, "status, accept and the device: {names:?}");
}

#[test]
fn without_a_status_file_the_first_order_makes_one() {
    let house = House::new();
    let (_bridge, _board) = bridged(&house);
    house.wait_for("status.eot", "6");
}

#[test]
fn a_reply_is_said_until_it_is_confirmed_and_again_after_a_replug() {
    let house = House::new();
    house.write("status.eot", "7\n");
    house.write("accept.eot", "coffee\n");
    let (bridge, mut board) = bridged(&house);
    for _ in 0..3 {
        hear(&mut board, reply(7));
    }
    board.say(&state(6, 7)).unwrap();
    bridge.says("the pointer goes there");
    drop(board);
    bridge.says("the line is closed");

    let mut board = Script::start().unwrap();
    house.plug(board.line());
    hear(&mut board, Command::Hello(1));
    board.say(&state(6, 0)).unwrap();
    hear(&mut board, reply(7));
    assert_eq!(house.read("status.eot"), "7", "plugged in again is not moved");
}

#[test]
fn a_device_that_is_not_there_is_waited_for() {
    let house = House::new();
    let bridge = house.bridge();
    bridge.says("is waited for");
    let mut board = Script::start().unwrap();
    house.plug(board.line());
    hear(&mut board, Command::Hello(1));
    bridge.says("the line is open");
}

#[test]
fn a_second_bridge_is_refused_in_a_clear_line() {
    let house = House::new();
    let (_bridge, _board) = bridged(&house);
    let (line, status) = house.bridge().fails();
    assert!(line.ends_with("telegraph: another program has it open; a telegraph has one bridge"));
    assert_eq!(status.code(), Some(1));
}

#[test]
fn what_is_no_serial_device_is_refused_in_a_clear_line() {
    let house = House::new();
    fs::write(house.file("telegraph"), "").unwrap();
    let (line, status) = house.bridge().fails();
    assert!(line.ends_with("telegraph is no serial device"), "{line}");
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_silent_board_is_opened_anew() {
    let house = House::new();
    let (bridge, mut board) = bridged(&house);
    bridge.says("it is silent");
    hear(&mut board, Command::Hello(1));
}

#[test]
fn the_original_firmware_works() {
    let house = House::new();
    house.write("status.eot", "6\n");
    let mut board = Script::start().unwrap();
    house.plug(board.line());
    let bridge = house.bridge();
    hear(&mut board, Command::Hello(1));
    // It knows no question, and says its position now and then. The second question comes when
    // nothing of the first is under way any more.
    hear(&mut board, Command::Hello(1));
    board.say(b"6\r\n").unwrap();
    bridge.says("bare numbers");
    board.say(b"11\r\n").unwrap();
    house.wait_for("status.eot", "11");
}

#[test]
fn asked_to_end_it_ends_well() {
    let house = House::new();
    let (bridge, _board) = bridged(&house);
    assert_eq!(bridge.stop().code(), Some(0));
}

#[test]
fn a_service_manager_hears_how_it_is_and_that_it_lives() {
    let house = House::new();
    let ear = house.file("notify");
    let socket = UnixDatagram::bind(&ear).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut board = Script::start().unwrap();
    house.plug(board.line());
    let bridge = house.bridge_as_service(&ear);
    hear(&mut board, Command::Hello(1));
    board.say(&state(7, 6)).unwrap();
    let mut wanted = vec![
        "READY=1",
        "STATUS=the device says nothing yet",
        "STATUS=order 7 COFFEE, reply 6 STOP; garbage: 0 here, 0 there",
        "WATCHDOG=1",
    ];
    while !wanted.is_empty() {
        let mut said = [0; 256];
        let length = socket.recv(&mut said).unwrap();
        wanted.retain(|wanted| *wanted.as_bytes() != said[..length]);
    }
    drop(board);
    let mut said = [0; 256];
    while !said.starts_with(b"STATUS=no device") {
        socket.recv(&mut said).unwrap();
    }
    assert_eq!(bridge.stop().code(), Some(0));
}
