//! What the hub wants of the other rooms, collected until it is done.

use chadburn::entry::Entry;
use chadburn::file::File;
use chadburn::hub::{Outcome, Ports, Snapshot};
use chadburn::telegraph::TelegraphId;
use tokio::sync::oneshot;

/// What the hub wants of the other rooms.
#[derive(Debug, Default)]
pub struct Office {
    /// Texts for the clerks, whether they were away, and how many texts had been heard.
    pub(super) stores: Vec<(File, u64, String, bool, usize)>,
    /// Stores that nobody waits for any more.
    pub(super) abandoned: Vec<(File, u64)>,
    /// The clerk is away.
    pub(super) refuses: bool,
    /// Texts that nobody asks for twice, in the order in which they were heard.
    pub(super) heard: Vec<String>,
    /// What other rooms shall see.
    pub(super) published: Vec<Snapshot>,
    /// What goes into the bell book.
    pub(super) recorded: Vec<Entry>,
    /// What became of requests over HTTP.
    pub(super) responded: Vec<(u64, Outcome)>,
    /// How many messages have been heard.
    pub(super) messages: usize,
    /// The end was asked for.
    pub(super) shutdown: bool,
}

impl Ports for Office {
    fn record(&mut self, _: TelegraphId, entry: Entry) {
        self.recorded.push(entry);
    }

    fn respond(&mut self, ticket: u64, outcome: Outcome) {
        self.responded.push((ticket, outcome));
    }

    fn register_ask(&mut self, _: u64, _: oneshot::Sender<Outcome>) {}

    fn store(
        &mut self,
        _: TelegraphId,
        file: File,
        ticket: u64,
        text: String,
    ) -> Result<(), String> {
        let reason = std::mem::take(&mut self.refuses).then(|| "the clerk is away".to_owned());
        self.stores.push((file, ticket, text, reason.is_some(), self.heard.len()));
        reason.map_or(Ok(()), Err)
    }

    fn abandon(&mut self, _: TelegraphId, file: File, ticket: u64) {
        self.abandoned.push((file, ticket));
    }

    fn publish(&mut self, _: TelegraphId, snapshot: Snapshot) {
        self.published.push(snapshot);
    }

    fn log(&mut self, line: &str) {
        self.messages += usize::from(line.starts_with("Message from Client"));
        if let Some((_, text)) = line.split_once("Accept&") {
            let end = text.find(|c: char| c != '.' && !c.is_ascii_alphanumeric());
            let text = &text[..end.unwrap_or(text.len())];
            if text.contains('.') {
                self.heard.push(text.to_owned());
            }
        }
    }

    fn ask_shutdown(&mut self) {
        self.shutdown = true;
    }
}
