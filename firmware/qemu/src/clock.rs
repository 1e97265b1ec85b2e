//! Milliseconds since power-up, and sleep until the next one.

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;

/// The board's clock, 25 MHz (AN500), in ticks a millisecond.
const TICKS_PER_MS: u32 = 25_000;

/// Milliseconds since power-up, modulo 2^32.
static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    MILLISECONDS.fetch_add(1, Ordering::Relaxed);
}

/// The clock.
pub(crate) struct Clock {
    /// The latest moment it told.
    now: u64,
}

impl Clock {
    pub(crate) fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(TICKS_PER_MS - 1);
        timer.clear_current();
        timer.enable_counter();
        timer.enable_interrupt();
        Self { now: 0 }
    }

    /// Sleeps until the next millisecond, and tells it.
    pub(crate) fn wait(&mut self) -> u64 {
        loop {
            let ticked = MILLISECONDS.load(Ordering::Relaxed);
            // What has passed since, also when the counter has begun anew.
            #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32 is what is meant")]
            let passed = ticked.wrapping_sub(self.now as u32);
            if passed > 0 {
                self.now += u64::from(passed);
                return self.now;
            }
            // An interrupt between the look and this is at most one millisecond lost.
            cortex_m::asm::wfi();
        }
    }
}
