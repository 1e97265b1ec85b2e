//! The thread that writes the accept file, so that nobody who decides ever waits for a disk.
//!
//! It takes one reply at a time and knows it by its ticket only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::{error, info, warn};

use super::AcceptFile;
use crate::disk::{Calls, DEADLINE};
use crate::writing::Stamp;

/// How often it is looked whether the file could be written, when nobody writes it.
const SURVEY: Duration = Duration::from_secs(10);

/// How often it is tried, as long as it could not.
const RETRY: Duration = Duration::from_secs(5);

/// A reply to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// By which it is known in the outcome.
    pub ticket: u64,
    /// What is to be in the file.
    pub contents: Vec<u8>,
}

/// What became of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is about to be in the file, and will be read back with this stamp.
    Noted {
        /// Which one.
        ticket: u64,
        /// What it will be known by.
        stamp: Stamp,
    },
    /// It is in the file for good; or it is not, and why, in one line for a person.
    Stored {
        /// Which one.
        ticket: u64,
        /// How it went.
        result: Result<(), String>,
    },
    /// Whether a reply could be written now, or why not, in one line for a person. It is said once
    /// at the start, and then whenever it changes.
    Able(Result<(), String>),
}

/// Why a reply was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// Another one waits already.
    #[error("the file is being written")]
    Full,
    /// The thread has ended.
    #[error("the file is no longer written")]
    Ended,
}

/// The writing thread, until it is stopped or dropped.
#[derive(Debug)]
pub struct Writer {
    stores: Option<SyncSender<Store>>,
    /// Up to this ticket nobody waits any more.
    abandoned: Arc<AtomicU64>,
    calls: Calls,
    /// The other end is dropped when the thread has ended.
    ended: Receiver<()>,
}

impl Writer {
    /// Starts the thread, which opens the file, then calls `on` with what became of each reply. If it
    /// cannot be opened, `open` says why in one line, and each reply fails with it. Every call of
    /// the disk is one of `calls`; while one of them hangs nothing is surveyed. Fails only if no
    /// thread can be started.
    pub fn spawn(
        open: impl FnOnce() -> Result<AcceptFile, String> + Send + 'static,
        calls: &Calls,
        on: impl FnMut(Outcome) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, stores) = sync_channel(1);
        let (running, ended) = channel();
        let abandoned = Arc::new(AtomicU64::new(0));
        let desk = Desk { stores, abandoned: Arc::clone(&abandoned), calls: calls.clone(), on };
        thread::Builder::new().name("accept-writer".to_owned()).spawn(move || {
            let _running: Sender<()> = running;
            let work = || match desk.calls.make(open) {
                Ok(file) => desk.write_all(&file),
                Err(why) => desk.refuse_all(&why),
            };
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                error!("the accept file is no longer written after a panic");
            }
        })?;
        Ok(Self { stores: Some(sender), abandoned, calls: calls.clone(), ended })
    }

    /// Hands over a reply without ever waiting. One may be in hand and one wait.
    pub fn submit(&self, store: Store) -> Result<(), Busy> {
        let stores = self.stores.as_ref().ok_or(Busy::Ended)?;
        stores.try_send(store).map_err(|error| match error {
            TrySendError::Full(_) => Busy::Full,
            TrySendError::Disconnected(_) => Busy::Ended,
        })
    }

    /// Nobody waits any more for the reply with this ticket, nor for those before it. It fails unless
    /// it is seen in the file already, or is just being put there.
    pub fn abandon(&self, ticket: u64) {
        self.abandoned.fetch_max(ticket, Ordering::Relaxed);
    }

    /// Ends the thread when it has written what it was given. One that hangs is left behind.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stores = None;
        self.calls.wait_for(&self.ended, DEADLINE);
    }
}

/// The thread's side.
struct Desk<F> {
    stores: Receiver<Store>,
    abandoned: Arc<AtomicU64>,
    calls: Calls,
    on: F,
}

impl<F: FnMut(Outcome)> Desk<F> {
    fn write_all(mut self, file: &AcceptFile) {
        let calls = self.calls.clone();
        let text = |error: super::StoreError| error.to_string();
        let mut able = calls.make(|| file.rehearse()).map_err(text);
        if let Err(why) = &able {
            warn!("{why}");
        }
        (self.on)(Outcome::Able(able.clone()));
        loop {
            let now = match self.stores.recv_timeout(if able.is_ok() { SURVEY } else { RETRY }) {
                Ok(store) => self.write(file, store).unwrap_or_else(|| able.clone()),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if calls.unanswered().is_some() => continue,
                Err(RecvTimeoutError::Timeout) if able.is_ok() => {
                    calls.make(|| file.survey()).map_err(text)
                }
                Err(RecvTimeoutError::Timeout) => calls.make(|| file.rehearse()).map_err(text),
            };
            if now != able {
                match &now {
                    Ok(()) => info!("{} can be written again", file.shown()),
                    Err(why) => warn!("{why}"),
                }
                (self.on)(Outcome::Able(now.clone()));
                able = now;
            }
        }
    }

    /// Writes this and says how it went; returns that, too, unless nobody waits for it any more.
    fn write(&mut self, file: &AcceptFile, store: Store) -> Option<Result<(), String>> {
        let Store { ticket, contents } = store;
        let abandoned = Arc::clone(&self.abandoned);
        let wanted = || abandoned.load(Ordering::Relaxed) < ticket;
        let noted = |stamp| (self.on)(Outcome::Noted { ticket, stamp });
        let result = if wanted() {
            let stored = self.calls.make(|| file.store_if(&contents, noted, wanted));
            stored.map_err(|error| error.to_string())
        } else {
            Err(format!("{} did not answer in time", file.shown()))
        };
        (self.on)(Outcome::Stored { ticket, result: result.clone() });
        wanted().then_some(result)
    }

    fn refuse_all(mut self, why: &str) {
        warn!("{why}");
        (self.on)(Outcome::Able(Err(why.to_owned())));
        while let Ok(Store { ticket, .. }) = self.stores.recv() {
            (self.on)(Outcome::Stored { ticket, result: Err(why.to_owned()) });
        }
    }
}
