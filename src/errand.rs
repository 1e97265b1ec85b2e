//! What one goes to a server for: the commands that are clients.
//!
//! They know the server by its wire alone. What is done is said on standard output, what is not on
//! standard error, in one line, and in the exit code.

mod answer;
mod console;
mod doctor;
mod exec;
mod log_book;
mod rule;
mod status;
mod text;
mod view;
mod watch;

use std::io::{self, Write};

use chadburn_client::{By, Failure, NotDone, Order, Position, Reply};
use chadburn_v1::json_line;
use thiserror::Error;

use crate::cli::{Errand, Remote, Wire};
use crate::log::{escaped, one_line};

/// Why an errand was in vain.
#[derive(Debug, Error)]
pub enum Trouble {
    /// There is no server, or it does not want us.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// It did not do what was asked.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// What was asked for is not there.
    #[error("{0}")]
    Nothing(String),
    /// Our own input or output is broken.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Trouble {
    /// The exit code, as the help tells it.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Failure(Failure::Setting(_)) => 2,
            Self::Failure(Failure::Gone(_)) => 3,
            Self::Failure(Failure::Refused { .. }) => 4,
            Self::NotDone(_) | Self::Nothing(_) => 5,
            Self::Failure(_) | Self::Io(_) => 1,
        }
    }
}

/// Goes to a server and comes back.
pub async fn run(remote: Remote) -> Result<(), Trouble> {
    let Remote { settings, url, errand } = remote;
    let done = match errand {
        Errand::Status { json } => status::run(settings, json).await,
        Errand::Answer { position, coming } => answer::run(settings, position, coming).await,
        Errand::Order(status) => answer::order(settings, status).await,
        Errand::Watch(watch) if watch.wire == Wire::Text => text::watch(settings, &url).await,
        Errand::Watch(watch) => watch::run(settings, &url, watch).await,
        Errand::Log { since, csv } => log_book::run(&settings, since, csv).await,
        Errand::Doctor { status, accept, token } => {
            doctor::run(settings, &url, status, accept, token).await
        }
        Errand::Console(Wire::Json) => console::run(settings).await,
        Errand::Console(Wire::Text) => text::console(settings).await,
    };
    match done {
        // Whoever closed the pipe has read enough.
        Err(Trouble::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Says a line, at once. Nothing in it acts upon a terminal.
fn say(line: &str) -> io::Result<()> {
    out(&one_line(line).to_string())
}

/// Says some JSON in a line, at once; here too nothing acts upon a terminal.
fn say_json(json: String) -> io::Result<()> {
    out(&json_line(json))
}

fn out(line: &str) -> io::Result<()> {
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
