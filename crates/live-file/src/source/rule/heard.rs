//! What was heard of the file since its text was told, and what a new date of the same bytes proves.
//!
//! The table in `writings.md` says it row by row. Whether what was seen is finished is decided in
//! the rule.

use std::time::Duration;

use super::Hint;
use crate::writing::Moment;

/// A date so near to the clock was set to now: by a writing, or by `touch`.
const NOW: Duration = Duration::from_secs(10);

/// What was heard since a text was told.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Heard {
    /// Somebody changed it.
    changed: bool,
    /// It was closed after that, or another file was renamed over it.
    written: bool,
    /// A file was renamed to where none stood, or something that a link may lead through was: since
    /// the last look. It may be the file that was there before.
    moved: bool,
    /// It was removed or renamed away, and has not come back.
    gone: bool,
    /// Anything at all was heard of it since the last look.
    anything: bool,
    /// Hints may have been missed, or may come that are older than what was told: they prove nothing.
    blind: bool,
    /// A knock was made after a look that came to a conclusion. What comes behind it proves something.
    asked: bool,
}

/// The dates of bytes that have been told before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dates {
    /// The one with which they were told.
    pub(super) told: Moment,
    /// The one that they had at the last look.
    pub(super) before: Moment,
    /// The one that they have now.
    pub(super) now: Moment,
    /// The wall clock.
    pub(super) clock: Moment,
}

impl Heard {
    /// A watcher noticed something.
    pub(super) fn takes(&mut self, hint: Hint) {
        self.anything |= !matches!(hint, Hint::Opened | Hint::Knocked);
        match hint {
            Hint::Changed => (self.changed, self.gone) = (true, false),
            Hint::Closed => self.written |= self.changed,
            Hint::MovedIn => {
                self.written |= !std::mem::take(&mut self.gone);
                self.moved = true;
            }
            Hint::Swapped => self.moved = true,
            Hint::Gone => self.gone = true,
            Hint::Lost => self.misses(),
            Hint::Stirred | Hint::Opened | Hint::Knocked => {}
        }
    }

    /// Hints were lost, or come from a new watch.
    pub(super) fn misses(&mut self) {
        *self = Self { blind: true, ..Self::default() };
    }

    /// A text was told. `behind_knock`: everything that came before it has been heard.
    pub(super) fn told(&mut self, behind_knock: bool) {
        *self = Self { blind: !behind_knock, gone: self.gone, ..Self::default() };
    }

    /// A look brought nothing new.
    pub(super) fn nothing_new(&mut self) {
        (self.moved, self.anything) = (false, false);
    }

    /// Whether to knock now, after a look that came to a conclusion, because hints prove nothing
    /// before that has come round.
    pub(super) fn must_ask(&mut self) -> bool {
        self.blind && !std::mem::replace(&mut self.asked, true)
    }

    /// Whether that knock is still out.
    pub(super) fn has_asked(&self) -> bool {
        self.asked
    }

    /// All knocks have come round, or are lost.
    pub(super) fn no_knock_is_out(&mut self) {
        if self.asked {
            *self = Self { gone: self.gone, ..Self::default() };
        }
    }

    /// Whether the same bytes were written again. Where the file is polled, nothing is ever heard.
    pub(super) fn is_written_again(&self, dates: Dates) -> bool {
        let Dates { told, before, now, clock } = dates;
        if self.written && !self.blind {
            return true;
        }
        if now == told || now == before {
            return false;
        }
        if self.moved && !self.blind {
            return true;
        }
        let forward = now > before;
        // A date that goes back is set to now only if the clock was set back before.
        let set_to_now = is_near(now, clock) && (forward || before > clock);
        set_to_now || forward && (self.blind || !self.anything)
    }
}

fn is_near(one: Moment, other: Moment) -> bool {
    let nanos = |(seconds, nanos): Moment| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    nanos(one).abs_diff(nanos(other)) <= NOW.as_nanos()
}
