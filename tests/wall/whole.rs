//! The whole telegraph: server, bridge, and the firmware on an emulated board.

use emulated_board::{Board, Cable, Trouble};
use instrument::WALL;

use crate::house::{House, ask};

/// The pulse that holds the pointer at this position.
fn pulse(number: i32) -> u16 {
    WALL.pulse(number * 1_000)
}

/// Waits until the pointer stands there.
fn pointer(board: &mut Board, number: i32) {
    board.wait(|pins| pins.pulse == Some(pulse(number))).unwrap();
}

/// A board in its place, its lever in this detent.
fn board_at(house: &House, lever: i32) -> Board {
    let mut board = Board::start().unwrap();
    board.lever(lever * 1_000).unwrap();
    house.plug(board.line());
    board
}

#[test]
fn an_order_of_the_lever_is_shown_and_its_answer_moves_the_pointer() {
    let house = House::new();
    house.write("status.eot", "6\n");
    let (_server, address) = house.server(0);
    let mut board = board_at(&house, 6);
    let bridge = house.bridge();
    bridge.says("the lever stands there");

    board.lever(7_000).unwrap();
    house.wait_for("status.eot", "7");
    board.wait(|pins| pins.bell).unwrap();
    assert!(ask(address, "POST", "/accept", "7").contains(r#"{"ok":true}"#));
    pointer(&mut board, 7);
    board.wait(|pins| !pins.bell).unwrap();
    assert!(ask(address, "GET", "/status", "").contains(r#""bell":false"#));
}

#[test]
fn an_order_over_the_network_is_not_undone_by_a_lever_at_rest() {
    let house = House::new();
    house.write("status.eot", "6\n");
    let (_server, address) = house.server(0);
    let mut board = board_at(&house, 6);
    let bridge = house.bridge();
    bridge.says("the lever stands there");
    assert!(ask(address, "PUT", "/status", "8").contains(r#"{"ok":true}"#));
    // Each reply is confirmed by a state in which the lever is still at 6.
    for number in [3, 4, 5] {
        assert!(ask(address, "POST", "/accept", &number.to_string()).contains(r#"{"ok":true}"#));
        bridge.says("the pointer goes there");
        pointer(&mut board, number);
    }
    assert_eq!(house.read("status.eot"), "8");
}

#[test]
fn whatever_falls_over_gets_up_again() {
    let house = House::new();
    house.write("status.eot", "6\n");
    let (server, address) = house.server(0);
    let mut board = board_at(&house, 6);
    let mut bridge = house.bridge();
    bridge.says("the lever stands there");
    assert!(ask(address, "POST", "/accept", "2").contains(r#"{"ok":true}"#));
    pointer(&mut board, 2);

    // The board loses its power, and comes back as another device; the pointer stands where it did.
    drop(board);
    bridge.says("the line is closed");
    house.unplug();
    let mut board = board_at(&house, 6);
    pointer(&mut board, 2);
    assert_eq!(house.read("status.eot"), "6");

    // The bridge is killed. Its successor writes nothing by itself, and knows the reply.
    bridge.kill();
    bridge = house.bridge();
    bridge.says("the lever stands there");
    assert_eq!(house.read("status.eot"), "6");
    board.lever(9_000).unwrap();
    house.wait_for("status.eot", "9");

    // The server is killed. Meanwhile the lever works on.
    server.kill();
    board.lever(10_000).unwrap();
    house.wait_for("status.eot", "10");
    let (_server, address) = house.server(address.port());
    let order = ask(address, "GET", "/status?format=text", "");
    assert!(order.ends_with("\r\n\r\n10\n"), "{order}");
    assert!(ask(address, "POST", "/accept", "10").contains(r#"{"ok":true}"#));
    pointer(&mut board, 10);
    board.wait(|pins| !pins.bell).unwrap();
}

#[test]
fn a_reply_off_the_dial_moves_nothing() -> Result<(), Trouble> {
    let house = House::new();
    house.write("status.eot", "6\n");
    house.write("accept.eot", "6\n");
    let mut board = board_at(&house, 6);
    let bridge = house.bridge();
    pointer(&mut board, 6);
    house.write("accept.eot", "on my way\n");
    bridge.says("the pointer stays");
    house.write("accept.eot", "11\n");
    let mut seen = Vec::new();
    board.wait(|pins| {
        seen.extend(pins.pulse);
        pins.pulse == Some(pulse(11))
    })?;
    assert!(seen.is_sorted(), "from 6 to 11 and nowhere else: {seen:?}");
    Ok(())
}

#[test]
fn over_a_noisy_line_orders_and_replies_arrive_and_no_order_is_made_up() {
    let house = House::new();
    house.write("status.eot", "6\n");
    house.write("accept.eot", "6\n");
    let mut board = Board::start().unwrap();
    board.lever(6_000).unwrap();
    let cable = Cable::noisy(board.line(), 1_873).unwrap();
    house.plug(cable.line());
    let bridge = house.bridge();
    bridge.says("the lever stands there");
    let mut noisy = false;
    for order in [7, 5, 10, 11] {
        board.lever(order * 1_000).unwrap();
        let written = bridge.log(|line| {
            noisy |= line.contains("the line is noisy");
            Some(line.split_once("the lever was moved order=")?.1.to_owned())
        });
        assert!(written.starts_with(&format!("{order} ")), "{written}");
        house.wait_for("status.eot", &order.to_string());
        house.write("accept.eot", &format!("{order}\n"));
        pointer(&mut board, order);
    }
    assert!(noisy, "the noise was heard");
}
