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

/// The lock of a file, held until it is dropped, or until somebody takes its file away.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// The lock file. None after it was taken away, until it is had again.
    file: Option<File>,
}

/// Takes the lock of the file at `path`, which is held until it is dropped. Nothing, and a warning, if it
/// cannot be had for other reasons: these are none not to serve.
pub fn of(path: &Path) -> Result<Option<Lock>, Taken> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let path = PathBuf::from(lock);
    match take(&path, true) {
        Ok(taken) => taken.map(|file| Some(Lock { path, file: Some(file) })),
        Err(error) => {
            warn!(lock = %path.display(), %error, "the file cannot be locked");
            Ok(None)
        }
    }
}

impl Lock {
    /// Takes the lock again if its file was removed or replaced, as whoever tidies a directory may do. To be
    /// called now and then, and before something is written: if another process has taken the lock meanwhile,
    /// that one writes and not this.
    pub fn renew(&mut self) -> Result<(), Taken> {
        let Ok(place) = resolve::parent(&self.path) else { return Ok(()) };
        let there = match place.stat() {
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // Only what is known to be gone is let go.
            Err(_) => return Ok(()),
        };
        let held = self.file.as_ref().and_then(|file| Some((file, file.metadata().ok()?)));
        if let (Some(there), Some((file, held))) = (there, held)
            && is_one(&there, &held, &place)
        {
            // Somebody may have opened it to others, as `chmod -R` does; as long as it is held they cannot hold it.
            if held.mode() & 0o777 != PRIVATE {
                let _ = mend(file);
            }
            return Ok(());
        }
        // If it is ours after all it must not keep us out.
        self.file = None;
        match take(&self.path, false) {
            Ok(taken) => self.file = Some(taken?),
            Err(error) => debug!(lock = %self.path.display(), %error, "the lock is not had again"),
        }
        Ok(())
    }
}

fn take(path: &Path, loud: bool) -> io::Result<Result<File, Taken>> {
    let place = resolve::parent(path)?;
    let own = Signature::of(&place)?;
    let replaced = || {
        if loud {
            warn!(lock = %place.path().display(), "this lock may be anybody's and is replaced");
        }
        place.remove()
    };
    for _ in 0..TRIES {
        if place.stat().is_ok_and(|meta| !is_ours(&meta, &place, &own)) {
            replaced()?;
        }
        let open = |flags| place.open(OFlags::CREATE | flags, Mode::from_raw_mode(PRIVATE));
        // One that its owner may not write is mended below, and says nothing until the next time.
        let file = open(OFlags::RDWR).or_else(|_| open(OFlags::RDONLY))?;
        if !is_ours(&file.metadata()?, &place, &own) {
            // Somebody has put it there between the two calls: neither its mode nor its text is ours to change.
            continue;
        }
        let was_open = mend(&file)?;
        match file.try_lock() {
            Ok(()) if still_stands(&place, &file) => {
                sign(&file, &own);
                return Ok(Ok(file));
            }
            // Another process has replaced it between the two calls.
            Ok(()) => {}
            // Whoever could open it may be anybody.
            Err(TryLockError::WouldBlock)
                if was_open || Signature::in_file(&file).is_some_and(|said| !said.agrees(&own)) =>
            {
                replaced()?;
            }
            Err(TryLockError::WouldBlock) => return Ok(Err(Taken)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other("somebody keeps putting another file into its place"))
}

/// Whether this can be a lock of root's or of our own user. One with a second name must say of what it is: it may
/// be another file, or a copy of the directory may have it, too (`cp -al`).
fn is_ours(meta: &Metadata, place: &Place, own: &Signature) -> bool {
    let says = || {
        let file = place.open(OFlags::RDONLY, Mode::empty()).ok()?;
        Some(Signature::in_file(&file)?.agrees(own))
    };
    meta.is_file() && user::is_own(meta.uid()) && (meta.nlink() == 1 || says() == Some(true))
}

/// Closes the file to others; whether it was open to them. Where modes mean nothing it counts as closed.
fn mend(file: &File) -> io::Result<bool> {
    let is_open = || Ok::<_, io::Error>(file.metadata()?.mode() & 0o777 != PRIVATE);
    Ok(is_open()? && file.set_permissions(Permissions::from_mode(PRIVATE)).is_ok() && !is_open()?)
}

/// What the lock of a name in a directory says. A path would be another one in another container, and a
/// device's number another one on another machine.
#[derive(Debug, PartialEq, Eq)]
struct Signature {
    /// The directory's inode; 0 on network mounts, which may give it another number at each look.
    directory: u64,
    /// The lock's name, and a line feed.
    name: Vec<u8>,
}

impl Signature {
    fn of(place: &Place) -> io::Result<Self> {
        let directory = if place.foreign().is_some() { 0 } else { place.stat_directory()?.ino() };
        let name = [place.name().as_encoded_bytes(), b"\n"].concat();
        Ok(Self { directory, name })
    }

    /// What a lock says, if that is a signature from its begin to its end.
    fn in_file(file: &File) -> Option<Self> {
        let mut said = vec![0; LONGEST];
        let length = file.read_at(&mut said, 0).ok()?;
        said.truncate(length);
        let digits = said.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_whole = length < LONGEST && said.ends_with(b"\n");
        let name = said[digits..].strip_prefix(b" ").filter(|_| is_whole)?.to_vec();
        let directory = std::str::from_utf8(&said[..digits]).ok()?.parse().ok()?;
        Some(Self { directory, name })
    }

    /// Whether both are of the same lock, as far as is known.
    fn agrees(&self, other: &Self) -> bool {
        let numbers = [self.directory, other.directory];
        self.name == other.name && (numbers.contains(&0) || numbers[0] == numbers[1])
    }

    fn bytes(&self) -> Vec<u8> {
        [format!("{} ", self.directory).as_bytes(), &self.name].concat()
    }
}

/// Says for which file the lock is taken, unless the file has something else in it: then it is left alone, as it
/// is where it cannot be written. It holds in any case.
fn sign(file: &File, signature: &Signature) {
    let is_empty = file.metadata().is_ok_and(|meta| meta.len() == 0);
    if is_empty || Signature::in_file(file).is_some_and(|said| said != *signature) {
        let signed = file.set_len(0).and_then(|()| file.write_all_at(&signature.bytes(), 0));
        if let Err(error) = signed {
            debug!(%error, "the lock does not say of what it is");
        }
    }
}

/// Whether the file is the one that has the name.
fn still_stands(place: &Place, file: &File) -> bool {
    let (Ok(there), Ok(held)) = (place.stat(), file.metadata()) else { return false };
    is_one(&there, &held, place)
}

/// Whether what is at this place is what is held. Where the numbers of files mean little, because the file system
/// makes them up, one that has a name at all counts.
fn is_one(there: &Metadata, held: &Metadata, place: &Place) -> bool {
    let id = |meta: &Metadata| (meta.dev(), meta.ino());
    id(there) == id(held) || is_named(held.nlink(), place.foreign())
}

/// Whether a file with so many names counts as the one that has a name on this file system, whatever its numbers are.
fn is_named(names: u64, foreign: Option<&str>) -> bool {
    names > 0 && foreign.is_some()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Somebody else holds this file, which is then a lock that others could open, or is not.
    fn held(put: impl Fn(&Path)) -> (tempfile::TempDir, File, Result<Option<Lock>, Taken>) {
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
            assert_eq!(ours.file.as_ref().unwrap().metadata().unwrap().mode() & 0o777, PRIVATE);
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

    #[test]
    fn a_lock_that_is_taken_away_is_taken_again_unless_somebody_else_has_it_by_then() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accept.eot");
        let lock = directory.path().join("accept.eot.lock");
        let mut first = of(&path).unwrap().unwrap();
        assert_eq!(first.renew(), Ok(()));
        let away = |name: &Path| fs::rename(&lock, name).unwrap();
        let replaced = |_: &Path| {
            fs::write(lock.with_extension("new"), "").unwrap();
            fs::rename(lock.with_extension("new"), &lock).unwrap();
        };
        let opened = |_: &Path| set_mode(&lock, 0o664);
        let removed = |_: &Path| fs::remove_file(&lock).unwrap();
        let all: [&dyn Fn(&Path); 4] = [&removed, &away, &replaced, &opened];
        for (index, take_away) in all.into_iter().enumerate() {
            take_away(&directory.path().join("elsewhere"));
            assert_eq!(first.renew(), Ok(()));
            assert_eq!(of(&path).unwrap_err(), Taken, "{index}: it is had again");
            take_away(&directory.path().join("elsewhere"));
            let second = of(&path).unwrap().expect("it is free");
            assert_eq!(first.renew(), Err(Taken), "{index}");
            assert_eq!(first.renew(), Err(Taken), "{index}");
            drop(second);
            assert_eq!(first.renew(), Ok(()));
            assert_eq!(of(&path).unwrap_err(), Taken, "{index}: it is had again");
        }
        // What cannot be found out takes nobody's lock.
        fs::rename(directory.path(), directory.path().with_extension("moved")).unwrap();
        assert_eq!(first.renew(), Ok(()));
        fs::rename(directory.path().with_extension("moved"), directory.path()).unwrap();
        assert_eq!(of(&path).unwrap_err(), Taken);
    }

    #[test]
    fn a_lock_that_a_copy_of_the_directory_has_too_keeps_others_out_here() {
        let places = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [here, copy] = places.each_ref().map(|place| place.path().join("accept.eot"));
        let _held = of(&here).unwrap().unwrap();
        let lock = |path: &Path| path.with_extension("eot.lock");
        fs::hard_link(lock(&here), lock(&copy)).unwrap();
        assert_eq!(of(&here).unwrap_err(), Taken);
        drop(of(&copy).unwrap().expect("it is another file's"));
        assert_eq!(of(&here).unwrap_err(), Taken);
    }

    #[test]
    fn numbers_that_a_network_makes_up_prove_nothing() {
        let lock = |directory, name: &str| Signature { directory, name: name.into() };
        let (seven, eight) = (lock(7, "a\n"), lock(8, "a\n"));
        assert!(seven.agrees(&seven) && !seven.agrees(&eight));
        for one in [seven, eight] {
            assert!(one.agrees(&lock(0, "a\n")) && lock(0, "a\n").agrees(&one));
            assert!(!one.agrees(&lock(0, "b\n")));
        }
        assert!(is_named(1, Some("NFS")) && !is_named(0, Some("NFS")) && !is_named(1, None));
    }
}
