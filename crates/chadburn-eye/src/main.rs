//! The `chadburn-eye` program: command line and exit codes.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use chadburn_eye::source::address::Address;
use chadburn_eye::{read, relay};
use chadburn_host::log;
use chadburn_host::terminal::Terminal;
use clap::{Parser, Subcommand};
use tokio::runtime;

/// A wrong command line.
const MISUSE: u8 = 2;

/// A camera that reads what nobody has wired.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = read::EXAMPLES)]
struct Typed {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    read: read::Options,
}

/// What one may be told to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Look at what a camera sends, show it, and tell an orchestrator of it; the same without the word
    #[command(after_help = read::EXAMPLES)]
    Read(Box<read::Options>),
    /// Pass on between processors of cameras and clients what is seen and what is to be tracked
    Relay(relay::Options),
}

fn main() -> ExitCode {
    log::escape_panics("chadburn-eye");
    Terminal::new(|name| std::env::var_os(name)).settle();
    let command = match Typed::try_parse() {
        Ok(Typed { command, read }) => command.unwrap_or(Command::Read(Box::new(read))),
        Err(error) if error.use_stderr() => return fail(MISUSE, &first_line(&error)),
        Err(help) => {
            let _ = write!(std::io::stdout(), "{}", Terminal::ours().letters(&help.to_string()));
            return ExitCode::SUCCESS;
        }
    };
    if let Command::Read(options) = &command
        && let Err(error) = hide_source(&options.source)
    {
        return fail(1, &error);
    }
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &error),
    };
    let code = match command {
        Command::Read(options) => {
            runtime.block_on(read::run(*options)).unwrap_or_else(|error| fail(error.code(), &error))
        }
        Command::Relay(options) => runtime
            .block_on(relay::run(options))
            .unwrap_or_else(|error| fail(if error.is_misuse() { MISUSE } else { 1 }, &error)),
    };
    // A thread may still be stuck in a dead disk, or read standard input; it must not hold up the end.
    runtime.shutdown_background();
    code
}

/// Starts this program anew if its arguments have a password in them, which everybody on this machine could see: then it
/// stands in the environment, which only its user sees.
fn hide_source(source: &str) -> std::io::Result<()> {
    let option = "--source";
    let mut typed = std::env::args_os();
    let name = typed.next().unwrap_or_default();
    let (mut kept, mut is_typed) = (Vec::new(), false);
    while let Some(argument) = typed.next() {
        let text = argument.to_string_lossy();
        if text == option {
            typed.next();
            is_typed = true;
        } else if text.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')) {
            is_typed = true;
        } else {
            kept.push(argument);
        }
    }
    if !is_typed || !Address::parse(source).is_ok_and(|address| address.has_secret()) {
        return Ok(());
    }
    let program = std::env::current_exe()?;
    let mut again = std::process::Command::new(program);
    Err(again.arg0(name).args(kept).env(read::SOURCE_VARIABLE, source).exec())
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
