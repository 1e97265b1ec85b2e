//! The lock beside a file that one process alone may write.
//!
//! Whoever can open a lock file can hold it, so that one which others can open, own, or have put there says
//! nothing: it is replaced. Whoever may write the directory can rename the lock of another file, which is held,
//! to this name. So a lock says for which one it was taken, and one that says another is replaced, too. One
//! that says nothing is an older version's, or was taken this moment. The lock file stays, because whoever
//! removed it would let two processes hold two locks of one name.

use std::fs::{File, Metadata, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tracing::{debug, warn};

use crate::resolve::{self, Place};
use crate::user;

/// The mode of a lock file.
const PRIVATE: u32 = 0o600;

/// What a lock says is at most so long, in bytes: a number and a name of at most 255.
const LONGEST: usize = 512;

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
    let own = signature(&place)?;
    for _ in 0..TRIES {
        if place.stat().is_ok_and(|meta| !is_ours(&meta)) {
            replaced(&place)?;
        }
        let open = |flags| place.open(OFlags::CREATE | flags, Mode::from_raw_mode(PRIVATE));
        // One that its owner may not write is mended below, and says nothing until the next time.
        let file = open(OFlags::RDWR).or_else(|_| open(OFlags::RDONLY))?;
        let was_open = mend(&file)?;
        match file.try_lock() {
            Ok(()) if still_stands(&place, &file) => {
                sign(&file, &own);
                return Ok(Ok(Some(file)));
            }
            // Another process has replaced it between the two calls.
            Ok(()) => {}
            // Whoever could open it may be anybody.
            Err(TryLockError::WouldBlock)
                if was_open || said(&file).is_some_and(|said| said != own) =>
            {
                replaced(&place)?;
            }
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

/// What the lock of this name in this directory says. A path would be another one in another container, and a
/// device's number another one on another machine.
fn signature(place: &Place) -> io::Result<Vec<u8>> {
    let directory = format!("{} ", place.stat_directory()?.ino());
    Ok([directory.as_bytes(), place.name().as_encoded_bytes(), b"\n"].concat())
}

/// Says for which file the lock is taken, unless the file has something else in it: then it is left alone, as it
/// is where it cannot be written. It holds in any case.
fn sign(file: &File, signature: &[u8]) {
    let is_empty = file.metadata().is_ok_and(|meta| meta.len() == 0);
    if is_empty || said(file).is_some_and(|said| said != signature) {
        let signed = file.set_len(0).and_then(|()| file.write_all_at(signature, 0));
        if let Err(error) = signed {
            debug!(%error, "the lock does not say of what it is");
        }
    }
}

/// What a lock says, if that is a signature from its begin to its end.
fn said(file: &File) -> Option<Vec<u8>> {
    let mut said = vec![0; LONGEST];
    let length = file.read_at(&mut said, 0).ok()?;
    said.truncate(length);
    let digits = said.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_whole = length < LONGEST && said.ends_with(b"\n");
    (is_whole && digits > 0 && said[digits] == b' ').then_some(said)
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
    fn a_lock_that_was_taken_for_another_file_keeps_nobody_out_of_this_one() {
        let places = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [one, other] = places.each_ref().map(|place| place.path().join("accept.eot"));
        let book = other.with_file_name("bell-book.jsonl");
        let lock = |path: &Path| PathBuf::from(format!("{}.lock", path.display()));
        for theirs in [&one, &book] {
            let held = of(theirs).unwrap().unwrap();
            fs::rename(lock(theirs), lock(&other)).unwrap();
            let ours = of(&other).unwrap().expect("it is had");
            assert_eq!(of(&other).unwrap_err(), Taken, "it holds");
            drop((held, ours));
        }
        // What is moved with its directory, or says something that was not written to its end, holds.
        let held = of(&one).unwrap().unwrap();
        let moved = places[1].path().join("moved");
        fs::rename(places[0].path(), &moved).unwrap();
        assert_eq!(of(&moved.join("accept.eot")).unwrap_err(), Taken);
        let long = "7 ".repeat(LONGEST) + "\n";
        for said in ["", "\n", "7", "7 accept", "{\"seq\":7}\n", " 7\n", "7\n", &long] {
            fs::write(moved.join("accept.eot.lock"), said).unwrap();
            assert_eq!(of(&moved.join("accept.eot")).unwrap_err(), Taken, "{said:?}");
        }
        drop(held);
        fs::write(moved.join("accept.eot.lock"), "{\"seq\":7}\n").unwrap();
        drop(of(&moved.join("accept.eot")).unwrap().unwrap());
        let left = fs::read_to_string(moved.join("accept.eot.lock")).unwrap();
        assert_eq!(left, "{\"seq\":7}\n", "a file of one's own that was put there is not lost");
        fs::write(moved.join("accept.eot.lock"), "7 another one's, long gone\n").unwrap();
        let _ours = of(&moved.join("accept.eot")).unwrap().unwrap();
        assert_eq!(of(&moved.join("accept.eot")).unwrap_err(), Taken, "it says what it is now");
    }

    #[test]
    fn a_lock_of_our_own_keeps_others_out() {
        let (_directory, _theirs, ours) = held(|lock| set_mode(lock, PRIVATE));
        assert_eq!(ours.unwrap_err(), Taken);
    }
}
