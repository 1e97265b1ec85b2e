//! Where the hub's effects go that are not for stations.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::{io, thread};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::accept::{Outcome, Store, Writer};
use crate::hub::{Event, Handle, Key, Ports, Snapshot};
use crate::owner;
use crate::policy::Owner;
use crate::systemd::Manager;

/// The rooms around the hub, as the hub reaches them.
#[derive(Debug)]
pub(super) struct Outlets {
    /// Writes the accept file.
    pub(super) writer: Writer,
    /// Finds out whose socket a peer's is.
    pub(super) owners: Owners,
    /// What HTTP reads.
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    /// Cancelled when a station that may asks for the end.
    pub(super) stopping: CancellationToken,
    /// Hears that the hub's loop turns.
    pub(super) manager: Arc<Manager>,
}

impl Ports for Outlets {
    fn store(&mut self, ticket: u64, text: String) -> Result<(), String> {
        self.writer.submit(Store { ticket, text }).map_err(|busy| busy.to_string())
    }

    fn ask_owner(&mut self, key: Key, addresses: Option<(SocketAddr, SocketAddr)>) {
        self.owners.ask(key, addresses);
    }

    fn publish(&mut self, snapshot: Snapshot) {
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    fn log(&mut self, line: &str) {
        tracing::info!("{line}");
    }

    fn ask_shutdown(&mut self) {
        self.stopping.cancel();
    }

    fn sign_of_life(&mut self) {
        self.manager.alive();
    }
}

impl From<Outcome> for Event<'static> {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Noted { ticket, stamp } => Self::Noted { ticket, stamp },
            Outcome::Stored { ticket, result } => Self::Stored { ticket, result },
        }
    }
}

/// A question whose socket a peer's is: for this station, at these ends.
type Question = (Key, Option<(SocketAddr, SocketAddr)>);

/// A thread that finds out whose sockets peers' are: one reading of the kernel's tables for all who
/// wait, since with ten thousand stations those are megabytes.
#[derive(Debug)]
pub(super) struct Owners {
    /// The questions. Not bounded by itself: a station that waits for the answer is not heard, so
    /// there is at most one for each.
    questions: mpsc::Sender<Question>,
}

impl Owners {
    /// Starts the thread. It ends when the hub drops this.
    pub(super) fn start(hub: Handle) -> io::Result<Self> {
        let (questions, asked) = mpsc::channel::<Question>();
        thread::Builder::new().name("owners".into()).spawn(move || {
            while let Ok(first) = asked.recv() {
                let waiting: Vec<_> = std::iter::once(first).chain(asked.try_iter()).collect();
                let known: Vec<_> = waiting.iter().filter_map(|(_, ends)| *ends).collect();
                let mut owners = owner::owners_of(&known).into_iter();
                for (key, ends) in waiting {
                    let owner = ends.and_then(|_| owners.next()).unwrap_or(Owner::Unknown);
                    if hub.blocking_send(Event::Owned { key, owner }).is_err() {
                        return;
                    }
                }
            }
        })?;
        Ok(Self { questions })
    }

    fn ask(&self, key: Key, addresses: Option<(SocketAddr, SocketAddr)>) {
        // The thread ends only with the hub, which is asking right now.
        let _ = self.questions.send((key, addresses));
    }
}
