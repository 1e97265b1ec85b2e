//! The device: a serial line, opened for this program alone. It does not know what is said on it.

use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions, ioctl_tiocexcl, tcgetattr, tcsetattr};
use tokio::net::unix::pipe::{Receiver, Sender};

/// The rate of the original's line. Over USB it means nothing.
const BAUD: u32 = 9600;

/// How much may wait to be taken by the device, in bytes: a dozen lines. What does not fit is not
/// said; whatever matters is said again.
const WAITING: usize = 256;

/// Why a device is not ours.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoDevice {
    /// Another program has it.
    #[error("another program has it open")]
    Taken,
    /// It is something else.
    #[error("it is no serial device")]
    NotSerial,
    /// It is not there, or may not be opened.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An open serial line.
#[derive(Debug)]
pub(super) struct Device {
    /// Both ways to the line. For tokio a terminal is a pipe in either direction: something to
    /// read from, or write to, when it is ready.
    from: Receiver,
    to: Sender,
    /// What is still to be said.
    waiting: Vec<u8>,
}

impl Device {
    pub(super) fn open(path: &Path) -> Result<Self, NoDevice> {
        // Without blocking, because a line without carrier would keep us waiting for it.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let line = rustix::fs::open(path, flags, Mode::empty()).map_err(why)?;
        let mut terminal = tcgetattr(&line).map_err(why)?;
        // Two locks: one for every program that asks for it, also root's; the other for all that do
        // not ask, and they could take lines away from us.
        flock(&line, FlockOperation::NonBlockingLockExclusive).map_err(why)?;
        ioctl_tiocexcl(&line).map_err(why)?;
        terminal.make_raw();
        terminal.control_modes |= ControlModes::CREAD | ControlModes::CLOCAL;
        terminal.set_speed(BAUD).map_err(why)?;
        tcsetattr(&line, OptionalActions::Now, &terminal).map_err(why)?;
        let to = Sender::from_owned_fd_unchecked(line.try_clone()?)?;
        let from = Receiver::from_owned_fd_unchecked(line)?;
        Ok(Self { from, to, waiting: Vec::new() })
    }

    /// Says this as soon as the device takes it.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        if self.waiting.len() + bytes.len() <= WAITING {
            self.waiting.extend_from_slice(bytes);
        }
    }

    /// Says what waits, and waits for bytes, of which it gives how many have come. None, or an
    /// error, is the end. It can be dropped at any time and nothing is lost.
    pub(super) async fn turn(&mut self, heard: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            tokio::select! {
                ready = self.from.readable() => {
                    ready?;
                    match self.from.try_read(heard) {
                        Ok(0) => return Ok(None),
                        Ok(count) => return Ok(Some(count)),
                        Err(error) => pass(error)?,
                    }
                }
                ready = self.to.writable(), if !self.waiting.is_empty() => {
                    ready?;
                    match self.to.try_write(&self.waiting) {
                        Ok(count) => drop(self.waiting.drain(..count)),
                        Err(error) => pass(error)?,
                    }
                }
            }
        }
    }
}

/// What is no end: it was not ready after all.
fn pass(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(()),
        _ => Err(error),
    }
}

fn why(error: Errno) -> NoDevice {
    match error {
        Errno::AGAIN | Errno::BUSY => NoDevice::Taken,
        Errno::NOTTY => NoDevice::NotSerial,
        error => NoDevice::Io(error.into()),
    }
}
