//! The bench: `floor`, the thinnest server there is, `load`, the stations that measure a server, and
//! `publish`, which brings a file's statuses to servers that watch none. It knows no server's inside:
//! what it measures speaks a WebSocket.
//!
//! Read `load`, then what it is made of (`writer`, `crowd`, `station`, `judge`, `process`), then
//! `floor`. `wire`, `frame`, `mqtt` and `handshake` are what both sides must agree on.

mod descriptors;
mod floor;
mod frame;
mod handshake;
mod load;
mod mqtt;
mod publish;
mod watch;
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
    /// Watch a status file for a server that watches none, and publish each status there.
    Publish(publish::Options),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Floor(options) => floor::run(&options),
        Command::Load(options) => load::run(&options),
        Command::Publish(options) => publish::run(&options),
    }
}
