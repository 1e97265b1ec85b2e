//! The serial line between the telegraph on the wall and its host: lines of ASCII, protocol
//! version 1. PROTOCOL.md tells it to people.
//!
//! Read [`Report`] for what the board says, [`Command`] for what the host says, and [`LineReader`]
//! for how lines are found in whatever comes. Nothing here waits, sends or reads a clock.

mod command;
mod crc;
mod line;
mod reader;
mod report;

pub use command::Command;
pub use crc::crc16;
pub use line::Line;
pub use reader::{Heard, LineReader};
pub use report::{Health, Report, State};

/// The version of the protocol that `E` and `?` name; a later one may only add.
pub const VERSION: u8 = 1;

/// The longest line, in bytes and without its end. The longest state has 45.
pub const MAX_LINE: usize = 48;

/// The longest name a board may give itself, in bytes.
pub const MAX_NAME: usize = 24;

/// How often the board tells its state when nothing changes, in milliseconds.
pub const STATE_EVERY_MS: u64 = 2_000;

/// How often the host says that it is there, and asks a board it does not know who that is, in
/// milliseconds.
pub const KEEP_ALIVE_EVERY_MS: u64 = 3_000;

/// How long the board waits for a word of its host before its lamp says so, in milliseconds.
pub const HOST_LOST_AFTER_MS: u64 = 10_000;

/// How long half a line waits for its other half before it counts as lost, in milliseconds. At
/// 9600 baud a whole line takes 52.
pub const PARTIAL_LINE_MS: u64 = 500;
