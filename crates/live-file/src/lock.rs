//! The lock beside a file that one process alone may write.
//!
//! Whoever can open a lock file can hold it, so that one which others can open, own, or have put there says
//! nothing: it is replaced. The lock file stays, because whoever removed it would let two processes hold
//! two locks of one name.

use std::fs::{File, Metadata, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tracing::warn;

use crate::resolve::{self, Place};
use crate::user;

/// The mode of a lock file.
const PRIVATE: u32 = 0o600;

/// How often another one is made in its place. Whoever replaces it as fast as that keeps it from us.
const TRIES: usize = 3;

/// The lock is another process's of root or of our own user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken;

/// Takes the lock of the file at `path`, which is held until it is dropped. Nothing, and a warning, if it
/// cannot be had for other reasons: these are none not to serve.
pub fn of(path: &Path) -> Result<Option<File>, Taken> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    take(&lock).unwrap_or_else(|error| {
        warn!(lock = %lock.display(), %error, "the file cannot be locked");
        Ok(None)
    })
}

fn take(path: &Path) -> io::Result<Result<Option<File>, Taken>> {
    let place = resolve::parent(path)?;
    for _ in 0..TRIES {
        if place.stat().is_ok_and(|meta| !is_ours(&meta)) {
            replaced(&place)?;
        }
        let flags = OFlags::CREATE | OFlags::RDONLY;
        let file = place.open(flags, Mode::from_raw_mode(PRIVATE))?;
        let was_open = mend(&file)?;
        match file.try_lock() {
            Ok(()) if still_stands(&place, &file) => return Ok(Ok(Some(file))),
            // Another process has replaced it between the two calls.
            Ok(()) => {}
            // Whoever could open it may be anybody.
            Err(TryLockError::WouldBlock) if was_open => replaced(&place)?,
            Err(TryLockError::WouldBlock) => return Ok(Err(Taken)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other("somebody keeps putting another file into its place"))
}

/// Whether this can be a lock of root's or of our own user: no other file under a second name either.
fn is_ours(meta: &Metadata) -> bool {
    meta.is_file() && meta.nlink() == 1 && user::is_own(meta.uid())
}

/// Closes the file to others; whether it was open to them. Where modes mean nothing it counts as closed.
fn mend(file: &File) -> io::Result<bool> {
    let is_open = || Ok::<_, io::Error>(file.metadata()?.mode() & 0o777 != PRIVATE);
    Ok(is_open()? && file.set_permissions(Permissions::from_mode(PRIVATE)).is_ok() && !is_open()?)
}

fn still_stands(place: &Place, file: &File) -> bool {
    let id = |meta: Metadata| (meta.dev(), meta.ino());
    let (there, held) = (place.stat().map(id), file.metadata().map(id));
    there.is_ok_and(|there| held.is_ok_and(|held| there == held))
}

fn replaced(place: &Place) -> io::Result<()> {
    warn!(lock = %place.path().display(), "this lock may be anybody's and is replaced");
    place.remove()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Somebody else holds this file, which is then a lock that others could open, or is not.
    fn held(put: impl Fn(&Path)) -> (tempfile::TempDir, File, Result<Option<File>, Taken>) {
        let directory = tempfile::tempdir().unwrap();
        let lock = directory.path().join("accept.eot.lock");
        fs::write(&lock, "").unwrap();
        put(&lock);
        let theirs = File::open(&lock).unwrap();
        theirs.lock().unwrap();
        let ours = of(&directory.path().join("accept.eot"));
        (directory, theirs, ours)
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_lock_that_others_could_open_or_have_put_there_keeps_nobody_out() {
        let open = |mode| move |lock: &Path| set_mode(lock, mode);
        let linked = |lock: &Path| {
            set_mode(lock, PRIVATE);
            fs::hard_link(lock, lock.with_extension("other")).unwrap();
        };
        let foreign = |lock: &Path| {
            set_mode(lock, PRIVATE);
            // Only root can give a file away; else it is its mode that is wrong.
            if std::os::unix::fs::chown(lock, Some(54_321), None).is_err() {
                set_mode(lock, 0o604);
            }
        };
        let all: [&dyn Fn(&Path); 5] =
            [&open(0o660), &open(0o640), &open(0o666), &linked, &foreign];
        for (index, put) in all.into_iter().enumerate() {
            let (directory, _theirs, ours) = held(put);
            let ours = ours.unwrap().unwrap_or_else(|| panic!("{index}: it is had"));
            assert_eq!(ours.metadata().unwrap().mode() & 0o777, PRIVATE);
            assert_eq!(of(&directory.path().join("accept.eot")).unwrap_err(), Taken, "it holds");
        }
    }

    #[test]
    fn a_lock_of_our_own_keeps_others_out() {
        let (_directory, _theirs, ours) = held(|lock| set_mode(lock, PRIVATE));
        assert_eq!(ours.unwrap_err(), Taken);
    }
}
