//! The file that holds the token (`--token-file`): a line of text that orders, answers and the
//! shutdown need to be given.
//!
//! It reads and judges the file, at start and whenever it is told to. Who needs the token is the
//! policy's.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use thiserror::Error;

use crate::policy::Secret;
use crate::resolve;

/// The largest file that is read; the largest sensible token has a hundredth of it.
const LARGEST: usize = 4 * 1024;

/// What the mode of a file has if everybody on the machine may read it (`S_IROTH`).
const READ_BY_OTHERS: u32 = 0o004;

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

/// Reads the token in this file. White space around it is cut off: no HTTP client could send it.
pub fn load(path: &Path) -> Result<Secret, BadToken> {
    let bad = |fault| BadToken { path: path.into(), fault };
    Secret::new(&read(path).map_err(bad)?).ok_or_else(|| bad(Fault::Empty))
}

/// The same as text, for whoever has to say it.
pub fn text(path: &Path) -> Result<String, BadToken> {
    match read(path) {
        Ok(text) if !text.is_empty() => Ok(text),
        Ok(_) => Err(BadToken { path: path.into(), fault: Fault::Empty }),
        Err(fault) => Err(BadToken { path: path.into(), fault }),
    }
}

/// Whether everybody on this machine may read it.
#[must_use]
pub fn is_exposed(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & READ_BY_OTHERS != 0)
}

fn read(path: &Path) -> Result<String, Fault> {
    let file = resolve::open(path, OFlags::RDONLY)?;
    if !file.metadata()?.is_file() {
        return Err(Fault::NotAFile);
    }
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
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_the_one_line_of_its_file() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("token");
        for text in ["brass", "brass\n", "brass\r\n", " brass \n\n"] {
            fs::write(&path, text).unwrap();
            assert!(load(&path).unwrap().is("brass"), "{text:?}");
        }
        let longest = "x".repeat(LARGEST);
        fs::write(&path, &longest).unwrap();
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
            fs::write(&path, bytes).unwrap();
            assert_eq!(complaint(&path), fault);
        }
    }

    #[test]
    fn a_file_that_everybody_may_read_is_noticed() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("token");
        fs::write(&path, "brass").unwrap();
        for (mode, exposed) in [(0o600, false), (0o640, false), (0o644, true)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_exposed(&path), exposed, "{mode:o}");
        }
    }
}
