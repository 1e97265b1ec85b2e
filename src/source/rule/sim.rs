//! Years of writers, seeded: in place in pieces, renamed in, overlapping, with hints that come
//! late and readers in between. The disk changes between any two calls of a look.

use std::collections::{HashMap, VecDeque};
use std::io;

use super::*;
use crate::source::look::{Disk, Kind, Meta, look};
use crate::writing::Stamp;

/// A small generator of numbers (xorshift64*), so that a seed tells everything.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// What sort of world it is.
#[derive(Clone, Copy)]
struct Weather {
    /// Several writers may have the file open at once.
    overlap: bool,
    /// The longest time between two steps, in microseconds.
    pause: u64,
    /// How many microseconds a tick of the clock that stamps files has.
    tick: u64,
    /// One in so many steps the watcher's thread gets to run.
    lag: u64,
    /// The kernel tells nothing at all.
    poll: bool,
    /// Others open the directory, which is taken for our knock.
    strangers: bool,
}

#[derive(Clone, Default)]
struct Inode {
    bytes: Vec<u8>,
    mtime: u64,
    writers: u32,
}

/// Somebody who writes in place, in pieces.
struct Writer {
    inode: u64,
    rest: VecDeque<u8>,
    written: usize,
}

struct World {
    dice: Dice,
    weather: Weather,
    now: u64,
    path: Option<u64>,
    inodes: HashMap<u64, Inode>,
    writers: Vec<Writer>,
    /// Writings still to be begun.
    plans: u32,
    serial: u64,
    queue: VecDeque<Hint>,
    /// Every text that a reader could see while nobody was writing, and how often it came.
    finished: Vec<(Stamp, String)>,
}

impl World {
    fn time(&self) -> Duration {
        Duration::from_micros(self.now)
    }

    fn emit(&mut self, hint: Hint) {
        // The kernel folds an event into the last one in its queue if they are equal. Where it does
        // that to the opens of two writers, or to theirs and our look's, the rule cannot count
        // them, and the close of the first is taken for the last one's.
        let single = hint == Hint::MovedIn || (self.weather.overlap && hint == Hint::Opened);
        if self.queue.back() != Some(&hint) || single {
            self.queue.push_back(hint);
        }
    }

    fn stamp(&self, inode: u64) -> Stamp {
        let mtime = i64::try_from(self.inodes[&inode].mtime).unwrap();
        Stamp { device: 1, inode, mtime: (mtime, 0) }
    }

    fn change(&mut self, inode: u64, change: impl FnOnce(&mut Inode)) {
        let tick = self.now / self.weather.tick;
        let inode = self.inodes.get_mut(&inode).unwrap();
        change(inode);
        inode.mtime = tick;
    }

    /// Remembers what the file says if nobody is writing it.
    fn remember(&mut self) {
        let Some(path) = self.path else { return };
        let inode = &self.inodes[&path];
        let text = String::from_utf8(inode.bytes.clone()).unwrap();
        if inode.writers == 0 && !text.is_empty() {
            self.finished.push((self.stamp(path), text));
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
    fn step(&mut self) {
        self.now += 1 + self.dice.roll(self.weather.pause);
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
        if self.weather.strangers && self.dice.one_in(50) {
            self.emit(Hint::Knocked);
        }
    }

    fn begin(&mut self) {
        let text = self.text();
        match self.dice.roll(4) {
            0 => {
                let inode = 1_000 + self.serial;
                let mtime = self.now / self.weather.tick;
                self.inodes.insert(inode, Inode { bytes: text, mtime, writers: 0 });
                self.path = Some(inode);
                self.emit(Hint::MovedIn);
                self.remember();
            }
            1 if !self.weather.overlap && self.path.is_some() => {
                self.path = None;
                self.emit(Hint::Stirred);
            }
            _ => {
                let inode = self.path.unwrap_or(1_000 + self.serial);
                self.path = Some(inode);
                self.inodes.entry(inode).or_default();
                self.change(inode, |inode| inode.bytes.clear());
                self.inodes.get_mut(&inode).unwrap().writers += 1;
                self.emit(Hint::Changed);
                self.emit(Hint::Opened);
                self.writers.push(Writer { inode, rest: text.into(), written: 0 });
            }
        }
    }

    fn go_on_writing(&mut self) {
        let index = usize::try_from(self.dice.roll(self.writers.len() as u64)).unwrap();
        let mut writer = self.writers.swap_remove(index);
        if writer.rest.is_empty() {
            self.inodes.get_mut(&writer.inode).unwrap().writers -= 1;
            self.emit(Hint::Closed);
            self.remember();
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
        self.emit(Hint::Changed);
        self.writers.push(writer);
    }

    fn meta(&mut self, inode: u64) -> Meta {
        if self.dice.one_in(3) {
            self.step();
        }
        let size = self.inodes[&inode].bytes.len() as u64;
        Meta { kind: Kind::Regular, stamp: self.stamp(inode), size, link: false }
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
}

/// A source in that world: the same loop as the real one's two threads.
struct Watcher {
    rule: Rule,
    told: Vec<Writing>,
    health: Option<Health>,
}

impl Watcher {
    /// The watcher's thread takes one hint, and does what follows from it.
    fn take_hint(&mut self, world: &mut World) {
        let Some(hint) = world.queue.pop_front() else {
            return;
        };
        self.rule.hint(world.time(), hint);
        self.turn(world);
    }

    /// Either thread does what is to be done now. Until when there is nothing more.
    fn turn(&mut self, world: &mut World) -> Duration {
        loop {
            match self.rule.next(world.time()) {
                Step::Look => {
                    let look = look(world, "status.eot");
                    self.rule.looked(world.time(), look);
                }
                Step::Knock => world.emit(Hint::Knocked),
                Step::Tell(Report::Written(writing)) => self.told.push(writing),
                Step::Tell(Report::Health(health)) => self.health = Some(health),
                Step::Wait(until) => return until,
            }
        }
    }
}

fn live(seed: u64, weather: Weather) {
    let watch = if weather.poll { Watch::Poll } else { Watch::Inotify };
    let mut world = World {
        dice: Dice::new(seed),
        weather,
        now: 0,
        path: None,
        inodes: HashMap::new(),
        writers: Vec::new(),
        plans: 40,
        serial: 0,
        queue: VecDeque::new(),
        finished: Vec::new(),
    };
    let mut watcher = Watcher { rule: Rule::new(File::Status, watch), told: vec![], health: None };
    while world.plans > 0 || !world.writers.is_empty() {
        world.step();
        if weather.poll {
            world.queue.clear();
        }
        if world.dice.one_in(weather.lag) {
            for _ in 0..=world.dice.roll(6) {
                watcher.take_hint(&mut world);
            }
        }
        if world.dice.one_in(3) {
            watcher.turn(&mut world);
        }
        // Now and then everybody sleeps, so that things settle.
        if world.writers.is_empty() && world.dice.one_in(200) {
            world.now += 150_000;
        }
    }
    let end = world.now + 4_000_000;
    while world.now < end {
        watcher.take_hint(&mut world);
        let until = watcher.turn(&mut world);
        if world.queue.is_empty() {
            world.now = world.now.max(u64::try_from(until.as_micros()).unwrap());
        }
    }
    judge(seed, &world, &watcher);
}

fn judge(seed: u64, world: &World, watcher: &Watcher) {
    let mut from = 0;
    for writing in &watcher.told {
        let same =
            |(stamp, text): &(Stamp, String)| (stamp, text) == (&writing.stamp, &writing.text);
        let Some(index) = world.finished[from..].iter().position(same) else {
            panic!("seed {seed}: {writing:?} was never finished, or is told late or twice")
        };
        from += index + 1;
    }
    let text = |inode: u64| String::from_utf8(world.inodes[&inode].bytes.clone()).unwrap();
    let last = world.path.map(text).unwrap_or_default();
    let state = watcher.health.as_ref().map(|health| health.state);
    if last.is_empty() {
        let missing = if world.path.is_none() { Condition::Missing } else { Condition::Empty };
        assert_eq!(state, Some(missing), "seed {seed}");
    } else {
        let told = watcher.told.last().map(|writing| &writing.text);
        assert_eq!((told, state), (Some(&last), Some(Condition::Ok)), "seed {seed}");
    }
}

/// How many lives each world has; more are lived if somebody asks for them when it is built.
fn lives() -> u64 {
    option_env!("CHADBURN_LIVES").and_then(|lives| lives.parse().ok()).unwrap_or(300)
}

const CALM: Weather =
    Weather { overlap: false, pause: 40, tick: 1, lag: 2, poll: false, strangers: false };

#[test]
fn nothing_torn_and_nothing_lost_from_one_writer_after_the_other() {
    for seed in 0..lives() {
        live(seed, CALM);
        live(seed, Weather { pause: 2_000, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_when_hints_come_late() {
    for seed in 0..lives() {
        live(seed, Weather { lag: 40, ..CALM });
        live(seed, Weather { lag: 200, pause: 1_000, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_with_a_clock_of_four_milliseconds() {
    for seed in 0..lives() {
        live(seed, Weather { tick: 4_000, ..CALM });
        live(seed, Weather { tick: 4_000, lag: 30, pause: 300, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_from_writers_that_overlap() {
    for seed in 0..lives() {
        live(seed, Weather { overlap: true, ..CALM });
        live(seed, Weather { overlap: true, lag: 20, pause: 500, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_by_polling() {
    for seed in 0..lives() {
        live(seed, Weather { poll: true, pause: 20_000, ..CALM });
    }
}
