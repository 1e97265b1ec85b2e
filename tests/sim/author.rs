//! Who makes up writings: what they say, and in which steps a hand writes them.

use std::collections::VecDeque;

use chadburn::file::File;
use live_file::source::look::Kind;

use crate::book::{Book, MS, SECOND};
use crate::disk::Disk;
use crate::faults::Fault;
use crate::rng::Rng;
use crate::weather::Weather;
use crate::writers::{Move, Writer};

/// Makes up writings; every text that is not the dial's carries a number of its own.
#[derive(Debug)]
pub struct Author {
    rng: Rng,
    book: Book,
    number: u64,
    last: [Vec<u8>; 2],
}

impl Author {
    /// One who has written nothing.
    #[must_use]
    pub fn new(rng: Rng, book: &Book) -> Self {
        Self { rng, book: book.clone(), number: 0, last: [Vec::new(), Vec::new()] }
    }

    /// A whole text. Of those with a number no part and no mix is whole.
    pub fn text(&mut self) -> String {
        self.number += 1;
        let number = self.number;
        match self.rng.below(12) {
            0 => self.rng.within(1, 12).to_string(),
            1 => self.rng.pick(&["COFFEE", "coffee", "Stop", "Battle Stations", "7", "  7"]).into(),
            2 => format!("<{number}:{}:{number}>", "=".repeat(self.rng.index(60))),
            3 if self.rng.one_in(3) => format!("<{number}:\r\n:{number}>"),
            _ => format!("<{number}:{number}>"),
        }
    }

    fn bytes(&mut self, file: File) -> Vec<u8> {
        let last = &self.last[file as usize];
        if !last.is_empty() && self.rng.one_in(5) {
            return last.clone();
        }
        let end = self.rng.pick(&["", "\n", "\n", "\r\n", " \n", "\r\n\x1A"]);
        let bom =
            if self.rng.one_in(20) { self.rng.pick(&["\u{feff}", "\u{feff}\u{feff}"]) } else { "" };
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
            self.book.count(Fault::BadFile);
            self.fault(&mut moves);
        } else {
            self.writing(disk, weather, file, bytes, &mut moves);
            if self.rng.one_in(weather.late) {
                self.is_late(weather, &mut moves);
            }
        }
        Writer::new(file, moves, now)
    }

    /// Whoever does this loses its processor in its last call, in which it has renamed or closed.
    fn is_late(&mut self, weather: &Weather, moves: &mut VecDeque<(u64, Move)>) {
        let longest = self.rng.pick(&[MS, 50 * MS, 500 * MS, 5 * SECOND]);
        let late = self.rng.below(longest);
        let renames = matches!(moves.back(), Some((_, Move::Rename { .. })));
        // Of several who write at a time, one that closes so late is taken for a reader.
        if renames || !weather.overlap && matches!(moves.back(), Some((_, Move::Close))) {
            moves.insert(moves.len() - 1, (0, Move::Late(late)));
            if !renames {
                moves.push_back((late, Move::Return));
            }
        }
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
        match self.rng.below(23) {
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
            19 | 20 => {
                // A tool that keeps the date of what it copies: before its close, or by the name later.
                let (ago, by_name) = (self.ago(), self.rng.one_in(2));
                moves.push_back((0, Move::Open { truncate: true }));
                self.parts(weather, &bytes, moves);
                if !by_name {
                    moves.push_back((soon, Move::Date(ago)));
                }
                moves.push_back((soon, Move::Close));
                if by_name {
                    let late = self.rng.pick(&[20, 3 * MS, 300 * MS]);
                    moves.push_back((self.rng.below(late), Move::Date(ago)));
                }
            }
            21 => moves.push_back((soon, Move::Date(self.ago()))),
            _ => moves.push_back((soon, Move::Read)),
        }
    }

    /// How long ago the date was that somebody sets: mostly long, sometimes a moment.
    fn ago(&mut self) -> u64 {
        let longest = self.rng.pick(&[20 * MS, 5 * SECOND, 60 * SECOND, 1_000_000 * SECOND]);
        self.rng.below(longest)
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
