//! Who has their hands on the file: a close ends a writing only when it is the last one's.
//!
//! It counts opens and closes; what a close proves is known to the rule.

use std::collections::VecDeque;
use std::time::Duration;

/// Who has held the file open for so long while another wrote it is taken for a reader.
const OVERLAP: Duration = Duration::from_millis(500);

/// With more than this many at once nobody's close says anything.
const MANY: usize = 64;

/// Those who have opened the file and may not have closed it.
#[derive(Debug, Default)]
pub(super) struct Hands {
    /// When they opened it, oldest first. Readers count too, because nothing tells them apart, and
    /// so do those who opened it before anybody changed it: one of them may be who changes it.
    opens: VecDeque<Duration>,
    /// Opens of our own looks that have not come round, and closes of what nobody was seen to
    /// open: so many of the next opens say nothing. Whose an open is cannot be told, but when all
    /// of ours have come the count is right.
    less: u32,
    /// When somebody changed it last, since its text counted as finished.
    writes: Option<Duration>,
    /// Whoever had it open before then may have it open still, because hints were lost.
    lost: Option<Duration>,
}

impl Hands {
    /// Somebody opened the file.
    pub(super) fn opened(&mut self, now: Duration) {
        self.forget(now);
        if self.less > 0 {
            self.less -= 1;
            return;
        }
        if self.opens.len() == MANY {
            self.opens.pop_front();
        }
        self.opens.push_back(now);
    }

    /// Our look opened the file, and is over.
    pub(super) fn looked(&mut self, now: Duration) {
        self.forget(now);
        // If a reader is among them, his open must grow old and be forgotten.
        if self.opens.pop_back().is_none() {
            self.less = self.less.saturating_add(1);
        }
    }

    /// All opens of our looks have come round. The kernel folds two in a row into one, so that some
    /// may never come; they must not be waited for.
    pub(super) fn all_came(&mut self) {
        self.less = 0;
    }

    /// Somebody changed it.
    pub(super) fn changed(&mut self, now: Duration) {
        self.writes = Some(now);
    }

    /// Somebody closed it. Whether they were, for all that is known, the last to have their hands
    /// on it.
    pub(super) fn let_go(&mut self, now: Duration) -> bool {
        self.looked(now);
        !self.may_write(now)
    }

    /// Hints were lost.
    pub(super) fn lost(&mut self, now: Duration) {
        self.opens.clear();
        (self.less, self.lost, self.writes) = (0, Some(now), Some(now));
    }

    /// Whether somebody who has it open may be in the middle of a writing.
    pub(super) fn may_write(&mut self, now: Duration) -> bool {
        self.forget(now);
        self.writes.is_some() && (!self.opens.is_empty() || self.lost.is_some())
    }

    /// Whether it was changed lately, and has not counted as finished since.
    pub(super) fn wrote(&self, now: Duration) -> bool {
        self.writes.is_some_and(|wrote| now < wrote + OVERLAP)
    }

    /// What they wrote counts as finished.
    pub(super) fn rest(&mut self) {
        self.writes = None;
    }

    fn forget(&mut self, now: Duration) {
        let old = |opened: &mut Duration| now >= *opened + OVERLAP;
        while self.opens.pop_front_if(old).is_some() {}
        self.lost = self.lost.filter(|lost| now < *lost + OVERLAP);
    }
}
