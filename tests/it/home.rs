//! A directory of one's own with the two files in it, and the ways in which people write files.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::patience::until;

/// The names a server may leave beside a status file that is called `status.eot`.
const OWN: [&str; 6] = [
    "status.eot",
    "accept.eot",
    "accept.eot.lock",
    "bell-book.jsonl",
    "bell-book.jsonl.1",
    "bell-book.jsonl.lock",
];

/// A directory that goes away with its owner.
#[derive(Debug)]
pub(crate) struct Home {
    /// The directory.
    directory: TempDir,
    /// Numbers the files that are to be renamed in.
    drafts: AtomicU32,
}

impl Home {
    /// An empty directory that every user may enter.
    pub(crate) fn new() -> Self {
        let directory = TempDir::with_prefix("chadburn-it-").expect("a directory can be made");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))
            .expect("one's own directory can be opened to all");
        Self { directory, drafts: AtomicU32::new(0) }
    }

    /// The directory, without links on the way.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().expect("the directory is there")
    }

    /// A file in it.
    pub(crate) fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The status file.
    pub(crate) fn status(&self) -> PathBuf {
        self.file("status.eot")
    }

    /// The accept file.
    pub(crate) fn accept(&self) -> PathBuf {
        self.file("accept.eot")
    }

    /// Gives an order as a shell does: `echo ORDER > status.eot`.
    pub(crate) fn order(&self, order: &str) {
        self.write("status.eot", format!("{order}\n"));
    }

    /// Gives an order as a careful program does: written aside, then renamed over.
    pub(crate) fn order_by_rename(&self, order: &str) {
        self.rename_over("status.eot", format!("{order}\n"));
    }

    /// Writes a file in place.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.file(name), content).expect("the file can be written");
        close(name, &self.file(name));
    }

    /// Writes a file aside and renames it over the name.
    pub(crate) fn rename_over(&self, name: &str, content: impl AsRef<[u8]>) {
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = self.file(format!(".draft-{number}"));
        let mut file = File::create(&draft).expect("a draft can be made");
        file.write_all(content.as_ref()).expect("a draft can be written");
        drop(file);
        close(name, &draft);
        fs::rename(&draft, self.file(name)).expect("a draft can be renamed");
    }

    /// What the accept file says, if it is there.
    pub(crate) fn reply(&self) -> Option<String> {
        fs::read(self.accept()).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The files in the directory that neither the contract nor this name list knows.
    pub(crate) fn strays(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).expect("the directory can be listed");
        let names = entries.map(|entry| entry.expect("an entry can be read").file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| !OWN.contains(&name.as_str()))
            .collect()
    }

    /// Returns when no temporary file is left. A running server writes one for a moment, too: at its start it
    /// rehearses an answer.
    pub(crate) async fn swept(&self) {
        until("no temporary file is left", || self.strays().is_empty()).await;
    }
}

/// Closes a token file to all but its owner: a token that others can read is none.
fn close(name: &str, path: &Path) {
    if Path::new(name).ends_with("token") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is one's own");
    }
}
