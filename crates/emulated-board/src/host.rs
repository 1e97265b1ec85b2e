//! The other end of the serial line, by hand: what a bridge does, but one step at a time.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chadburn_core::serial::{Command, Report, State};
use rustix::fs::OFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::Trouble;
use crate::lines::End;

/// Somebody who has the line open.
#[derive(Debug)]
pub struct Host(End);

impl Host {
    /// Opens the line.
    pub fn open(line: &Path) -> Result<Self, Trouble> {
        Ok(Self(End::of(open(line)?)?))
    }

    /// Says bytes as they are.
    pub fn say(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.0.say(bytes)
    }

    /// Says a command, with its seal.
    pub fn command(&mut self, command: Command) -> Result<(), Trouble> {
        self.say(&command.line())
    }

    /// Waits for a line from which this makes something. Those before it are gone.
    pub fn wait<T>(&mut self, make: impl FnMut(&str) -> Option<T>) -> Result<T, Trouble> {
        self.0.heard.wait(make)
    }

    /// Waits for a state like this.
    pub fn state(&mut self, mut wanted: impl FnMut(&State) -> bool) -> Result<State, Trouble> {
        self.wait(|line| match Report::parse(line) {
            Some(Report::State(state)) if wanted(&state) => Some(state),
            _ => None,
        })
    }
}

/// Opens a line, made raw.
pub(crate) fn open(line: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(OFlags::NOCTTY.bits().cast_signed());
    let device = options.open(line)?;
    make_raw(&device)?;
    Ok(device)
}

/// Nothing is echoed, nothing is edited.
pub(crate) fn make_raw(terminal: &File) -> io::Result<()> {
    let mut settings = tcgetattr(terminal)?;
    settings.make_raw();
    Ok(tcsetattr(terminal, OptionalActions::Now, &settings)?)
}
