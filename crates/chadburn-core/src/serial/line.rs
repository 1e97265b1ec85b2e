//! One line as it goes out: text and line end, in a buffer of its own.

use core::fmt;
use core::ops::Deref;

use super::MAX_LINE;

/// What ends a line on its way out; on the way in CR, LF and both of them do.
const END: &[u8] = b"\r\n";

/// A line ready to be sent, its end included. As bytes: `&*line`.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The text, then the end.
    bytes: [u8; MAX_LINE + END.len()],
    /// How much of it is text.
    len: usize,
}

impl Line {
    /// A line that says nothing yet.
    pub(super) fn new() -> Self {
        let mut bytes = [0; MAX_LINE + END.len()];
        bytes[..END.len()].copy_from_slice(END);
        Self { bytes, len: 0 }
    }

    /// The line without its end.
    #[must_use]
    pub fn text(&self) -> &str {
        // Only whole `str`s were put in.
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Deref for Line {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len + END.len()]
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        if end > MAX_LINE {
            return Err(fmt::Error);
        }
        self.bytes[self.len..end].copy_from_slice(text.as_bytes());
        self.bytes[end..end + END.len()].copy_from_slice(END);
        self.len = end;
        Ok(())
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}
