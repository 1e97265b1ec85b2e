//! A terminal of the test's own, and what is on its screen.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::Command;

use crate::patience::{aside, within};

/// What is on the screen of a terminal that never scrolls and knows what the view uses: up, home, erase
/// to the end of the line and of the screen, reverse. It has no end on the right, where a real one
/// would begin another line; so what it remembers is whether it was told not to.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    pub(crate) lines: Vec<String>,
    row: usize,
    column: usize,
    /// An escape sequence that has begun.
    escape: Option<String>,
    /// It was told to begin no line by itself, and has not been told otherwise.
    pub(crate) keeps_lines: bool,
    /// Others write to it who do not know of that, and whose lines are short.
    pub(crate) shared: bool,
    /// All that was said to it.
    pub(crate) said: String,
}

impl Screen {
    fn hear(&mut self, text: &str) {
        self.said.push_str(text);
        for c in text.chars() {
            match (&mut self.escape, c) {
                (Some(sequence), c) => {
                    sequence.push(c);
                    if c.is_ascii_alphabetic() {
                        let sequence = self.escape.take().expect("it has begun");
                        self.obey(&sequence);
                    }
                }
                (None, '\u{1b}') => self.escape = Some(String::new()),
                (None, '\r') => self.column = 0,
                (None, '\n') => self.row += 1,
                (None, c) => self.put(c),
            }
        }
    }

    fn obey(&mut self, sequence: &str) {
        let line = self.lines.get(self.row).cloned().unwrap_or_default();
        match sequence {
            "[K" => {
                let kept = line.chars().take(self.column).collect();
                self.at(self.row, kept);
            }
            "[J" => {
                self.lines.truncate(self.row + 1);
                let kept = line.chars().take(self.column).collect();
                self.at(self.row, kept);
            }
            "[H" => (self.row, self.column) = (0, 0),
            "[?7l" => self.keeps_lines = true,
            "[?7h" => self.keeps_lines = false,
            "[7m" => self.put('['),
            "[0m" => self.put(']'),
            mode if mode.starts_with("[?") => {}
            up => {
                let count = up.strip_prefix('[').and_then(|it| it.strip_suffix('F'));
                let count: usize = count.and_then(|it| it.parse().ok()).expect("a way up");
                self.row = self.row.checked_sub(count).expect("not beyond the top");
                self.column = 0;
            }
        }
    }

    fn put(&mut self, c: char) {
        assert!(self.keeps_lines || self.shared, "{c:?} may begin a line");
        let mut line: Vec<char> =
            self.lines.get(self.row).map_or(Vec::new(), |it| it.chars().collect());
        line.resize(line.len().max(self.column + 1), ' ');
        line[self.column] = c;
        self.column += 1;
        self.at(self.row, line.into_iter().collect());
    }

    /// What many a terminal does with what is there when it becomes narrower: long lines go on in the
    /// next one, and what stands below makes room.
    pub(crate) fn rewrap(&mut self, columns: u16) {
        let before = std::mem::take(&mut self.lines);
        for (row, line) in before.iter().enumerate() {
            if row == self.row {
                self.row = self.lines.len();
            }
            let line: Vec<char> = line.chars().collect();
            let parts = line.chunks(columns.into()).map(|part| part.iter().collect());
            self.lines.extend(parts.chain(line.is_empty().then(String::new)));
        }
        if self.row == before.len() {
            self.row = self.lines.len();
        }
    }

    fn at(&mut self, row: usize, line: String) {
        self.lines.resize(self.lines.len().max(row + 1), String::new());
        self.lines[row] = line;
    }
}

/// A terminal, from the side of whoever looks at it and types.
#[derive(Debug)]
pub(crate) struct Terminal {
    near: OwnedFd,
    pub(crate) screen: Arc<Mutex<Screen>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// One of this size.
    pub(crate) fn open(columns: u16, rows: u16) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&near).expect("it is ours");
        unlockpt(&near).expect("it is ours");
        tcsetwinsize(&near, size(columns, rows)).expect("it has a size");
        let (reader, screen) = (near.try_clone().expect("one more"), Arc::default());
        let told: Arc<Mutex<Screen>> = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let (mut near, mut bytes, mut half) = (File::from(reader), [0; 1024], Vec::new());
            // It ends with an error once nobody has the other end.
            while let Ok(count) = near.read(&mut bytes) {
                half.extend_from_slice(&bytes[..count]);
                let whole = match std::str::from_utf8(&half) {
                    Ok(text) => text.len(),
                    Err(error) => error.valid_up_to(),
                };
                let text = String::from_utf8(half.drain(..whole).collect()).expect("it is text");
                told.lock().unwrap_or_else(PoisonError::into_inner).hear(&text);
            }
        });
        Self { near, screen, reader }
    }

    /// The other end, for whoever runs on it.
    pub(crate) fn far(&self) -> OwnedFd {
        let path = ptsname(&self.near, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        rustix::fs::open(path, flags, Mode::empty()).expect("it can be opened")
    }

    /// Types this.
    pub(crate) fn types(&self, keys: &str) {
        rustix::io::write(&self.near, keys.as_bytes()).expect("it can be typed");
    }

    /// Gives it another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.screen().rewrap(columns);
        tcsetwinsize(&self.near, size(columns, rows)).expect("it has a size");
    }

    /// What is on it now.
    pub(crate) fn screen(&self) -> std::sync::MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that was said to it, when nobody has its other end any more.
    pub(crate) fn said(self) -> String {
        self.reader.join().expect("what is said is text");
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut screen.said)
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Waits until all these lines are on it.
pub(crate) async fn shows(screen: &Mutex<Screen>, lines: &[&str]) {
    let shown = || screen.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
    let all = || lines.iter().all(|line| shown().iter().any(|it| it.trim_end() == *line));
    let looked = tokio::time::timeout(Duration::from_secs(10), async {
        while !all() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(looked.await.is_ok(), "{lines:?} in {:#?}", shown());
}

/// All that it says on a terminal.
pub(crate) async fn on_a_terminal(mut command: Command) -> String {
    let terminal = Terminal::open(80, 24);
    terminal.screen().shared = true;
    let mut child = command.stdout(terminal.far()).stderr(terminal.far()).spawn().expect("it runs");
    // It holds the terminal, too.
    drop(command);
    within(Duration::from_secs(20), "its end", child.wait()).await.expect("it was a child");
    aside(move || terminal.said()).await
}
