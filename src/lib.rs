//! Chadburn makes a file a live wire: its change reaches every open panel at once, and somebody
//! answers.
//!
//! Reading order: [`server`] puts the rooms together. An order comes in through [`live_file::source`], is
//! understood by [`hub`] and its [`telegraph`], and goes out to every station in its [`wire`]'s
//! language. A reply goes through [`live_file::durable`] into its file and comes back through that file's
//! source. The [`book`] keeps what happened. The [`bridge`] is another program beside it, between a
//! serial line and the two files, and [`commands`] are the clients of a server.
//! ARCHITECTURE.md has the drawing.

pub mod bridge;
pub mod commands;
pub mod server;

pub mod cli;
pub mod dial_file;
pub mod metrics;

pub mod http;

pub mod book;

pub mod calendar;
pub mod clock;
pub mod entry;
pub mod file;
pub mod hub;
pub mod policy;
pub mod session;
pub mod status;
pub mod telegraph;
pub mod wire;
