//! One look at a watched file: what it says, or what is wrong with it.
//!
//! It never blocks, never reads more than a little, and opens nothing but regular files. Whether
//! what it saw is a finished writing is not for it to say.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::format::{Format, Refused};
use crate::plain::plain;
use crate::resolve::{Mount, Mounted};
use crate::writing::{Condition, Moment, Stamp, Writing};

pub use disk::RealDisk;

mod disk;

/// A file that changes while it is read is read at most this often in one look.
const TRIES: u32 = 8;

/// What a look needs of a disk, so that a made-up one can change the file between any two calls.
pub trait Disk {
    /// An open file.
    type Open;
    /// How the file is mounted alone, if that was found when it was last surveyed.
    fn mount(&self) -> Option<Mount> {
        None
    }
    /// What stands at the path, a symlink followed.
    fn stat(&mut self) -> io::Result<Meta>;
    /// Opens it for reading, without waiting.
    fn open(&mut self) -> io::Result<Self::Open>;
    /// What the open file is now.
    fn fstat(&mut self, open: &mut Self::Open) -> io::Result<Meta>;
    /// At most `limit` bytes from its beginning.
    fn read(&mut self, open: &mut Self::Open, limit: usize) -> io::Result<Vec<u8>>;
    /// The wall clock.
    fn clock(&mut self) -> Moment;
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// What sort of thing it is.
    pub kind: Kind,
    /// When it was last changed, and how many bytes it has.
    pub stamp: Stamp,
    /// The path itself is a symlink; only `stat` can tell.
    pub link: bool,
    /// Nothing where the file system does not tell to the fraction of a second.
    pub version: Option<Version>,
}

/// Which file it is, and when anything about it was changed. That it is another proves nothing: file systems come
/// back under other numbers, and some give others at each look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Device and inode number, and when it was made, since numbers come round again.
    pub file: (u64, u64, Option<SystemTime>),
    /// When its text, its attributes or its name were changed last (`st_ctime`). Nobody can set it.
    pub changed: Moment,
}

/// For how long the clock that stamps files may stand still: two ticks of the slowest that Linux has.
const TICK: Duration = Duration::from_millis(20);

impl Version {
    /// Whether a look at this moment of the wall clock saw all of it: two changes within a tick get the same time.
    pub(super) fn is_older_than(&self, clock: Moment) -> bool {
        is_past(nanos(self.changed), clock)
    }

    /// The same of its birth, if that is known.
    pub(super) fn is_born_before(&self, clock: Moment) -> bool {
        let born = self.file.2.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        born.is_some_and(|born| is_past(born.as_nanos().cast_signed(), clock))
    }
}

/// Whether the clock is more than a tick past this moment, in nanoseconds since 1970.
fn is_past(moment: i128, clock: Moment) -> bool {
    nanos(clock) >= moment + TICK.as_nanos().cast_signed()
}

/// What sort of thing stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, the only one that is opened.
    Regular,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// A Unix socket.
    Socket,
    /// A block or character device.
    Device,
}

/// What a look brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What was seen.
    pub seen: Seen,
    /// The path itself is a symlink.
    pub link: bool,
    /// The file was opened for it, of which a watcher will tell.
    pub opened: bool,
    /// The wall clock when it was over, to tell a date that is set to now from others.
    pub clock: Moment,
    /// Which version of the file the text is of, if that is known.
    pub version: Option<Version>,
}

/// What was seen at the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A text, as the format has it.
    Text(Writing),
    /// Something else.
    Fault(Fault),
    /// It did not hold still.
    Moving,
}

/// Why there is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, for a program.
    pub condition: Condition,
    /// What is wrong, for a person, with the file's name.
    pub detail: String,
    /// The empty file that was seen, to tell one that stays empty from one emptied again and
    /// again. Nothing for all other faults: a file that grows too large stays too large.
    pub stamp: Option<Stamp>,
}

/// Looks once at a file that is called `name` in sentences: `fstat`, read, `fstat` on one descriptor, and
/// again while the two differ.
pub fn look<D: Disk>(disk: &mut D, name: &str, format: &Format) -> Look {
    let mut look =
        Look { seen: Seen::Moving, link: false, opened: false, clock: (0, 0), version: None };
    if let Err(Wrong { refused: Refused { condition, reason }, stamp }) =
        take(disk, format, &mut look)
    {
        look.seen = Seen::Fault(Fault { condition, detail: format!("{name} {reason}"), stamp });
    }
    look.clock = disk.clock();
    look
}

/// Looks at a file of which nothing was heard since this last look. It is not opened if that saw a text and nothing
/// about the file has been changed since.
pub fn glance<D: Disk>(disk: &mut D, name: &str, format: &Format, last: &Look) -> Look {
    if let Seen::Text(writing) = &last.seen
        && let Some(version) = last.version.filter(|it| it.is_older_than(last.clock))
        && disk.mount().is_none()
        && let Ok(meta) = disk.stat()
        && (meta.kind, meta.version, meta.stamp) == (Kind::Regular, Some(version), writing.stamp)
    {
        let (link, clock) = (meta.link, disk.clock());
        return Look { link, opened: false, clock, ..last.clone() };
    }
    look(disk, name, format)
}

fn take<D: Disk>(disk: &mut D, format: &Format, look: &mut Look) -> Result<(), Wrong> {
    Mounted::check_read(disk.mount()).map_err(io::Error::from)?;
    let meta = disk.stat()?;
    look.link = meta.link;
    readable(&meta, format)?;
    let mut open = disk.open()?;
    look.opened = true;
    let mut before = disk.fstat(&mut open)?;
    for attempt in 1..=TRIES {
        readable(&before, format)?;
        let limit = usize::try_from(format.max_file).unwrap_or(usize::MAX).saturating_add(1);
        let bytes = disk.read(&mut open, limit)?;
        let after = disk.fstat(&mut open)?;
        // Within one tick of the clock a file can be emptied and half written again with the same
        // size and time around the read, but then the read itself comes up short. Files that never
        // have the size they claim (FUSE) are taken at the last try.
        let whole = bytes.len() as u64 == after.stamp.size || attempt == TRIES;
        if before.stamp == after.stamp && whole {
            if bytes.len() as u64 > format.max_file {
                return Err(Refused::too_large(format.max_text).into());
            }
            let text = (format.parse)(&bytes).map_err(|refused| {
                let stamp = (refused.condition == Condition::Empty).then_some(after.stamp);
                Wrong { refused, stamp }
            })?;
            look.seen = Seen::Text(Writing { stamp: after.stamp, text });
            look.version = before.version;
            return Ok(());
        }
        before = after;
    }
    Ok(())
}

/// Why a look has no text: what [`Fault`] says, without the file's name.
struct Wrong {
    refused: Refused,
    stamp: Option<Stamp>,
}

impl From<Refused> for Wrong {
    fn from(refused: Refused) -> Self {
        Self { refused, stamp: None }
    }
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{NotADirectory, NotFound};
        let refused = if matches!(error.kind(), NotFound | NotADirectory) {
            Refused::new(Condition::Missing, "does not exist")
        } else {
            let reason = format!("cannot be read: {}", plain(&error));
            Refused::new(Condition::Unreadable, &reason)
        };
        refused.into()
    }
}

fn readable(meta: &Meta, format: &Format) -> Result<(), Refused> {
    let what = match meta.kind {
        Kind::Regular if meta.stamp.size > format.max_file => {
            return Err(Refused::too_large(format.max_text));
        }
        Kind::Regular => return Ok(()),
        Kind::Directory => "is a directory, not a file",
        Kind::Fifo => "is a FIFO, not a file",
        Kind::Socket => "is a socket, not a file",
        Kind::Device => "is a device, not a file",
    };
    Err(Refused::new(Condition::NotAFile, what))
}

/// Nanoseconds since 1970.
pub(super) fn nanos((seconds, nanos): Moment) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
}

/// A file's name in a sentence.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_else(|| OsStr::new("the file")).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
