//! What the hub's effects say to the metrics.

use std::time::Duration;

use crate::book::Counts;
use crate::entry::{Entry, What};
use crate::file::File;
use crate::hub::Snapshot;
use crate::hub::engine::Tally;
use crate::metrics::{Metrics, Parting};
use crate::wire::Wire;
use live_file::durable::Outcome;

/// Something happened that is worth a line in the bell book.
pub(super) fn entered(metrics: &Metrics, entry: &Entry) {
    match entry.what {
        What::Order => metrics.ordered(),
        What::Repeat => metrics.repeated(),
        What::Reply => {
            metrics.replied();
            if let Some(time) = entry.after_ms {
                metrics.answered(Duration::from_millis(time));
            }
        }
        What::Run | What::Stale | What::Hole | What::End => {}
    }
}

/// A writer has something to say of this file.
pub(super) fn stored(metrics: &Metrics, file: File, outcome: &Outcome) {
    if let Outcome::Finished { result: Err(_), .. } = outcome {
        metrics.store_failed(file);
    }
}

/// What is on its way into the bell book, and what was dropped on it.
pub(super) fn queued(metrics: &Metrics, counts: &Counts) {
    metrics.book_queue(counts.queued);
    metrics.book_dropped(counts.dropped);
}

/// The other rooms see something new.
pub(super) fn published(metrics: &Metrics, old: &Snapshot, new: &Snapshot) {
    metrics.bell(new.bell);
    for file in [File::Status, File::Accept, File::Book] {
        if let Some(health) = new.health(file)
            && old.health(file) != Some(health)
        {
            metrics.health(file, health);
        }
    }
}

/// What the engine has counted until now.
pub(super) fn tallied(metrics: &Metrics, tally: &Tally) {
    for wire in [Wire::Text, Wire::Json, Wire::Sse] {
        metrics.stations(wire, tally.sockets[wire as usize]);
    }
    metrics.conflated(tally.conflated);
    metrics.closed(Parting::Stuck, tally.stuck);
    metrics.closed(Parting::Silent, tally.silent);
    metrics.closed(Parting::Violation, tally.violations);
    metrics.closed(Parting::Overfull, tally.overfull);
    metrics.closed(Parting::Replaced, tally.replaced);
}
