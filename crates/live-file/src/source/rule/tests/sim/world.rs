//! The world of the rule's simulator: one file, its inodes and dates, those who write it, and the
//! kernel's queue of hints.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use crate::source::look::{Disk, Kind, Meta, Version};
use crate::source::rule::Hint;
use crate::writing::{Moment, Stamp};

/// A small generator of numbers (xorshift64*), so that a seed tells everything.
pub(super) struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }

    pub(super) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// What sort of world it is.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Weather {
    /// Several writers may have the file open at once.
    pub(super) overlap: bool,
    /// The longest time between two steps, in microseconds.
    pub(super) pause: u64,
    /// How many microseconds a tick of the clock that stamps files has.
    pub(super) tick: u64,
    /// One in so many steps the watcher's thread gets to run.
    pub(super) lag: u64,
    /// The kernel tells nothing at all.
    pub(super) poll: bool,
    /// How many hints the kernel's queue has room for; beyond, they are lost.
    pub(super) room: usize,
    /// The kernel tells of an opening before the emptying that comes with it.
    pub(super) opens_first: bool,
    /// Files are touched, and their dates set back.
    pub(super) dates: bool,
    /// Whoever has changed the file may lose its processor before the kernel tells of it.
    pub(super) late: bool,
}

#[derive(Clone, Default)]
pub(super) struct Inode {
    pub(super) bytes: Vec<u8>,
    /// In microseconds, as the next.
    mtime: i64,
    changed: i64,
    writers: u32,
}

/// Somebody who writes in place, in pieces.
pub(super) struct Writer {
    inode: u64,
    rest: VecDeque<u8>,
    written: usize,
    /// Its text is whole, and has counted as that since before the kernel told of it.
    whole: bool,
}

pub(super) struct World {
    pub(super) dice: Dice,
    weather: Weather,
    pub(super) now: u64,
    pub(super) path: Option<u64>,
    pub(super) inodes: HashMap<u64, Inode>,
    pub(super) writers: Vec<Writer>,
    /// Writings still to be begun.
    pub(super) plans: u32,
    serial: u64,
    pub(super) queue: VecDeque<Hint>,
    /// What the kernel will tell only then, in microseconds, of what has been done.
    late: Vec<(u64, Hint)>,
    /// Every text that a reader could see while nobody was writing, and how often it came. Whether it
    /// was written or touched; otherwise its date was set.
    pub(super) finished: Vec<(Stamp, String, bool)>,
}

impl World {
    pub(super) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            dice: Dice::new(seed),
            weather,
            now: 0,
            path: None,
            inodes: HashMap::new(),
            writers: Vec::new(),
            plans: 40,
            serial: 0,
            queue: VecDeque::new(),
            late: Vec::new(),
            finished: Vec::new(),
        }
    }

    pub(super) fn time(&self) -> Duration {
        Duration::from_micros(self.now)
    }

    pub(super) fn emit(&mut self, hint: Hint) {
        // The kernel folds an event into the last one in its queue if they are equal. Where it does
        // that to the opens of two writers, or to theirs and our look's, the rule cannot count
        // them, and the close of the first is taken for the last one's.
        let single = hint == Hint::MovedIn || (self.weather.overlap && hint == Hint::Opened);
        if self.queue.len() >= self.weather.room {
            if self.queue.back() != Some(&Hint::Lost) {
                self.queue.push_back(Hint::Lost);
            }
        } else if self.queue.back() != Some(&hint) || single {
            self.queue.push_back(hint);
        }
    }

    /// At the end of a call, before which whoever makes it may lose its processor.
    fn emit_at_last(&mut self, hint: Hint) {
        // With a date set before the next look, a removal told late is like a file that came back, and a change
        // like another writing.
        let vague = self.weather.dates && matches!(hint, Hint::Gone | Hint::Changed);
        if self.weather.late && !vague && self.dice.one_in(3) {
            let longest = [2_000, 40_000, 300_000, 2_000_000];
            let longest = longest[usize::try_from(self.dice.roll(4)).unwrap()];
            self.late.push((self.now + self.dice.roll(longest), hint));
        } else {
            self.emit(hint);
        }
    }

    fn emit_what_is_due(&mut self) {
        let now = self.now;
        for (_, hint) in self.late.extract_if(.., |(due, _)| *due <= now).collect::<Vec<_>>() {
            self.emit(hint);
        }
    }

    /// Whether anything is still to come.
    pub(super) fn goes_on(&self) -> bool {
        self.plans > 0 || !self.writers.is_empty() || !self.late.is_empty()
    }

    fn stamp(&self, inode: u64) -> Stamp {
        let Inode { mtime, bytes, .. } = &self.inodes[&inode];
        Stamp { mtime: moment(*mtime), size: bytes.len() as u64 }
    }

    fn change(&mut self, inode: u64, change: impl FnOnce(&mut Inode)) {
        let mtime = self.tick();
        let inode = self.inodes.get_mut(&inode).unwrap();
        change(inode);
        (inode.mtime, inode.changed) = (mtime, mtime);
    }

    /// What the clock that stamps files says, in microseconds.
    fn tick(&self) -> i64 {
        i64::try_from(self.now - self.now % self.weather.tick).unwrap()
    }

    /// The date of the file is set: to now, or back.
    fn set_date(&mut self) {
        let Some(path) = self.path else { return };
        let (touched, back) = (self.dice.one_in(2), [1_000, 1_000_000, 1_000_000_000]);
        let back = back[usize::try_from(self.dice.roll(3)).unwrap()];
        let now = self.tick();
        let inode = self.inodes.get_mut(&path).unwrap();
        inode.mtime = if touched { now } else { inode.mtime - back };
        inode.changed = now;
        self.emit(Hint::Stirred);
        self.remember(touched);
    }

    /// Remembers what the file says if nobody is writing it.
    fn remember(&mut self, written: bool) {
        let Some(path) = self.path else { return };
        let inode = &self.inodes[&path];
        let text = String::from_utf8(inode.bytes.clone()).unwrap();
        if inode.writers == 0 && !text.is_empty() {
            self.finished.push((self.stamp(path), text, written));
        }
    }

    fn text(&mut self) -> Vec<u8> {
        self.serial += 1;
        let length = 6 + self.dice.roll(20);
        let letter = char::from(b'a' + u8::try_from(self.dice.roll(26)).unwrap());
        let tail: String = std::iter::repeat_n(letter, usize::try_from(length).unwrap()).collect();
        format!("{}:{tail}.", self.serial).into_bytes()
    }

    /// Some time passes, and somebody may do something.
    pub(super) fn step(&mut self) {
        self.now += 1 + self.dice.roll(self.weather.pause);
        self.emit_what_is_due();
        let begin = self.plans > 0 && (self.weather.overlap || self.writers.is_empty());
        let busy = !self.writers.is_empty();
        if busy && !(begin && self.dice.one_in(8)) {
            self.go_on_writing();
        } else if begin {
            self.plans -= 1;
            self.begin();
        }
        if self.dice.one_in(20) && self.path.is_some() {
            self.emit(Hint::Opened);
        }
        if self.weather.dates && self.dice.one_in(20) {
            self.set_date();
        }
    }

    fn begin(&mut self) {
        let text = self.text();
        match self.dice.roll(4) {
            0 => {
                let inode = 1_000 + self.serial;
                let mtime = self.tick();
                self.inodes.insert(inode, Inode { bytes: text, mtime, changed: mtime, writers: 0 });
                self.path = Some(inode);
                self.remember(true);
                self.emit_at_last(Hint::MovedIn);
            }
            1 if !self.weather.overlap && self.path.is_some() => {
                self.path = None;
                self.emit_at_last(Hint::Gone);
            }
            // One writes at a time, and is at it until its close has returned.
            _ if self.is_in_a_call() => {}
            _ => {
                let inode = self.path.unwrap_or(1_000 + self.serial);
                self.path = Some(inode);
                self.inodes.entry(inode).or_default();
                self.change(inode, |inode| inode.bytes.clear());
                self.inodes.get_mut(&inode).unwrap().writers += 1;
                let hints = [Hint::Changed, Hint::Opened];
                let [first, second] =
                    if self.weather.opens_first { [hints[1], hints[0]] } else { hints };
                self.emit(first);
                self.emit(second);
                self.writers.push(Writer { inode, rest: text.into(), written: 0, whole: false });
            }
        }
    }

    /// Whether whoever writes in place has not come back from a call.
    fn is_in_a_call(&self) -> bool {
        self.late.iter().any(|(_, hint)| matches!(hint, Hint::Changed | Hint::Closed))
    }

    fn go_on_writing(&mut self) {
        if self.is_in_a_call() {
            return;
        }
        let index = usize::try_from(self.dice.roll(self.writers.len() as u64)).unwrap();
        let mut writer = self.writers.swap_remove(index);
        if writer.rest.is_empty() {
            if !writer.whole {
                self.is_written(writer.inode);
            }
            self.emit_at_last(Hint::Closed);
            return;
        }
        let count = 1 + usize::try_from(self.dice.roll(writer.rest.len() as u64)).unwrap();
        let piece: Vec<u8> = writer.rest.drain(..count).collect();
        let at = writer.written;
        self.change(writer.inode, |inode| {
            // What another writer cut away comes back as nothing.
            inode.bytes.resize(inode.bytes.len().max(at + count), b'_');
            inode.bytes[at..at + count].copy_from_slice(&piece);
        });
        writer.written += count;
        if writer.rest.is_empty() {
            self.emit_at_last(Hint::Changed);
        } else {
            self.emit(Hint::Changed);
        }
        if self.is_in_a_call() {
            self.is_written(writer.inode);
            writer.whole = true;
        }
        self.writers.push(writer);
    }

    fn is_written(&mut self, inode: u64) {
        self.inodes.get_mut(&inode).unwrap().writers -= 1;
        self.remember(true);
    }

    fn meta(&mut self, inode: u64) -> Meta {
        if self.dice.one_in(3) {
            self.step();
        }
        let changed = moment(self.inodes[&inode].changed);
        let version = Some(Version { file: (1, inode, Some(UNIX_EPOCH)), changed });
        Meta { kind: Kind::Regular, stamp: self.stamp(inode), link: false, version }
    }
}

impl Disk for World {
    type Open = u64;

    fn stat(&mut self) -> io::Result<Meta> {
        let inode = self.path.ok_or(io::ErrorKind::NotFound)?;
        Ok(self.meta(inode))
    }

    fn open(&mut self) -> io::Result<u64> {
        let inode = self.path.ok_or(io::ErrorKind::NotFound)?;
        self.emit(Hint::Opened);
        Ok(inode)
    }

    fn fstat(&mut self, open: &mut u64) -> io::Result<Meta> {
        Ok(self.meta(*open))
    }

    fn read(&mut self, open: &mut u64, _limit: usize) -> io::Result<Vec<u8>> {
        if self.dice.one_in(3) {
            self.step();
        }
        Ok(self.inodes[open].bytes.clone())
    }

    fn clock(&mut self) -> Moment {
        moment(i64::try_from(self.now).unwrap())
    }
}

fn moment(micros: i64) -> Moment {
    (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) * 1_000)
}
