//! Hands that write the two files, each in its own way and in small steps, so that anybody may
//! look between any two of them.

use std::collections::VecDeque;

use chadburn::source::look::Kind;
use chadburn::writing::File;

use crate::book::MS;
use crate::disk::{Disk, Index};
use crate::kernel::Raw;
use crate::rng::Rng;
use crate::weather::Weather;

/// One step of a hand.
#[derive(Clone, Debug)]
enum Move {
    /// Opens the file for writing; makes it if it is not there.
    Open { truncate: bool },
    /// Writes at a place.
    Put(usize, Vec<u8>),
    /// Cuts everything away.
    Cut,
    /// Closes it.
    Close,
    /// Renames a file with this content in; with the time of the one before, as `cp -p` leaves it.
    Rename { bytes: Vec<u8>, same_time: bool, elsewhere: bool },
    /// Removes whatever stands there.
    Unlink,
    /// Renames it away, to bring it back.
    Aside,
    /// Brings back what was renamed away.
    Back,
    /// Sets its time to now.
    Touch,
    /// Makes it readable or not.
    Permit(bool),
    /// Puts something there that is no file.
    Thing(Kind),
    /// Opens and reads it.
    Read,
    /// Lists the directory.
    List,
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
}

/// Makes up writings; every text that is not the dial's carries a number of its own.
#[derive(Debug)]
pub struct Author {
    rng: Rng,
    number: u64,
    last: [Vec<u8>; 2],
}

impl Author {
    /// One who has written nothing.
    #[must_use]
    pub fn new(rng: Rng) -> Self {
        Self { rng, number: 0, last: [Vec::new(), Vec::new()] }
    }

    /// A whole text. Of those with a number no part and no mix is whole.
    pub fn text(&mut self) -> String {
        self.number += 1;
        let number = self.number;
        match self.rng.below(12) {
            0 => self.rng.within(1, 12).to_string(),
            1 => self.rng.pick(&["COFFEE", "coffee", "Stop", "Battle Stations", "7", "6"]).into(),
            2 => format!("<{number}:{}:{number}>", "=".repeat(self.rng.index(60))),
            _ => format!("<{number}:{number}>"),
        }
    }

    fn bytes(&mut self, file: File) -> Vec<u8> {
        let last = &self.last[file as usize];
        if !last.is_empty() && self.rng.one_in(5) {
            return last.clone();
        }
        let end = self.rng.pick(&["", "\n", "\n", "\r\n", " \n"]);
        let bom = if self.rng.one_in(20) { "\u{feff}" } else { "" };
        let bytes = format!("{bom}{}{end}", self.text()).into_bytes();
        self.last[file as usize].clone_from(&bytes);
        bytes
    }

    /// Somebody who begins to work on this file now.
    pub fn begin(&mut self, disk: &Disk, weather: &Weather, file: File, now: u64) -> Writer {
        let mut moves = VecDeque::new();
        let bytes = self.bytes(file);
        let faulty = weather.faults && self.rng.one_in(6);
        if faulty {
            self.fault(&mut moves);
        } else {
            self.writing(disk, weather, file, bytes, &mut moves);
        }
        let due = now + moves.front().map_or(0, |(delay, _)| *delay);
        Writer { file, due, moves, open: None, torn: None, aside: None }
    }

    fn writing(
        &mut self,
        disk: &Disk,
        weather: &Weather,
        file: File,
        bytes: Vec<u8>,
        moves: &mut VecDeque<(u64, Move)>,
    ) {
        let short = self.rng.pick(&[10, 100, 2 * MS]);
        let soon = self.rng.below(short);
        match self.rng.below(20) {
            0..5 => {
                moves.push_back((0, Move::Open { truncate: true }));
                self.parts(weather, &bytes, moves);
                moves.push_back((soon, Move::Close));
            }
            5..7 => {
                let mut bytes = bytes;
                let length = disk.at(file).map_or(0, |index| disk.inode(index).bytes.len());
                bytes.resize(bytes.len().max(length), b' ');
                moves.push_back((0, Move::Open { truncate: false }));
                self.parts(weather, &bytes, moves);
                moves.push_back((soon, Move::Close));
            }
            7..12 => {
                let same_time = self.rng.one_in(6);
                let elsewhere = self.rng.one_in(4);
                moves.push_back((soon, Move::Rename { bytes, same_time, elsewhere }));
            }
            12 => {
                moves.push_back((0, Move::Unlink));
                moves.push_back((soon, Move::Open { truncate: true }));
                self.parts(weather, &bytes, moves);
                moves.push_back((soon, Move::Close));
            }
            13 => {
                moves.push_back((0, Move::Open { truncate: false }));
                moves.push_back((soon, Move::Touch));
                moves.push_back((soon, Move::Close));
            }
            14 => moves.push_back((soon, Move::Touch)),
            15 => {
                moves.push_back((soon, Move::Open { truncate: false }));
                moves.push_back((self.rng.below(100 * MS), Move::Close));
            }
            16 if !weather.overlap => {
                // A long holder: its text is whole, or at least stands, long before it closes. No
                // rule could tell it from a reader, so nobody writes beside it.
                moves.push_back((0, Move::Open { truncate: true }));
                self.parts(weather, &bytes, moves);
                moves.push_back((self.rng.below(1_500 * MS), Move::Cut));
                let again = self.bytes(file);
                self.parts(weather, &again, moves);
                moves.push_back((self.rng.below(900 * MS), Move::Close));
            }
            17 if !weather.overlap => {
                // What is renamed in counts as finished, so nobody writes it meanwhile.
                moves.push_back((0, Move::Aside));
                moves.push_back((self.rng.below(60 * MS), Move::Back));
            }
            18 => moves.push_back((soon, Move::List)),
            _ => moves.push_back((soon, Move::Read)),
        }
    }

    fn parts(&mut self, weather: &Weather, bytes: &[u8], moves: &mut VecDeque<(u64, Move)>) {
        let count = if self.rng.one_in(3) { 1 } else { self.rng.index(4) + 1 };
        let mut at = 0;
        for part in (1..=count).rev() {
            let rest = bytes.len() - at;
            let length = if part == 1 { rest } else { self.rng.index(rest + 1) };
            let pause = if self.rng.one_in(2) { 40 } else { weather.pause };
            let mut pause = self.rng.below(pause);
            if !weather.overlap && self.rng.one_in(30) {
                pause = self.rng.within(60 * MS, 600 * MS);
            }
            moves.push_back((pause, Move::Put(at, bytes[at..at + length].to_vec())));
            at += length;
        }
    }

    /// The file becomes something that cannot be a status, and later one again.
    fn fault(&mut self, moves: &mut VecDeque<(u64, Move)>) {
        let long = self.rng.pick(&[5 * MS, 50 * MS, 800 * MS]);
        let pause = self.rng.below(long);
        let bad = match self.rng.below(8) {
            0 => {
                moves.push_back((0, Move::Permit(false)));
                return moves.push_back((pause, Move::Permit(true)));
            }
            1 => Some(b"\xFF\xFE7\0".to_vec()),
            2 => Some(b"caf\xE9\n".to_vec()),
            3 => Some(vec![b'x'; 9_000]),
            4 => Some([&[b'y'; 5_000][..], b"\n"].concat()),
            5 => Some(b" \n\n".to_vec()),
            6 => Some(Vec::new()),
            _ => None,
        };
        if let Some(bytes) = bad {
            if self.rng.one_in(2) {
                moves.push_back((0, Move::Open { truncate: true }));
                moves.push_back((20, Move::Put(0, bytes)));
                moves.push_back((20, Move::Close));
            } else {
                moves.push_back((0, Move::Rename { bytes, same_time: false, elsewhere: false }));
            }
            return;
        }
        moves.push_back((0, Move::Unlink));
        let kind = self.rng.pick(&[Kind::Directory, Kind::Fifo, Kind::Socket, Kind::Device]);
        moves.push_back((pause / 2, Move::Thing(kind)));
        moves.push_back((pause, Move::Unlink));
    }
}

impl Writer {
    /// Does the next step. Returns false after the last.
    pub fn step(&mut self, disk: &mut Disk, now: u64) -> bool {
        let Some((_, step)) = self.moves.pop_front() else { return false };
        self.act(disk, step);
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
            Move::List => disk.knock(),
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
        if truncate {
            // Linux tells of the emptying before the opening that caused it.
            self.change(disk, Vec::clear);
        }
        disk.emit(file, Raw::Open);
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
