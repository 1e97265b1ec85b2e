//! The serial line as PROTOCOL.md has it: its fixtures, and what no noise may do to it.

mod fixtures;
mod noise;
