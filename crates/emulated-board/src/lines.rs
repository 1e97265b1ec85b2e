//! Lines that come from somewhere, read by a thread of their own so that they can be waited for.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{PATIENCE, Trouble};

/// The most lines that wait to be read; then the reader waits, and in the end whoever writes.
const WAITING: usize = 10_000;

/// Lines as they come.
#[derive(Debug)]
pub struct Lines(Receiver<String>);

/// Why there is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoLine {
    /// None came in time.
    Yet,
    /// None will ever come: the other end is gone.
    Ever,
}

impl Lines {
    /// The lines of this source.
    #[must_use]
    pub fn of(source: impl Read + Send + 'static) -> Self {
        let (give, take) = sync_channel(WAITING);
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            // A terminal whose other end is gone gives an error in place of an end.
            while source.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
                line.clear();
                if give.send(text).is_err() {
                    return;
                }
            }
        });
        Self(take)
    }

    /// Waits for a line from which this makes something. Those before it are gone.
    pub fn wait<T>(&self, mut make: impl FnMut(&str) -> Option<T>) -> Result<T, Trouble> {
        let until = Instant::now() + PATIENCE;
        let mut last = String::new();
        loop {
            match self.next(until) {
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

    /// The next line, if one comes until then.
    pub(crate) fn next(&self, until: Instant) -> Result<String, NoLine> {
        let left = until.saturating_duration_since(Instant::now());
        self.0.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoLine::Yet,
            RecvTimeoutError::Disconnected => NoLine::Ever,
        })
    }

    /// A line that has come already.
    pub(crate) fn waiting(&self) -> Option<String> {
        self.0.recv_timeout(Duration::ZERO).ok()
    }
}

/// One end of a serial line: what comes is waited for, what is said goes out as it is.
#[derive(Debug)]
pub(crate) struct End {
    device: File,
    pub(crate) heard: Lines,
}

impl End {
    pub(crate) fn of(device: File) -> io::Result<Self> {
        let heard = Lines::of(device.try_clone()?);
        Ok(Self { device, heard })
    }

    /// The same, until it is to be closed: a thread in the middle of a read would keep it open.
    pub(crate) fn until(closed: Arc<AtomicBool>, device: File) -> io::Result<Self> {
        let heard = Lines::of(Closable::new(device.try_clone()?, closed));
        Ok(Self { device, heard })
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        Ok(self.device.write_all(bytes)?)
    }
}

/// How often a device that may be closed is asked whether it is, in nanoseconds.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// What can be read until it is closed.
pub(crate) struct Closable {
    device: File,
    closed: Arc<AtomicBool>,
}

impl Closable {
    pub(crate) const fn new(device: File, closed: Arc<AtomicBool>) -> Self {
        Self { device, closed }
    }
}

impl Read for Closable {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            let came = poll(&mut [PollFd::new(&self.device, PollFlags::IN)], Some(&LOOK))?;
            if self.closed.load(Ordering::Relaxed) {
                return Ok(0);
            }
            if came > 0 {
                return self.device.read(bytes);
            }
        }
    }
}
