//! Who has the file open. A close ends a writing only if nobody else may be writing.
//!
//! This counts opens and closes; what a close proves is decided in the rule.

use std::collections::VecDeque;
use std::time::Duration;

use super::candidate::Proof;

/// Whoever has held the file open for so long while another wrote it is taken for a reader.
const OVERLAP: Duration = Duration::from_millis(500);

/// With more than this many at once a close proves nothing.
const MANY: usize = 64;

/// Those who have opened the file and may not have closed it.
#[derive(Debug, Default)]
pub(super) struct Handles {
    /// When they opened it, oldest first; our looks are among them. Readers count too, because
    /// nothing tells them apart, and so do those who opened it before anybody changed it: one of
    /// them may be who changes it.
    opens: VecDeque<Duration>,
    /// When our own looks opened it, whether or not that has come round. Whose an open is cannot be
    /// told, but so many of them are ours. They grow old like those: what is subtracted must never
    /// stay longer than what it was subtracted from, or it would hide the next writer.
    looks: VecDeque<Duration>,
    /// When somebody changed it last, since its text counted as finished.
    writes: Option<Duration>,
    /// Whoever had it open before then may have it open still, because hints were lost.
    lost: Option<Duration>,
}

impl Handles {
    /// Somebody opened the file.
    pub(super) fn opened(&mut self, now: Duration) {
        self.forget(now);
        if self.opens.len() == MANY {
            self.opens.pop_front();
            self.lost = Some(now);
        }
        self.opens.push_back(now);
    }

    /// Our look opened the file, and is over.
    pub(super) fn looked(&mut self, now: Duration) {
        self.forget(now);
        if self.looks.len() == MANY {
            self.looks.pop_front();
        }
        self.looks.push_back(now);
    }

    /// All opens of our looks have come round. The kernel folds two in a row into one, so that some
    /// may never come; they must not be waited for.
    pub(super) fn all_arrived(&mut self) {
        for look in self.looks.drain(..) {
            // It came after the look. If none did, it was taken for that of one who closed.
            match self.opens.iter().position(|opened| *opened >= look) {
                Some(index) => drop(self.opens.remove(index)),
                None => drop(self.opens.pop_back()),
            }
        }
    }

    /// Somebody changed it.
    pub(super) fn changed(&mut self, now: Duration) {
        self.writes = Some(now);
    }

    /// Somebody closed it. Whether, for all that is known, nobody else has it open.
    pub(super) fn closed(&mut self, now: Duration) -> bool {
        self.forget(now);
        // Where hints were lost it may be one whose open nobody saw: then those who were seen stay.
        if self.lost.is_none() {
            // If a reader is among them, his open must grow old and be forgotten.
            let newest = self.newest_of_others().unwrap_or(self.opens.len().saturating_sub(1));
            self.opens.remove(newest);
        }
        !self.may_write(now, Proof::Closed)
    }

    /// Hints were lost.
    pub(super) fn lost(&mut self, now: Duration) {
        self.opens.clear();
        self.looks.clear();
        (self.lost, self.writes) = (Some(now), Some(now));
    }

    /// Whether somebody who has it open may be in the middle of a writing. When another file was renamed in it is one
    /// who was heard of lately: the hint of the rename may be late.
    pub(super) fn may_write(&mut self, now: Duration, proof: Proof) -> bool {
        self.forget(now);
        let wrote = match proof {
            Proof::Closed => self.writes.is_some(),
            Proof::Moved => self.wrote(now),
        };
        wrote && (self.opens.len() > self.looks.len() || self.lost.is_some())
    }

    /// Whether it was changed lately, and has not counted as finished since.
    pub(super) fn wrote(&self, now: Duration) -> bool {
        self.writes.is_some_and(|wrote| now < wrote + OVERLAP)
    }

    /// What they wrote counts as finished.
    pub(super) fn rest(&mut self) {
        self.writes = None;
    }

    /// The latest open that is not taken for one of our looks'. The first after a look is: so they
    /// grow old together.
    fn newest_of_others(&self) -> Option<usize> {
        let mut looks = self.looks.iter().peekable();
        let is_others = |opened: &Duration| looks.next_if(|look| *look <= opened).is_none();
        let others: Vec<bool> = self.opens.iter().map(is_others).collect();
        others.iter().rposition(|&others| others)
    }

    fn forget(&mut self, now: Duration) {
        let old = |opened: &mut Duration| now >= *opened + OVERLAP;
        while self.opens.pop_front_if(old).is_some() {}
        while self.looks.pop_front_if(old).is_some() {}
        self.lost = self.lost.filter(|lost| now < *lost + OVERLAP);
    }
}
