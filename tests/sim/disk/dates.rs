//! The clocks of the disk, and the dates that hands give to its files.

use std::time::Duration;

use chadburn::file::File;
use live_file::writing::Moment;

use super::{Disk, Index};
use crate::faults::Fault;
use crate::kernel::Raw;
use crate::truth::Truth;

impl Disk {
    /// The wall clock is set, by so many microseconds.
    pub fn sets_clock(&mut self, by: i64) {
        self.wall = self.wall.saturating_add_signed(by);
        self.truth.iter_mut().for_each(Truth::clock_is_set);
    }

    /// The wall clock in milliseconds.
    #[must_use]
    pub fn unix_ms(&self) -> u64 {
        (self.wall + self.book.now()) / 1_000
    }

    /// The time that a file changed now would get.
    #[must_use]
    pub fn mtime(&self) -> Moment {
        let wall = self.wall + self.book.now() - self.skew;
        moment(wall - wall % self.tick.max(1))
    }

    /// The wall clock.
    #[must_use]
    pub fn clock(&self) -> Moment {
        moment(self.wall + self.book.now())
    }

    /// The time that was so many microseconds ago.
    #[must_use]
    pub fn ago(&self, ago: u64) -> Moment {
        moment(self.wall + self.book.now() - ago)
    }

    /// Sets the time of the last change of a file that has no name yet.
    pub fn set_time(&mut self, index: Index, mtime: Moment) {
        self.inodes[index].mtime = mtime;
    }

    /// Sets the time of the last change to any other.
    pub fn set_date(&mut self, file: File, index: Index, mtime: Moment) {
        self.book.count(Fault::Dated);
        self.inodes[index].mtime = mtime;
        self.inodes[index].changed = self.mtime();
        self.inodes[index].by.clear();
        self.emit(file, Raw::Attrib);
    }

    /// Sets the time of the last change to now.
    pub fn touch(&mut self, file: File, index: Index) {
        self.inodes[index].mtime = self.mtime();
        self.inodes[index].changed = self.mtime();
        // A hand that touches the file makes the writing its own.
        self.inodes[index].by.clear();
        self.emit(file, Raw::Attrib);
    }
}

/// How long it was after the beginning of 1970.
pub(super) fn since_1970((seconds, nanos): Moment) -> Duration {
    Duration::from_secs(seconds.cast_unsigned()) + Duration::from_nanos(nanos.cast_unsigned())
}

fn moment(micros: u64) -> Moment {
    let signed = |number: u64| i64::try_from(number).expect("clocks end before this");
    (signed(micros / 1_000_000), signed(micros % 1_000_000 * 1_000))
}
