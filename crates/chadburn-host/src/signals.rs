//! The signals that tell the program something, as values to wait for.
//!
//! It decides nothing: what a stop means, and that a second one means exit 130 at once, is for
//! whoever waits here.

use std::fmt;
use std::io;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process_group, test_kill_process,
    test_kill_process_group, wait,
};
use tokio::sync::watch;
use tokio_stream::StreamExt;

/// What a signal tells the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// To end.
    Stop(Stop),
    /// SIGHUP: to read again what may be read again.
    Reload,
}

/// A signal that asks to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: `kill`, systemd, a container's runtime.
    Terminate,
}

impl Stop {
    /// The signal itself.
    #[must_use]
    pub fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Terminate => Signal::TERM,
        }
    }

    /// Ends this process as the signal does by itself, so that whoever waits for it sees why.
    pub fn obey(self) -> ! {
        let number = self.signal().as_raw();
        // The first process of a container has no such end (`pid_namespaces(7)`).
        if getpid() != Pid::INIT {
            let _ = signal_hook::low_level::emulate_default_handler(number);
        }
        // As a shell tells it: 128 and the signal's number.
        std::process::exit(128 + number)
    }
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

/// The process groups that a command has started.
#[derive(Clone, Debug, Default)]
pub struct Started(Arc<Mutex<Groups>>);

#[derive(Debug, Default)]
struct Groups {
    /// The one whose leader is running, if there is one.
    led: Option<Pid>,
    /// Those whose leaders have ended and have left others behind.
    left: Vec<Pid>,
}

impl Groups {
    /// All that there are now.
    fn all(&mut self) -> impl Iterator<Item = Pid> {
        self.left.retain(|group| is_left(*group));
        self.left.iter().copied().chain(self.led)
    }
}

/// Whether somebody is left of a group whose leader has ended. The leader's number is not given to
/// another process as long as there is, so that a process with it leads a group of somebody else.
fn is_left(group: Pid) -> bool {
    test_kill_process(group).is_err() && test_kill_process_group(group).is_ok()
}

impl Started {
    /// A child with this number leads one.
    pub fn begins(&self, child: Option<u32>) {
        self.groups().led = child.and_then(|it| Pid::from_raw(it.cast_signed()));
    }

    /// It has ended, and was waited for.
    pub fn ends(&self) {
        let mut groups = self.groups();
        let ended = groups.led.take();
        groups.left.extend(ended);
        groups.left.retain(|group| is_left(*group));
        drop(groups);
        self.reap();
    }

    /// Sends all of them a signal.
    pub fn signal(&self, signal: Signal) {
        for group in self.groups().all() {
            // Whoever has gone already needs none.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Kills them.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until nobody is left of them. The kernel tells no one but their parents of their ends.
    pub async fn gone(&self) {
        while self.is_running() {
            tokio::time::sleep(LOOK).await;
            self.reap();
        }
    }

    fn is_running(&self) -> bool {
        self.groups().all().next().is_some()
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes away what is left of orphans. While there is a child, that is left to whoever waits for it.
    fn reap(&self) {
        if !inherits_orphans() || self.groups().led.is_some() {
            return;
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    }
}

/// Whether the orphans of what this process has started become its children (`prctl(2)`), as those of all
/// others do for the first process of a container. An inherited one is in a group until somebody takes
/// away what is left of it, and the first process of a machine or container may take its time for that.
fn inherits_orphans() -> bool {
    #[cfg(target_os = "linux")]
    let subreaper = rustix::process::child_subreaper().is_ok_and(|it| it.is_some());
    #[cfg(not(target_os = "linux"))]
    let subreaper = false;
    subreaper || getpid() == Pid::INIT
}

/// How often one looks whether somebody is left of a group.
const LOOK: Duration = Duration::from_millis(20);

/// How long a command may take to end by itself.
const PATIENCE: Duration = Duration::from_millis(800);

/// The same while what it has started is running: that gets five seconds, and is killed then.
const LONGER_PATIENCE: Duration = Duration::from_millis(5_800);

/// SIGINT and SIGTERM for a command, from now on caught. Whatever the command is doing, it ends: if
/// it does not do so by itself in time, or at a second signal, the process is ended here.
#[derive(Debug)]
pub struct Ending {
    told: watch::Receiver<Option<Stop>>,
    /// What the command has started.
    pub started: Started,
}

impl Ending {
    /// Catches them. To be called within a runtime.
    pub fn catch() -> io::Result<Self> {
        let caught = [Signal::INT, Signal::TERM].map(Signal::as_raw);
        let mut arrived = signal_hook::iterator::Signals::new(caught)?;
        let (sender, told) = watch::channel(None);
        let started = Started::default();
        let group = started.clone();
        // A thread of its own: the others may be stuck in a terminal that is held.
        thread::Builder::new().name("signals".into()).spawn(move || {
            for number in arrived.forever() {
                let interrupt = number == Signal::INT.as_raw();
                let stop = if interrupt { Stop::Interrupt } else { Stop::Terminate };
                if sender.send_replace(Some(stop)).is_some() {
                    group.kill();
                    stop.obey();
                }
                let patience = if group.is_running() { LONGER_PATIENCE } else { PATIENCE };
                let late = group.clone();
                let in_time = thread::Builder::new().spawn(move || {
                    thread::sleep(patience);
                    late.kill();
                    stop.obey();
                });
                if in_time.is_err() {
                    group.kill();
                    stop.obey();
                }
            }
        })?;
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_child_subreaper(Some(getpid()));
        if inherits_orphans() {
            let (mut children, orphans) = (Children::catch()?, started.clone());
            tokio::spawn(async move {
                loop {
                    children.next().await;
                    orphans.reap();
                }
            });
        }
        Ok(Self { told, started })
    }

    /// Waits until the command is told to end.
    pub async fn told(&mut self) -> Stop {
        match self.told.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(stop)) => *stop,
            // The thread lives as long as the process.
            _ => std::future::pending().await,
        }
    }
}

/// Ends of children, from now on caught (SIGCHLD).
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

/// Whether the process was stopped and goes on (SIGTSTP, SIGCONT): others may have used its terminal.
#[derive(Clone, Debug)]
pub struct Resumed(Arc<AtomicBool>);

impl Resumed {
    /// Notices it from now on.
    pub fn notice() -> io::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(Signal::CONT.as_raw(), Arc::clone(&flag))?;
        Ok(Self(flag))
    }

    /// Whether it has happened since the last time that this was asked.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

/// The terminal has another size, or is ours again: from now on caught (SIGWINCH, SIGCONT).
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
        assert_eq!(signals.next().await, Told::Stop(Stop::Terminate));
        for _ in 0..2 {
            send(Signal::HUP);
            assert_eq!(signals.next().await, Told::Reload);
            send(Signal::INT);
            assert_eq!(signals.next().await, Told::Stop(Stop::Interrupt));
        }
    }

    #[test]
    fn that_one_goes_on_is_told_once() {
        let resumed = Resumed::notice().unwrap();
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
