//! What is opened before the hub starts: the accept file with its lock, the panel, and the bell book. A disk
//! that does not answer holds up the start for a few seconds; the server then begins without the accept file
//! or the book that is on it, and not without its panel.

use std::path::Path;
use std::time::Duration;

use chadburn_core::Dial;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout, timeout_at};

use super::ServeError;
use crate::book::{self, Book, Limits, Past};
use crate::http;
use crate::telegraph::history::History;
use chadburn_web::assets::Assets;
use live_file::disk::{Calls, DEADLINE, no_answer};
use live_file::durable::{DurableFile, OpenError};

/// What a disk is given that is waited for after another one has used up the time: enough for one
/// that is awake.
const LEAST: Duration = Duration::from_millis(500);

/// How long the start waits for disks, all of them together.
#[derive(Clone, Copy, Debug)]
pub(super) struct StartDeadline(Instant);

impl StartDeadline {
    /// It begins now.
    pub(super) fn begin() -> Self {
        Self(Instant::now() + DEADLINE)
    }

    /// What this results in, if it ends in time.
    pub(super) async fn wait<F: IntoFuture>(self, work: F) -> Option<F::Output> {
        timeout_at(self.0.max(Instant::now() + LEAST), work).await.ok()
    }
}

/// Makes the file, or says why not in one line.
pub(super) type Open = Box<dyn FnOnce() -> Result<DurableFile, String> + Send>;

/// Takes the accept file's lock, or begins to and leaves the rest to whoever writes the file. Fails if
/// it is known in time that it must not be written.
pub(super) async fn accept_file(
    path: &Path,
    calls: &Calls,
    start_deadline: StartDeadline,
) -> Result<Open, OpenError> {
    let (calls, path) = (calls.clone(), path.to_owned());
    let mut opening = spawn_blocking(move || calls.make(|| DurableFile::open(&path)));
    if let Some(Ok(opened)) = start_deadline.wait(&mut opening).await {
        let file = opened?;
        return Ok(Box::new(|| Ok(file)));
    }
    let wait = waiter(opening);
    let lost = || "the accept file could not be opened".to_owned();
    Ok(Box::new(move || wait().ok_or_else(lost)?.map_err(|error| error.to_string())))
}

/// Opens the book, if one is to be kept, and tells what it remembers.
pub(super) async fn book(
    path: Option<&Path>,
    dial: &Dial<'_>,
    start_deadline: StartDeadline,
) -> (History, Option<Book>) {
    let Some(path) = path.map(Path::to_owned) else {
        return (History::default(), None);
    };
    let limits = Limits::default();
    let mut opening = spawn_blocking({
        let path = path.clone();
        move || book::open(&path, limits)
    });
    match start_deadline.wait(&mut opening).await {
        Some(Ok((past, book))) => {
            let Past { order, reply, entries, last_seq, clean, .. } = past;
            let (order, reply) = (order.as_ref(), reply.as_ref());
            let history = History::from_book(dial, order, reply, &entries, last_seq, clean);
            (history, Some(book))
        }
        Some(Err(error)) => {
            tracing::error!(%error, "the bell book cannot be opened and is not kept");
            (History::default(), None)
        }
        None => {
            tracing::warn!(
                "the bell book's disk does not answer: nothing before now is remembered"
            );
            let wait = waiter(opening);
            let late = move || wait().map(|(_, book)| book);
            (History::default(), Some(Book::late(&path, limits, late)))
        }
    }
}

/// Reads the panel. Without the one that was asked for nothing is served.
pub(super) async fn assets(directory: Option<&Path>) -> Result<Assets, ServeError> {
    let Some(path) = directory.map(Path::to_owned) else { return Ok(http::embedded()) };
    let name = path.display().to_string();
    let loaded = in_time(&name, move || http::from_directory(&path)).await;
    Ok(loaded.map_err(ServeError::NoAnswer)?.map_err(std::io::Error::other)??)
}

/// Calls the disk about `name`, on a thread that is not waited for if it hangs: the error is then one
/// line that says so.
async fn in_time<T: Send + 'static>(
    name: &str,
    load: impl FnOnce() -> T + Send + 'static,
) -> Result<Result<T, JoinError>, String> {
    timeout(DEADLINE, spawn_blocking(load)).await.map_err(|_| no_answer(name, DEADLINE))
}

/// Waits for what is being done aside, on a thread that may block; nothing comes of a panic.
fn waiter<T: Send + 'static>(work: JoinHandle<T>) -> impl FnOnce() -> Option<T> + Send {
    let runtime = Handle::current();
    move || runtime.block_on(work).ok()
}
