//! The wires: a voltage in; a servo, a bell and a lamp out.

use instrument::Outputs;
use teensy4_bsp::board::{self, IPG_FREQUENCY};
use teensy4_bsp::hal::adc::{Adc, AnalogInput};
use teensy4_bsp::hal::flexpwm::{
    Channel, ClockSelect, FULL_RELOAD_VALUE_REGISTER, LoadMode, PairOperation, Prescaler, Pwm, SM,
};
use teensy4_bsp::hal::gpio::{Output, Port};
use teensy4_bsp::hal::iomuxc;
use teensy4_bsp::pins::common::{P2, P3, P13, P14};

use crate::converter;

/// The bit of the bell's pin 3 (`EMC_05`) in GPIO4.
pub(crate) const BELL_BIT: u32 = 5;

/// The bit of the lamp's pin 13 (`B0_03`) in GPIO2.
pub(crate) const LAMP_BIT: u32 = 3;

/// The servo's part of `FlexPWM4`: pin 2 is the A output of its submodule 2.
const SERVO: SM = SM::SM2;
const OUTPUT: Channel = Channel::A;

/// The servo's clock: 150 MHz / 128, so that 20 ms fit in 16 bits.
const PRESCALER: Prescaler = Prescaler::Prescaler128;
const COUNTS_PER_SECOND: u32 = IPG_FREQUENCY / PRESCALER.divider();

/// How often a servo hears of its pulse: 50 times a second, as servos do since there are any.
const PERIOD: u32 = COUNTS_PER_SECOND / 50;
const _: () = assert!(PERIOD < i16::MAX as u32);

/// The wires.
pub(crate) struct Pins {
    converter: Adc,
    lever: AnalogInput,
    servo: Pwm,
    bell: Output,
    lamp: Output,
    /// The pulse that the servo has, in microseconds.
    pulse: Option<u16>,
}

impl Pins {
    #[expect(clippy::too_many_arguments, reason = "there are as many wires")]
    pub(crate) fn new(
        mut converter: Adc,
        servo: Pwm,
        gpio2: &mut Port,
        gpio4: &mut Port,
        mut p2: P2,
        p3: P3,
        p13: P13,
        p14: P14,
    ) -> Self {
        converter::prepare(&mut converter);
        let Ok(lever) = converter.input::<_, 1>(p14) else { unreachable!("pin 14 is on ADC1") };
        let Ok(bell) = gpio4.output(p3) else { unreachable!("pin 3 is on GPIO4") };
        bell.clear();
        let lamp = board::led(gpio2, p13);
        iomuxc::flexpwm::prepare(&mut p2);
        let mut pins = Self { converter, lever, servo, bell, lamp, pulse: None };
        pins.prepare_servo();
        pins
    }

    /// What the lever's converter reads, 0 to 4095.
    pub(crate) fn lever(&mut self) -> u16 {
        self.converter.read_blocking(&mut self.lever)
    }

    /// Does what the instrument wants.
    pub(crate) fn show(&mut self, outputs: Outputs) {
        set(&self.bell, outputs.bell);
        set(&self.lamp, outputs.lamp);
        if outputs.pulse != self.pulse {
            self.pulse = outputs.pulse;
            if let Some(pulse) = outputs.pulse {
                self.drive(pulse);
            }
        }
    }

    /// Sets the servo's clock going, its output off: no pulse leaves before one is wanted.
    fn prepare_servo(&mut self) {
        let servo = &mut self.servo;
        servo.set_debug_enable(SERVO, true);
        servo.set_wait_enable(SERVO, true);
        servo.set_clock_select(SERVO, ClockSelect::Ipg);
        servo.set_prescaler(SERVO, PRESCALER);
        servo.set_pair_operation(SERVO, PairOperation::Independent);
        servo.set_load_mode(SERVO, LoadMode::reload_full());
        servo.set_load_frequency(SERVO, 1);
        servo.set_initial_count(SERVO, 0);
        servo.set_value(SERVO, FULL_RELOAD_VALUE_REGISTER, counts(PERIOD - 1));
        servo.set_turn_on(SERVO, OUTPUT, 0);
        servo.set_turn_off(SERVO, OUTPUT, 0);
        servo.set_load_ok(SERVO.mask());
        servo.set_run(SERVO.mask());
    }

    /// Gives the servo this pulse, in microseconds, from its next period on.
    fn drive(&mut self, pulse: u16) {
        let width = u32::from(pulse) * (COUNTS_PER_SECOND / 1_000) / 1_000;
        self.servo.clear_load_ok(SERVO.mask());
        self.servo.set_turn_off(SERVO, OUTPUT, counts(width));
        self.servo.set_load_ok(SERVO.mask());
        self.servo.set_output_enable(SERVO.mask(), OUTPUT);
    }
}

/// Counts of the servo's clock, as its registers have them.
fn counts(counts: u32) -> i16 {
    i16::try_from(counts).unwrap_or(i16::MAX)
}

fn set(output: &Output, high: bool) {
    if high {
        output.set();
    } else {
        output.clear();
    }
}
