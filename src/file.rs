//! Which of a telegraph's files is meant.

use std::fmt;

use live_file::writing::Health;

/// Which of a telegraph's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum File {
    /// The file that orders come from.
    Status,
    /// The file that replies go to, and come from.
    Accept,
    /// The record of both. It is written and not watched.
    Book,
}

impl File {
    /// What it is called in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Accept => "accept",
            Self::Book => "book",
        }
    }

    /// The one that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Status, Self::Accept, Self::Book].into_iter().find(|file| file.name() == name)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A file's health as the JSON wire has it.
#[must_use]
pub fn health(of: &Health) -> chadburn_v1::Health<&str> {
    chadburn_v1::Health { health: of.state.name(), detail: &of.detail, watch: of.watch.name() }
}
