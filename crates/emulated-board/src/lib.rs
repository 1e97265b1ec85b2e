//! The telegraph on the wall, emulated: the firmware itself on QEMU's mps2-an500.
//!
//! Read [`Board`] for the instrument and the world around it, where somebody moves the lever and
//! sees what servo, bell and lamp do, [`Host`] for the other end of its serial line, [`Cable`] for a bad
//! line between them, and [`Script`] for a board that says what a test wants. What is waited for is an event, and it comes within
//! [`PATIENCE`] or never.

mod board;
mod cable;
mod host;
mod lines;
mod script;

pub use board::{Board, Pins};
pub use cable::Cable;
pub use host::Host;
pub use lines::Lines;
pub use script::Script;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// How long an event may take on a busy machine. QEMU alone takes two seconds to notice that
/// somebody has opened its line, and where ten others want the processor, the board's own time goes
/// at a tenth of its pace. Only what is broken needs it all.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Why there is no board, or none any more.
#[derive(thiserror::Error)]
pub enum Trouble {
    /// Nobody has built the firmware.
    #[error("{} is missing: run firmware/build", .0.display())]
    NoImage(PathBuf),
    /// QEMU could not be started.
    #[error("cannot start qemu-system-arm (on Debian: apt-get install qemu-system-arm): {0}")]
    NoEmulator(io::Error),
    /// QEMU has ended.
    #[error("qemu-system-arm has ended: {0}")]
    Ended(String),
    /// The board is there but cannot be reached.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What was waited for has not come.
    #[error("it has not happened within {PATIENCE:?}; the last that came: {0}")]
    TooLate(String),
}

/// Tests unwrap it, and people read what they say then.
impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
