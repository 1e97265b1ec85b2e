//! Signals as values to wait for.
//!
//! [`Signals`], for the server, only reports them. [`CommandSignals`], for the subcommands that are
//! clients, also enforces a deadline: it ends the process at a second signal, or when the subcommand has
//! not ended in time, after it has killed the process groups of children.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid};
use tokio::sync::watch;
use tokio_stream::StreamExt;

use crate::process_groups::{ProcessGroups, inherits_orphans};

/// A signal that the server acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerSignal {
    /// SIGINT or SIGTERM: to end.
    Stop(StopSignal),
    /// SIGHUP: to read again what may be read again.
    Reload,
}

/// A signal that asks to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: `kill`, systemd, a container's runtime.
    Terminate,
}

impl StopSignal {
    /// The signal itself.
    #[must_use]
    pub fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
        }
    }

    /// Ends this process as the signal does by itself, so that whoever waits for it sees why.
    pub fn terminate_by_signal(self) -> ! {
        let number = self.signal().as_raw();
        // The first process of a container has no such end (`pid_namespaces(7)`).
        if getpid() != Pid::INIT {
            let _ = signal_hook::low_level::emulate_default_handler(number);
        }
        // As a shell tells it: 128 and the signal's number.
        std::process::exit(128 + number)
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// The signals of the server, caught from now on.
pub struct Signals {
    arrived: signal_hook_tokio::Signals,
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals").finish_non_exhaustive()
    }
}

/// Signals that are caught and ignored: they mean nothing here, and by default each would end the server.
///
/// SIGPIPE is not among them. Rust ignores it from the start, and must not be made to catch it: the
/// handler writes into a pipe of its own, and once that is no longer read, it would raise SIGPIPE again.
const IGNORED: [Signal; 2] = [Signal::USR1, Signal::USR2];

/// From now on a write beyond the limit of a file's size (`ulimit -f`, `LimitFSIZE=`) is an error where it is made.
/// By default SIGXFSZ, which comes with it, ends the process without a word. It is caught and not ignored, so that
/// the programs that this one starts have the default. To be called by each program, before it writes anything.
pub fn survive_file_size_limit() -> io::Result<()> {
    let unused = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(Signal::XFSZ.as_raw(), unused).map(drop)
}

impl Signals {
    /// Catches SIGINT, SIGTERM and SIGHUP, and USR1 and USR2 so that they do no harm. To be called within a
    /// runtime, as early as can be.
    pub fn catch() -> io::Result<Self> {
        let caught = [Signal::INT, Signal::TERM, Signal::HUP].into_iter().chain(IGNORED);
        let arrived = signal_hook_tokio::Signals::new(caught.map(Signal::as_raw))?;
        Ok(Self { arrived })
    }

    /// Waits for the next signal that the server acts on.
    pub async fn next(&mut self) -> ServerSignal {
        loop {
            match self.arrived.next().await {
                Some(number) if number == Signal::INT.as_raw() => {
                    return ServerSignal::Stop(StopSignal::Interrupt);
                }
                Some(number) if number == Signal::TERM.as_raw() => {
                    return ServerSignal::Stop(StopSignal::Terminate);
                }
                Some(number) if number == Signal::HUP.as_raw() => return ServerSignal::Reload,
                Some(number) => tracing::debug!(number, "signal ignored"),
                // The stream is never closed; if it were, there would be no more signals to act on.
                None => std::future::pending().await,
            }
        }
    }
}

/// How long a subcommand may take to end by itself after the first signal.
const STOP_GRACE: Duration = Duration::from_millis(800);

/// The same while children are running: 0.8 s more than the 5 s after which the subcommand kills them.
const STOP_GRACE_WITH_CHILDREN: Duration = Duration::from_millis(5_800);

/// SIGINT and SIGTERM for a subcommand, caught from now on. If the subcommand does not end in time after
/// the first, or at the second, this ends the process.
#[derive(Debug)]
pub struct CommandSignals {
    stop_receiver: watch::Receiver<Option<StopSignal>>,
    /// The process groups of the children that the subcommand has started.
    pub process_groups: ProcessGroups,
}

impl CommandSignals {
    /// Catches the signals, starts the thread that enforces the deadline, makes this process the
    /// subreaper of its descendants (Linux), and starts a task that reaps them. To be called within a
    /// runtime.
    pub fn catch() -> io::Result<Self> {
        let caught = [Signal::INT, Signal::TERM].map(Signal::as_raw);
        let mut arrived = signal_hook::iterator::Signals::new(caught)?;
        let (sender, stop_receiver) = watch::channel(None);
        let process_groups = ProcessGroups::default();
        let group = process_groups.clone();
        // A thread of its own: the others may be blocked in a write to a stopped terminal.
        thread::Builder::new().name("signals".into()).spawn(move || {
            for number in arrived.forever() {
                let interrupt = number == Signal::INT.as_raw();
                let stop = if interrupt { StopSignal::Interrupt } else { StopSignal::Terminate };
                if sender.send_replace(Some(stop)).is_some() {
                    group.kill();
                    stop.terminate_by_signal();
                }
                let grace = if group.is_running() { STOP_GRACE_WITH_CHILDREN } else { STOP_GRACE };
                let groups_at_deadline = group.clone();
                let deadline = thread::Builder::new().spawn(move || {
                    thread::sleep(grace);
                    groups_at_deadline.kill();
                    stop.terminate_by_signal();
                });
                // Without that thread nothing would enforce the deadline: end now.
                if deadline.is_err() {
                    group.kill();
                    stop.terminate_by_signal();
                }
            }
        })?;
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_child_subreaper(Some(getpid()));
        if inherits_orphans() {
            let (mut children, orphans) = (Children::catch()?, process_groups.clone());
            tokio::spawn(async move {
                loop {
                    children.next().await;
                    orphans.reap_zombies();
                }
            });
        }
        Ok(Self { stop_receiver, process_groups })
    }

    /// Waits for the first of the two signals; at once if it has come already.
    pub async fn until_stop(&mut self) -> StopSignal {
        match self.stop_receiver.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(stop)) => *stop,
            // The sender is never dropped: its thread lives as long as the process.
            _ => std::future::pending().await,
        }
    }
}

/// SIGCHLD, caught from now on: a child has ended.
struct Children {
    arrived: signal_hook_tokio::Signals,
}

impl Children {
    fn catch() -> io::Result<Self> {
        Ok(Self { arrived: signal_hook_tokio::Signals::new([Signal::CHILD.as_raw()])? })
    }

    async fn next(&mut self) {
        if self.arrived.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Set by SIGCONT: after a stop the screen must be drawn anew, since the shell has used the terminal.
#[derive(Clone, Debug)]
pub struct ContinueFlag(Arc<AtomicBool>);

impl ContinueFlag {
    /// Catches SIGCONT from now on.
    pub fn register() -> io::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(Signal::CONT.as_raw(), Arc::clone(&flag))?;
        Ok(Self(flag))
    }

    /// Whether SIGCONT has come since the last call.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// SIGWINCH and SIGCONT, caught from now on: the terminal may have another size, or is ours again.
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
        let caught = [Signal::WINCH, Signal::CONT].map(Signal::as_raw);
        Ok(Self { arrived: signal_hook_tokio::Signals::new(caught)? })
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
        assert_eq!(signals.next().await, ServerSignal::Stop(StopSignal::Terminate));
        for _ in 0..2 {
            send(Signal::HUP);
            assert_eq!(signals.next().await, ServerSignal::Reload);
            send(Signal::INT);
            assert_eq!(signals.next().await, ServerSignal::Stop(StopSignal::Interrupt));
        }
    }

    #[test]
    fn a_continue_is_reported_once() {
        let resumed = ContinueFlag::register().unwrap();
        send(Signal::CONT);
        // Another thread may be the one that is interrupted.
        let begun = std::time::Instant::now();
        while !resumed.take() {
            assert!(begun.elapsed() < Duration::from_secs(5), "it is told");
            thread::yield_now();
        }
        assert!(!resumed.take(), "and not twice");
    }

    #[tokio::test]
    async fn each_change_of_size_is_told() {
        let mut resizes = Resizes::catch().unwrap();
        for signal in [Signal::WINCH, Signal::WINCH, Signal::CONT] {
            send(signal);
            resizes.next().await;
        }
    }
}
