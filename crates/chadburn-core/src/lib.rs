//! What server, panel and firmware must agree on: positions, the dial, match and bell, what
//! a text says, which of its characters nobody sees, and the serial line.
//!
//! Read [`Dial`] for the instrument, [`bell`] for the one rule everything serves, [`text`] for what
//! is read from a file, and [`serial`] for the line between the telegraph on the wall and its host. This crate knows no file, no socket and
//! no clock, allocates nothing and depends on nothing, so the same lines run behind the brass. With
//! the feature `serde`, a [`Position`] stands in messages and files as its number.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod dial;
mod unseen;

pub mod bell;
pub mod serial;
pub mod text;

pub use dial::{
    DEFAULT, Dial, MAX_POSITIONS, MIN_POSITIONS, NO_DIAL, Position, Sector, same_in_any_case,
};
pub use unseen::{characters, unseen};
