//! The telegraph on QEMU's mps2-an500. The same instrument as behind the brass; only the pins are
//! another line, on which somebody plays the world around it.
//!
//! UART0 is the serial line to the host. On UART1 the world says `lever 2048` (what the lever's
//! converter reads) or `panic`, and hears `pulse 1500` (or `pulse -`), `bell on`, `lamp off`, each
//! when it changes. Until the world speaks the lever is not connected.
#![no_std]
#![no_main]

mod clock;
mod uart;
mod world;

use core::panic::PanicInfo;

use cortex_m_rt::entry;
use instrument::{Outgoing, Station, WALL};

use crate::clock::Clock;
use crate::uart::Uart;
use crate::world::World;

#[entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().expect("this is the first and only time");
    let mut clock = Clock::start(peripherals.SYST);
    let line = Uart::line();
    let mut world = World::new(Uart::world());
    let mut station = Station::new(WALL);
    let mut outgoing = Outgoing::default();
    loop {
        let now = clock.wait();
        while let Some(byte) = line.take() {
            station.receive(now, byte);
        }
        world.listen();
        let pins = station.tick(now, world.lever());
        world.show(now, pins);
        outgoing.send(|| station.next_line(now), |bytes| line.put(bytes));
    }
}

/// The world hears of it, as the lamp on the wall would show it.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    let mut world = Uart::world();
    world.say(b"panic\n");
    loop {
        cortex_m::asm::wfi();
    }
}
