//! The `chadburn-eye` program: command line and exit codes.

use std::io::Write;
use std::process::ExitCode;

use chadburn_eye::relay;
use chadburn_host::log;
use chadburn_host::terminal::Terminal;
use clap::{Parser, Subcommand};
use tokio::runtime;

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
    /// Pass on between processors of cameras and clients what is seen and what is to be tracked
    Relay(relay::Options),
}

fn main() -> ExitCode {
    log::escape_panics("chadburn-eye");
    Terminal::new(|name| std::env::var_os(name)).settle();
    let command = match Typed::try_parse() {
        Ok(Typed { command }) => command,
        Err(error) if error.use_stderr() => return fail(MISUSE, &first_line(&error)),
        Err(help) => {
            let _ = write!(std::io::stdout(), "{help}");
            return ExitCode::SUCCESS;
        }
    };
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &error),
    };
    let code = match command {
        Command::Relay(options) => runtime
            .block_on(relay::run(options))
            .unwrap_or_else(|error| fail(if error.is_misuse() { MISUSE } else { 1 }, &error)),
    };
    // A thread may still be stuck in a dead disk; it must not hold up the end.
    runtime.shutdown_background();
    code
}

/// What clap has to say, without its advice and the usage below it.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or(&text);
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

/// Says why, in one line, whatever was typed.
fn fail(code: u8, why: &dyn std::fmt::Display) -> ExitCode {
    let why = why.to_string();
    let line = log::fit(&format!("chadburn-eye: {}", log::escaped_whole(&why)));
    let _ = writeln!(std::io::stderr(), "{line}");
    ExitCode::from(code)
}
