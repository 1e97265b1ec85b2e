//! Lines, found in whatever bytes come. It does not know what they mean.

/// What a byte has brought to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A line of printable ASCII that is not empty.
    Line(&'a str),
    /// A line that was too long, or that had anything else in it. It counts once, however long.
    Garbage,
}

/// Puts bytes together to lines of at most `N` bytes. CR, LF and CRLF end a line; empty lines are
/// nothing.
#[derive(Clone, Debug)]
pub struct LineReader<const N: usize> {
    /// What has come of the present line.
    bytes: [u8; N],
    /// How many bytes that is.
    len: usize,
    /// Whether the present line is lost already.
    spoilt: bool,
    /// Whether the line in `bytes` is over and the next byte begins another.
    over: bool,
}

impl<const N: usize> LineReader<N> {
    /// A reader that has heard nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0, spoilt: false, over: false }
    }

    /// Takes one byte, and gives the line that it ends, if it ends one.
    pub fn push(&mut self, byte: u8) -> Option<Heard<'_>> {
        if self.over {
            self.clear();
        }
        match byte {
            b'\r' | b'\n' => {
                self.over = true;
                if self.spoilt {
                    return Some(Heard::Garbage);
                }
                // Only printable ASCII was let in.
                let line = core::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default();
                (!line.is_empty()).then_some(Heard::Line(line))
            }
            b' '..=b'~' if self.len < N && !self.spoilt => {
                self.bytes[self.len] = byte;
                self.len += 1;
                None
            }
            _ => {
                self.spoilt = true;
                None
            }
        }
    }

    /// Whether a line has begun and not ended.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        !self.over && (self.len > 0 || self.spoilt)
    }

    /// Forgets the line that has begun, because its end does not come. Whether there was one.
    pub const fn abandon(&mut self) -> bool {
        let within = self.is_within();
        self.clear();
        within
    }

    const fn clear(&mut self) {
        self.len = 0;
        self.spoilt = false;
        self.over = false;
    }
}

impl<const N: usize> Default for LineReader<N> {
    fn default() -> Self {
        Self::new()
    }
}
