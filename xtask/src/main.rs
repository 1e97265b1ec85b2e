//! The project's own chores: `cargo xtask test`, `bench`, `soak`, `simulate`,
//! `simulate-years`, `sight`, `shots` and `size`. Each chore is a module; this file only chooses.

#![allow(clippy::print_stdout, reason = "chores talk to whoever runs them")]

mod bench;
mod shots;
mod sight;
mod simulate;
mod size;
mod soak;
mod test;
mod tools;
mod years;

use clap::Parser;

/// A chore.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
enum Chore {
    /// Run every check there is; what CI runs.
    Test(test::Options),
    /// Measure speed and memory against the floor.
    Bench(bench::Options),
    /// Minutes or hours of storms, and what the server keeps of them.
    Soak(soak::Options),
    /// The whole telegraph on a desk without a board.
    Simulate(simulate::Options),
    /// Years of the server in simulated time, and what they were made of.
    SimulateYears(years::Options),
    /// What is seen in pictures, beside OpenCV.
    Sight(sight::Options),
    /// Count the code lines of each crate and room.
    Size,
    /// Take a picture of every state of the panel.
    Shots(shots::Options),
}

fn main() -> anyhow::Result<()> {
    match Chore::parse() {
        Chore::Test(options) => test::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::Soak(options) => soak::run(&options),
        Chore::Simulate(options) => simulate::run(&options),
        Chore::SimulateYears(options) => years::run(&options),
        Chore::Sight(options) => sight::run(&options),
        Chore::Size => size::run(),
        Chore::Shots(options) => shots::run(&options),
    }
}
