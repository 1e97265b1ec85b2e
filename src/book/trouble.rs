//! Why the book cannot be written or read, in one line for a person.

use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use live_file::plain::plain;

/// A line that begins with the name of the file it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Trouble(String);

impl Trouble {
    /// The file is, or does, something that it must not.
    pub(super) fn new(path: &Path, what: &str) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self(format!("{name} {what}"))
    }

    /// Another server writes it.
    pub(super) fn foreign(path: &Path) -> Self {
        Self::new(path, "is written by another server: give this one its own with --bell-book FILE")
    }

    /// The system has refused something.
    pub(super) fn failed(path: &Path, what: &str, error: &io::Error) -> Self {
        Self::new(path, &format!("cannot be {what}: {}", plain(error)))
    }

    /// What stands in the file's place is no regular file.
    pub(super) fn no_file(path: &Path, kind: FileType) -> Self {
        let what = match kind {
            kind if kind.is_dir() => "is a directory",
            kind if kind.is_symlink() => "is a symbolic link",
            kind if kind.is_fifo() => "is a FIFO",
            kind if kind.is_socket() => "is a socket",
            _ => "is a device",
        };
        Self::new(path, what)
    }
}
