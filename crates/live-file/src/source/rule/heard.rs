//! What was heard of the file since its text was told, and what a new date of the same bytes proves.
//!
//! The table in `writings.md` says it row by row. Whether what was seen is finished is decided in
//! the rule.

use std::time::Duration;

use super::Hint;
use crate::source::look::{Look, Version, nanos};
use crate::writing::Moment;

/// A date so near to the clock was set to now: by a writing, or by `touch`.
const NOW: Duration = Duration::from_secs(10);

/// What was heard since a text was told.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Heard {
    /// Somebody changed it.
    changed: bool,
    /// It was closed after that.
    closed: bool,
    /// Another file was renamed over it.
    replaced: bool,
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
    /// When anything about the file was changed last, if that is known.
    pub(super) changed: Option<Moment>,
}

/// What cannot have been done to the file since it was told. The kernel tells of a rename or a close at the end of the
/// call, and whoever makes it may lose its processor before: then the new text is seen, and told, long before the hint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Excluded {
    write: bool,
    rename: bool,
}

/// A version of the file, and the wall clock when it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    version: Version,
    clock: Moment,
}

impl Sight {
    pub(super) fn of(look: &Look) -> Option<Self> {
        look.version.map(|version| Self { version, clock: look.clock })
    }

    /// Whether it is the same file.
    pub(super) fn is_of(&self, other: Self) -> bool {
        self.version.file == other.version.file
    }
}

impl Excluded {
    /// From what was told and what is seen now.
    pub(super) fn by(told: Option<Sight>, now: Option<Sight>) -> Self {
        let (Some(told), Some(now)) = (told, now) else { return Self::default() };
        let unchanged = told.version.changed == now.version.changed;
        let untouched = told.version.is_older_than(told.clock) && unchanged;
        // A number that became free is given to the next file, which is told from the one before by its birth.
        let same = told.is_of(now) && (told.version.is_born_before(told.clock) || unchanged);
        Self { write: untouched, rename: untouched || same }
    }
}

impl Heard {
    /// A watcher noticed something.
    pub(super) fn takes(&mut self, hint: Hint) {
        self.anything |= !matches!(hint, Hint::Opened | Hint::Knocked);
        match hint {
            Hint::Changed => (self.changed, self.gone) = (true, false),
            Hint::Closed => self.closed |= self.changed,
            Hint::MovedIn => {
                let was_gone = std::mem::take(&mut self.gone);
                (self.replaced, self.moved) = (self.replaced || !was_gone, self.moved || was_gone);
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

    /// A look saw another text. `known`: of a version that is known, by which a late hint of its coming is, too.
    pub(super) fn another_is_there(&mut self, known: bool) {
        self.gone &= !known;
    }

    /// A look brought nothing new.
    pub(super) fn nothing_new(&mut self, excluded: Excluded) {
        (self.moved, self.anything) = (false, false);
        (self.changed, self.closed) =
            (self.changed && !excluded.write, self.closed && !excluded.write);
        self.replaced &= !excluded.rename;
    }

    /// Nothing was heard since the last look.
    pub(super) fn is_quiet(&self) -> bool {
        !self.anything
    }

    /// Somebody has changed the text, and has perhaps not closed it.
    pub(super) fn is_changed(&self) -> bool {
        self.changed
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
    pub(super) fn is_written_again(&self, dates: Dates, excluded: Excluded) -> bool {
        let Dates { told, before, now, clock, changed } = dates;
        let closed = self.closed && !excluded.write;
        if !self.blind && (closed || self.replaced && !excluded.rename) {
            return true;
        }
        if now == told || now == before {
            return false;
        }
        if self.moved && !self.blind {
            return true;
        }
        let forward = now > before;
        // A look may come long after it was set: its disk hung, or the machine slept.
        let set_then = forward && changed.is_some_and(|changed| is_near(now, changed));
        // A date that goes back is set to now only if the clock was set back before.
        let set_to_now = set_then || is_near(now, clock) && (forward || before > clock);
        set_to_now || forward && (self.blind || !self.anything)
    }
}

fn is_near(one: Moment, other: Moment) -> bool {
    nanos(one).abs_diff(nanos(other)) <= NOW.as_nanos()
}
