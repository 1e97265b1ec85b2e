//! What a source reports: completed writings of a file, and the file's health.

/// A moment of the wall clock: seconds since 1970, and nanoseconds.
pub type Moment = (i64, i64);

/// What tells one writing from another with the same text. Device and inode are no part of it: file
/// systems come back under other numbers, and some give others at each look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The modification time.
    pub mtime: Moment,
    /// How many bytes the file has.
    pub size: u64,
}

/// One completed write of a watched file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing {
    /// What tells it from the writing before.
    pub stamp: Stamp,
    /// The text, as the watch's [`Format`](crate::format::Format) has it.
    pub text: String,
}

/// Whether a watched file can be read, and how it is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// What is wrong, for a program.
    pub state: Condition,
    /// What is wrong, for a person; empty when all is well.
    pub detail: String,
    /// How changes are noticed.
    pub watch: Watch,
}

impl Health {
    /// What stands in the place of a health until the source has settled.
    pub const UNSETTLED: Self =
        Self { state: Condition::Missing, detail: String::new(), watch: Watch::Poll };

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.state == Condition::Ok
    }
}

/// What can be wrong with a watched file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Ok,
    /// It does not exist. Where it may be missing, that is `Ok`.
    Missing,
    /// It has no text; of a status, none but white space.
    Empty,
    /// It cannot be opened or read: permissions, no descriptor left, a broken disk.
    Unreadable,
    /// It is not UTF-8.
    NotUtf8,
    /// It has a NUL, which no text has and no environment can hold.
    NotText,
    /// It is larger than its format allows.
    TooLarge,
    /// It is a directory, a FIFO, a socket or a device.
    NotAFile,
    /// It cannot be written. A source never reports this; it is for whoever writes files, too.
    Unwritable,
}

/// How changes of a file are noticed. A look every second happens always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// The Linux kernel tells.
    Inotify,
    /// The macOS kernel tells.
    Fsevents,
    /// By looking often.
    Poll,
}

impl Condition {
    /// A name for messages: `ok`, `missing`, ….
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::Unreadable => "unreadable",
            Self::NotUtf8 => "not_utf8",
            Self::NotText => "not_text",
            Self::TooLarge => "too_large",
            Self::NotAFile => "not_a_file",
            Self::Unwritable => "unwritable",
        }
    }
}

impl Watch {
    /// A name for messages: `ok`, `missing`, ….
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inotify => "inotify",
            Self::Fsevents => "fsevents",
            Self::Poll => "poll",
        }
    }
}

/// What a source reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The file was written, and this is what it says now.
    Written(Writing),
    /// Its health is now this; said on change only.
    Health(Health),
}
