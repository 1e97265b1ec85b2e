//! The bell book in the house: opened before the hub starts, finished when the hub has ended.

use std::io;
use std::path::Path;
use std::time::Duration;

use chadburn_core::Dial;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::book::{self, Book, Keeper, Limits, Past};
use crate::hub::Handle;
use crate::telegraph::history::History;
use crate::writing::{File, Report};

/// How long the last lines may take, should the stations have left no time for them.
const LAST_LINES: Duration = Duration::from_millis(100);

/// Opens the book, if one is to be kept, and tells what it remembers.
pub(super) async fn open(path: Option<&Path>, dial: &Dial<'_>) -> (History, Option<Book>) {
    let Some(path) = path.map(Path::to_owned) else {
        return (History::default(), None);
    };
    match spawn_blocking(move || book::open(&path, Limits::default())).await {
        Ok((past, book)) => {
            let Past { order, reply, entries, last_seq, clean, .. } = past;
            let (order, reply) = (order.as_ref(), reply.as_ref());
            let history = History::from_book(dial, order, reply, &entries, last_seq, clean);
            (history, Some(book))
        }
        Err(error) => {
            tracing::error!(%error, "the bell book cannot be opened and is not kept");
            (History::default(), None)
        }
    }
}

/// Has the book kept; its health goes to the hub.
pub(super) fn keep(book: Option<Book>, hub: &Handle) -> io::Result<Option<Keeper>> {
    let Some(book) = book else { return Ok(None) };
    let hub = hub.clone();
    let keeper = book.keep(move |health| {
        // A hub that has ended has nobody left to tell.
        let _ = hub.report(File::Book, Report::Health(health), Instant::now().into_std());
    })?;
    Ok(Some(keeper))
}

/// Has the book written to its end, which the hub has recorded by now.
pub(super) async fn finish(keeper: Option<Keeper>, deadline: Instant) {
    let Some(keeper) = keeper else { return };
    let left = deadline.saturating_duration_since(Instant::now()).max(LAST_LINES);
    // Its panics have been caught and told where they happened.
    let _ = spawn_blocking(move || keeper.stop(left)).await;
}
