//! The thread that writes the accept file, so that nobody who decides ever waits for a disk.
//!
//! It takes one reply at a time and knows it by its ticket only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{error, info, warn};

use super::AcceptFile;
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
    /// What is to be in the file; a newline is added.
    pub text: String,
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
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which calls `on` with what became of each reply. Fails only if no thread
    /// can be started.
    pub fn spawn(
        file: AcceptFile,
        on: impl FnMut(Outcome) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, stores) = sync_channel(1);
        let thread = thread::Builder::new().name("accept-writer".to_owned()).spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| write_all(&file, &stores, on))).is_err() {
                error!("the accept file is no longer written after a panic");
            }
        })?;
        Ok(Self { stores: Some(sender), thread: Some(thread) })
    }

    /// Hands over a reply without ever waiting. One may be in hand and one wait.
    pub fn submit(&self, store: Store) -> Result<(), Busy> {
        let stores = self.stores.as_ref().ok_or(Busy::Ended)?;
        stores.try_send(store).map_err(|error| match error {
            TrySendError::Full(_) => Busy::Full,
            TrySendError::Disconnected(_) => Busy::Ended,
        })
    }

    /// Ends the thread when it has written what it was given.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stores = None;
        if let Some(thread) = self.thread.take() {
            // Its panics have been caught and told where they happened.
            drop(thread.join());
        }
    }
}

fn write_all(file: &AcceptFile, stores: &Receiver<Store>, mut on: impl FnMut(Outcome)) {
    let text = |error: super::StoreError| error.to_string();
    let mut able = file.rehearse().map_err(text);
    if let Err(why) = &able {
        warn!("{why}");
    }
    on(Outcome::Able(able.clone()));
    loop {
        let now = match stores.recv_timeout(if able.is_ok() { SURVEY } else { RETRY }) {
            Ok(Store { ticket, text: reply }) => {
                let result = file.store(&reply, |stamp| on(Outcome::Noted { ticket, stamp }));
                let result = result.map_err(text);
                on(Outcome::Stored { ticket, result: result.clone() });
                result
            }
            Err(RecvTimeoutError::Timeout) if able.is_ok() => file.survey().map_err(text),
            Err(RecvTimeoutError::Timeout) => file.rehearse().map_err(text),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if now != able {
            match &now {
                Ok(()) => info!("{} can be written again", file.shown()),
                Err(why) => warn!("{why}"),
            }
            on(Outcome::Able(now.clone()));
            able = now;
        }
    }
}
