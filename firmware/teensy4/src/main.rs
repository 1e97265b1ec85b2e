//! The telegraph on a Teensy 4.0: pins, clock and USB for the instrument, and nothing else.
//!
//! Pin 14 is the lever, 2 the servo behind the pointer, 3 the bell, 13 the lamp. `README.md` draws
//! the wires.
#![no_std]
#![no_main]

mod clock;
mod converter;
mod distress;
mod line;
mod pins;
mod watchdog;

use instrument::{Outgoing, Station, WALL};
use teensy4_bsp::{board, rt};

use crate::clock::Clock;
use crate::line::Usb;
use crate::pins::Pins;
use crate::watchdog::Watchdog;

/// When a drill panics, in milliseconds since the start.
const DRILL_MS: u64 = 10_000;

#[rt::entry]
fn main() -> ! {
    let mut watchdog = Watchdog::start();
    let mut clock = Clock::start();
    let board::Resources { pins, adc1, mut gpio2, mut gpio4, flexpwm4, usb, .. } =
        board::t40(board::instances());
    let mut pins =
        Pins::new(adc1, flexpwm4, &mut gpio2, &mut gpio4, pins.p2, pins.p3, pins.p13, pins.p14);
    let bus = line::bus(usb);
    let mut usb = Usb::new(&bus);
    let mut station = Station::new(WALL);
    let mut outgoing = Outgoing::default();
    let mut ticked = 0;
    loop {
        watchdog.feed();
        let now = clock.now();
        assert!(!cfg!(feature = "drill") || now < DRILL_MS, "a drill");
        usb.poll();
        if usb.has_opened() {
            outgoing.forget();
            station.opened();
        }
        usb.take(|byte| station.receive(now, byte));
        if now > ticked {
            ticked = now;
            let outputs = station.tick(now, pins.lever());
            pins.show(outputs);
        }
        if usb.is_open() {
            outgoing.send(|| station.next_line(now), |bytes| usb.put(bytes));
        }
    }
}
