//! The bridge from outside: the real program between real files and a serial line, at whose other
//! end is a script, or the firmware itself on an emulated board.

#![expect(clippy::unwrap_used, reason = "what is not there has failed")]

/// The programs under test, and the files between them.
mod house;

/// The bridge and a board that says what the script wants.
mod script;

/// The whole telegraph: server, bridge and the firmware.
mod whole;

/// What happens when it is plugged in.
mod plug;
