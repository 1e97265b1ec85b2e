//! Hands that write the two files, each in its own way and in small steps, so that anybody may
//! look between any two of them.

use std::collections::VecDeque;

use chadburn::file::File;
use live_file::source::look::Kind;

use crate::disk::{Disk, Index};
use crate::kernel::Raw;

/// One step of a hand.
#[derive(Clone, Debug)]
pub enum Move {
    /// Opens the file for writing; makes it if it is not there.
    Open {
        /// It is emptied.
        truncate: bool,
    },
    /// Writes at a place.
    Put(usize, Vec<u8>),
    /// Cuts everything away.
    Cut,
    /// Closes it.
    Close,
    /// Renames another file in.
    Rename {
        /// Its content.
        bytes: Vec<u8>,
        /// It has the time of the one before, as `cp -p` leaves it.
        same_time: bool,
        /// It comes from another directory.
        elsewhere: bool,
    },
    /// Removes whatever stands there.
    Unlink,
    /// Renames it away, to bring it back.
    Aside,
    /// Brings back what was renamed away.
    Back,
    /// Sets its time to now.
    Touch,
    /// Sets its time to what it was so many microseconds ago.
    Date(u64),
    /// Makes it readable or not.
    Permit(bool),
    /// Puts something there that is no file.
    Thing(Kind),
    /// Opens and reads it.
    Read,
    /// Lists the directory.
    List,
    /// Loses its processor at the end of the next call, for so many microseconds.
    Late(u64),
    /// That call returns.
    Return,
}

/// Somebody who is at work on a file.
#[derive(Debug)]
pub struct Writer {
    /// Which file.
    pub file: File,
    /// When the next step is due.
    pub due: u64,
    moves: VecDeque<(u64, Move)>,
    /// What it has open for writing.
    open: Option<Index>,
    /// What it is in the middle of writing.
    torn: Option<Index>,
    /// What it has renamed away.
    aside: Option<Index>,
    /// For how long it loses its processor in its next call.
    late: Option<u64>,
}

impl Writer {
    /// Somebody who does this, each step so long after the one before.
    #[must_use]
    pub fn new(file: File, moves: VecDeque<(u64, Move)>, now: u64) -> Self {
        let due = now + moves.front().map_or(0, |(delay, _)| *delay);
        Self { file, due, moves, open: None, torn: None, aside: None, late: None }
    }

    /// Does the next step. Returns false after the last.
    pub fn step(&mut self, disk: &mut Disk, now: u64) -> bool {
        let Some((_, step)) = self.moves.pop_front() else { return false };
        disk.late = self.late.take();
        self.act(disk, step);
        disk.late = None;
        if let Some((delay, _)) = self.moves.front() {
            self.due = now + delay;
            return true;
        }
        if let Some(open) = self.open.take() {
            disk.release(open);
        }
        false
    }

    fn act(&mut self, disk: &mut Disk, step: Move) {
        let file = self.file;
        match step {
            Move::Open { truncate } => self.open(disk, truncate),
            Move::Put(at, bytes) => self.change(disk, |content| {
                let end = at + bytes.len();
                // What another hand cut away comes back as nothing.
                content.resize(content.len().max(end), 0);
                content[at..end].copy_from_slice(&bytes);
            }),
            Move::Cut => self.change(disk, Vec::clear),
            Move::Close => {
                if let Some(open) = self.open.take() {
                    disk.release(open);
                    disk.emit(file, Raw::CloseWrite);
                }
            }
            Move::Rename { bytes, same_time, elsewhere } => {
                let before = disk.at(file).map(|index| disk.meta(index));
                if before.is_some_and(|before| before.kind == Kind::Directory) {
                    return;
                }
                let index = disk.make(Kind::Regular, bytes, &[]);
                if let Some(before) = before.filter(|_| same_time) {
                    disk.set_time(index, before.stamp.mtime);
                }
                if !elsewhere {
                    disk.noise();
                }
                disk.put(file, index, Raw::MovedTo);
                disk.release(index);
            }
            Move::Unlink => {
                if let Some(index) = disk.take_away(file, Raw::Delete) {
                    disk.release(index);
                }
            }
            Move::Aside => self.aside = disk.take_away(file, Raw::MovedFrom),
            Move::Back => {
                if let Some(index) = self.aside.take() {
                    disk.share(index);
                    disk.put(file, index, Raw::MovedTo);
                    disk.release(index);
                }
            }
            Move::Touch => {
                if let Some(index) = disk.at(file) {
                    disk.touch(file, index);
                }
            }
            Move::Date(ago) => {
                if let Some(index) = disk.at(file) {
                    disk.set_date(file, index, disk.ago(ago));
                }
            }
            Move::Permit(readable) => disk.permit(file, readable),
            Move::Thing(kind) => {
                if disk.at(file).is_none() {
                    let index = disk.make(kind, Vec::new(), &[]);
                    disk.put(file, index, Raw::Create);
                    disk.release(index);
                }
            }
            Move::Read => {
                if disk.at(file).is_some_and(|index| disk.meta(index).kind == Kind::Regular) {
                    disk.emit(file, Raw::Open);
                }
            }
            Move::List => disk.list(),
            Move::Late(time) => self.late = Some(time),
            Move::Return => {}
        }
    }

    fn open(&mut self, disk: &mut Disk, truncate: bool) {
        let file = self.file;
        let index = match disk.at(file) {
            Some(index) if disk.meta(index).kind != Kind::Regular => return self.moves.clear(),
            Some(index) => index,
            None => {
                let index = disk.make(Kind::Regular, Vec::new(), &[]);
                disk.put(file, index, Raw::Create);
                disk.release(index);
                index
            }
        };
        disk.hold(index);
        self.open = Some(index);
        // Linux has long told of the emptying before the opening that caused it; newer kernels (seen
        // with 6.18) tell of the opening first. A rule must do with either.
        let opens_first = disk.kernels[file as usize].opens_first;
        if opens_first {
            disk.emit(file, Raw::Open);
        }
        if truncate {
            self.change(disk, Vec::clear);
        }
        if !opens_first {
            disk.emit(file, Raw::Open);
        }
    }

    /// Changes what it has open, and is in the middle of it until the last change.
    fn change(&mut self, disk: &mut Disk, change: impl FnOnce(&mut Vec<u8>)) {
        let Some(open) = self.open else { return };
        if self.torn.is_none() {
            self.torn = Some(open);
            disk.tear(self.file, open, true);
        }
        disk.write(self.file, open, change);
        let more = self
            .moves
            .iter()
            .find(|(_, step)| matches!(step, Move::Put(..) | Move::Close | Move::Cut));
        if !matches!(more, Some((_, Move::Put(..)))) {
            self.torn = None;
            disk.tear(self.file, open, false);
        }
    }
}
