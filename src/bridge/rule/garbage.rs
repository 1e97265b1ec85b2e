//! Lines that could not be believed: counted, and told without flooding the log.

use super::{Effect, LogEvent};

/// The count.
#[derive(Debug, Default)]
pub(super) struct Garbage {
    /// How many lines there were since the bridge started.
    pub(super) lines: u64,
}

impl Garbage {
    /// One line more. The log hears of the first, the second, the fourth, and so on.
    pub(super) fn one_more(&mut self) -> Option<Effect> {
        self.lines += 1;
        self.lines.is_power_of_two().then_some(Effect::Log(LogEvent::Garbage(self.lines)))
    }
}
