//! The program under test, and one viewer of its page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use chadburn_eye::picture::Picture;
use chadburn_sight::image::{Rgb, Size};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

/// How long anything may take that is waited for; only what is broken needs it all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A JPEG of this size; each number makes another one.
pub(crate) fn jpeg(width: usize, height: usize, number: u8) -> Vec<u8> {
    let size = Size::new(width, height).unwrap();
    let mut image = Rgb::filled(size, [90, 100, 110]);
    for at in 0..width.min(height) {
        image.set(at, at, [number, number.wrapping_mul(31), 255 - number]);
        image.set(usize::from(number) % width, at, [255, 0, 0]);
    }
    Picture::encode(&image).bytes.to_vec()
}

/// A running eye.
pub(crate) struct Eye {
    child: Child,
    pub(crate) port: u16,
    pub(crate) directory: TempDir,
    lines: Receiver<String>,
    log: String,
}

impl Eye {
    /// Starts one that reads this source.
    pub(crate) fn start(source: &str, more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), source, more)
    }

    pub(crate) fn start_in(directory: TempDir, source: &str, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chadburn-eye"));
        command.args(["--port", "0", "--source", source]).args(more);
        let mut child = command
            .current_dir(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            // A test that has ended does not listen any more.
            out.lines()
                .map_while(Result::ok)
                .take_while(|line| sender.send(line.clone()).is_ok())
                .count()
        });
        let mut eye = Self { child, port: 0, directory, lines, log: String::new() };
        let line = eye.expect_line("listening on http://");
        let port = line.split("http://127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap();
        eye.port = port.parse().unwrap();
        eye
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of the log that has this text.
    pub(crate) fn expect_line(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("nothing says {text:?}:\n{}", self.log);
            };
            self.log += &line;
            self.log += "\n";
            if line.contains(text) {
                return line;
            }
        }
    }

    /// All that was logged so far.
    pub(crate) fn log(&mut self) -> &str {
        for line in self.lines.try_iter() {
            self.log += &line;
            self.log += "\n";
        }
        &self.log
    }

    /// What is answered to GET: status, head and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String, Vec<u8>) {
        let mut stream = self.ask(path, "Connection: close\r\n");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, answer[end..].to_vec())
    }

    pub(crate) fn ask(&self, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").unwrap();
        stream
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.get(path).2).unwrap()
    }

    /// The value of this sample.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let page = String::from_utf8(self.get("/metrics").2).unwrap();
        let line = page.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name} is not in {page}"))
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Watches, without a token.
    pub(crate) fn watch(&self) -> Viewer {
        Viewer::new(self.port, None).unwrap()
    }

    /// Waits until the source is said to be so; its reading.
    pub(crate) fn expect_health(&self, word: &str) -> Value {
        self.watch().expect(|reading| reading["health"] == word)
    }

    /// Its memory, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Asks it to end, and how and after how long it did.
    pub(crate) fn end(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        (self.wait(), begun.elapsed())
    }

    /// How it ends by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        // Its output ends with it.
        while Instant::now() < end {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.log += &(line + "\n"),
                Err(_) => break,
            }
        }
        match self.child.try_wait().unwrap() {
            Some(status) => status,
            None => self.child.wait().unwrap(),
        }
    }
}

impl Drop for Eye {
    fn drop(&mut self) {
        // It has ended already, or ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it until it ends by itself: the exit code and what it said on standard error.
pub(crate) fn run(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chadburn-eye"));
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Whoever watches the page, without a page.
pub(crate) struct Viewer(pub(crate) WebSocket<TcpStream>);

impl Viewer {
    /// Opens a WebSocket and gives this token, if there is one.
    pub(crate) fn new(port: u16, token: Option<&str>) -> Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("ws://localhost:{port}/frames").into_client_request().unwrap();
        let (socket, _) = client(request, stream).map_err(|error| error.to_string())?;
        let mut viewer = Self(socket);
        if let Some(token) = token {
            viewer.say(&serde_json::json!({ "type": "token", "token": token }));
        }
        Ok(viewer)
    }

    pub(crate) fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    pub(crate) fn ack(&mut self, reading: &Value) {
        self.say(&serde_json::json!({ "type": "ack", "frameId": reading["frameId"] }));
    }

    /// The next text or binary message; the code of a Close as an error.
    pub(crate) fn next(&mut self) -> Result<Message, u16> {
        loop {
            match self.0.read() {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => return Ok(message),
                Ok(Message::Close(frame)) => return Err(frame.map_or(0, |it| it.code.into())),
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Err(0),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next frame: its reading, and the picture behind it.
    pub(crate) fn frame(&mut self) -> (Value, Vec<u8>) {
        loop {
            let reading = self.reading();
            if reading.get("frameId").is_some() {
                let Ok(Message::Binary(picture)) = self.next() else {
                    panic!("a picture comes behind {reading}");
                };
                return (reading, picture.to_vec());
            }
        }
    }

    /// The next reading; pictures are left out.
    pub(crate) fn reading(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.next().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Waits for a reading like this, and acknowledges all frames.
    pub(crate) fn expect(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        let mut last = Value::Null;
        while Instant::now() < end {
            last = self.reading();
            if fits(&last) {
                return last;
            }
            if last.get("frameId").is_some() {
                self.ack(&last);
            }
        }
        panic!("no reading is as it should be; the last: {last}");
    }
}
