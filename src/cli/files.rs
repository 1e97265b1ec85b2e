//! The files: where the accept file stands by default, and whether they can stand side by side.
//!
//! It reads directories and links, never a file's text.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::statvfs;

use super::Misuse;
use live_file::disk;

/// How long this may take: a disk that is awake needs a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most links that are followed from one name, as in the kernel (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// The accept file's default: `accept.eot` beside `status.eot`, else the status file's name with
/// `.accept` appended.
pub(super) fn accept_beside(status: &Path) -> PathBuf {
    match status.file_name() {
        Some(name) if name == "status.eot" => status.with_file_name("accept.eot"),
        Some(name) => status.with_file_name(appended(name.to_owned(), ".accept")),
        None => "accept.eot".into(),
    }
}

/// Whether the status file is called `*.eot`, in any case: then it has a dial unasked.
pub(super) fn is_eot(status: &Path) -> bool {
    status.extension().is_some_and(|end| end.eq_ignore_ascii_case("eot"))
}

/// The files, as absolute paths.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) status: PathBuf,
    pub(super) accept: PathBuf,
    pub(super) book: Option<PathBuf>,
}

/// The files as absolute paths, if each can be made, and none of them, nor the file that the book is
/// turned over to, is another or the accept file's lock. Where the disk does not answer this is not
/// known, and the server says so of its files.
pub(super) fn checked(
    status: &Path,
    accept: &Path,
    book: Option<&Path>,
    base: &Path,
) -> Result<Files, Misuse> {
    let check = {
        let (status, accept, base) = (status.to_owned(), accept.to_owned(), base.to_owned());
        let book = book.map(Path::to_owned);
        move || {
            check(&status, &accept, &base)?;
            book.map_or(Ok(()), |book| check_book(&book, &status, &accept, &base))
        }
    };
    disk::within(PATIENCE, check).unwrap_or(Ok(()))?;
    Ok(Files {
        status: base.join(status),
        accept: base.join(accept),
        book: book.map(|book| base.join(book)),
    })
}

fn check(status: &Path, accept: &Path, base: &Path) -> Result<(), Misuse> {
    let status_place = place(status, base)?;
    let accept_place = place(accept, base)?;
    let clash = |why| Misuse::Clash { status: status.into(), accept: accept.into(), why };
    let (status_end, accept_end) = (end_of_links(&status_place), end_of_links(&accept_place));
    if status_end == accept_end || same_inode(&status_place, &accept_place) {
        return Err(clash("they are the same file"));
    }
    fits(&lock_of(&accept_place), accept)?;
    if status_end == lock_of(&accept_place) || accept_end == lock_of(&status_place) {
        return Err(clash("one is the lock of the other"));
    }
    Ok(())
}

fn check_book(book: &Path, status: &Path, accept: &Path, base: &Path) -> Result<(), Misuse> {
    let (status, accept) = (place(status, base)?, place(accept, base)?);
    let present = place(book, base)?;
    let older = PathBuf::from(appended(present.as_os_str().to_owned(), ".1"));
    let others = [
        (&status, "it is the status file"),
        (&accept, "it is the accept file"),
        (&lock_of(&accept), "it is the accept file's lock"),
    ];
    for (other, why) in others {
        let is = |page| end_of_links(page) == end_of_links(other) || same_inode(page, other);
        let why = match () {
            () if is(&present) => why,
            () if is(&older) => "the file it is turned over to is one of the others",
            () => continue,
        };
        return Err(Misuse::BookClash { book: book.into(), why });
    }
    Ok(())
}

/// Whether a file system takes names as long as this lock's, which is longer than all others that
/// are used beside the accept file.
fn fits(lock: &Path, accept: &Path) -> Result<(), Misuse> {
    let length = lock.file_name().map_or(0, OsStr::len) as u64;
    let most = lock.parent().and_then(|directory| statvfs(directory).ok());
    match most.map(|it| it.f_namemax) {
        // Some network file systems say nothing.
        Some(most) if most > 0 && length > most => {
            Err(Misuse::LongName { accept: accept.into(), most })
        }
        _ => Ok(()),
    }
}

/// The name of the lock that stands beside an accept file.
fn lock_of(accept: &Path) -> PathBuf {
    appended(accept.as_os_str().to_owned(), ".lock").into()
}

fn appended(mut name: OsString, end: &str) -> OsString {
    name.push(end);
    name
}

/// The file's name in its directory, and the directory without links and `..`.
fn place(file: &Path, base: &Path) -> Result<PathBuf, Misuse> {
    let slash = file.as_os_str().as_encoded_bytes().ends_with(b"/");
    let name = match file.file_name() {
        Some(name) if !slash => name,
        _ => return Err(Misuse::NoFile(file.into())),
    };
    let parent = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    match base.join(parent).canonicalize() {
        Ok(directory) if directory.is_dir() => Ok(directory.join(name)),
        _ => Err(Misuse::NoParent { file: file.into(), parent: parent.into() }),
    }
}

/// Where the links that begin at this name end, whether or not a file is there.
fn end_of_links(file: &Path) -> PathBuf {
    let mut end = file.to_owned();
    for _ in 0..MOST_LINKS {
        let (Ok(target), Some(parent)) = (fs::read_link(&end), end.parent()) else {
            break;
        };
        let target = parent.join(target);
        let Ok(next) = place(&target, parent) else {
            return target;
        };
        end = next;
    }
    end
}

fn same_inode(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}
