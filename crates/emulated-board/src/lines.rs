//! Lines that come from somewhere, read by a thread of their own so that they can be waited for.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The most lines that wait to be read; then the reader waits, and in the end whoever writes.
const WAITING: usize = 10_000;

/// Lines as they come.
#[derive(Debug)]
pub(crate) struct Lines(Receiver<String>);

/// Why there is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoLine {
    /// None came in time.
    Yet,
    /// None will ever come: the other end is gone.
    Ever,
}

impl Lines {
    pub(crate) fn of(source: impl Read + Send + 'static) -> Self {
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
