//! The whole relay: the real program, on a port of its own, with real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ending;
mod foreign;
mod host;
mod limits;
mod load;
mod passing;
mod peer;
mod visits;
