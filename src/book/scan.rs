//! The entries of both files, in their order, with a hole wherever a line cannot be read and a
//! number is missing.

use std::collections::VecDeque;
use std::io;

use serde::de::IgnoredAny;

use super::lines::{Line, Lines, Text};
use super::pages::Page;
use super::{hole, last_number};
use crate::entry::{Entry, What};

/// The largest number that is believed: the largest whole number that JavaScript counts to.
const LARGEST: u64 = (1 << 53) - 1;

/// A walk through the files.
#[derive(Debug)]
pub(super) struct Scan {
    /// What is still to be read, the file at hand first.
    files: VecDeque<Lines>,
    /// The entry that a hole was put before.
    next: Option<Entry>,
    /// The largest number so far.
    pub(super) last: Option<u64>,
    /// A line that cannot be read stands between the last entry and the next.
    pub(super) broken: bool,
    /// How many such lines there were.
    pub(super) skipped: u64,
    /// The file at hand, read to its end, ends with something that is no line of a book: without a
    /// newline, or no JSON.
    pub(super) torn: Option<Torn>,
}

/// The end of a file that may be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Torn {
    /// Where it begins.
    pub(super) from: u64,
    /// It begins like a line of ours, or like one that a power failure has kept from the disk.
    pub(super) ours: bool,
}

impl Scan {
    /// Walks through the last `bytes` of these files, of which the older comes first.
    pub(super) fn new(pages: Vec<Page>, mut bytes: u64) -> io::Result<Self> {
        let mut files = VecDeque::new();
        for page in pages.into_iter().rev() {
            let size = page.size;
            files.push_front(Lines::at_the_end(page, bytes)?);
            bytes = bytes.saturating_sub(size);
        }
        let (next, last, torn) = (None, None, None);
        Ok(Self { files, next, last, broken: false, skipped: 0, torn })
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        while let Some(file) = self.files.front_mut() {
            let Some(Line { from, text }) = file.next()? else {
                if self.files.len() == 1 {
                    return Ok(None);
                }
                self.files.pop_front();
                // Nobody will cut it off there any more.
                self.torn = None;
                continue;
            };
            let entry = match text {
                Text::Whole(b"") => continue,
                Text::Whole(line) => entry(line),
                Text::TooLong | Text::Torn(_) => None,
            };
            let Some(entry) = entry else {
                self.torn = match text {
                    // Of a later version, perhaps.
                    Text::Whole(line) if is_json(line) => None,
                    Text::Whole(text) | Text::Torn(text) => {
                        Some(Torn { from, ours: matches!(text.first(), Some(b'{' | 0)) })
                    }
                    Text::TooLong => Some(Torn { from, ours: false }),
                };
                self.broken = true;
                self.skipped += 1;
                continue;
            };
            self.torn = None;
            let missing = self.missing(&entry);
            self.last = self.last.max(Some(last_number(&entry)));
            return Ok(Some(match missing {
                Some(hole) => {
                    self.next = Some(entry);
                    hole
                }
                None => entry,
            }));
        }
        Ok(None)
    }

    /// The numbers that were lost with unreadable lines before this entry.
    fn missing(&mut self, next: &Entry) -> Option<Entry> {
        if !std::mem::take(&mut self.broken) {
            return None;
        }
        let from = self.last? + 1;
        let to = match next.what {
            What::Order | What::Repeat | What::Reply | What::Hole => next.seq.checked_sub(1)?,
            // These have the number of something before them.
            What::Run | What::Stale | What::End => next.seq,
        };
        (from <= to).then(|| hole(from, to, next.at))
    }
}

/// The entry on this line, if it is one that can be believed.
fn entry(line: &[u8]) -> Option<Entry> {
    let entry: Entry = serde_json::from_slice(line).ok()?;
    (entry.seq <= LARGEST && entry.to.is_none_or(|to| to <= LARGEST)).then_some(entry)
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(line).is_ok()
}
