//! The `chadburn` program: command line, signals and exit codes around the [`Server`].

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use chadburn::cli::{self, BridgeConfig, Command, Config};
use chadburn::server::Server;
use chadburn::{bridge, commands, server};
use chadburn_host::signals::{CommandSignals, ServerSignal, Signals, survive_file_size_limit};
use chadburn_host::terminal::Terminal;
use chadburn_host::{log, systemd};
use chadburn_web::{listen, seats};
use tokio::runtime;
use tokio::sync::{Notify, oneshot};

/// A wrong command line (`EX_USAGE` would be 64; 2 is what shells and clap use).
const MISUSE: u8 = 2;

/// A second signal: 128 + SIGINT, as a shell reports it.
const AT_ONCE: u8 = 130;

fn main() -> ExitCode {
    log::escape_panics("chadburn");
    if let Err(error) = survive_file_size_limit() {
        return fail(1, &error);
    }
    let command = match cli::from_process() {
        Ok(Command::Candidates) => return name_candidates(),
        Ok(Command::Print(text)) => return print(&text),
        Ok(command) => command,
        Err(misuse) => return fail(MISUSE, &misuse),
    };
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &error),
    };
    let done = match command {
        Command::Serve(config) => runtime.block_on(serve(*config)),
        Command::Bridge(config) => runtime.block_on(join(*config)),
        Command::Client(remote) => Ok(match runtime.block_on(commands::run(*remote)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(commands::CommandError::Stopped(stop)) => stop.terminate_by_signal(),
            Err(error) => fail(error.code(), &error),
        }),
        Command::Candidates | Command::Print(_) => Ok(ExitCode::SUCCESS),
    };
    let code = done.unwrap_or_else(|error| fail(1, &*error));
    // A thread may still be stuck in a dead disk; it must not hold up the end.
    runtime.shutdown_background();
    code
}

/// Says why, in one line, whatever was typed.
fn fail(code: u8, why: &dyn std::fmt::Display) -> ExitCode {
    let why = why.to_string();
    let line = log::fit(&format!("chadburn: {}", log::escaped_whole(&why)));
    let _ = writeln!(std::io::stderr(), "{line}");
    ExitCode::from(code)
}

/// One line a device: its path, and what it says of itself.
fn name_candidates() -> ExitCode {
    let candidates = bridge::candidates();
    if candidates.is_empty() {
        return fail(1, &"there is no serial device");
    }
    let lines = candidates.iter().map(|bridge::Candidate { path, about }| {
        let path = path.display().to_string();
        format!("{}  {}\n", log::escaped(&path), log::escaped(about))
    });
    print(&lines.collect::<String>())
}

/// Prints this, all of it and in the locale's letters, or says why not.
fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    let text = Terminal::ours().letters(text);
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(1, &format!("it cannot be printed: {error}")),
    }
}

async fn join(config: BridgeConfig) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut signals = CommandSignals::catch()?;
    // No other signal ends it.
    let _others = Signals::catch()?;
    let filter = std::env::var("CHADBURN_LOG").ok();
    let _log = log::start(config.log_format, filter.as_deref(), server::HUB_LOG_TARGET)?;
    let stop = async {
        signals.until_stop().await;
    };
    bridge::run(config, stop).await?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // First of all, so that a signal during the start is a stop like any other.
    let mut signals = Signals::catch()?;
    let listener = match systemd::listener()? {
        Some(listener) => listener,
        None => listen(config.listen)
            .map_err(|error| format!("cannot listen on {}: {error}", config.listen))?,
    };
    let seats = seats::seats(seats::raise_descriptor_limit());
    let filter = std::env::var("CHADBURN_LOG").ok();
    let _log = log::start(config.log_format, filter.as_deref(), server::HUB_LOG_TARGET)?;
    let server = Server::new(config, listener, seats)?;

    let (stop, stopped) = oneshot::channel::<()>();
    let (mut stop, reload) = (Some(stop), Arc::new(Notify::new()));
    let stopped = async {
        // A sender that is gone without a word means stop as well.
        let _ = stopped.await;
    };
    let mut running = Box::pin(server.run(stopped, Arc::clone(&reload)));
    loop {
        tokio::select! {
            result = &mut running => {
                result?;
                return Ok(ExitCode::SUCCESS);
            }
            told = signals.next() => match told {
                ServerSignal::Reload => reload.notify_one(),
                ServerSignal::Stop(signal) => {
                    tracing::debug!(%signal, "asked to stop");
                    match stop.take() {
                        Some(stop) => drop(stop.send(())),
                        None => return Ok(ExitCode::from(AT_ONCE)),
                    }
                }
            },
        }
    }
}
