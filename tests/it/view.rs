//! The living view of `chadburn watch`, on a terminal of the test's own.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::{Child, Command};

use crate::link::url;
use crate::patience::until;
use crate::server::TestServer;

/// What is on the screen of a terminal that never scrolls and knows what the view uses: up, home, erase
/// to the end of the line and of the screen, reverse. It has no end on the right, where a real one
/// would begin another line; so what it remembers is whether it was told not to.
#[derive(Debug, Default)]
struct Screen {
    lines: Vec<String>,
    row: usize,
    column: usize,
    /// An escape sequence that has begun.
    escape: Option<String>,
    /// It was told to begin no line by itself, and has not been told otherwise.
    keeps_lines: bool,
    /// All that was said to it.
    said: String,
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
            up => {
                let count = up.strip_prefix('[').and_then(|it| it.strip_suffix('F'));
                let count: usize = count.and_then(|it| it.parse().ok()).expect("a way up");
                self.row = self.row.checked_sub(count).expect("not beyond the top");
                self.column = 0;
            }
        }
    }

    fn put(&mut self, c: char) {
        assert!(self.keeps_lines, "{c:?} may begin a line");
        let mut line: Vec<char> =
            self.lines.get(self.row).map_or(Vec::new(), |it| it.chars().collect());
        line.resize(line.len().max(self.column + 1), ' ');
        line[self.column] = c;
        self.column += 1;
        self.at(self.row, line.into_iter().collect());
    }

    /// What many a terminal does with what is there when it becomes narrower: long lines go on in the
    /// next one, and what stands below makes room.
    fn rewrap(&mut self, columns: u16) {
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

/// `chadburn watch` on a terminal.
struct Watch {
    child: Child,
    screen: Arc<Mutex<Screen>>,
    /// Our end of the terminal, by which its size is set.
    near: OwnedFd,
}

impl Watch {
    fn resize(&self, columns: u16, rows: u16) {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).rewrap(columns);
        tcsetwinsize(&self.near, size(columns, rows)).expect("it has a size");
        // The kernel tells those whose terminal it is; this one is nobody's.
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
        kill_process(pid, Signal::WINCH).expect("one's child can be signalled");
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// `chadburn watch` with these words on a terminal of this size, which is its standard error too if
/// it has more to say there.
fn watch(server: &TestServer, columns: u16, rows: u16, words: &[&str]) -> Watch {
    watch_in(server, columns, rows, words, &[("TERM", "xterm"), ("LC_ALL", "C.UTF-8")])
}

/// The same in this environment.
fn watch_in(
    server: &TestServer,
    columns: u16,
    rows: u16,
    words: &[&str],
    variables: &[(&str, &str)],
) -> Watch {
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&near).expect("it is ours");
    unlockpt(&near).expect("it is ours");
    tcsetwinsize(&near, size(columns, rows)).expect("it has a size");
    let path = ptsname(&near, Vec::new()).expect("it has a name");
    let far: OwnedFd = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())
        .expect("it can be opened");
    let mut command = Command::new(env!("CARGO_BIN_EXE_chadburn"));
    command.args(["watch", "--name", "Zoë", "--wait", "20s", "--url", &url(server)]);
    let errors =
        if words.is_empty() { Stdio::null() } else { far.try_clone().expect("one more").into() };
    for name in ["TERM", "NO_COLOR", "CLICOLOR_FORCE", "LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).current_dir(server.home.path());
    command.args(words).stdin(Stdio::null()).stdout(far).stderr(errors).kill_on_drop(true);
    let reader = near.try_clone().expect("one more");
    let child = command.spawn().expect("it can be run");
    let screen = Arc::new(Mutex::new(Screen::default()));
    let told = Arc::clone(&screen);
    std::thread::spawn(move || {
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
    Watch { child, screen, near }
}

async fn shows(screen: &Mutex<Screen>, lines: &[&str]) {
    let shown = || screen.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
    let all = || lines.iter().all(|line| shown().iter().any(|it| it.trim_end() == *line));
    let looked = tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while !all() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    });
    assert!(looked.await.is_ok(), "{lines:?} in {:#?}", shown());
}

#[tokio::test]
async fn the_view_lives() {
    let mut server = TestServer::start().await;
    let watch = watch(&server, 80, 24, &[]);
    let screen = &watch.screen;
    let link = format!("  link   {}", url(&server));
    shows(screen, &["▶  6 STOP", "  order  6 STOP", "  reply  none", "  bell   [ RINGS ]", &link])
        .await;
    shows(screen, &["  roll   0 answered, 0 coming, 0 not, 1 here", "         Zoë"]).await;
    server.home.order("7");
    shows(screen, &["   6 STOP", "▶  7 COFFEE", "  order  7 COFFEE", "  bell   [ RINGS ]"]).await;
    server.home.write("accept.eot", "7\n");
    shows(screen, &["▶  7 COFFEE ◀", "  reply  7 COFFEE by file", "  bell   is quiet"]).await;
    server.home.order("main is broken \u{1b}[31m");
    shows(screen, &["   7 COFFEE ◀", "  order  main is broken \\u{1b}[31m"]).await;
    let height = screen.lock().unwrap_or_else(PoisonError::into_inner).lines.len();
    std::fs::remove_file(server.home.status()).expect("it is there");
    shows(screen, &["  file   status.eot does not exist"]).await;
    server.home.order("7");
    let lines = || screen.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
    let well = || lines().len() == height && !lines().iter().any(|it| it.starts_with("  file"));
    until("nothing of the trouble is left", well).await;
    assert_eq!(lines().iter().filter(|it| **it == link).count(), 1, "{:#?}", lines());
    server.kill().await;
    let away = || screen.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
    until("it is away", || away().iter().any(|it| it.starts_with("  link   [ AWAY ] "))).await;
    assert_eq!(away().len(), height, "it is drawn in its own place");
}

#[tokio::test]
async fn a_small_terminal_shows_what_matters() {
    let server = TestServer::start().await;
    let watch = watch(&server, 24, 10, &[]);
    let screen = &watch.screen;
    shows(screen, &["▶  6 STOP", "  order  6 STOP", "  bell   [ RINGS ]"]).await;
    server.home.order("a status that is longer than this terminal is wide");
    shows(screen, &["  order  a status that i"]).await;
    let lines = screen.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
    assert!(lines.len() <= 10 && !lines.iter().any(|it| it.contains("COFFEE")), "{lines:#?}");
    // With still less room the bell and the order stay, and it is drawn anew at once.
    watch.resize(20, 4);
    let lines = || screen.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
    let small = ["  order  a status th", "  reply  none", "  bell   [ RINGS ]"];
    until("it fits", || lines().iter().take(3).eq(small.iter())).await;
    watch.resize(60, 24);
    shows(screen, &["   7 COFFEE", "  order  a status that is longer than this terminal is wide"])
        .await;
}

#[tokio::test]
async fn what_a_command_says_does_not_spoil_the_view() {
    let server = TestServer::start().await;
    let watch = watch(&server, 80, 24, &["--exec", "echo rang >&2"]);
    watch.screen.lock().unwrap_or_else(PoisonError::into_inner).keeps_lines = true;
    let lines = || watch.screen.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
    until("the command has run", || lines().iter().any(|it| it == "rang")).await;
    assert!(lines()[0].ends_with("present 6 STOP, the bell rings"), "{:#?}", lines());
}

#[tokio::test]
async fn a_terminal_that_understands_no_escape_sequences_gets_none() {
    let server = TestServer::start().await;
    for term in [None, Some(("TERM", "")), Some(("TERM", "dumb"))] {
        let watch = watch_in(&server, 80, 24, &[], term.as_slice());
        let said = || watch.screen.lock().unwrap_or_else(PoisonError::into_inner).said.clone();
        for line in [" link up ", " present 6 STOP, the bell rings"] {
            until("it is told in lines", || said().contains(line)).await;
        }
        assert!(!said().contains('\u{1b}'), "{:?}", said());
    }
}

#[tokio::test]
async fn emphasis_and_letters_are_what_the_environment_allows() {
    let server = TestServer::start().await;
    let plain =
        watch_in(&server, 80, 24, &[], &[("TERM", "xterm"), ("NO_COLOR", "1"), ("LC_ALL", "C")]);
    shows(
        &plain.screen,
        &[">  6 STOP", "  order  6 STOP", "  bell    RINGS", "         Zo\\u{eb}"],
    )
    .await;
    assert!(plain.screen.lock().unwrap_or_else(PoisonError::into_inner).said.is_ascii());
    let forced = [("TERM", "dumb"), ("CLICOLOR_FORCE", "1")];
    let forced = watch_in(&server, 80, 24, &[], &forced);
    let said = || forced.screen.lock().unwrap_or_else(PoisonError::into_inner).said.clone();
    until("it is told", || said().contains("the bell \u{1b}[7mrings\u{1b}[0m")).await;
}

#[tokio::test]
async fn a_terminal_that_is_held_holds_up_no_command() {
    let server = TestServer::start().await;
    let exec = "echo $CHADBURN_EVENT $CHADBURN_NAME >> ran";
    let watch = watch(&server, 80, 24, &["--unanswered-after", "500ms", "--exec", exec]);
    watch.screen.lock().unwrap_or_else(PoisonError::into_inner).keeps_lines = true;
    let ran = || std::fs::read_to_string(server.home.file("ran")).unwrap_or_default();
    until("it runs", || ran().contains("present STOP")).await;
    // As Ctrl-S does, and then Ctrl-Q.
    rustix::io::write(&watch.near, b"\x13").expect("it can be typed");
    server.home.order("8");
    until("the order is told of", || ran().contains("order LUNCH")).await;
    until("that nobody answers, too", || ran().contains("unanswered LUNCH")).await;
    let said = || watch.screen.lock().unwrap_or_else(PoisonError::into_inner).said.clone();
    assert!(!said().contains("LUNCH"), "the terminal is held");
    rustix::io::write(&watch.near, b"\x11").expect("it can be typed");
    until("it goes on", || said().contains("unanswered 8 LUNCH")).await;
}

#[tokio::test]
async fn what_a_shell_says_while_the_view_is_stopped_stays() {
    let server = TestServer::start().await;
    let watch = watch(&server, 80, 40, &[]);
    shows(&watch.screen, &["▶  6 STOP", "         Zoë"]).await;
    let pid = watch.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
    kill_process(pid, Signal::STOP).expect("one's child can be signalled");
    let path = ptsname(&watch.near, Vec::new()).expect("it has a name");
    let shell = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
    watch.screen.lock().unwrap_or_else(PoisonError::into_inner).keeps_lines = true;
    rustix::io::write(shell.expect("it can be opened"), b"$ a shell's own line\r\n")
        .expect("it is taken");
    shows(&watch.screen, &["$ a shell's own line"]).await;
    server.home.order("7");
    kill_process(pid, Signal::CONT).expect("one's child can be signalled");
    shows(&watch.screen, &["$ a shell's own line", "▶  7 COFFEE", "  order  7 COFFEE"]).await;
    server.home.order("8");
    shows(&watch.screen, &["$ a shell's own line", "▶  8 LUNCH", "  order  8 LUNCH"]).await;
}
