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
const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What stands for lines that were left out, by their number.
pub(super) type Notice = fn(u64) -> String;

/// How often one asks whether it is time for a frame that had to wait: a shell that gives us the terminal
/// back tells a process of it only if that was stopped.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Makes of a frame what is written to the terminal, by what was written before; nothing if it has to
/// wait, and is asked for again.
pub(super) trait FrameRenderer: Send + 'static {
    /// What is shown as a whole; a newer one takes its place.
    type Frame: Send;
    fn render(&mut self, frame: &Self::Frame) -> Option<String>;
}

/// For whoever has lines only.
#[derive(Debug)]
pub(super) struct LinesOnly;

impl FrameRenderer for LinesOnly {
    type Frame = ();

    fn render(&mut self, (): &()) -> Option<String> {
        None
    }
}

/// The way to what shows it.
pub(super) struct OutputQueue<F = ()>(Arc<OutputShared<F>>);

impl<F> Clone for OutputQueue<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct OutputShared<F> {
    queued: Mutex<Queued<F>>,
    /// There is something to write, or the thread has ended.
    changed: Condvar,
    /// Nothing can be written any more.
    failed: Notify,
}

struct Queued<F> {
    /// Lines with their ends.
    lines: VecDeque<String>,
    /// How many bytes they have.
    bytes: usize,
    /// How many were left out before the first of them.
    dropped_lines: u64,
    /// The newest frame, if it has not been written.
    frame: Option<F>,
    /// Why nothing can be written any more.
    error: Option<io::Error>,
    /// Nothing more will come.
    ending: bool,
    /// The thread has ended.
    writer_ended: bool,
}

impl<F: Send + 'static> OutputQueue<F> {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        notice: Notice,
        renderer: impl FrameRenderer<Frame = F>,
    ) -> io::Result<Self> {
        let (lines, bytes, dropped_lines, frame, error) = (VecDeque::new(), 0, 0, None, None);
        let (ending, writer_ended) = (false, false);
        let queued = Queued { lines, bytes, dropped_lines, frame, error, ending, writer_ended };
        let (queued, changed) = (Mutex::new(queued), Condvar::new());
        let output = Self(Arc::new(OutputShared { queued, changed, failed: Notify::new() }));
        let own = output.clone();
        let writer = move || own.run_writer(out, notice, renderer);
        thread::Builder::new().name("display".into()).spawn(writer)?;
        Ok(output)
    }

    /// Leaves a line.
    pub(super) fn push_line(&self, mut line: String) {
        line.push('\n');
        let mut queued = self.queued();
        while queued.bytes + line.len() > QUEUE_BYTES_MAX
            && let Some(oldest) = queued.lines.pop_front()
        {
            queued.bytes -= oldest.len();
            queued.dropped_lines += 1;
        }
        queued.bytes += line.len();
        queued.lines.push_back(line);
        drop(queued);
        self.0.changed.notify_all();
    }

    /// Leaves a frame in the place of one that has not been shown.
    pub(super) fn set_frame(&self, frame: F) {
        self.queued().frame = Some(frame);
        self.0.changed.notify_all();
    }

    /// Waits until nothing can be shown any more, and says why.
    pub(super) async fn until_failed(&self) -> io::Error {
        loop {
            let failed = self.0.failed.notified();
            if let Some(error) = self.queued().error.take() {
                return error;
            }
            failed.await;
        }
    }

    /// Waits at most this long until everything is shown, and says why it could not be.
    pub(super) fn end(&self, patience: Duration) -> io::Result<()> {
        let mut queued = self.queued();
        queued.ending = true;
        self.0.changed.notify_all();
        let waited =
            self.0.changed.wait_timeout_while(queued, patience, |queued| !queued.writer_ended);
        let (mut queued, _) = waited.unwrap_or_else(PoisonError::into_inner);
        queued.error.take().map_or(Ok(()), Err)
    }

    fn queued(&self) -> MutexGuard<'_, Queued<F>> {
        self.0.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_writer(
        &self,
        mut out: impl Write,
        notice: Notice,
        mut renderer: impl FrameRenderer<Frame = F>,
    ) {
        let (mut result, mut held) = (Ok(()), None);
        while result.is_ok() {
            let idle = |it: &mut Queued<F>| it.lines.is_empty() && it.frame.is_none() && !it.ending;
            let patience = if held.is_some() { RETRY_INTERVAL } else { Duration::MAX };
            let woken = self.0.changed.wait_timeout_while(self.queued(), patience, idle);
            let (mut queued, _) = woken.unwrap_or_else(PoisonError::into_inner);
            let lines = std::mem::take(&mut queued.lines);
            let frame = queued.frame.take().or(held.take().filter(|_| !queued.ending));
            let dropped_lines = std::mem::take(&mut queued.dropped_lines);
            queued.bytes = 0;
            drop(queued);
            if lines.is_empty() && frame.is_none() {
                break;
            }
            let mut text = String::new();
            if dropped_lines > 0 {
                text.push_str(&notice(dropped_lines));
                text.push('\n');
            }
            text.extend(lines);
            if let Some(frame) = frame {
                match renderer.render(&frame) {
                    Some(drawn) => text.push_str(&drawn),
                    None => held = Some(frame),
                }
            }
            result = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
        let mut queued = self.queued();
        (queued.error, queued.writer_ended) = (result.err(), true);
        drop(queued);
        self.0.changed.notify_all();
        self.0.failed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn said(dropped_lines: u64) -> String {
        format!("{dropped_lines} left out")
    }

    #[test]
    fn queueing_never_waits_and_dropped_lines_are_counted() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let output = OutputQueue::start(writer, said, LinesOnly).unwrap();
        let long = "x".repeat(100_000);
        for number in 0..300 {
            output.push_line(format!("{number} {long}"));
        }
        let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
        let (mut shown, mut dropped_lines) = (0, 0);
        let last = loop {
            let line = lines.next().expect("the last line is shown");
            match line.strip_suffix(" left out") {
                Some(count) => dropped_lines += count.parse::<u64>().unwrap(),
                None => shown += 1,
            }
            if line.starts_with("299 ") {
                break line;
            }
        };
        assert!(dropped_lines > 0 && shown + dropped_lines == 300, "{shown} + {dropped_lines}");
        assert_eq!(last, format!("299 {long}"));
        assert!(output.end(Duration::from_secs(5)).is_ok());
    }

    #[tokio::test]
    async fn a_closed_reader_is_reported_once() {
        let (reader, writer) = UnixStream::pair().unwrap();
        drop(reader);
        let output = OutputQueue::start(writer, said, LinesOnly).unwrap();
        output.push_line("into the void".into());
        assert_eq!(output.until_failed().await.kind(), io::ErrorKind::BrokenPipe);
        assert!(output.end(Duration::from_secs(5)).is_ok());
    }
}
