//! `cargo xtask sight`: what `chadburn-sight` sees, measured on pictures of which everything is known, beside OpenCV on
//! the very same ones. It brings Python with OpenCV; what is measured, and the goals, stand in the crate's
//! `examples/measure`.

use anyhow::Result;
use clap::Args;

use crate::{bench, tools};

/// How much to look at.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// In how many pictures the ball is looked for.
    #[arg(long, default_value_t = 10_000)]
    frames: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let list = tools::root().join("crates/chadburn-sight/python/requirements.txt");
    let python = bench::python(&tools::target()?.join("sight/python"), &list)?;
    let mut cargo = tools::cargo();
    cargo.args(["run", "--quiet", "--release", "--locked", "--package", "chadburn-sight"]);
    cargo.args(["--example", "measure", "--"]);
    tools::run(cargo.arg(python).arg(options.frames.to_string()))
}
