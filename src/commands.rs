//! The subcommands that are clients of a server.
//!
//! They know the server by its wires only. Results go to standard output, errors as one line to standard
//! error, and both show in the exit code.

mod answer;
mod clock;
mod console;
mod doctor;
mod exec;
mod log_book;
mod output_queue;
mod rule;
mod status;
mod text;
mod view;
mod wait;
mod watch;

use std::io::{self, Write};
use std::time::Duration;

use chadburn_client::{By, Failure, Order, Page, Position, Reply, RequestError, Station};
use thiserror::Error;
use tokio::time::timeout;

use crate::cli::{ClientCommand, Remote, Wire};
use chadburn_host::log::{escaped, fit, json_line};
use chadburn_host::signals::{CommandSignals, StopSignal};

/// Why a subcommand failed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The address or a setting cannot be used, the server cannot be reached, or it refuses us.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The server did not carry out the request, or that is not known.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The server was reached, but there is no result: a timeout, nothing to answer, or an answer that
    /// cannot be read; or `doctor` found something bad.
    #[error("{0}")]
    NoResult(String),
    /// Reading standard input or writing standard output failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A signal stopped it.
    #[error("ended by {0}")]
    Stopped(StopSignal),
}

impl CommandError {
    /// The exit code, as the help tells it.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Failure(Failure::Setting(_)) => 2,
            Self::Failure(Failure::Gone(_)) => 3,
            Self::Failure(Failure::Refused { .. }) => 4,
            Self::Request(_) | Self::NoResult(_) => 5,
            Self::Failure(_) | Self::Io(_) => 1,
            // 128 + signal number, as shells report it.
            Self::Stopped(StopSignal::Interrupt) => 130,
            Self::Stopped(StopSignal::Terminate) => 143,
        }
    }
}

/// Runs a subcommand until it is done or a signal stops it.
pub async fn run(remote: Remote) -> Result<(), CommandError> {
    let mut signals = CommandSignals::catch()?;
    let done = match remote {
        Remote { settings, url, command: ClientCommand::Watch(watch), .. }
            if watch.wire == Wire::Json =>
        {
            watch::run(settings, &url, watch, &mut signals).await
        }
        remote => tokio::select! {
            done = dispatch(remote) => done,
            stop = signals.until_stop() => Err(CommandError::Stopped(stop)),
        },
    };
    match done {
        // The reader of our output has closed the pipe: that is no error.
        Err(CommandError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

async fn dispatch(remote: Remote) -> Result<(), CommandError> {
    let Remote { settings, url, wait, command, .. } = remote;
    match command {
        ClientCommand::Status { json } => status::run(settings, json).await,
        ClientCommand::Answer { position, coming } => {
            answer::run(settings, wait, position, coming).await
        }
        ClientCommand::Order(status) => answer::order(settings, wait, status).await,
        ClientCommand::Wait { kind, limit } => wait::run(settings, kind, limit).await,
        // The text wire; for the JSON wire `run` calls `watch::run`, which needs the signals itself.
        ClientCommand::Watch(_) => text::watch(settings, &url).await,
        ClientCommand::Log { since, csv } => log_book::run(&settings, since, csv).await,
        ClientCommand::Doctor { status, accept, token } => {
            doctor::run(settings, &url, status, accept, token).await
        }
        ClientCommand::Console(Wire::Json) => console::run(settings, wait).await,
        ClientCommand::Console(Wire::Text) => text::console(settings, wait).await,
    }
}

/// Waits for the answer to a request. While the link is up, at most `wait`, but at least
/// [`MIN_ANSWER_TIMEOUT`]; while it is down, until the link's own retry window is over.
async fn await_answer<T>(
    station: &Station,
    wait: Duration,
    request: impl Future<Output = Result<T, RequestError>>,
) -> Result<T, CommandError> {
    let mut request = std::pin::pin!(request);
    let wait = wait.max(MIN_ANSWER_TIMEOUT);
    loop {
        match timeout(wait, &mut request).await {
            Ok(done) => return Ok(done?),
            // The link gives up by itself when its retry window is over.
            Err(_) if !station.is_up() => {}
            Err(_) => {
                let why = "the server has not answered within";
                let may = "it may have been carried out";
                return Err(CommandError::NoResult(format!("{why} {} s; {may}", seconds(wait))));
            }
        }
    }
}

/// The shortest time that an answer is waited for: the disk of the server may be busy.
const MIN_ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A span in seconds, to a tenth.
fn seconds(span: Duration) -> String {
    format!("{}.{}", span.as_secs(), span.subsec_millis() / 100)
}

/// Describes a redirect: "sends one elsewhere: TARGET".
fn redirect_text(page: &Page) -> String {
    let target = page.header("location").unwrap_or("it does not say where");
    format!("sends one elsewhere: {}", escaped(target))
}

/// Prints a line and flushes it, with everything escaped that acts upon a terminal.
fn print_line(line: &str) -> io::Result<()> {
    write_line(&fit(line))
}

/// The same for a line of JSON.
fn print_json(json: String) -> io::Result<()> {
    write_line(&json_line(json))
}

/// Writes a line as it is, and flushes it.
fn write_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// A status as a person reads it: the position's number and name, or the text.
fn shown(status: &str, position: Option<Position>, name: Option<&str>) -> String {
    match (position, name) {
        (Some(position), Some(name)) => format!("{position} {}", escaped(name)),
        _ => escaped(status).to_string(),
    }
}

fn shown_order(order: &Order) -> String {
    shown(&order.status, order.position, order.name.as_deref())
}

/// A reply, and whose it is.
fn shown_reply(reply: &Reply) -> String {
    let what = shown(&reply.status, reply.position, reply.name.as_deref());
    match (&reply.who, reply.by) {
        (Some(who), _) => format!("{what} by {}", escaped(who)),
        (None, By::File) => format!("{what} by file"),
        _ => what,
    }
}
