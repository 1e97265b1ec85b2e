//! What has happened, and what went wrong first. Everybody in the simulated world may write here.
//!
//! Lines are only made when a life is lived again to be told; living it costs nothing for them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use crate::faults::{Fault, KINDS};

/// One millisecond of the virtual time, which counts in microseconds.
pub const MS: u64 = 1_000;

/// One second of the virtual time.
pub const SECOND: u64 = 1_000 * MS;

/// How many lines a failure shows, unless `CHADBURN_WHOLE` asks for all.
const LINES: usize = 60;

/// The book of one life; clones are the same book.
#[derive(Clone, Debug, Default)]
pub struct Book(Rc<Pages>);

#[derive(Debug, Default)]
struct Pages {
    now: Cell<u64>,
    telling: bool,
    lines: RefCell<VecDeque<String>>,
    failure: RefCell<Option<(u64, String)>>,
    faults: Cell<[u64; KINDS]>,
    ticks: Cell<u64>,
    looks: Cell<u64>,
}

/// A rule that did not hold.
#[derive(Debug)]
pub struct Failure {
    /// The life.
    pub seed: u64,
    /// When, in microseconds of virtual time.
    pub at: u64,
    /// What.
    pub what: String,
    /// What happened before it, the latest last.
    pub trace: Vec<String>,
}

impl Book {
    /// A book that keeps lines only if somebody will read them.
    #[must_use]
    pub fn new(telling: bool) -> Self {
        Self(Rc::new(Pages { telling, ..Pages::default() }))
    }

    /// The virtual time in microseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.now.get()
    }

    /// Time goes on.
    pub fn set_now(&self, now: u64) {
        debug_assert!(now >= self.now(), "time does not go back");
        self.0.now.set(now);
    }

    /// Notes what happens.
    pub fn note(&self, line: impl FnOnce() -> String) {
        if self.0.telling {
            let mut lines = self.0.lines.borrow_mut();
            if lines.len() == LINES && std::env::var_os("CHADBURN_WHOLE").is_none() {
                lines.pop_front();
            }
            lines.push_back(format!("{:>12} {}", self.now(), line()));
        }
    }

    /// Counts something that is done to the server on purpose.
    pub fn count(&self, fault: Fault) {
        let mut faults = self.0.faults.get();
        faults[fault as usize] += 1;
        self.0.faults.set(faults);
    }

    /// Counts a tick of the server.
    pub fn ticked(&self) {
        self.0.ticks.set(self.0.ticks.get() + 1);
    }

    /// Counts a look at a file.
    pub fn looked(&self) {
        self.0.looks.set(self.0.looks.get() + 1);
    }

    /// How many ticks there were, and how many looks.
    #[must_use]
    pub fn routine(&self) -> (u64, u64) {
        (self.0.ticks.get(), self.0.looks.get())
    }

    /// How often which fault was counted.
    #[must_use]
    pub fn faults(&self) -> [u64; KINDS] {
        self.0.faults.get()
    }

    /// Notes that a rule did not hold; only the first counts.
    pub fn fail(&self, what: impl fmt::Display) {
        let mut failure = self.0.failure.borrow_mut();
        if failure.is_none() {
            *failure = Some((self.now(), what.to_string()));
        }
    }

    /// Notes that a rule did not hold unless this is so.
    pub fn hold(&self, so: bool, else_what: impl FnOnce() -> String) {
        if !so {
            self.fail(else_what());
        }
    }

    /// Whether a rule did not hold.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.0.failure.borrow().is_some()
    }

    /// The failure, if there was one.
    #[must_use]
    pub fn verdict(&self, seed: u64) -> Option<Failure> {
        let (at, what) = self.0.failure.borrow().clone()?;
        let trace = self.0.lines.borrow().iter().cloned().collect();
        Some(Failure { seed, at, what, trace })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        let at = self.at / MS;
        writeln!(f, "CHADBURN_SEED={}: at {at} ms: {}", self.seed, self.what)
    }
}
