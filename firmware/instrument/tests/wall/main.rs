//! The instrument on a scripted wall: somebody moves the lever, somebody else is the host.

#![expect(clippy::unwrap_used, reason = "a wall that is scripted wrongly has failed")]

mod lever;
mod line;
mod pointer;
mod station;
mod world;
