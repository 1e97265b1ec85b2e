//! The ground on which the server stands: disk, hands, clerk and time. It goes on while the server
//! does something else, so it is what passes between any two calls of a look.

use std::collections::VecDeque;
use std::io;

use chadburn::file::File;
use chadburn::hub::Event;
use chadburn::status::FORMAT;
use live_file::resolve::Mount;
use live_file::source::look::{self, Kind, Meta};
use live_file::writing::{Condition, Health, Moment, Report, Watch};

use crate::author::Author;
use crate::book::{Book, MS, SECOND};
use crate::clerk::{Clerk, able};
use crate::disk::{Disk, Index};
use crate::kernel::Kernel;
use crate::ledger::Ledger;
use crate::rng::Rng;
use crate::weather::Weather;
use crate::writers::Writer;

/// For how long others may join those who work on a file: after half a second of one hand after
/// the other no rule can tell them from one who only reads.
const CROWD: u64 = 250 * MS;

/// A step of a write hangs so much more often than a look, of which there are many more.
const HANGS: u64 = 5;

/// The server looks so often whether the accept file could be written.
const SURVEY: u64 = 10 * SECOND;

/// Everything that goes on beside the server.
#[derive(Debug)]
pub struct Ground {
    /// What happens.
    pub book: Book,
    /// What sort of world it is.
    pub weather: Weather,
    /// The directory.
    pub disk: Disk,
    /// Who writes either file for the server.
    pub clerks: [Clerk; 2],
    /// The bell book, if one is kept.
    pub ledger: Option<Ledger>,
    /// What the clerks tell the hub.
    pub told: VecDeque<Event<'static>>,
    /// Nobody begins a writing any more.
    pub peace: bool,
    rng: Rng,
    author: Author,
    writers: Vec<Writer>,
    /// When somebody last began to work on either file while nobody else did.
    alone: [u64; 2],
    /// When the next hand begins.
    begins: u64,
    /// For how long the clock of the next run of the server has been running when it begins.
    pub age: u64,
    /// How many writings were begun.
    pub begun: u64,
    /// The directory is another one, and no watch has been armed on it.
    pub changes: bool,
    /// When the server surveys next whether the accept file could be written.
    surveys: u64,
}

/// The disk as a look sees it, with time passing between any two calls.
#[derive(Debug)]
pub struct Eye<'a> {
    ground: &'a mut Ground,
    file: File,
    /// How the file was mounted alone as it was last surveyed.
    mount: Option<Mount>,
    /// What the look holds open.
    held: Option<Index>,
}

impl Ground {
    /// The ground of a seed.
    #[must_use]
    pub fn new(mut rng: Rng, book: Book, weather: Weather) -> Self {
        let kernels = [rng.split(), rng.split()].map(|rng| Kernel::new(rng, &book, &weather));
        let wall = 1_790_000_000 * SECOND + rng.below(SECOND);
        let disk = Disk::new(&book, kernels, &weather, wall);
        let Weather { disk_fails, disk: slow, .. } = weather;
        let mut clerks = [File::Status, File::Accept]
            .map(|file| Clerk::new(file, rng.split(), &book, disk_fails, slow));
        for clerk in &mut clerks {
            clerk.hangs = weather.hangs / HANGS;
        }
        let author = Author::new(rng.split(), &book);
        Self {
            book,
            weather,
            disk,
            clerks,
            ledger: None,
            told: VecDeque::new(),
            peace: false,
            rng,
            author,
            writers: Vec::new(),
            alone: [0; 2],
            begins: 0,
            age: 0,
            begun: 0,
            changes: false,
            surveys: u64::MAX,
        }
    }

    /// The weather changes while nobody does anything.
    pub fn turns(&mut self, weather: Weather) {
        self.disk.turns(&weather);
        for clerk in &mut self.clerks {
            (clerk.fails, clerk.slow) = (weather.disk_fails, weather.disk);
            clerk.hangs = weather.hangs / HANGS;
        }
        self.weather = weather;
    }

    /// When something happens next.
    #[must_use]
    pub fn due(&self) -> u64 {
        let writer = self.writers.iter().map(|writer| writer.due).min().unwrap_or(u64::MAX);
        let begins = if self.peace { u64::MAX } else { self.begins };
        let clerks = self.clerks.iter().map(|clerk| clerk.due).min().unwrap_or(u64::MAX);
        let ledger = self.ledger.as_ref().map_or(u64::MAX, |ledger| ledger.due);
        writer.min(begins).min(clerks).min(ledger).min(self.surveys)
    }

    /// Time passes to this moment, and whoever is due acts.
    pub fn pass_to(&mut self, until: u64) {
        loop {
            let due = self.due();
            if due > until {
                break;
            }
            self.book.set_now(due.max(self.book.now()));
            self.act(due);
        }
        self.book.set_now(until.max(self.book.now()));
    }

    /// So much time passes.
    pub fn pass(&mut self, time: u64) {
        self.pass_to(self.book.now() + time);
    }

    fn act(&mut self, due: u64) {
        if self.surveys == due {
            self.survey();
        } else if let Some(ledger) = self.ledger.as_mut().filter(|ledger| ledger.due == due) {
            if let Some(well) = ledger.write() {
                self.tell_of_the_book(well);
            }
        } else if let Some(clerk) = self.clerks.iter_mut().find(|clerk| clerk.due == due) {
            let event = clerk.step(&mut self.disk);
            self.told.extend(event);
        } else if let Some(index) = self.writers.iter().position(|writer| writer.due == due) {
            let now = self.book.now();
            if !self.writers[index].step(&mut self.disk, now) {
                self.writers.swap_remove(index);
            }
        } else {
            self.begin();
        }
    }

    /// Something is mounted over this file, or unmounted.
    pub fn remount(&mut self, file: File) {
        if self.disk.is_mounted(file) {
            self.disk.unmount(file);
        } else {
            let text = self.author.text().into_bytes();
            let root = self.disk.make(Kind::Regular, text, &[]);
            if self.rng.one_in(2) {
                let ago = self.disk.ago(self.rng.below(1_000_000 * SECOND));
                self.disk.set_time(root, ago);
            }
            self.disk.mount(file, root);
            self.disk.release(root);
        }
        if file == File::Accept {
            self.surveys = self.surveys.min(self.book.now() + self.rng.below(SURVEY));
        }
    }

    /// Nothing is mounted over a file any more.
    pub fn unmount(&mut self) {
        for file in [File::Status, File::Accept] {
            if self.disk.is_mounted(file) {
                self.remount(file);
            }
        }
    }

    /// The server looks whether the accept file could be written, by the rule for mounts. What else is
    /// in the way it finds out as it writes.
    pub fn survey(&mut self) {
        self.surveys = u64::MAX;
        let result = able(&self.disk, File::Accept);
        self.told.push_back(Event::Writable { file: File::Accept, result });
    }

    /// Whether what has become of the accept file has been surveyed.
    #[must_use]
    pub fn is_surveyed(&self) -> bool {
        self.surveys == u64::MAX
    }

    /// A hand begins to write, unless it must wait until another is done.
    fn begin(&mut self) {
        let now = self.book.now();
        let until = if self.rng.one_in(4) { 300 } else { self.weather.calm };
        self.begins = now + 1 + self.rng.below(until);
        let file = if self.rng.one_in(4) { File::Accept } else { File::Status };
        let writer = self.author.begin(&self.disk, &self.weather, file, now);
        if self.writers.iter().all(|other| other.file != file) {
            self.alone[file as usize] = now;
        } else if !self.weather.overlap || now > self.alone[file as usize] + CROWD {
            return;
        }
        self.begun += 1;
        self.writers.push(writer);
    }

    /// Whether the server has written either file within this time, or still does.
    #[must_use]
    pub fn has_stored_since(&self, time: u64) -> bool {
        let mut ends = self.clerks.iter().filter_map(|clerk| clerk.stores.last()?.end);
        self.clerks.iter().any(Clerk::is_busy) || ends.any(|(end, _)| self.book.now() < end + time)
    }

    /// The hub is told whether the bell book can be written.
    pub fn tell_of_the_book(&mut self, well: bool) {
        let (state, detail) = if well {
            (Condition::Ok, String::new())
        } else {
            (Condition::Unwritable, "no space left on device".into())
        };
        let report = Report::Health(Health { state, detail, watch: Watch::Poll });
        self.told.push_back(Event::Source { file: File::Book, report });
    }

    /// Looks at a file as a source does that has last found it mounted like this, and to which `last` is enough if
    /// nothing was changed since.
    pub fn look(
        &mut self,
        file: File,
        mount: Option<Mount>,
        last: Option<&look::Look>,
    ) -> look::Look {
        let mut eye = Eye { ground: self, file, mount, held: None };
        let look = match last {
            Some(last) => look::glance(&mut eye, "status.eot", &FORMAT, last),
            None => look::look(&mut eye, "status.eot", &FORMAT),
        };
        if let Some(held) = eye.held {
            self.disk.release(held);
        }
        self.book.note(|| {
            let numbers = self.disk.seen(file).map(|index| self.disk.numbers(index));
            format!("{file}: look {look:?} at device and inode {numbers:?}")
        });
        look
    }
}

impl Eye<'_> {
    /// Time passes during a system call; now and then the thread loses its processor.
    fn pause(&mut self) {
        let rng = &mut self.ground.rng;
        let time = if rng.one_in(60) { rng.below(8 * MS) } else { rng.below(25) };
        self.ground.pass(time);
    }
}

impl look::Disk for Eye<'_> {
    type Open = Index;

    fn mount(&self) -> Option<Mount> {
        self.mount
    }

    fn stat(&mut self) -> io::Result<Meta> {
        self.pause();
        let index = self.ground.disk.seen(self.file).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.ground.disk.meta(index))
    }

    fn open(&mut self) -> io::Result<Index> {
        self.pause();
        let index = self.ground.disk.seen(self.file).ok_or(io::ErrorKind::NotFound)?;
        self.ground.disk.may_open(index)?;
        if self.ground.disk.meta(index).kind == Kind::Socket {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.ground.disk.hold(index);
        self.held = Some(index);
        self.ground.disk.emit(self.file, crate::kernel::Raw::Open);
        Ok(index)
    }

    fn fstat(&mut self, open: &mut Index) -> io::Result<Meta> {
        self.pause();
        Ok(self.ground.disk.meta(*open))
    }

    fn read(&mut self, open: &mut Index, limit: usize) -> io::Result<Vec<u8>> {
        let mut filled = Vec::new();
        loop {
            // What comes at the end between two reads is read, too, as from a real disk.
            self.pause();
            let bytes = &self.ground.disk.inode(*open).bytes;
            let end = bytes.len().min(limit);
            if end <= filled.len() {
                return Ok(filled);
            }
            filled.extend_from_slice(&bytes[filled.len()..end]);
        }
    }

    fn clock(&mut self) -> Moment {
        self.pause();
        self.ground.disk.clock()
    }
}
