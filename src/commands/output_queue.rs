//! An output queue: lines and frames are queued without waiting, and a thread writes them to a terminal,
//! file or pipe that may block. When the queue is full, the oldest lines are dropped and counted.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

/// The most bytes of queued lines: what an office says in an hour, or a storm in a second.
const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The line that stands for dropped lines, by their number.
pub(super) type Notice = fn(u64) -> String;

/// How often a frame that could not be drawn is retried: when we return to the foreground without having
/// been stopped, no signal says so.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Renders a frame as terminal output relative to what is on the screen; `None` if it cannot be drawn now
/// and is to be retried.
pub(super) trait FrameRenderer: Send + 'static {
    /// What is drawn as a whole; a newer one replaces it.
    type Frame: Send;
    fn render(&mut self, frame: &Self::Frame) -> Option<String>;
}

/// The renderer of a queue without frames.
#[derive(Debug)]
pub(super) struct LinesOnly;

impl FrameRenderer for LinesOnly {
    type Frame = ();

    fn render(&mut self, (): &()) -> Option<String> {
        None
    }
}

/// A handle of the queue.
pub(super) struct OutputQueue<F = ()>(Arc<OutputShared<F>>);

impl<F> Clone for OutputQueue<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct OutputShared<F> {
    queued: Mutex<Queued<F>>,
    /// There is something to write, `end` was called, or the thread has ended.
    changed: Condvar,
    /// A write has failed, and the thread has ended.
    failed: Notify,
}

struct Queued<F> {
    /// Lines with their ends.
    lines: VecDeque<String>,
    /// How many bytes they have.
    bytes: usize,
    /// How many lines were dropped before the first of them.
    dropped_lines: u64,
    /// The newest frame, if it has not been written.
    frame: Option<F>,
    /// Why a write has failed.
    error: Option<io::Error>,
    /// `end` was called: nothing more will be queued.
    ending: bool,
    /// The writer's thread has ended.
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

    /// Queues a line.
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

    /// Queues a frame, in the place of one that has not been written.
    pub(super) fn set_frame(&self, frame: F) {
        self.queued().frame = Some(frame);
        self.0.changed.notify_all();
    }

    /// Waits until a write has failed, and returns why.
    pub(super) async fn until_failed(&self) -> io::Error {
        loop {
            let failed = self.0.failed.notified();
            if let Some(error) = self.queued().error.take() {
                return error;
            }
            failed.await;
        }
    }

    /// Waits at most this long until everything is written; an error if a write has failed.
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
