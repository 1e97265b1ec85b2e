//! Milliseconds since power-up, counted by the core's own cycles.

use cortex_m::Peripherals;
use cortex_m::peripheral::DWT;
use teensy4_bsp::board::ARM_FREQUENCY;

/// The clock. It must be asked more often than the 32 bits of the core's counter go round, which
/// takes seven seconds; the watchdog sees to that.
pub(crate) struct Clock {
    /// The core's counter when it was asked last.
    counter: u32,
    /// How many cycles have passed since the start.
    cycles: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let mut core = Peripherals::take().expect("this is the first and only time");
        core.DCB.enable_trace();
        // The counter of a Cortex-M7 is behind a lock of its own.
        DWT::unlock();
        core.DWT.enable_cycle_counter();
        Self { counter: DWT::cycle_count(), cycles: 0 }
    }

    /// Milliseconds since the start.
    pub(crate) fn now(&mut self) -> u64 {
        let counter = DWT::cycle_count();
        self.cycles += u64::from(counter.wrapping_sub(self.counter));
        self.counter = counter;
        self.cycles / u64::from(ARM_FREQUENCY / 1_000)
    }
}
