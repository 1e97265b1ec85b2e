//! Which entries are of a time, although clocks jump.

use std::collections::VecDeque;
use std::io;

use super::last_number;
use super::reader::{TEXT_MAX, size};
use super::scan::Scan;
use crate::entry::Entry;

/// Moments, both included: UTC in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The first.
    pub from: Option<u64>,
    /// The last.
    pub to: Option<u64>,
    /// Now. What an entry says that is later was said by a clock that was wrong.
    pub now: u64,
}

impl Times {
    /// Whether this moment is among them.
    pub(super) fn include(self, at: u64) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at <= to)
    }
}

/// The first entries of this time and after this number; the newest if only its end is given.
///
/// An entry is of a time by what its clock said, or by the entries before it: when a clock stood in
/// the past for a while, what happened then came after what had happened before. So a clock that was
/// wrong hides nothing, and no entry ends the search.
pub(super) fn within(
    mut scan: Scan,
    times: Times,
    since: Option<u64>,
    limit: usize,
) -> io::Result<Vec<Entry>> {
    let of_it = |at| times.include(at);
    let oldest = times.from.is_some() || since.is_some();
    let (mut found, mut text, mut reached) = (VecDeque::new(), 0, None);
    while let Some(entry) = scan.next()? {
        if entry.at <= times.now {
            reached = reached.max(Some(entry.at));
        }
        if since.is_some_and(|since| last_number(&entry) <= since)
            || !(of_it(entry.at) || reached.is_some_and(of_it))
        {
            continue;
        }
        text += size(&entry);
        if oldest && (found.len() == limit || text > TEXT_MAX) {
            break;
        }
        found.push_back(entry);
        while found.len() > limit || text > TEXT_MAX {
            text -= found.pop_front().as_ref().map_or(0, size);
        }
    }
    Ok(found.into())
}
