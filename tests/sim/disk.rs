//! A directory with the two files: inodes whose numbers come round again or are others at each look,
//! times in ticks that may be set, things that are no files. Every change is told to the truth, and to the kernel's watches.

use std::io;
use std::time::SystemTime;

use chadburn::file::File;
use live_file::source::look::{Kind, Meta, Version};
use live_file::writing::{Condition, Moment, Stamp};
use uuid::Uuid;

use crate::book::Book;
use crate::clerk::Credit;
use crate::faults::Fault;
use crate::kernel::{Kernel, Raw};
use crate::truth::{Cause, Sight, Truth};
use crate::weather::{Watching, Weather};
use dates::since_1970;
use mounts::Over;
use text::{LARGEST, read};

mod dates;
mod mounts;
mod text;

/// A file, whatever its name.
#[derive(Debug)]
pub struct Inode {
    number: u64,
    /// Its content.
    pub bytes: Vec<u8>,
    mtime: Moment,
    /// When anything about it was changed, by the same clock.
    changed: Moment,
    /// When it was made.
    made: SystemTime,
    kind: Kind,
    readable: bool,
    /// How many writers are in the middle of their writing.
    torn: u32,
    /// How many have it open, and how many names it has: without either its number is free.
    held: u32,
    /// Who caused its content, if the server wrote it.
    by: Vec<Credit>,
}

/// Which inode; unlike its number it never comes round again.
pub type Index = usize;

/// The directory.
#[derive(Debug)]
pub struct Disk {
    inodes: Vec<Inode>,
    /// What each of the two names stands for; outside, where something is mounted at it.
    names: [Option<Index>; 2],
    /// What is mounted at either.
    mounts: [Option<Over>; 2],
    /// When something was last mounted there, or unmounted.
    mounted_at: [u64; 2],
    free: Vec<u64>,
    /// The number of the device.
    device: u64,
    /// An inode has another number at each look, as on some network mounts.
    renumbers: bool,
    /// How many microseconds the clock that stamps files stands still.
    tick: u64,
    /// How many microseconds it is behind.
    skew: u64,
    /// The wall clock, in microseconds since 1970, when the virtual time began.
    wall: u64,
    book: Book,
    /// What stood in either file.
    pub truth: [Truth; 2],
    /// The watches of either file.
    pub kernels: [Kernel; 2],
    others: u64,
    /// Whoever acts now loses its processor for so long at the end of its call.
    pub late: Option<u64>,
    /// When somebody last did anything to either file but open it.
    pub touched: u64,
}

impl Disk {
    /// An empty directory.
    #[must_use]
    pub fn new(book: &Book, kernels: [Kernel; 2], weather: &Weather, wall: u64) -> Self {
        let truth = [File::Status, File::Accept].map(|file| Truth::new(file, book.clone()));
        let mut disk = Self {
            inodes: Vec::new(),
            names: [None; 2],
            mounts: [None, None],
            mounted_at: [0; 2],
            free: (100..140).rev().collect(),
            device: 1,
            renumbers: false,
            tick: 0,
            skew: 0,
            wall,
            book: book.clone(),
            truth,
            kernels,
            others: 0,
            late: None,
            touched: 0,
        };
        disk.turns(weather);
        disk.observe(File::Status, Cause::Other);
        disk.observe(File::Accept, Cause::Other);
        disk
    }

    /// The weather changes.
    pub fn turns(&mut self, weather: &Weather) {
        for kernel in &mut self.kernels {
            kernel.turns(weather);
        }
        (self.tick, self.renumbers) = (weather.tick, weather.renumbers);
        self.skew = if weather.watching == Watching::Kernel { 0 } else { weather.skew };
        if weather.renumbers {
            self.book.count(Fault::Renumbered);
        }
    }

    /// What this name stands for, for whoever writes there.
    #[must_use]
    pub fn at(&self, file: File) -> Option<Index> {
        self.names[file as usize]
    }

    /// This inode.
    #[must_use]
    pub fn inode(&self, index: Index) -> &Inode {
        &self.inodes[index]
    }

    /// A new file without a name, held once.
    pub fn make(&mut self, kind: Kind, bytes: Vec<u8>, by: &[Credit]) -> Index {
        // The number that became free last is given first, as ext4 does.
        let number = self.free.pop().expect("hardly any files exist at a time");
        let (mtime, by) = (self.mtime(), by.to_vec());
        let (changed, made) = (mtime, SystemTime::UNIX_EPOCH + since_1970(mtime));
        let (readable, torn, held) = (true, 0, 1);
        let inode = Inode { number, bytes, mtime, changed, made, kind, readable, torn, held, by };
        self.inodes.push(inode);
        self.inodes.len() - 1
    }

    /// Somebody opens it, or it gets a name.
    pub fn hold(&mut self, index: Index) {
        self.inodes[index].held += 1;
    }

    /// Somebody closes it, or it loses a name.
    pub fn release(&mut self, index: Index) {
        self.inodes[index].held -= 1;
        if self.inodes[index].held == 0 {
            self.inodes[index].bytes = Vec::new();
            self.free.push(self.inodes[index].number);
        }
    }

    /// Somebody begins or ends a writing that takes more than one step.
    pub fn tear(&mut self, file: File, index: Index, begins: bool) {
        let torn = &mut self.inodes[index].torn;
        *torn = if begins { *torn + 1 } else { *torn - 1 };
        self.touched = self.book.now();
        self.observe(file, Cause::Other);
    }

    /// Changes the content in place.
    pub fn write(&mut self, file: File, index: Index, change: impl FnOnce(&mut Vec<u8>)) {
        let mtime = self.mtime();
        let inode = &mut self.inodes[index];
        change(&mut inode.bytes);
        (inode.mtime, inode.changed) = (mtime, mtime);
        inode.by.clear();
        let here = self.seen(file) == Some(index);
        self.emits(file, Raw::Modify, if here { Cause::Written } else { Cause::WrittenElsewhere });
    }

    /// Another hand moves it, so that it may be said to have caused what it says.
    pub fn share(&mut self, index: Index) {
        if !self.inodes[index].by.is_empty() {
            self.inodes[index].by.push((Uuid::nil(), None));
        }
    }

    /// The server has died, and a new one knows nothing of its writings.
    pub fn forget_authors(&mut self) {
        self.truth.iter_mut().for_each(Truth::forget_authors);
        self.inodes.iter_mut().for_each(|inode| inode.by.clear());
    }

    /// Makes it readable or not.
    pub fn permit(&mut self, file: File, readable: bool) {
        if let Some(index) = self.at(file) {
            self.inodes[index].readable = readable;
            self.inodes[index].changed = self.mtime();
            self.emit(file, Raw::Attrib);
        }
    }

    /// Gives the name to this inode, and takes it from what had it. `raw`: how the kernel tells.
    pub fn put(&mut self, file: File, index: Index, raw: Raw) {
        self.hold(index);
        self.inodes[index].changed = self.mtime();
        let before = self.names[file as usize].replace(index);
        if let Some(before) = before {
            self.loses_name(file, before);
            self.release(before);
        }
        if raw == Raw::MovedTo {
            // The rename out of the other name, in the same directory, is told first.
            self.noise();
        }
        let cause = match raw {
            Raw::MovedTo if before.is_some() => Cause::MovedOver,
            Raw::MovedTo => Cause::MovedIn,
            _ => Cause::Other,
        };
        self.emits(file, raw, cause);
    }

    /// Takes the name away. The inode is held on for the caller, if there was one.
    pub fn take_away(&mut self, file: File, raw: Raw) -> Option<Index> {
        let index = self.names[file as usize].take()?;
        if raw == Raw::Delete {
            self.loses_name(file, index);
        }
        self.emit(file, raw);
        Some(index)
    }

    /// The directory is another one, in which it is not: nothing tells of that. The inode is held on
    /// for the caller, if there was one.
    pub fn vanish(&mut self, file: File) -> Option<Index> {
        self.unheard(file, |disk| disk.take_away(file, Raw::Delete))
    }

    /// The directory is the one again in which it is this inode, which the caller held.
    pub fn come_back(&mut self, file: File, index: Index) {
        self.device += 1;
        self.book.count(Fault::Renumbered);
        self.share(index);
        self.unheard(file, |disk| disk.put(file, index, Raw::Create));
        self.release(index);
    }

    fn unheard<T>(&mut self, file: File, act: impl FnOnce(&mut Self) -> T) -> T {
        let deaf = std::mem::replace(&mut self.kernels[file as usize].deaf, true);
        let done = act(self);
        self.kernels[file as usize].deaf = deaf;
        done
    }

    /// Something happens under another name.
    pub fn noise(&mut self) {
        self.others += 1;
        for file in [File::Status, File::Accept] {
            self.kernel_tells(file, Raw::Other(self.others));
        }
    }

    /// The source of this file knocks.
    pub fn knock(&mut self, file: File) {
        self.truth[file as usize].knocks();
        self.kernel_tells(file, Raw::Knock);
    }

    /// The directory is opened by anybody.
    pub fn list(&mut self) {
        for file in [File::Status, File::Accept] {
            self.kernel_tells(file, Raw::OpenDirectory);
        }
    }

    fn kernel_tells(&mut self, file: File, raw: Raw) {
        if !self.kernels[file as usize].emit(self.book.now(), raw) {
            self.truth[file as usize].hints_are_missed();
        }
    }

    /// The kernel tells of this file.
    pub fn emit(&mut self, file: File, raw: Raw) {
        let cause = match raw {
            Raw::CloseWrite => Cause::Closed,
            _ => Cause::Other,
        };
        self.emits(file, raw, cause);
    }

    fn emits(&mut self, file: File, raw: Raw, cause: Cause) {
        self.book.note(|| format!("{file}: {raw:?}"));
        if !matches!(raw, Raw::Open | Raw::Knock) {
            self.touched = self.book.now();
        }
        self.observe(file, cause);
        self.truth[file as usize].stirs();
        if self.is_mounted(file) {
            // It is done in another directory than the one that is watched.
            return self.truth[file as usize].hints_are_missed();
        }
        let done = matches!(raw, Raw::MovedTo | Raw::CloseWrite);
        if let Some(time) = self.late.filter(|_| done) {
            let due = self.book.now() + time;
            self.kernels[file as usize].emit_late(due, raw);
            return self.truth[file as usize].hints_are_late(due);
        }
        self.kernel_tells(file, raw);
    }

    /// What stat says of it.
    #[must_use]
    pub fn meta(&self, index: Index) -> Meta {
        let Inode { kind, changed, made, .. } = self.inodes[index];
        let (device, number) = self.numbers(index);
        let version = Version { file: (device, number, Some(made)), changed };
        Meta { kind, stamp: self.stamp(index), link: false, version: Some(version) }
    }

    fn stamp(&self, index: Index) -> Stamp {
        let Inode { mtime, ref bytes, .. } = self.inodes[index];
        Stamp { mtime, size: bytes.len() as u64 }
    }

    /// Device and inode as they are at this moment, by which nothing can be known.
    #[must_use]
    pub fn numbers(&self, index: Index) -> (u64, u64) {
        let number = self.inodes[index].number;
        (self.device, if self.renumbers { number ^ self.book.now() } else { number })
    }

    /// Whether it may be opened.
    pub fn may_open(&self, index: Index) -> io::Result<()> {
        if self.inodes[index].readable {
            Ok(())
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    fn observe(&mut self, file: File, cause: Cause) {
        let clock = self.clock();
        let (seen, replaced) = (self.seen(file), self.is_replaced(file));
        let stamp = seen.map(|index| self.stamp(index));
        let truth = &mut self.truth[file as usize];
        let Some(index) = seen else {
            let missing = Sight::Fault(Condition::Missing);
            return truth.stands(None, missing, true, &[], (cause, clock));
        };
        let inode = &self.inodes[index];
        let whole = inode.torn == 0;
        let sight = match inode.kind {
            Kind::Regular => read(&inode.bytes),
            _ => Sight::Fault(Condition::NotAFile),
        };
        truth.stands(stamp, sight, whole, &inode.by, (cause, clock));
        // What is no file is called so before anybody asks whether it may be opened.
        let opened = inode.kind == Kind::Regular && inode.bytes.len() <= LARGEST;
        if replaced || !inode.readable && opened {
            // Whoever opened it before sees on what it says.
            let unreadable = Sight::Fault(Condition::Unreadable);
            truth.stands(stamp, unreadable, whole, &inode.by, (Cause::Other, clock));
        }
    }
}
