//! Lines and frames on their way to a terminal, file or pipe that may be slow, held or closed.
//!
//! Whoever has something to show leaves it here and goes on; a thread of its own writes it. When too
//! much waits, the oldest lines are left out and counted. What is shown is not known here.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

/// How many bytes of lines wait: those of an hour in an office, and of a second in a storm.
const ROOM: usize = 8 * 1024 * 1024;

/// What stands for lines that were left out, by their number.
pub(super) type Notice = fn(u64) -> String;

/// How often one asks whether it is time for a frame that had to wait: a shell that gives us the terminal
/// back tells a process of it only if that was stopped.
const LOOK: Duration = Duration::from_millis(100);

/// Makes of a frame what is written to the terminal, by what was written before; nothing if it has to
/// wait, and is asked for again.
pub(super) trait Paint: Send + 'static {
    /// What is shown as a whole; a newer one takes its place.
    type Frame: Send;
    fn paint(&mut self, frame: &Self::Frame) -> Option<String>;
}

/// For whoever has lines only.
#[derive(Debug)]
pub(super) struct NoFrames;

impl Paint for NoFrames {
    type Frame = ();

    fn paint(&mut self, (): &()) -> Option<String> {
        None
    }
}

/// The way to what shows it.
pub(super) struct Display<F = ()>(Arc<Shared<F>>);

impl<F> Clone for Display<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Shared<F> {
    waiting: Mutex<Waiting<F>>,
    /// There is something to write, or the thread has ended.
    changed: Condvar,
    /// Nothing can be written any more.
    failed: Notify,
}

struct Waiting<F> {
    /// Lines with their ends.
    lines: VecDeque<String>,
    /// How many bytes they have.
    bytes: usize,
    /// How many were left out before the first of them.
    left_out: u64,
    /// The newest frame, if it has not been written.
    frame: Option<F>,
    /// Why nothing can be written any more.
    error: Option<io::Error>,
    /// Nothing more will come.
    ending: bool,
    /// The thread has ended.
    ended: bool,
}

impl<F: Send + 'static> Display<F> {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        notice: Notice,
        painter: impl Paint<Frame = F>,
    ) -> io::Result<Self> {
        let (lines, bytes, left_out, frame, error) = (VecDeque::new(), 0, 0, None, None);
        let (ending, ended) = (false, false);
        let waiting = Waiting { lines, bytes, left_out, frame, error, ending, ended };
        let (waiting, changed) = (Mutex::new(waiting), Condvar::new());
        let display = Self(Arc::new(Shared { waiting, changed, failed: Notify::new() }));
        let own = display.clone();
        let carry = move || own.carry_out(out, notice, painter);
        thread::Builder::new().name("display".into()).spawn(carry)?;
        Ok(display)
    }

    /// Leaves a line.
    pub(super) fn line(&self, mut line: String) {
        line.push('\n');
        let mut waiting = self.waiting();
        while waiting.bytes + line.len() > ROOM
            && let Some(oldest) = waiting.lines.pop_front()
        {
            waiting.bytes -= oldest.len();
            waiting.left_out += 1;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        drop(waiting);
        self.0.changed.notify_all();
    }

    /// Leaves a frame in the place of one that has not been shown.
    pub(super) fn frame(&self, frame: F) {
        self.waiting().frame = Some(frame);
        self.0.changed.notify_all();
    }

    /// Waits until nothing can be shown any more, and says why.
    pub(super) async fn failed(&self) -> io::Error {
        loop {
            let failed = self.0.failed.notified();
            if let Some(error) = self.waiting().error.take() {
                return error;
            }
            failed.await;
        }
    }

    /// Waits at most this long until everything is shown, and says why it could not be.
    pub(super) fn end(&self, patience: Duration) -> io::Result<()> {
        let mut waiting = self.waiting();
        waiting.ending = true;
        self.0.changed.notify_all();
        let waited = self.0.changed.wait_timeout_while(waiting, patience, |waiting| !waiting.ended);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.error.take().map_or(Ok(()), Err)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<F>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry_out(&self, mut out: impl Write, notice: Notice, mut painter: impl Paint<Frame = F>) {
        let (mut result, mut held) = (Ok(()), None);
        while result.is_ok() {
            let idle =
                |it: &mut Waiting<F>| it.lines.is_empty() && it.frame.is_none() && !it.ending;
            let patience = if held.is_some() { LOOK } else { Duration::MAX };
            let woken = self.0.changed.wait_timeout_while(self.waiting(), patience, idle);
            let (mut waiting, _) = woken.unwrap_or_else(PoisonError::into_inner);
            let lines = std::mem::take(&mut waiting.lines);
            let frame = waiting.frame.take().or(held.take().filter(|_| !waiting.ending));
            let left_out = std::mem::take(&mut waiting.left_out);
            waiting.bytes = 0;
            drop(waiting);
            if lines.is_empty() && frame.is_none() {
                break;
            }
            let mut text = String::new();
            if left_out > 0 {
                text.push_str(&notice(left_out));
                text.push('\n');
            }
            text.extend(lines);
            if let Some(frame) = frame {
                match painter.paint(&frame) {
                    Some(drawn) => text.push_str(&drawn),
                    None => held = Some(frame),
                }
            }
            result = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
        let mut waiting = self.waiting();
        (waiting.error, waiting.ended) = (result.err(), true);
        drop(waiting);
        self.0.changed.notify_all();
        self.0.failed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn said(left_out: u64) -> String {
        format!("{left_out} left out")
    }

    #[test]
    fn whoever_shows_something_never_waits_and_what_is_left_out_is_counted() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let display = Display::start(writer, said, NoFrames).unwrap();
        let long = "x".repeat(100_000);
        for number in 0..300 {
            display.line(format!("{number} {long}"));
        }
        let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
        let (mut shown, mut left_out) = (0, 0);
        let last = loop {
            let line = lines.next().expect("the last line is shown");
            match line.strip_suffix(" left out") {
                Some(count) => left_out += count.parse::<u64>().unwrap(),
                None => shown += 1,
            }
            if line.starts_with("299 ") {
                break line;
            }
        };
        assert!(left_out > 0 && shown + left_out == 300, "{shown} + {left_out}");
        assert_eq!(last, format!("299 {long}"));
        assert!(display.end(Duration::from_secs(5)).is_ok());
    }

    #[tokio::test]
    async fn whoever_does_not_listen_any_more_is_told_of_once() {
        let (reader, writer) = UnixStream::pair().unwrap();
        drop(reader);
        let display = Display::start(writer, said, NoFrames).unwrap();
        display.line("into the void".into());
        assert_eq!(display.failed().await.kind(), io::ErrorKind::BrokenPipe);
        assert!(display.end(Duration::from_secs(5)).is_ok());
    }
}
