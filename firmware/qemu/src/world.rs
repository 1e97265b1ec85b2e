//! The world around the instrument, at the other end of a line: it moves the lever and sees what
//! the pins do.

use core::fmt::{self, Write};

use chadburn_core::serial::{Heard, LineReader, MAX_LINE};
use instrument::Outputs;

use crate::uart::Uart;

/// How often a servo hears of its pulse, in milliseconds.
const PULSE_EVERY_MS: u64 = 20;

/// The world.
pub(crate) struct World {
    /// The line to it.
    uart: Uart,
    /// What it says, up to now.
    reader: LineReader<MAX_LINE>,
    /// What the lever's converter reads; nothing is connected before the world says so.
    lever: u16,
    /// What it was shown last.
    shown: Option<Outputs>,
}

impl World {
    pub(crate) const fn new(uart: Uart) -> Self {
        Self { uart, reader: LineReader::new(), lever: 0, shown: None }
    }

    /// Hears what the world has to say.
    pub(crate) fn listen(&mut self) {
        while let Some(byte) = self.uart.take() {
            let Some(Heard::Line(line)) = self.reader.push(byte) else { continue };
            assert!(line != "panic", "as the world wants it");
            if let Some(raw) = line.strip_prefix("lever ").and_then(|raw| raw.parse().ok()) {
                self.lever = raw;
            }
        }
    }

    /// What the lever's converter reads.
    pub(crate) const fn lever(&self) -> u16 {
        self.lever
    }

    /// Shows the world what the pins do, as far as that is new.
    pub(crate) fn show(&mut self, now: u64, pins: Outputs) {
        let pulse = match self.shown {
            Some(shown) if !now.is_multiple_of(PULSE_EVERY_MS) => shown.pulse,
            _ => pins.pulse,
        };
        let pins = Outputs { pulse, ..pins };
        let shown = self.shown.replace(pins);
        if shown.is_none_or(|shown| shown.pulse != pins.pulse) {
            match pins.pulse {
                Some(pulse) => self.say(format_args!("pulse {pulse}\n")),
                None => self.say(format_args!("pulse -\n")),
            }
        }
        if shown.is_none_or(|shown| shown.bell != pins.bell) {
            self.say(format_args!("bell {}\n", word(pins.bell)));
        }
        if shown.is_none_or(|shown| shown.lamp != pins.lamp) {
            self.say(format_args!("lamp {}\n", word(pins.lamp)));
        }
    }

    fn say(&mut self, words: fmt::Arguments<'_>) {
        // It never fails; what the line does not take is lost.
        let _ = self.write_fmt(words);
    }
}

impl Write for World {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.uart.say(text.as_bytes());
        Ok(())
    }
}

const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
