//! What bytes say: a status, or why they are none.
//!
//! A pure function and its errors; where the bytes come from is not known here.

use std::io;

use chadburn_core::text::lines;

use crate::plain::plain;
use crate::writing::{Condition, Stamp};

/// No file larger than this is read, in bytes: twice a status leaves room for trailing white space.
pub(super) const LARGEST_FILE: u64 = 8 * 1024;

/// A status has at most this many bytes.
const LARGEST_TEXT: usize = 4_096;

/// The status in a file's bytes: without byte order marks, carriage returns before line feeds, and
/// white space and Ctrl-Z at its end.
pub(super) fn parse(bytes: &[u8]) -> Result<String, Wrong> {
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(too_large());
    }
    let marked = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    if marked || is_utf16(bytes) {
        return Err(Wrong::new(Condition::NotUtf8, "is UTF-16, not UTF-8"));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| Wrong::new(Condition::NotUtf8, "is not UTF-8"))?;
    let text = lines(text).collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        Err(Wrong::new(Condition::Empty, "is empty"))
    } else if text.len() > LARGEST_TEXT {
        Err(too_large())
    } else if text.contains('\0') {
        Err(Wrong::new(Condition::NotText, "has a NUL in it and is no text"))
    } else {
        Ok(text)
    }
}

/// Whether these are UTF-16 without its mark. Of Latin letters, digits and line ends every second byte is NUL, and
/// of two characters of a text at least one is such; of other alphabets it is their number, which is a control
/// character in UTF-8, and a text has none at every second place. What has neither (Han) is told as no UTF-8.
fn is_utf16(bytes: &[u8]) -> bool {
    let halves = |from: usize| bytes.iter().skip(from).step_by(2).copied();
    let nuls = |from: usize| halves(from).filter(|byte| *byte == 0).count();
    let (big, little) = (nuls(0), nuls(1));
    let is_latin =
        bytes.len() >= 4 && (big == 0 || little == 0) && (big + little) * 4 >= bytes.len();
    let is_number = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let is_alphabet = |from| {
        bytes.len() >= 6
            && bytes.len().is_multiple_of(2)
            && halves(from).all(is_number)
            && halves(from).any(|byte| byte != 0)
            && !halves(1 - from).all(is_number)
    };
    is_latin || is_alphabet(0) || is_alphabet(1)
}

/// Why bytes, or what stands at a path, are no status; without the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong, for a program.
    pub(super) condition: Condition,
    /// What is wrong, for a person: the sentence after the file's name.
    pub(super) reason: String,
    pub(super) stamp: Option<Stamp>,
}

impl Wrong {
    pub(super) fn new(condition: Condition, reason: &str) -> Self {
        Self { condition, reason: reason.to_owned(), stamp: None }
    }

    pub(super) fn of(mut self, stamp: Stamp) -> Self {
        self.stamp = (self.condition == Condition::Empty).then_some(stamp);
        self
    }
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{NotADirectory, NotFound};
        if matches!(error.kind(), NotFound | NotADirectory) {
            return Self::new(Condition::Missing, "does not exist");
        }
        let reason = format!("cannot be read: {}", plain(&error));
        Self::new(Condition::Unreadable, &reason)
    }
}

pub(super) fn too_large() -> Wrong {
    let reason = format!("is larger than {LARGEST_TEXT} bytes");
    Wrong::new(Condition::TooLarge, &reason)
}
