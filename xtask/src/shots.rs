//! `cargo xtask shots`: a picture of every state of the panel, by day and by night, on a phone, a
//! laptop and on walls.
//!
//! A real server and a real Chromium make them; `tests/browser/scenes.js` says what is to be seen.
//! They are for eyes: nothing is compared, since fonts differ from machine to machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::tools;

/// Which pictures to take.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only these scenes.
    scenes: Vec<String>,
    /// Where the pictures go, instead of `shots` in cargo's target directory.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only these places, with commas: phone, laptop, wall, wall-4k, wall-upright.
    #[arg(long)]
    places: Option<String>,
    /// Only this light: day or night.
    #[arg(long)]
    light: Option<String>,
    /// Small pictures, as the README has them.
    #[arg(long)]
    jpeg: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::ensure()?;
    tools::run(tools::cargo().args(["build", "--locked"]))?;
    let place = tools::browser_tests()?;
    let target = tools::target()?;
    let out = match &options.out {
        Some(out) => std::path::absolute(out)?,
        None => target.join("shots"),
    };
    let mut node = Command::new("node");
    node.arg("shots.js").arg(&out).args(&options.scenes).current_dir(place);
    node.env("CHADBURN_BIN", target.join("debug/chadburn"));
    for (name, value) in [("PLACES", &options.places), ("LIGHTS", &options.light)] {
        if let Some(value) = value {
            node.env(name, value);
        }
    }
    if options.jpeg {
        node.env("JPEG", "1");
    }
    tools::run(&mut node)
}
