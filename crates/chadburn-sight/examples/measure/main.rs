//! Measures this crate on pictures of which everything is known, beside OpenCV on the very same ones:
//! `cargo xtask sight`, or `measure PYTHON [FRAMES]` with a Python that has what `python/requirements.txt` says.
//!
//! It prints tables in Markdown, and fails if a goal is not reached.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a report of figures"
)]

mod ball;
mod things;

use std::path::PathBuf;
use std::process::ExitCode;

/// What a part of the measurement may fail with.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How many pictures of the ball there are if nothing else is said.
const FRAMES: usize = 10_000;

fn main() -> ExitCode {
    match measure() {
        Ok(missed) if missed.is_empty() => ExitCode::SUCCESS,
        Ok(missed) => {
            for goal in missed {
                eprintln!("not reached: {goal}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Measures all, and gives the goals that were not reached.
fn measure() -> Result<Vec<String>> {
    let mut arguments = std::env::args_os().skip(1);
    let python = PathBuf::from(arguments.next().ok_or("measure PYTHON [FRAMES]")?);
    let frames = arguments.next().map_or(Ok(FRAMES), |it| it.to_string_lossy().parse())?;
    let mut missed = ball::measure(&python, frames)?;
    missed.extend(things::measure(&python)?);
    Ok(missed)
}

/// A program of the folder `python`.
fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}

/// Notes a goal that was not reached.
fn hold(missed: &mut Vec<String>, is_reached: bool, goal: &str) {
    if !is_reached {
        missed.push(goal.to_owned());
    }
}
