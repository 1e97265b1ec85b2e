//! The lines of one file, in bounded memory whatever it holds.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::os::unix::fs::FileExt;

use std::fs::File;

use super::paths::InputFile;

/// The longest line that is read, in bytes with its newline. A status of 4,096 bytes grows to
/// 24 KiB if each of them must be escaped.
pub(super) const LONGEST: usize = 64 * 1024;

/// The lines of a file, from some point on.
#[derive(Debug)]
pub(super) struct LineReader {
    reader: BufReader<Take<File>>,
    /// Where the next line begins.
    position: u64,
    /// Where the file ends.
    size: u64,
    /// Whether its last byte is a newline.
    ends_whole: bool,
    /// The line at hand.
    buffer: Vec<u8>,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BookLine<'a> {
    /// Where it begins.
    pub(super) from: u64,
    pub(super) text: Text<'a>,
}

/// What is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    /// This, and a newline.
    Whole(&'a [u8]),
    /// Too much.
    TooLong,
    /// Something without a newline, with which the file ends; as much of it as a line may have.
    Torn(&'a [u8]),
}

impl LineReader {
    /// The lines that begin in the last `bytes` of the file.
    pub(super) fn at_the_end(input: InputFile, bytes: u64) -> io::Result<Self> {
        let InputFile { mut file, size, .. } = input;
        let mut last = [b'\n'];
        if let Some(end) = size.checked_sub(1) {
            // A file that was cut short meanwhile ends when it ends.
            let _ = file.read_at(&mut last, end)?;
        }
        let from = size.saturating_sub(bytes);
        // One byte earlier, or a line that begins just here would look like the rest of one.
        let mut position = from.saturating_sub(1);
        file.seek(SeekFrom::Start(position))?;
        let mut reader = BufReader::new(file.take(size - position));
        if from > 0 {
            position += reader.skip_until(b'\n')? as u64;
        }
        Ok(Self { reader, position, size, ends_whole: last == [b'\n'], buffer: Vec::new() })
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Option<BookLine<'_>>> {
        let from = self.position;
        self.buffer.clear();
        let mut length =
            self.reader.by_ref().take(LONGEST as u64).read_until(b'\n', &mut self.buffer)?;
        if length == 0 {
            return Ok(None);
        }
        let whole = self.buffer.last() == Some(&b'\n');
        if !whole {
            length += self.reader.skip_until(b'\n')?;
        }
        self.position += length as u64;
        let text = if whole {
            Text::Whole(&self.buffer[..length - 1])
        } else if self.position == self.size && !self.ends_whole {
            Text::Torn(&self.buffer)
        } else {
            Text::TooLong
        };
        Ok(Some(BookLine { from, text }))
    }
}
