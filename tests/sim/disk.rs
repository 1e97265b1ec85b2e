//! A directory with the two files: inodes whose numbers come round again, times in ticks, things
//! that are no files. Every change is told to the truth, and to the kernel's watches.

use std::io;

use chadburn::source::look::{Kind, Meta};
use chadburn::writing::{Condition, File, Stamp};
use uuid::Uuid;

use crate::book::Book;
use crate::clerk::Credit;
use crate::kernel::{Kernel, Raw};
use crate::truth::{Sight, Truth};

/// Larger files are not opened, in bytes.
const LARGEST: usize = 8_192;

/// A file, whatever its name.
#[derive(Debug)]
pub struct Inode {
    number: u64,
    /// Its content.
    pub bytes: Vec<u8>,
    mtime: (i64, i64),
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
    /// What each of the two names stands for.
    names: [Option<Index>; 2],
    free: Vec<u64>,
    /// How many microseconds the clock that stamps files stands still.
    pub tick: u64,
    /// The wall clock, in microseconds since 1970, when the virtual time began.
    pub wall: u64,
    book: Book,
    /// What stood in either file.
    pub truth: [Truth; 2],
    /// The watches of either file.
    pub kernels: [Kernel; 2],
    others: u64,
    /// When somebody last did anything to either file but open it.
    pub touched: u64,
}

impl Disk {
    /// An empty directory.
    #[must_use]
    pub fn new(book: &Book, kernels: [Kernel; 2], tick: u64, wall: u64) -> Self {
        let truth = [File::Status, File::Accept].map(|file| Truth::new(file, book.clone()));
        let mut disk = Self {
            inodes: Vec::new(),
            names: [None; 2],
            free: (100..140).rev().collect(),
            tick,
            wall,
            book: book.clone(),
            truth,
            kernels,
            others: 0,
            touched: 0,
        };
        disk.observe(File::Status);
        disk.observe(File::Accept);
        disk
    }

    /// The wall clock in milliseconds.
    #[must_use]
    pub fn unix_ms(&self) -> u64 {
        (self.wall + self.book.now()) / 1_000
    }

    /// What this name stands for.
    #[must_use]
    pub fn at(&self, file: File) -> Option<Index> {
        self.names[file as usize]
    }

    /// This inode.
    #[must_use]
    pub fn inode(&self, index: Index) -> &Inode {
        &self.inodes[index]
    }

    /// The time that a file changed now would get.
    #[must_use]
    pub fn mtime(&self) -> (i64, i64) {
        let wall = self.wall + self.book.now();
        let wall = wall - wall % self.tick.max(1);
        let signed = |number: u64| i64::try_from(number).expect("clocks end before this");
        (signed(wall / 1_000_000), signed(wall % 1_000_000 * 1_000))
    }

    /// A new file without a name, held once.
    pub fn make(&mut self, kind: Kind, bytes: Vec<u8>, by: &[Credit]) -> Index {
        // The number that became free last is given first, as ext4 does.
        let number = self.free.pop().expect("hardly any files exist at a time");
        let (mtime, by) = (self.mtime(), by.to_vec());
        let inode = Inode { number, bytes, mtime, kind, readable: true, torn: 0, held: 1, by };
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
        self.observe(file);
    }

    /// Changes the content in place.
    pub fn write(&mut self, file: File, index: Index, change: impl FnOnce(&mut Vec<u8>)) {
        let mtime = self.mtime();
        let inode = &mut self.inodes[index];
        change(&mut inode.bytes);
        inode.mtime = mtime;
        inode.by.clear();
        self.emit(file, Raw::Modify);
    }

    /// Sets the time of the last change of a file that has no name yet.
    pub fn set_time(&mut self, index: Index, mtime: (i64, i64)) {
        self.inodes[index].mtime = mtime;
    }

    /// Sets the time of the last change to now.
    pub fn touch(&mut self, file: File, index: Index) {
        self.inodes[index].mtime = self.mtime();
        // A hand that touches the file makes the writing its own.
        self.inodes[index].by.clear();
        self.emit(file, Raw::Attrib);
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
            self.emit(file, Raw::Attrib);
        }
    }

    /// Gives the name to this inode, and takes it from what had it. `raw`: how the kernel tells.
    pub fn put(&mut self, file: File, index: Index, raw: Raw) {
        self.hold(index);
        if let Some(before) = self.names[file as usize].replace(index) {
            self.release(before);
        }
        if raw == Raw::MovedTo {
            // The rename out of the other name, in the same directory, is told first.
            self.noise();
        }
        self.emit(file, raw);
    }

    /// Takes the name away. The inode is held on for the caller, if there was one.
    pub fn take_away(&mut self, file: File, raw: Raw) -> Option<Index> {
        let index = self.names[file as usize].take()?;
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
        let (now, other) = (self.book.now(), Raw::Other(self.others));
        self.kernels.iter_mut().for_each(|kernel| kernel.emit(now, other));
    }

    /// The source of this file knocks.
    pub fn knock(&mut self, file: File) {
        self.kernels[file as usize].emit(self.book.now(), Raw::Knock);
    }

    /// The directory is opened by anybody.
    pub fn list(&mut self) {
        let now = self.book.now();
        self.kernels.iter_mut().for_each(|kernel| kernel.emit(now, Raw::OpenDirectory));
    }

    /// The kernel tells of this file.
    pub fn emit(&mut self, file: File, raw: Raw) {
        self.book.note(|| format!("{file}: {raw:?}"));
        if !matches!(raw, Raw::Open | Raw::Knock) {
            self.touched = self.book.now();
        }
        self.observe(file);
        self.truth[file as usize].stirs();
        self.kernels[file as usize].emit(self.book.now(), raw);
    }

    /// What stat says of it.
    #[must_use]
    pub fn meta(&self, index: Index) -> Meta {
        let Inode { number, mtime, kind, ref bytes, .. } = self.inodes[index];
        let stamp = Stamp { device: 1, inode: number, mtime };
        Meta { kind, stamp, size: bytes.len() as u64, link: false }
    }

    /// Whether it may be opened.
    pub fn may_open(&self, index: Index) -> io::Result<()> {
        if self.inodes[index].readable {
            Ok(())
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    fn observe(&mut self, file: File) {
        let truth = &mut self.truth[file as usize];
        let Some(index) = self.names[file as usize] else {
            return truth.stands(None, Sight::Fault(Condition::Missing), true, &[]);
        };
        let inode = &self.inodes[index];
        let stamp = Some(Stamp { device: 1, inode: inode.number, mtime: inode.mtime });
        let whole = inode.torn == 0;
        let sight = match inode.kind {
            Kind::Regular => read(&inode.bytes),
            _ => Sight::Fault(Condition::NotAFile),
        };
        truth.stands(stamp, sight, whole, &inode.by);
        // What is no file is called so before anybody asks whether it may be opened.
        let opened = inode.kind == Kind::Regular && inode.bytes.len() <= LARGEST;
        if !inode.readable && opened {
            // Whoever opened it before sees on what it says.
            truth.stands(stamp, Sight::Fault(Condition::Unreadable), whole, &inode.by);
        }
    }
}

/// The status in these bytes, by the words of the design: UTF-8, at most 4,096 bytes, without NUL,
/// byte order marks, white space and Ctrl-Z at its end, and carriage returns before line feeds.
fn read(bytes: &[u8]) -> Sight {
    if bytes.len() > LARGEST {
        return Sight::Fault(Condition::TooLarge);
    }
    let Ok(text) = String::from_utf8(bytes.to_vec()) else {
        return Sight::Fault(Condition::NotUtf8);
    };
    let mut text = text.replace("\r\n", "\n");
    while text.starts_with('\u{feff}') {
        text.remove(0);
    }
    while text.ends_with(|c: char| c == '\x1A' || c.is_whitespace()) {
        text.pop();
    }
    match text.as_str() {
        "" => Sight::Fault(Condition::Empty),
        text if text.len() > 4_096 => Sight::Fault(Condition::TooLarge),
        text if text.contains('\0') => Sight::Fault(Condition::NotText),
        text => Sight::Text(text.to_owned()),
    }
}
