//! The telegraph on the wall, without the wall: what it makes of a lever's voltage and of bytes from
//! its host, and what it does with pointer, bell and lamp.
//!
//! Read [`Station`] first; it puts together [`Lever`], [`Pointer`], [`Bell`] and [`Lamp`], and
//! [`Outgoing`] carries its lines to whatever takes bytes. Nothing here knows a register or reads a
//! clock: whoever turns the crank passes in `now`, milliseconds since power-up.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod bell;
mod calibration;
mod lamp;
mod lever;
mod outgoing;
mod pointer;
mod station;

pub use bell::Bell;
pub use calibration::{Calibration, WALL};
pub use lamp::{Lamp, PANIC};
pub use lever::{Lever, Reading};
pub use outgoing::Outgoing;
pub use pointer::Pointer;
pub use station::{Outputs, Station};

/// What a board of this version calls itself.
pub const NAME: &str = concat!("eot-", env!("CARGO_PKG_VERSION"));
