//! What was seen and is not told yet.
//!
//! Whether it is told is decided in the rule.

use std::time::Duration;

use super::heard::Sight;
use crate::source::look::Seen;

/// Why a look may count without a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The writer closed the file, and nobody else has it open.
    Closed,
    /// The file was renamed in. Whoever has not been heard of since has another one open.
    Moved,
}

/// Something that was seen, and since when it has not changed.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) seen: Seen,
    /// As of the last look.
    pub(super) sight: Option<Sight>,
    pub(super) since: Duration,
    /// It was looked at because its writer is done, and nobody has knocked yet.
    pub(super) knock: bool,
}
