//! The log: lines on standard output, by way of a queue that never makes anybody wait.
//!
//! A log that is closed, full or read by nobody costs lines, and nothing else. It does not know
//! what is worth a line.

mod escaped;
mod flood;
mod queue;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, ParseError, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::terminal::Terminal;
pub use escaped::{escaped, escaped_whole, one_line};
use flood::Flood;
use queue::Queue;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: time, level, message, facts.
    #[default]
    Human,
    /// For programs: one JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, Error)]
pub enum NoLog {
    /// The filter is none.
    #[error("CHADBURN_LOG: {0}")]
    Filter(#[from] ParseError),
    /// No thread or descriptor is left for it.
    #[error("the log cannot be started: {0}")]
    Start(#[from] io::Error),
    /// There is one already.
    #[error("the log is already started: {0}")]
    Again(#[from] TryInitError),
}

/// Keeps the log going; when it is dropped, what is still queued gets a quarter of a second.
#[must_use]
#[derive(Debug)]
pub struct Guard {
    queue: Queue,
}

/// How long the last lines may take: long for a pipe that is read, short for one that is not.
const LAST_WORDS: Duration = Duration::from_millis(250);

impl Drop for Guard {
    fn drop(&mut self) {
        self.queue.end(LAST_WORDS);
    }
}

/// Starts the log of this process on standard output. `filter` is what `CHADBURN_LOG` says, in
/// the manner of `info` or `warn,chadburn=debug`. What one place in the code may write is limited,
/// unless its target is `counted`: whoever writes such lines limits them.
pub fn start(format: Format, filter: Option<&str>, counted: &'static str) -> Result<Guard, NoLog> {
    // A descriptor of its own: whoever holds the lock of `io::stdout` could hold up the end of
    // the process, and a thread that is stuck in a full pipe would hold it for ever.
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let flood = Flood::start(counted);
    let queue = Queue::start(out, flood.clone())?;
    subscriber(format, filter, &queue, flood)?.try_init()?;
    Ok(Guard { queue })
}

fn subscriber(
    format: Format,
    filter: Option<&str>,
    queue: &Queue,
    flood: Flood,
) -> Result<impl SubscriberInitExt + Send + Sync + use<>, NoLog> {
    let filter: Targets = match filter {
        Some(filter) => filter.parse()?,
        None => Targets::new().with_default(LevelFilter::INFO),
    };
    let queue = queue.clone();
    let lines = move || Lines { queue: queue.clone(), format };
    let layer = fmt::layer().with_writer(lines).log_internal_errors(false);
    let layer = match format {
        Format::Human => layer.with_target(false).boxed(),
        Format::Json => layer.json().flatten_event(true).boxed(),
    };
    Ok(registry().with(layer.with_filter(filter.and(flood))))
}

/// Takes each line with one `write`, as the formatter hands it over, and lets nothing in it act upon
/// a terminal, whoever has put it there.
struct Lines {
    queue: Queue,
    format: Format,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.format {
            Format::Human => fit(line),
            Format::Json => json_line(line.to_owned()),
        };
        self.queue.put(format!("{line}\n").as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line, fit for where it goes: nothing in it acts upon a terminal, and its letters are those that
/// the locale has.
#[must_use]
pub fn fit(line: &str) -> String {
    Terminal::ours().letters(&one_line(line).to_string()).into_owned()
}

/// The same for JSON.
#[must_use]
pub fn json_line(json: String) -> String {
    Terminal::ours().json_letters(chadburn_v1::json_line(json))
}

/// From now on a panic is told in one line, which no text in it can forge.
pub fn escape_panics(program: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let (name, what) = (thread.name().unwrap_or("unnamed"), panic.to_string());
        let _ = writeln!(io::stderr(), "{}", fit(&format!("{program}: thread {name} {what}")));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            let backtrace = backtrace.to_string();
            let _ = writeln!(io::stderr(), "{}", Terminal::ours().letters(&backtrace));
        }
    }));
}

#[cfg(test)]
mod tests;
