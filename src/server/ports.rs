//! The server's side of the hub: carries out effects that are not for stations.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::counting;
use crate::book::Recorder;
use crate::entry::Entry;
use crate::file::File;
use crate::hub::engine::Tally;
use crate::hub::{Event, Outcome, Ports, Snapshot};
use crate::metrics::Metrics;
use crate::telegraph::TelegraphId;
use chadburn_host::systemd::Manager;
use live_file::disk::Monitor;
use live_file::durable::{self, WriteJob, Writer};

/// The log target of lines that the hub has rate-limited itself, by address and cause. Users may filter
/// by it, so it stays what it was, whatever this file is called.
pub const HUB_LOG_TARGET: &str = "chadburn::server::outlets";

/// One telegraph's writers, book and snapshot.
#[derive(Debug)]
pub(super) struct TelegraphPorts {
    /// Writes the accept file.
    pub(super) replies: Writer,
    /// Writes the status file, if orders are taken over the network.
    pub(super) orders: Option<Writer>,
    /// Writes the bell book, if one is kept.
    pub(super) book: Option<Recorder>,
    /// What HTTP reads.
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    /// Whose disk answers.
    pub(super) disks: Vec<(File, Monitor)>,
}

/// What the hubs' effects reach.
#[derive(Debug)]
pub(super) struct ServerPorts {
    /// Each telegraph's own, by its id.
    pub(super) telegraphs: Vec<TelegraphPorts>,
    /// Who waits for the outcome of a request over HTTP, by its ticket.
    pub(super) asks: HashMap<u64, oneshot::Sender<Outcome>>,
    /// Cancelled when an authorised station asks for the end.
    pub(super) stopping: CancellationToken,
    /// The service manager (systemd), which is told that the hub is alive.
    pub(super) manager: Arc<Manager>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
}

impl TelegraphPorts {
    /// Who writes this file.
    fn writer(&self, file: File) -> Option<&Writer> {
        if file == File::Status { self.orders.as_ref() } else { Some(&self.replies) }
    }
}

impl ServerPorts {
    fn telegraph(&self, telegraph: TelegraphId) -> &TelegraphPorts {
        &self.telegraphs[usize::from(telegraph.0)]
    }
}

impl Ports for ServerPorts {
    fn store(
        &mut self,
        telegraph: TelegraphId,
        file: File,
        ticket: u64,
        text: String,
    ) -> Result<(), String> {
        let writer = self.telegraph(telegraph).writer(file).ok_or("orders are not written")?;
        let contents = format!("{text}\n").into_bytes();
        writer.submit(WriteJob { ticket, contents }).map_err(|busy| busy.to_string())
    }

    fn abandon(&mut self, telegraph: TelegraphId, file: File, ticket: u64) {
        if let Some(writer) = self.telegraph(telegraph).writer(file) {
            writer.abandon(ticket);
        }
    }

    fn register_ask(&mut self, ticket: u64, answer: oneshot::Sender<Outcome>) {
        self.asks.insert(ticket, answer);
    }

    fn respond(&mut self, ticket: u64, outcome: Outcome) {
        if let Some(answer) = self.asks.remove(&ticket) {
            // Whoever does not wait any more need not know.
            let _ = answer.send(outcome);
        }
    }

    fn publish(&mut self, telegraph: TelegraphId, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        let old = self.telegraph(telegraph).snapshots.send_replace(Arc::clone(&snapshot));
        counting::published(&self.metrics, &old, &snapshot);
    }

    fn record(&mut self, telegraph: TelegraphId, entry: Entry) {
        counting::entered(&self.metrics, &entry);
        if let Some(book) = &self.telegraph(telegraph).book {
            book.record(entry);
        }
    }

    fn log(&mut self, line: &str) {
        tracing::info!(target: HUB_LOG_TARGET, "{line}");
    }

    fn ask_shutdown(&mut self) {
        self.stopping.cancel();
    }

    fn pushed(&mut self, time: Duration) {
        self.metrics.pushed(time);
    }

    fn disks(&mut self) -> Vec<(TelegraphId, File, Option<String>)> {
        let mut changed = Vec::new();
        for (telegraph, ports) in (0..).map(TelegraphId).zip(&mut self.telegraphs) {
            for (file, monitor) in &mut ports.disks {
                if monitor.changes() {
                    changed.push((telegraph, *file, monitor.why().cloned()));
                }
            }
        }
        changed
    }

    fn sign_of_life(&mut self, tally: &Tally) {
        counting::tallied(&self.metrics, tally);
        for book in self.telegraphs.iter().filter_map(|it| it.book.as_ref()) {
            counting::queued(&self.metrics, &book.counts());
        }
        self.manager.alive();
    }
}

/// The hub's event for what a file's writer reports.
pub(super) fn event(file: File, outcome: durable::Outcome) -> Event<'static> {
    match outcome {
        durable::Outcome::Prepared { ticket, stamp } => Event::Prepared { file, ticket, stamp },
        durable::Outcome::Finished { ticket, result } => Event::Stored { file, ticket, result },
        durable::Outcome::Writable(result) => Event::Writable { file, result },
    }
}
