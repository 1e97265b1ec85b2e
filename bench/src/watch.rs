//! An eye on the status file: every completed writing, read at once, through a bounded queue. It knows nothing of
//! mtimes, links, polling or anything else that can go wrong.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context, Result};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

/// Statuses that may wait; when it is full, the watcher's thread waits, and the kernel queues.
const QUEUE: usize = 1024;

/// A watch that lives as long as this does.
pub(crate) struct Watch {
    first: String,
    statuses: Receiver<String>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches `file`, and calls `wake` for each status.
    pub(crate) fn start(file: &Path, wake: impl Fn() + Send + 'static) -> Result<Self> {
        let file = std::path::absolute(file)?;
        let directory = file.parent().context("a file without a directory")?.to_path_buf();
        let (sender, statuses) = sync_channel(QUEUE);
        let eye = Eye { name: file.file_name().context("no file")?.to_owned(), file, sender, wake };
        let first = fs::read_to_string(&eye.file).unwrap_or_default().trim_end().to_owned();
        let mut watcher = notify::recommended_watcher(move |event| eye.look(event))?;
        watcher.watch(&directory, RecursiveMode::NonRecursive)?;
        Ok(Self { first, statuses, _watcher: watcher })
    }

    /// The status at the start.
    pub(crate) fn first(&self) -> &str {
        &self.first
    }

    /// The next status, if there is one.
    pub(crate) fn next(&self) -> Option<String> {
        self.statuses.try_recv().ok()
    }

    /// Waits for the next status; `None` when there will be none.
    pub(crate) fn wait(&self) -> Option<String> {
        self.statuses.recv().ok()
    }
}

/// What notify's thread holds.
struct Eye<W> {
    file: PathBuf,
    name: OsString,
    sender: SyncSender<String>,
    wake: W,
}

impl<W: Fn()> Eye<W> {
    fn look(&self, event: notify::Result<Event>) {
        let Ok(event) = event else { return };
        if !completes_a_writing(event.kind) {
            return;
        }
        if !event.paths.iter().any(|path| path.file_name() == Some(&self.name)) {
            return;
        }
        let Ok(text) = fs::read_to_string(&self.file) else {
            return;
        };
        let status = text.trim_end();
        if !status.is_empty() && self.sender.send(status.to_owned()).is_ok() {
            (self.wake)();
        }
    }
}

/// Closing after writing, and renaming in. notify reports opening and reading too; whoever reacts
/// to those by reading never comes to an end.
fn completes_a_writing(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_the_file_completes_nothing() {
        use AccessKind::{Close, Open};
        assert!(completes_a_writing(EventKind::Access(Close(AccessMode::Write))));
        assert!(completes_a_writing(EventKind::Modify(ModifyKind::Name(RenameMode::To))));
        for kind in [
            EventKind::Access(Close(AccessMode::Read)),
            EventKind::Access(Open(AccessMode::Any)),
            EventKind::Modify(ModifyKind::Name(RenameMode::Both)),
            EventKind::Modify(ModifyKind::Any),
        ] {
            assert!(!completes_a_writing(kind), "{kind:?}");
        }
    }
}
