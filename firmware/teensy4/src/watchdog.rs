//! WDOG1: if the loop does not turn for two seconds, the board starts anew (i.MX RT1060 reference
//! manual, chapter 57).

use teensy4_bsp::ral::{self, ccm, wdog};

/// Two seconds, in the watchdog's half-seconds; its register counts from 0.5 s.
const TIMEOUT: u16 = 3;

/// The watchdog. Once it is started nothing but a reset stops it.
pub(crate) struct Watchdog {
    registers: wdog::WDOG1,
}

impl Watchdog {
    pub(crate) fn start() -> Self {
        // Neither the support crate nor, as far as is known, the boot ROM puts its clock on, and
        // without it the registers are out of reach. 3 is on, always.
        // SAFETY: nobody else holds the clocks yet, and this holds them for one write.
        let clocks = unsafe { ccm::CCM::instance() };
        ral::modify_reg!(ccm, clocks, CCGR3, CG8: 3);
        cortex_m::asm::dsb();
        let watchdog = Self::take();
        // SRS and WDA reset the board when they are written as 0.
        ral::write_reg!(wdog, watchdog.registers, WCR,
            WDBG: 1, WDE: 1, SRS: 1, WDA: 1, WT: TIMEOUT);
        // Besides, it would pull a pin 16 s after power-up.
        ral::write_reg!(wdog, watchdog.registers, WMCR, 0);
        watchdog
    }

    /// The watchdog as it is, started or not: for the panic handler, which has no other way to it.
    pub(crate) fn take() -> Self {
        // SAFETY: the board's support crate does not touch WDOG1. The main loop and the panic
        // handler are the only holders, and the loop never goes on once the handler runs.
        Self { registers: unsafe { wdog::WDOG1::instance() } }
    }

    /// The loop has turned.
    pub(crate) fn feed(&mut self) {
        ral::write_reg!(wdog, self.registers, WSR, 0x5555);
        ral::write_reg!(wdog, self.registers, WSR, 0xAAAA);
    }
}
