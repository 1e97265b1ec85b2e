//! A thread that writes a file, for those who must not wait for a disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::{error, info, warn};

use super::DurableFile;
use crate::disk::{Calls, DEADLINE};
use crate::writing::Stamp;

/// How often the file is surveyed while nobody writes it.
const SURVEY: Duration = Duration::from_secs(10);

/// How often a write is rehearsed while the file cannot be written.
const RETRY: Duration = Duration::from_secs(5);

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteJob {
    /// Names the job in its outcomes. Tickets must rise.
    pub ticket: u64,
    /// What is to be in the file.
    pub contents: Vec<u8>,
}

/// What became of a job, and of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The contents are about to be in the file, and a watch will report them with this stamp.
    Prepared {
        /// Of which job.
        ticket: u64,
        /// Date and size of the file to be.
        stamp: Stamp,
    },
    /// The contents are in the file durably; or they are not, and why, in one line for a person.
    Finished {
        /// Of which job.
        ticket: u64,
        /// How it went.
        result: Result<(), String>,
    },
    /// Whether the file could be written now, or why not, in one line for a person. Told once at the start, and
    /// then whenever it changes.
    Writable(Result<(), String>),
}

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Another one waits already.
    #[error("the file is being written")]
    Full,
    /// The thread has ended.
    #[error("the file is no longer written")]
    Ended,
}

/// The writing thread, until it is stopped or dropped.
///
/// ```
/// use std::sync::mpsc::channel;
///
/// use live_file::disk::Calls;
/// use live_file::durable::{DurableFile, Outcome, WriteJob, Writer};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("answer.txt");
/// let open = move || DurableFile::open(&path).map_err(|error| error.to_string());
/// let (tell, told) = channel();
/// let writer = Writer::spawn(open, &Calls::default(), move |outcome| drop(tell.send(outcome)))?;
/// writer.submit(WriteJob { ticket: 1, contents: b"all is well\n".to_vec() })?;
/// writer.stop();
/// let outcomes: Vec<Outcome> = told.iter().collect();
/// assert_eq!(outcomes.last(), Some(&Outcome::Finished { ticket: 1, result: Ok(()) }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    jobs: Option<SyncSender<WriteJob>>,
    /// Up to this ticket jobs are dropped.
    abandoned: Arc<AtomicU64>,
    calls: Calls,
    /// The other end is dropped when the thread has ended.
    ended: Receiver<()>,
}

impl Writer {
    /// Starts the thread, which opens the file and then calls `on` with each outcome. If `open` fails, each job
    /// fails with what it says. Every call of the disk is counted in `calls`; while one of them hangs the file
    /// is not surveyed.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub fn spawn(
        open: impl FnOnce() -> Result<DurableFile, String> + Send + 'static,
        calls: &Calls,
        on: impl FnMut(Outcome) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel(1);
        let (running, ended) = channel();
        let abandoned = Arc::new(AtomicU64::new(0));
        let worker = Worker { jobs, abandoned: Arc::clone(&abandoned), calls: calls.clone(), on };
        thread::Builder::new().name("durable-writer".to_owned()).spawn(move || {
            let _running: Sender<()> = running;
            let work = || match worker.calls.make(open) {
                Ok(file) => worker.write_all(&file),
                Err(why) => worker.refuse_all(&why),
            };
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                error!("the file is no longer written after a panic");
            }
        })?;
        Ok(Self { jobs: Some(sender), abandoned, calls: calls.clone(), ended })
    }

    /// Hands over a job without waiting. One may be being written and one wait.
    ///
    /// # Errors
    ///
    /// One waits already, or the thread has ended.
    pub fn submit(&self, job: WriteJob) -> Result<(), SubmitError> {
        let jobs = self.jobs.as_ref().ok_or(SubmitError::Ended)?;
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => SubmitError::Full,
            TrySendError::Disconnected(_) => SubmitError::Ended,
        })
    }

    /// Drops the job with this ticket and those before it. They fail, unless the rename has been made or has
    /// begun.
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
        self.jobs = None;
        self.calls.wait_for(&self.ended, DEADLINE);
    }
}

/// The thread's side.
struct Worker<F> {
    jobs: Receiver<WriteJob>,
    abandoned: Arc<AtomicU64>,
    calls: Calls,
    on: F,
}

impl<F: FnMut(Outcome)> Worker<F> {
    fn write_all(mut self, file: &DurableFile) {
        let calls = self.calls.clone();
        let text = |error: super::WriteError| error.to_string();
        let mut able = calls.make(|| file.rehearse()).map_err(text);
        if let Err(why) = &able {
            warn!("{why}");
        }
        (self.on)(Outcome::Writable(able.clone()));
        loop {
            let now = match self.jobs.recv_timeout(if able.is_ok() { SURVEY } else { RETRY }) {
                Ok(job) => self.write(file, job).unwrap_or_else(|| able.clone()),
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
                (self.on)(Outcome::Writable(now.clone()));
                able = now;
            }
        }
    }

    /// Writes this and tells the outcome; returns it, too, unless the job was dropped.
    fn write(&mut self, file: &DurableFile, job: WriteJob) -> Option<Result<(), String>> {
        let WriteJob { ticket, contents } = job;
        let abandoned = Arc::clone(&self.abandoned);
        let wanted = || abandoned.load(Ordering::Relaxed) < ticket;
        let prepared = |stamp| (self.on)(Outcome::Prepared { ticket, stamp });
        let result = if wanted() {
            let stored = self.calls.make(|| file.write_if(&contents, prepared, wanted));
            stored.map_err(|error| error.to_string())
        } else {
            Err(format!("{} did not answer in time", file.shown()))
        };
        (self.on)(Outcome::Finished { ticket, result: result.clone() });
        wanted().then_some(result)
    }

    fn refuse_all(mut self, why: &str) {
        warn!("{why}");
        (self.on)(Outcome::Writable(Err(why.to_owned())));
        while let Ok(WriteJob { ticket, .. }) = self.jobs.recv() {
            (self.on)(Outcome::Finished { ticket, result: Err(why.to_owned()) });
        }
    }
}
