//! The bell book's part in the server: kept as long as the hub runs, finished when it has ended.

use std::io;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::book::{Book, Keeper};
use crate::file::File;
use crate::hub::Handle;
use live_file::writing::Report;

/// How long the last lines may take, should the stations have left no time for them.
const LAST_LINES: Duration = Duration::from_millis(100);

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
