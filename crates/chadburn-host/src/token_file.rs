//! The file that holds the token (`--token-file`): a line of text that orders, answers and the
//! shutdown need to be given.
//!
//! It reads and judges the file, at start and whenever it is told to. Who needs the token is the
//! policy's.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::secret::Secret;
use guard::Unsafe;
use live_file::resolve::{self, Mounted, Place};

pub use guard::Doubt;

mod group;
mod guard;

/// The largest file that is read; the largest sensible token has a hundredth of it.
const LARGEST: usize = 4 * 1024;

/// A token file without a token; whoever wrote it must act.
#[derive(Debug, Error)]
#[error("token file {}: {fault}", path.display())]
pub struct BadToken {
    /// The file as it was given.
    path: PathBuf,
    /// What is wrong with it, in one line.
    fault: Fault,
}

/// What can be wrong.
#[derive(Debug, Error)]
enum Fault {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    #[error("it is not a file")]
    NotAFile,
    #[error("it is larger than 4 KiB")]
    TooLarge,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it is empty")]
    Empty,
    #[error("a token is one line of characters that show")]
    NotALine,
}

/// Reads the token in this file, if nobody else can have written it or reads it. White space around
/// it is cut off: no HTTP client could send it. From now on the file is read as nothing else, should
/// somebody move it into the place of another.
pub fn load(path: &Path) -> Result<Secret, BadToken> {
    let loaded = || {
        let (place, file) = open(path)?;
        guard::judge(path, &place, &file)??;
        let secret = Secret::new(&read(&file)?).ok_or(Fault::Empty)?;
        resolve::keep_secret(path, file)?;
        Ok(secret)
    };
    loaded().map_err(|fault| BadToken { path: path.into(), fault })
}

/// The same as text, for whoever has to say it.
pub fn text(path: &Path) -> Result<String, BadToken> {
    let text = open(path).and_then(|(_, file)| read(&file));
    match text {
        Ok(text) if !text.is_empty() => Ok(text),
        Ok(_) => Err(BadToken { path: path.into(), fault: Fault::Empty }),
        Err(fault) => Err(BadToken { path: path.into(), fault }),
    }
}

/// What one may want to know of a token file that is safe enough to be used.
pub fn doubts(path: &Path) -> Result<Vec<Doubt>, BadToken> {
    let judged = || {
        let (place, file) = open(path)?;
        Ok(guard::judge(path, &place, &file)??)
    };
    judged().map_err(|fault| BadToken { path: path.into(), fault })
}

/// The file, if it is one; a FIFO would make the start wait for whoever writes into it.
fn open(path: &Path) -> Result<(Place, File), Fault> {
    let place = resolve::resolve(path)?;
    Mounted::check_read(place.mount()).map_err(io::Error::from)?;
    let file = place.open_secret()?;
    if file.metadata()?.is_file() { Ok((place, file)) } else { Err(Fault::NotAFile) }
}

fn read(file: &File) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LARGEST {
        return Err(Fault::TooLarge);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Fault::NotUtf8)?.trim();
    if text.chars().any(char::is_control) {
        return Err(Fault::NotALine);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Writes a file for its owner alone.
    fn write(path: &Path, bytes: impl AsRef<[u8]>) {
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_token_is_the_one_line_of_its_file() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("token");
        for text in ["brass", "brass\n", "brass\r\n", " brass \n\n"] {
            write(&path, text);
            assert!(load(&path).unwrap().is("brass"), "{text:?}");
        }
        let longest = "x".repeat(LARGEST);
        write(&path, &longest);
        assert!(load(&path).unwrap().is(&longest));
    }

    #[test]
    fn what_is_no_token_is_one_clear_line() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("token");
        let complaint = |path: &Path| {
            let line = load(path).unwrap_err().to_string();
            let start = format!("token file {}: ", path.display());
            let fault = line.strip_prefix(&start).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(line.lines().count(), 1, "{line}");
            fault.to_owned()
        };
        assert!(complaint(&path).starts_with("No such file"));
        assert_eq!(complaint(desk.path()), "it is not a file");
        assert_eq!(complaint(Path::new("/dev/zero")), "it is not a file");
        for (bytes, fault) in [
            (&b""[..], "it is empty"),
            (b"\n \n", "it is empty"),
            (b"br\xe4ss", "it is not UTF-8"),
            (b"two\nlines\n", "a token is one line of characters that show"),
            (&[b'x'; LARGEST + 1], "it is larger than 4 KiB"),
        ] {
            write(&path, bytes);
            assert_eq!(complaint(&path), fault);
        }
    }

    #[test]
    fn a_file_that_others_read_or_write_has_no_token() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("token");
        fs::write(&path, "brass").unwrap();
        for (mode, safe) in [
            (0o600, true),
            (0o400, true),
            (0o604, false),
            (0o644, false),
            (0o620, false),
            (0o602, false),
            (0o666, false),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(load(&path).is_ok(), safe, "{mode:o}");
            // It is still good enough for whoever has to say it.
            assert_eq!(text(&path).unwrap(), "brass");
        }
    }

    #[test]
    fn a_file_in_a_directory_that_others_write_has_no_token() {
        let desk = tempfile::tempdir().unwrap();
        let shared = desk.path().join("shared");
        fs::create_dir(&shared).unwrap();
        let (path, link) = (shared.join("token"), desk.path().join("link"));
        write(&path, "brass");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for (mode, safe) in [(0o755, true), (0o777, false), (0o1777, true), (0o700, true)] {
            fs::set_permissions(&shared, Permissions::from_mode(mode)).unwrap();
            assert_eq!(load(&path).is_ok(), safe, "{mode:o}");
            assert_eq!(load(&link).is_ok(), safe, "{mode:o}");
        }
        // The link itself can be replaced, too.
        let other = tempfile::tempdir().unwrap();
        let link = other.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(load(&link).is_ok());
        fs::set_permissions(other.path(), Permissions::from_mode(0o777)).unwrap();
        let said = load(&link).unwrap_err().to_string();
        assert!(said.contains("others can replace it"), "{said}");
    }

    #[test]
    fn a_token_file_that_is_moved_elsewhere_is_read_as_nothing_else() {
        let desk = tempfile::tempdir().unwrap();
        let (path, status) = (desk.path().join("token"), desk.path().join("status.eot"));
        write(&path, "brass");
        load(&path).unwrap();
        fs::hard_link(&path, &status).unwrap();
        let flags = rustix::fs::OFlags::RDONLY;
        resolve::open(&status, flags).unwrap_err();
        fs::remove_file(&status).unwrap();
        fs::rename(&path, &status).unwrap();
        let told = resolve::open(&status, flags).unwrap_err().to_string();
        assert_eq!(told, "it is a file with a secret of this process's own");
        // A new one is read again, and the old one is a secret no more.
        write(&path, "copper");
        assert!(load(&path).unwrap().is("copper"));
        resolve::open(&status, flags).unwrap();
    }
}
