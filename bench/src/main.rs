//! The bench: `floor`, the thinnest server there is, and `load`, the stations that measure a
//! server. It knows no server's inside: what it measures speaks a WebSocket and watches a file.
//!
//! Read `load`, then what it is made of (`writer`, `crowd`, `station`, `judge`, `process`), then
//! `floor`. `wire`, `frame` and `handshake` are what both sides must agree on.

mod descriptors;
mod floor;
mod frame;
mod handshake;
mod load;
mod wire;

use clap::Parser;

/// What to be.
#[derive(Debug, Parser)]
#[command(about, max_term_width = 100)]
enum Command {
    /// Serve: one ready-made frame, one send(2) to each socket, and nothing else.
    Floor(floor::Options),
    /// Open stations on a server, write its status file, and print what it took as JSON.
    Load(load::Options),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Floor(options) => floor::run(&options),
        Command::Load(options) => load::run(&options),
    }
}
