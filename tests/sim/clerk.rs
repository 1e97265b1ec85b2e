//! The writer of one file for the server, a step at a time: a temp file, its stamp noted, fsync, rename,
//! fsync of the directory; any step may take long or fail, and the server may die between them.

use std::rc::Rc;

use chadburn::file::File;
use chadburn::hub::Event;
use live_file::resolve::Mounted;
use live_file::source::look::Kind;
use uuid::Uuid;

use crate::book::{Book, MS, SECOND};
use crate::disk::{Disk, Index};
use crate::faults::Fault;
use crate::kernel::Raw;
use crate::rng::Rng;

/// What whoever has mounted a single file is told.
pub const MOUNT_ADVICE: &str = "mount the directory, not the file";

/// Who may have caused a writing, and what that station was called; nobody (`nil`) is another hand.
pub type Credit = (Uuid, Option<Rc<str>>);

/// A text on its way into a file, from the word to its outcome.
#[derive(Clone, Debug)]
pub struct Store {
    /// By which the server knows it.
    pub ticket: u64,
    /// What is to stand there, and a newline.
    pub text: String,
    /// Who may have caused it.
    pub by: Vec<Credit>,
    /// The stations that may have waited for this write.
    pub askers: Vec<Uuid>,
    /// What else was asked for at that time.
    pub waiting: Vec<String>,
    /// When it was ordered.
    pub start: u64,
    /// The server does not wait for it any more.
    pub abandoned: bool,
    /// When it ended, and whether well.
    pub end: Option<(u64, bool)>,
}

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Create,
    Sync,
    Note,
    Rename,
    SyncDirectory,
    Tell,
}

/// Who writes one of the files for the server.
#[derive(Debug)]
pub struct Clerk {
    file: File,
    rng: Rng,
    book: Book,
    /// One in so many steps fails.
    pub fails: u64,
    /// A step takes so long at most.
    pub slow: u64,
    /// One in so many steps hangs.
    pub hangs: u64,
    /// Since when the step at hand hangs.
    pub hung: Option<u64>,
    /// Every store of this run, the last of them in hand if it has no end.
    pub stores: Vec<Store>,
    stage: Stage,
    temp: Option<Index>,
    reason: Option<String>,
    /// Something was mounted over the file when it was begun.
    mounted: bool,
    /// When the next step is due.
    pub due: u64,
}

impl Clerk {
    /// One with nothing to do.
    #[must_use]
    pub fn new(file: File, rng: Rng, book: &Book, fails: u64, slow: u64) -> Self {
        Self {
            file,
            rng,
            book: book.clone(),
            fails,
            slow,
            hangs: 0,
            hung: None,
            stores: Vec::new(),
            stage: Stage::Create,
            temp: None,
            reason: None,
            mounted: false,
            due: u64::MAX,
        }
    }

    /// Takes a store in hand, or was away when it came.
    pub fn take(&mut self, mut store: Store, away: bool) {
        let busy = self.stores.last().is_some_and(|store| store.end.is_none());
        self.book.hold(!busy, || "two stores at a time".into());
        if away {
            store.end = Some((store.start, false));
        } else {
            (self.stage, self.reason, self.mounted) = (Stage::Create, None, false);
            self.due = store.start + self.pause();
        }
        self.stores.push(store);
    }

    /// The server is dead; its temp file stays under a name that nobody watches.
    pub fn die(&mut self) {
        (self.due, self.temp, self.hung) = (u64::MAX, None, None);
        self.stores.clear();
    }

    /// Does the next step. What it returns is told to the hub.
    pub fn step(&mut self, disk: &mut Disk) -> Option<Event<'static>> {
        let now = self.book.now();
        self.hung = None;
        self.due = now + self.pause();
        let store = self.stores.last_mut().expect("it is due only with a store in hand");
        let ticket = store.ticket;
        let may_fail = !matches!(self.stage, Stage::Tell | Stage::SyncDirectory);
        if may_fail && self.rng.one_in(self.fails) {
            self.book.count(Fault::DiskError);
            self.reason = Some("no space left on device".into());
        }
        let failed = self.reason.is_some();
        let mut event = None;
        match self.stage {
            Stage::Tell => {
                store.end = Some((now, !failed));
                (self.due, self.hung) = (u64::MAX, None);
                let result = self.reason.take().map_or(Ok(()), Err);
                let told = matches!(&result, Err(why) if why.contains(MOUNT_ADVICE));
                let so = told == self.mounted;
                self.book.hold(so, || format!("{}: a write into a mount: {result:?}", self.file));
                let text = &store.text;
                self.book.note(|| format!("clerk: {ticket} {text:?} is stored: {result:?}"));
                return Some(Event::Stored { file: self.file, ticket, result });
            }
            _ if failed && self.stage != Stage::SyncDirectory => {
                if let Some(temp) = self.temp.take() {
                    disk.release(temp);
                    disk.noise();
                }
                self.stage = Stage::Tell;
                return None;
            }
            Stage::Create => {
                self.mounted = disk.is_mounted(self.file);
                if let Err(why) = able(disk, self.file) {
                    (self.reason, self.stage) = (Some(why), Stage::Tell);
                    return None;
                }
                let there = disk.at(self.file).map(|index| disk.meta(index).kind);
                if there == Some(Kind::Directory) {
                    self.reason = Some("is a directory".into());
                    self.stage = Stage::Tell;
                    return None;
                }
                let bytes = format!("{}\n", store.text).into_bytes();
                self.temp = Some(disk.make(Kind::Regular, bytes, &store.by));
                disk.noise();
                self.stage = Stage::Sync;
            }
            Stage::Sync => self.stage = Stage::Note,
            Stage::Note => {
                let stamp = disk.meta(self.temp.expect("it was made before")).stamp;
                self.book.note(|| format!("clerk: {ticket} is noted as {stamp:?}"));
                event = Some(Event::Prepared { file: self.file, ticket, stamp });
                self.stage = Stage::Rename;
            }
            // What nobody waits for must not be seen any more.
            Stage::Rename if store.abandoned => {
                self.reason = Some("timed out".into());
                return None;
            }
            Stage::Rename if disk.is_mounted(self.file) => {
                self.reason = Some("device or resource busy".into());
                return None;
            }
            Stage::Rename => {
                let there = disk.at(self.file).map(|index| disk.meta(index).kind);
                if there == Some(Kind::Directory) {
                    self.reason = Some("is a directory".into());
                    return None;
                }
                let temp = self.temp.take().expect("it was made before");
                if self.rng.one_in(self.fails) {
                    // The directory will not be made durable. What is told to have failed stands
                    // there all the same, and may be anybody's.
                    self.book.count(Fault::DiskError);
                    self.reason = Some("input/output error".into());
                    disk.share(temp);
                }
                disk.put(self.file, temp, Raw::MovedTo);
                disk.release(temp);
                self.stage = Stage::SyncDirectory;
            }
            Stage::SyncDirectory => {
                disk.list();
                self.stage = Stage::Tell;
            }
        }
        event
    }

    /// The server does not wait any more for the store with this ticket.
    pub fn abandon(&mut self, ticket: u64) {
        if let Some(store) = self.stores.last_mut().filter(|store| store.ticket == ticket) {
            self.book.note(|| format!("clerk: {ticket} is abandoned"));
            store.abandoned = true;
        }
    }

    /// Whether a store is in hand, whoever waits for it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.due != u64::MAX
    }

    fn pause(&mut self) -> u64 {
        if self.rng.one_in(self.hangs) {
            self.book.count(Fault::HungWrite);
            self.hung = Some(self.book.now());
            return self.rng.within(3 * SECOND, 40 * SECOND);
        }
        if self.rng.one_in(200) {
            return self.rng.within(MS, 2_000 * MS);
        }
        5 + self.rng.below(self.slow)
    }
}

/// Whether a file can be replaced, by the rule for mounts.
pub fn able(disk: &Disk, file: File) -> Result<(), String> {
    let able = Mounted::check_replace(disk.mounted(file));
    able.map_err(|why| format!("{file}.eot cannot be written: {why}"))
}
