//! The lever's converter, ADC1: made ready in the order that its maker's own driver keeps to. It does
//! not know what its numbers mean.

use teensy4_bsp::board::ARM_FREQUENCY;
use teensy4_bsp::hal::adc::{Adc, AveragingCount, ResolutionBits};
use teensy4_bsp::ral::{self, adc};

/// How long one look at the calibration is from the next, in the core's cycles: 10 µs.
const LOOK: u32 = ARM_FREQUENCY / 100_000;

/// How often it is looked for at most: for 100 ms, which is far more than it can take.
const LOOKS: usize = 10_000;

/// Sets the converter up for 12 bits, and calibrates it for that.
///
/// The support crate has begun a calibration, but does not wait for its end: it waits for a code of
/// zero, which is there from the start, and then breaks it off by setting something else. Its
/// `calibrate`, called again, could wait for ever.
pub(crate) fn prepare(converter: &mut Adc) {
    converter.set_resolution(ResolutionBits::Res12);
    converter.set_averaging(AveragingCount::Avg8);
    // SAFETY: `converter` has the same registers, and is borrowed as long as this goes on.
    let registers = unsafe { adc::ADC1::instance() };
    // What is noted of the one that was broken off goes when a 1 is written.
    ral::write_reg!(adc, registers, GS, CALF: 1);
    ral::modify_reg!(adc, registers, GC, CAL: 1);
    for _ in 0..LOOKS {
        if ral::read_reg!(adc, registers, GC, CAL == 0) {
            return;
        }
        cortex_m::asm::delay(LOOK);
    }
    // Without it the numbers are a little off; that is no reason to hang.
}
