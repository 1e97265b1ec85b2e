//! The project's own chores: `cargo xtask bench`. Each chore is a module; this file only chooses.

mod bench;

use clap::Parser;

/// A chore.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
enum Chore {
    /// Measure speed and memory against the floor.
    Bench(bench::Options),
}

fn main() -> anyhow::Result<()> {
    match Chore::parse() {
        Chore::Bench(options) => bench::run(&options),
    }
}
