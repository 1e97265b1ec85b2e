//! What is done to a server on purpose, by kind, so that it can be counted. What merely takes its
//! time (a slow disk, a late thread, a slow reader) and what people do (come, go, write) is no fault.

/// How many kinds there are.
pub const KINDS: usize = 27;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server is killed.
    Crash,
    /// The power fails with it, and the bell book loses what was not durable.
    PowerFailure,
    /// It is killed in the middle of a line of the bell book.
    HalfLine,
    /// There is no server for minutes, hours or days.
    Absence,
    /// The wall clock jumps.
    ClockJump,
    /// The machine is suspended: the wall clock goes on, and the one that measures does not.
    Suspension,
    /// The directory vanishes, and comes back later.
    Mount,
    /// A file is mounted over one of the two.
    Mounted,
    /// What is mounted so has lost its name outside.
    Replaced,
    /// Device and inode numbers are others, after a mount or at each look.
    Renumbered,
    /// The date of a file is set, as upload tools do.
    Dated,
    /// The watch is armed anew.
    Rearmed,
    /// The kernel has lost events.
    Overflow,
    /// The kernel tells of a rename or a close long after it was done.
    LateHint,
    /// A file becomes something that cannot be read.
    BadFile,
    /// A step of storing a text fails.
    DiskError,
    /// A look does not come back for a while.
    HungLook,
    /// A step of storing a text does not come back for a while.
    HungWrite,
    /// Whoever writes the files for the server is away.
    Away,
    /// The bell book cannot be written.
    BookUnwritable,
    /// A file of the bell book is lost, or a line in it spoilt.
    BookSpoilt,
    /// A station cuts its connection without a word.
    Cut,
    /// A station reads nothing any more.
    Stuck,
    /// A station says nothing, or nothing any more.
    Silent,
    /// A station breaks the protocol.
    Rude,
    /// A station sends more than anybody could answer.
    Greedy,
    /// A station says hundreds of times what the bell book writes down.
    Storm,
}

impl Fault {
    /// All of them, in their order, and what they are called in a report.
    pub const ALL: [(Self, &str); KINDS] = [
        (Self::Crash, "crashes"),
        (Self::PowerFailure, "power failures"),
        (Self::HalfLine, "half lines in the bell book"),
        (Self::Absence, "absences of the server"),
        (Self::ClockJump, "clock jumps"),
        (Self::Suspension, "suspensions"),
        (Self::Mount, "vanished mounts"),
        (Self::Mounted, "mounts over one file"),
        (Self::Replaced, "mounted files replaced outside"),
        (Self::Renumbered, "renumbered inodes"),
        (Self::Dated, "dates set later"),
        (Self::Rearmed, "watches armed anew"),
        (Self::Overflow, "events lost by the kernel"),
        (Self::LateHint, "hints that come late"),
        (Self::BadFile, "files made unreadable"),
        (Self::DiskError, "failed writes"),
        (Self::HungLook, "looks that hang"),
        (Self::HungWrite, "writes that hang"),
        (Self::Away, "writers away"),
        (Self::BookUnwritable, "unwritable bell books"),
        (Self::BookSpoilt, "spoilt bell books"),
        (Self::Cut, "cut connections"),
        (Self::Stuck, "stuck stations"),
        (Self::Silent, "silent stations"),
        (Self::Rude, "rude stations"),
        (Self::Greedy, "floods of messages"),
        (Self::Storm, "storms of late answers"),
    ];
}
