//! The `chadburn-eye` program: command line, signals and exit codes.

use std::io::Write;
use std::process::ExitCode;

use chadburn_host::log;
use clap::{Parser, Subcommand};

/// A wrong command line.
const MISUSE: u8 = 2;

/// A camera that reads what nobody has wired.
#[derive(Debug, Parser)]
#[command(version)]
struct Typed {
    #[command(subcommand)]
    command: Command,
}

/// What one may be told to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Pass on between processors of cameras and clients what is seen and what is to be tracked.
    Relay,
}

fn main() -> ExitCode {
    log::escape_panics("chadburn-eye");
    match Typed::try_parse() {
        Ok(Typed { command: Command::Relay }) => fail(1, &"the relay is not there yet"),
        Err(error) if error.use_stderr() => fail(MISUSE, &error),
        Err(help) => {
            let _ = write!(std::io::stdout(), "{help}");
            ExitCode::SUCCESS
        }
    }
}

/// Says why, in one line.
fn fail(code: u8, why: &dyn std::fmt::Display) -> ExitCode {
    let why = why.to_string();
    let line = why.split("\n\n").next().unwrap_or_default();
    let line = log::fit(&format!("chadburn-eye: {}", log::escaped_whole(line)));
    let _ = writeln!(std::io::stderr(), "{line}");
    ExitCode::from(code)
}
