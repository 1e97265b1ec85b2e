//! The accept file: a reply is in it whole and durable, or not at all.
//!
//! What a reply is, and who waits for it, is not known here. The file is written and never read:
//! what stands in it comes back through its source.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::plain::plain;
use crate::resolve::{self, Place};
use crate::writing::Stamp;
use steps::{Fault, Temp};

mod steps;

mod writer;

pub use writer::{Busy, Outcome, Store, Writer};

/// The mode of a lock file.
const PRIVATE: u32 = 0o600;

/// The one accept file that this process writes.
#[derive(Debug)]
pub struct AcceptFile {
    path: PathBuf,
    name: OsString,
    /// What a test makes go wrong.
    fault: Fault,
    /// Held as long as the file is written; nothing if it cannot be had for reasons that will
    /// show, and be told, at the first reply.
    lock: Option<File>,
}

/// Why the accept file must not be written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the lock.
    #[error("another server writes {0}")]
    Taken(String),
    /// The path cannot be one of a file.
    #[error("{0} is not the name of a file")]
    Nameless(String),
}

/// Why a reply is not in the accept file; one line for whoever gave it.
#[derive(Debug, thiserror::Error)]
#[error("{name} cannot be written: {reason}")]
pub struct StoreError {
    name: String,
    reason: String,
}

impl AcceptFile {
    /// Makes this process the only one that writes `path`, and sweeps away what an earlier one
    /// left half done.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::at(path, lock)
    }

    /// The status file, into which an order over the network is written in just the same way. It
    /// has no lock of its own: orders come through the server that holds the accept file's.
    pub fn for_orders(path: &Path) -> Result<Self, OpenError> {
        let file = Self::at(path, |_| Ok(None))?;
        file.sweep();
        Ok(file)
    }

    /// The status file, written by a bridge beside a server. It sweeps nothing: a temporary file
    /// may be the server's, in use.
    pub fn shared(path: &Path) -> Result<Self, OpenError> {
        Self::at(path, |_| Ok(None))
    }

    fn at(
        path: &Path,
        lock: impl FnOnce(&Path) -> Result<Option<File>, OpenError>,
    ) -> Result<Self, OpenError> {
        let nameless = || OpenError::Nameless(path.display().to_string());
        let path = std::path::absolute(path).map_err(|_| nameless())?;
        let name = path.file_name().ok_or_else(nameless)?.to_owned();
        let lock = lock(&path)?;
        let file = Self { name, fault: Fault::default(), lock, path };
        if file.lock.is_some() {
            file.sweep();
        }
        Ok(file)
    }

    /// Puts `text` and a newline into the file, durably. `noted` learns by what to know the
    /// writing again, before anybody can see it. After an error the file is as it was, unless only
    /// the last step failed, which makes the directory durable.
    pub fn store(&self, text: &str, noted: impl FnOnce(Stamp)) -> Result<(), StoreError> {
        self.try_store(text, noted).map_err(|error| StoreError {
            name: self.name.to_string_lossy().into_owned(),
            reason: plain(&error),
        })
    }

    fn try_store(&self, text: &str, noted: impl FnOnce(Stamp)) -> io::Result<()> {
        // The file itself, be it a link, is replaced.
        let place = resolve::parent(&self.path)?;
        let before = self.before(&place)?;
        let temp = temp_name(&self.name);
        let mut temp = Temp::create(&place, temp, before.as_ref(), &self.fault)?;
        temp.write(text)?;
        noted(temp.stamp()?);
        temp.rename()?;
        steps::sync_directory(&place, &self.fault)
    }

    /// Removes the temporary files of servers that were killed. It is for the holder of the lock
    /// only: another's may be in use.
    fn sweep(&self) {
        let entries = resolve::parent(&self.path)
            .and_then(|place| fs::read_dir(place.path().parent().unwrap_or(Path::new("/"))));
        for entry in entries.into_iter().flatten().flatten() {
            let regular = entry.file_type().is_ok_and(|kind| kind.is_file());
            if regular && is_temp_name(&entry.file_name(), &self.name) {
                match fs::remove_file(entry.path()) {
                    Ok(()) => debug!(file = %entry.path().display(), "stray temporary file swept"),
                    Err(error) => warn!(file = %entry.path().display(), %error, "cannot be swept"),
                }
            }
        }
    }

    /// The regular file that is there, whose group and mode are to be kept.
    fn before(&self, place: &Place) -> io::Result<Option<fs::Metadata>> {
        let meta = match place.stat() {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if meta.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if meta.is_file() {
            return Ok(Some(meta));
        }
        let kind = if meta.is_symlink() { "symlink" } else { "special file" };
        warn!(file = %self.path.display(), kind, "what stands in the accept file's place is replaced");
        Ok(None)
    }
}

/// Takes the lock beside the file. The lock file stays, because whoever removed it would let two
/// servers hold two locks of one name.
fn lock(path: &Path) -> Result<Option<File>, OpenError> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let flags = OFlags::CREATE | OFlags::RDONLY;
    let taken = resolve::parent(Path::new(&lock))
        .and_then(|place| place.open(flags, Mode::from_raw_mode(PRIVATE)))
        .and_then(|lock| {
            // Whoever can open it can lock it, and one that an older version made is open to more.
            // What cannot be mended is no reason not to serve.
            if lock.metadata().is_ok_and(|meta| meta.is_file() && meta.mode() & 0o777 != PRIVATE) {
                let _ = lock.set_permissions(Permissions::from_mode(PRIVATE));
            }
            match lock.try_lock() {
                Ok(()) => Ok(Some(lock)),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        });
    match taken {
        Ok(Some(lock)) => Ok(Some(lock)),
        Ok(None) => Err(OpenError::Taken(name_of(path))),
        Err(error) => {
            warn!(lock = %Path::new(&lock).display(), %error, "accept file cannot be locked");
            Ok(None)
        }
    }
}

fn temp_name(name: &OsStr) -> OsString {
    let mut temp = OsString::from(".");
    temp.push(name);
    temp.push(format!(".{}.tmp", Uuid::new_v4()));
    temp
}

fn is_temp_name(candidate: &OsStr, name: &OsStr) -> bool {
    let id = candidate
        .as_encoded_bytes()
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(name.as_encoded_bytes()))
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(b".tmp"))
        .and_then(|id| std::str::from_utf8(id).ok());
    // Only the very spelling that is used here, of the several a uuid has.
    id.is_some_and(|id| Uuid::try_parse(id).is_ok_and(|uuid| uuid.to_string() == id))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
