//! Calls of a disk that may not come back: a network mount can hang for as long as it likes.
//!
//! Such calls are made on threads that nobody waits for. [`Calls`] counts those of one file that are out, and since
//! when; a [`Monitor`] says when they begin and cease to hang.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A call that has not come back by then hangs. A disk that has to spin up takes less.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// How often it is looked whether a thread that is waited for hangs.
const LOOK: Duration = Duration::from_millis(50);

/// The calls of one file that are out. A clone is of the same file.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Vec<Instant>>>);

impl Calls {
    /// Makes this call; it may come back late, or never.
    pub fn make<T>(&self, call: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        self.out().push(begun);
        // A call that panics has come back as well.
        let _guard = CallGuard { calls: self, begun };
        call()
    }

    /// For how long the one that has been out longest is out.
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        self.out().first().map(Instant::elapsed)
    }

    /// The same, if it hangs.
    #[must_use]
    pub fn unanswered(&self) -> Option<Duration> {
        self.longest().filter(|time| *time >= DEADLINE)
    }

    /// Waits until a thread that makes such calls has ended and dropped the other end of this; not if
    /// a call has been out for `patience`, for then nobody knows when that will be.
    pub fn wait_for(&self, ended: &Receiver<()>, patience: Duration) {
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            if self.longest().is_some_and(|time| time >= patience) {
                return;
            }
        }
    }

    fn out(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a call off the list when it has come back.
struct CallGuard<'a> {
    calls: &'a Calls,
    begun: Instant,
}

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        let mut out = self.calls.out();
        if let Some(index) = out.iter().position(|begun| *begun == self.begun) {
            out.remove(index);
        }
    }
}

/// Whether the calls of a file hang, as it was last looked at, so that it is said only when that changes.
#[derive(Debug)]
pub struct Monitor {
    /// What the file is called in a sentence.
    name: String,
    calls: Calls,
    /// What is said of it while they hang.
    why: Option<String>,
}

impl Monitor {
    /// A monitor of the calls of this file.
    #[must_use]
    pub fn new(path: &Path, calls: &Calls) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, calls: calls.clone(), why: None }
    }

    /// Looks again. Whether there is something else to be said; the log says when they begin to hang, and
    /// when they are back.
    pub fn changes(&mut self) -> bool {
        let why = self.calls.unanswered().map(|time| no_answer(&self.name, time));
        if why == self.why {
            return false;
        }
        match (&self.why, &why) {
            (None, Some(why)) => tracing::warn!("{why}"),
            (Some(_), None) => tracing::info!("{} answers again", self.name),
            _ => {}
        }
        self.why = why;
        true
    }

    /// What is to be said of it, if they hang.
    #[must_use]
    pub const fn why(&self) -> Option<&String> {
        self.why.as_ref()
    }
}

/// What comes of this, if it comes within this time; else it goes on aside, and nobody hears of it.
pub fn within<T: Send + 'static>(
    time: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = channel();
    // Whoever has waited too long does not listen any more.
    let aside = move || drop(tell.send(work()));
    thread::Builder::new().name("aside".into()).spawn(aside).ok()?;
    told.recv_timeout(time).ok()
}

/// What is said of a file whose disk has not answered for so long: to the second in the first minute,
/// then to ten seconds, and from an hour on to a minute, so that not everybody is told every second.
#[must_use]
pub fn no_answer(name: &str, time: Duration) -> String {
    let seconds = time.as_secs();
    let step = match seconds {
        0..60 => 1,
        60..3_600 => 10,
        _ => 60,
    };
    format!("{name}: no answer for {} s", seconds - seconds % step)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn the_longest_call_counts_and_one_that_panics_has_come_back() {
        let calls = Calls::default();
        assert_eq!(calls.longest(), None);
        let (go, wait) = channel::<()>();
        let (tell, begun) = channel();
        let first = thread::spawn({
            let calls = calls.clone();
            move || {
                calls.make(|| {
                    tell.send(()).unwrap();
                    let _ = wait.recv();
                });
            }
        });
        begun.recv().unwrap();
        let before = Instant::now();
        assert_eq!(calls.make(|| 7), 7);
        assert!(catch_unwind(AssertUnwindSafe(|| calls.make(|| panic!("made up")))).is_err());
        let since = before.elapsed();
        assert!(calls.longest().unwrap() >= since);
        assert_eq!(calls.unanswered(), None, "it does not hang yet");
        drop(go);
        first.join().unwrap();
        assert_eq!(calls.longest(), None);
    }

    #[test]
    fn a_thread_is_waited_for_unless_it_hangs() {
        let calls = Calls::default();
        let (running, ended) = channel();
        drop(running);
        calls.wait_for(&ended, Duration::ZERO);
        let (_running, ended) = channel();
        calls.make(|| calls.wait_for(&ended, Duration::from_millis(1)));
    }

    #[test]
    fn what_takes_too_long_goes_on_aside() {
        assert_eq!(within(Duration::from_mins(1), || 7), Some(7));
        let (go, wait) = channel::<()>();
        let (end, ended) = channel();
        let work = move || {
            let _ = wait.recv();
            end.send(()).unwrap();
        };
        assert_eq!(within(Duration::from_millis(1), work), None);
        drop(go);
        ended.recv().unwrap();
    }

    #[test]
    fn the_longer_it_lasts_the_less_often_it_is_said() {
        let said = |seconds| no_answer("status.eot", Duration::from_secs(seconds));
        assert_eq!(said(12), "status.eot: no answer for 12 s");
        assert_eq!((said(59), said(69)), (said(59), said(60)));
        assert_eq!(said(3_719), said(3_660));
    }
}
