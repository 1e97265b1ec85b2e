//! What the server says, line by line, with deadlines for what it has to say.

use std::io::{BufRead, BufReader, PipeWriter, Read};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::watch;

use crate::patience::soon;

/// The lines of a stream, as they come.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The lines so far.
    lines: Arc<watch::Sender<Vec<String>>>,
    /// The thread that reads, until it has been waited for.
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// A log, and the end of the pipe that it is written to.
    pub(crate) fn pipe() -> (Self, PipeWriter) {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        (Self::of(reader), writer)
    }

    /// A log of what comes from here.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(watch::Sender::new(Vec::new()));
        let to = Arc::clone(&lines);
        let read = move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
                to.send_modify(|lines| lines.push(text));
                line.clear();
            }
        };
        Self { lines, reader: Mutex::new(Some(std::thread::spawn(read))) }
    }

    /// Waits until the stream has ended, so that nothing it said is missing.
    pub(crate) fn finish(&self) {
        let reader = self.reader.lock().map(|mut reader| reader.take());
        if let Ok(Some(reader)) = reader {
            reader.join().expect("reading a pipe does not panic");
        }
    }

    /// All lines so far.
    pub(crate) fn whole(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// How many lines so far hold these words.
    pub(crate) fn count(&self, words: &str) -> usize {
        self.lines.borrow().iter().filter(|line| line.contains(words)).count()
    }

    /// The first line that holds these words, which has to come soon.
    pub(crate) async fn line_with(&self, words: &str) -> String {
        self.line_where(words, |line| line.contains(words)).await
    }

    /// The first line of which this is true, which has to come soon.
    pub(crate) async fn line_where(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let mut lines = self.lines.subscribe();
        let what = format!("a line of the log: {what}");
        let found = soon(&what, async {
            let lines = lines.wait_for(|lines| lines.iter().any(|line| is(line))).await;
            lines.ok().and_then(|lines| lines.iter().find(|line| is(line)).cloned())
        });
        found.await.expect("the sender of the lines is kept with the log")
    }
}
