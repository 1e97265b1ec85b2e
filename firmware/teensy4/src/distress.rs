//! After a panic or a fault: the bell falls silent, and the lamp says so for a while. Then the
//! watchdog starts the board anew.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use instrument::PANIC;
use teensy4_bsp::board::ARM_FREQUENCY;
use teensy4_bsp::ral::{self, gpio};

use crate::pins::{BELL_BIT, LAMP_BIT};
use crate::watchdog::Watchdog;

/// How often the code is shown before the board starts anew: about twelve seconds.
const TIMES: usize = 8;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    signal()
}

// SAFETY: it is unsafe by decree: an exception may come at any moment. It never goes back to
// whatever it has interrupted.
#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    signal()
}

fn signal() -> ! {
    cortex_m::interrupt::disable();
    let mut watchdog = Watchdog::take();
    // SAFETY: whoever held these ports has come to grief and never goes on.
    let (lamp, bell) = unsafe { (gpio::GPIO2::instance(), gpio::GPIO4::instance()) };
    ral::write_reg!(gpio, bell, DR_CLEAR, 1 << BELL_BIT);
    for _ in 0..TIMES {
        let mut lit = true;
        for length in PANIC {
            if lit {
                ral::write_reg!(gpio, lamp, DR_SET, 1 << LAMP_BIT);
            } else {
                ral::write_reg!(gpio, lamp, DR_CLEAR, 1 << LAMP_BIT);
            }
            lit = !lit;
            for _ in 0..length {
                watchdog.feed();
                cortex_m::asm::delay(ARM_FREQUENCY / 1_000);
            }
        }
    }
    loop {
        cortex_m::asm::nop();
    }
}
