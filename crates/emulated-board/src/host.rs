//! The other end of the serial line, by hand: what a bridge does, but one step at a time.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

use chadburn_core::serial::{Command, Report, State};
use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::lines::{Lines, NoLine};
use crate::{PATIENCE, Trouble};

/// Somebody who has the line open.
#[derive(Debug)]
pub struct Host {
    device: File,
    heard: Lines,
}

impl Host {
    /// Opens the line, raw: nothing is echoed, nothing is edited.
    pub fn open(line: &Path) -> Result<Self, Trouble> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(OFlags::NOCTTY.bits().cast_signed());
        let device = options.open(line)?;
        let mut terminal = tcgetattr(&device).map_err(std::io::Error::from)?;
        terminal.make_raw();
        tcsetattr(&device, OptionalActions::Now, &terminal).map_err(std::io::Error::from)?;
        let heard = Lines::of(device.try_clone()?);
        Ok(Self { device, heard })
    }

    /// Says bytes as they are.
    pub fn say(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        Ok(self.device.write_all(bytes)?)
    }

    /// Says a command, with its seal.
    pub fn command(&mut self, command: Command) -> Result<(), Trouble> {
        self.say(&command.line())
    }

    /// Waits for a line from which this makes something.
    pub fn wait<T>(&mut self, mut make: impl FnMut(&str) -> Option<T>) -> Result<T, Trouble> {
        let until = Instant::now() + PATIENCE;
        let mut last = String::new();
        loop {
            match self.heard.next(until) {
                Ok(line) => {
                    if let Some(made) = make(&line) {
                        return Ok(made);
                    }
                    last = line;
                }
                Err(NoLine::Yet) => return Err(Trouble::TooLate(format!("{last:?}"))),
                Err(NoLine::Ever) => return Err(Trouble::Ended(format!("after {last:?}"))),
            }
        }
    }

    /// Waits for a state like this.
    pub fn state(&mut self, mut wanted: impl FnMut(&State) -> bool) -> Result<State, Trouble> {
        self.wait(|line| match Report::parse(line) {
            Some(Report::State(state)) if wanted(&state) => Some(state),
            _ => None,
        })
    }
}
