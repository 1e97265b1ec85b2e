//! The signals that tell the program something, as values to wait for.
//!
//! It decides nothing: what a stop means, and that a second one means exit 130 at once, is for
//! whoever waits here.

use std::fmt;
use std::io;

use rustix::process::Signal;
use tokio_stream::StreamExt;

/// What a signal tells the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// To end.
    Stop(Stop),
    /// SIGHUP: to read again what may be read again.
    Reload,
}

/// A signal that asks the server to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: `kill`, systemd, a container's runtime.
    Terminate,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// The signals of this process, from now on caught.
pub struct Signals {
    arrived: signal_hook_tokio::Signals,
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals").finish_non_exhaustive()
    }
}

/// Caught and ignored: nobody has a use for them here, and by default each would end the server.
///
/// SIGPIPE is not among them. Rust ignores it from the start, and to catch it would be a trap: the
/// handler writes into a pipe of its own, and once nobody reads that any more, it raises itself.
///
/// SIGXFSZ tells of a file that would grow beyond a limit (`ulimit -f`). The write fails as well, and
/// whoever writes says so.
const IGNORED: [Signal; 3] = [Signal::USR1, Signal::USR2, Signal::XFSZ];

impl Signals {
    /// Catches SIGINT, SIGTERM and SIGHUP, and USR1, USR2 and XFSZ so that they do no harm. To be
    /// called within a runtime, as early as can be.
    pub fn catch() -> io::Result<Self> {
        let caught = [Signal::INT, Signal::TERM, Signal::HUP].into_iter().chain(IGNORED);
        let arrived = signal_hook_tokio::Signals::new(caught.map(Signal::as_raw))?;
        Ok(Self { arrived })
    }

    /// Waits for the next signal that tells something.
    pub async fn next(&mut self) -> Told {
        loop {
            match self.arrived.next().await {
                Some(number) if number == Signal::INT.as_raw() => {
                    return Told::Stop(Stop::Interrupt);
                }
                Some(number) if number == Signal::TERM.as_raw() => {
                    return Told::Stop(Stop::Terminate);
                }
                Some(number) if number == Signal::HUP.as_raw() => return Told::Reload,
                Some(number) => tracing::debug!(number, "signal ignored"),
                // Nobody closes the stream; if somebody did, no signal would mean no stop.
                None => std::future::pending().await,
            }
        }
    }
}

/// The terminal's changes of size, from now on caught (SIGWINCH).
pub struct Resizes {
    arrived: signal_hook_tokio::Signals,
}

impl fmt::Debug for Resizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resizes").finish_non_exhaustive()
    }
}

impl Resizes {
    /// Catches them. To be called within a runtime.
    pub fn catch() -> io::Result<Self> {
        Ok(Self { arrived: signal_hook_tokio::Signals::new([Signal::WINCH.as_raw()])? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        if self.arrived.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{getpid, kill_process};

    use super::*;

    fn send(signal: Signal) {
        kill_process(getpid(), signal).unwrap();
    }

    /// One test for all: signals belong to the process, and tests share it.
    #[tokio::test]
    async fn each_signal_that_tells_something_does_so_anew() {
        let mut signals = Signals::catch().unwrap();
        IGNORED.into_iter().for_each(send);
        send(Signal::TERM);
        assert_eq!(signals.next().await, Told::Stop(Stop::Terminate));
        for _ in 0..2 {
            send(Signal::HUP);
            assert_eq!(signals.next().await, Told::Reload);
            send(Signal::INT);
            assert_eq!(signals.next().await, Told::Stop(Stop::Interrupt));
        }
    }
    #[tokio::test]
    async fn each_change_of_size_is_told() {
        let mut resizes = Resizes::catch().unwrap();
        for _ in 0..2 {
            send(Signal::WINCH);
            resizes.next().await;
        }
    }
}
