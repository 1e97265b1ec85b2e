//! The entries of both files, in their order, with a hole wherever a line cannot be read and a
//! number is missing.

use std::collections::VecDeque;
use std::io;

use chadburn_v1::STATUS_MAX;
use serde::de::IgnoredAny;

use super::lines::{BookLine, LineReader, Text};
use super::paths::InputFile;
use super::{hole, last_number};
use crate::entry::{Entry, SEQ_MAX, What};

/// How far ahead of the clock a number may be, in milliseconds: a year. Runs begin at the clock's
/// milliseconds, and nobody gives as many numbers as a year has of them.
const AHEAD: u64 = 365 * 24 * 60 * 60 * 1_000;

/// The beginning of 2026, in milliseconds since 1970. This program is younger: a clock that is behind
/// that was never set, and then the time counts at which the files were written.
const YOUNGER: u64 = 1_767_225_600_000;

/// A walk through the files.
#[derive(Debug)]
pub(super) struct Scan {
    /// What is still to be read, the file at hand first.
    files: VecDeque<LineReader>,
    /// The entry that a hole was put before.
    next: Option<Entry>,
    /// The largest number so far.
    pub(super) last: Option<u64>,
    /// A line that cannot be read stands between the last entry and the next.
    pub(super) broken: bool,
    /// How many such lines there were.
    pub(super) skipped: u64,
    /// How many of them have numbers or texts that cannot be.
    pub(super) absurd: u64,
    /// The largest number that can be.
    largest: u64,
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
    /// Walks through the last `bytes` of these files, of which the older comes first, at this time
    /// in milliseconds since 1970.
    pub(super) fn new(inputs: Vec<InputFile>, mut bytes: u64, now: u64) -> io::Result<Self> {
        let written = inputs.iter().map(|input| input.written).max().unwrap_or(0);
        let now = if now < YOUNGER { written.max(YOUNGER) } else { now };
        let largest = now.saturating_add(AHEAD).min(SEQ_MAX);
        let mut files = VecDeque::new();
        for input in inputs.into_iter().rev() {
            let size = input.size;
            files.push_front(LineReader::at_the_end(input, bytes)?);
            bytes = bytes.saturating_sub(size);
        }
        let (next, last, torn) = (None, None, None);
        Ok(Self { files, next, last, broken: false, skipped: 0, absurd: 0, largest, torn })
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        while let Some(file) = self.files.front_mut() {
            let Some(BookLine { from, text }) = file.next()? else {
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
                Text::Whole(line) => serde_json::from_slice(line).ok(),
                Text::TooLong | Text::Torn(_) => None,
            };
            let is_absurd =
                |entry: &Entry| !numbers_can_be(entry, self.largest) || !text_can_be(entry);
            let read = entry.is_some();
            let Some(entry) = entry.filter(|entry| !is_absurd(entry)) else {
                self.absurd += u64::from(read);
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

/// Whether all numbers of this entry can be: none beyond what JavaScript counts to, those under which
/// something happened no larger than this, and no hole that ends before it begins.
fn numbers_can_be(entry: &Entry, largest: u64) -> bool {
    let Entry { seq, at, since, after_ms, to, more, .. } = *entry;
    let numbers = [since, after_ms, more, Some(at)];
    let given = if entry.what == What::Stale { seq } else { to.unwrap_or(seq).max(seq) };
    let is_backwards = entry.what == What::Hole && to.is_some_and(|to| to < seq);
    !is_backwards
        && given <= largest
        && numbers.iter().chain([&to]).flatten().all(|&number| number <= SEQ_MAX)
}

/// Whether an order or a reply has a text that a status can be: whoever comes back is told it like any other.
fn text_can_be(entry: &Entry) -> bool {
    let is_told = matches!(entry.what, What::Order | What::Repeat | What::Reply);
    match entry.status.as_deref() {
        Some(status) => !status.is_empty() && status.len() <= STATUS_MAX && !status.contains('\0'),
        None => !is_told,
    }
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(line).is_ok()
}
