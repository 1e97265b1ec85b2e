//! A directory with the two files, and the programs that work in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use emulated_board::{Lines, PATIENCE};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How often a file is looked at of whose change nobody tells.
const LOOK: Duration = Duration::from_millis(5);

/// A directory of one's own.
pub(crate) struct House {
    place: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self { place: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        // As a careful hand does.
        let draft = self.file(".draft");
        fs::write(&draft, text).unwrap();
        fs::rename(&draft, self.file(name)).unwrap();
    }

    /// What the file says, without the newline; nothing if there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default().trim_end().to_owned()
    }

    /// Waits until the file says this.
    pub(crate) fn wait_for(&self, name: &str, text: &str) {
        let until = Instant::now() + PATIENCE;
        while self.read(name) != text {
            assert!(Instant::now() < until, "{name} says {:?}, not {text:?}", self.read(name));
            thread::sleep(LOOK);
        }
    }

    /// Plugs the line in under the name that stays the same, as udev does.
    pub(crate) fn plug(&self, line: &Path) {
        self.unplug();
        symlink(line, self.file("telegraph")).unwrap();
    }

    pub(crate) fn unplug(&self) {
        let _ = fs::remove_file(self.file("telegraph"));
    }

    /// Starts `chadburn bridge telegraph`.
    pub(crate) fn bridge(&self) -> Program {
        Program::start(self.place.path(), &["bridge", "telegraph"], &[])
    }

    /// The same, as a service manager with this ear does.
    pub(crate) fn bridge_as_service(&self, ear: &Path) -> Program {
        let variables = [("NOTIFY_SOCKET", ear.as_os_str()), ("WATCHDOG_USEC", "200000".as_ref())];
        Program::start(self.place.path(), &["bridge", "telegraph"], &variables)
    }

    /// Starts a server on a port of its own, and says where it listens.
    pub(crate) fn server(&self, port: u16) -> (Program, SocketAddr) {
        let port = port.to_string();
        let words = ["serve", "--bind", "127.0.0.1", "--port", &port, "--allow-orders", "any"];
        let server = Program::start(self.place.path(), &words, &[]);
        let address = server.log(|line| {
            let (_, rest) = line.split_once("listening on http://")?;
            rest.split(' ').next()?.parse().ok()
        });
        (server, address)
    }
}

/// A program that runs; dropped, it is killed.
pub(crate) struct Program {
    child: Child,
    log: Lines,
    errors: Lines,
}

impl Program {
    fn start(place: &Path, words: &[&str], variables: &[(&str, &OsStr)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chadburn"))
            .args(words)
            .envs(variables.iter().copied())
            .current_dir(place)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Lines::of(child.stdout.take().unwrap());
        let errors = Lines::of(child.stderr.take().unwrap());
        Self { child, log, errors }
    }

    /// Waits for a line of the log from which this makes something.
    pub(crate) fn log<T>(&self, make: impl FnMut(&str) -> Option<T>) -> T {
        self.log.wait(make).unwrap()
    }

    /// Waits for a line of the log with these words in it.
    pub(crate) fn says(&self, words: &str) {
        self.log(|line| line.contains(words).then_some(()));
    }

    /// What it says to whoever started it, and how it ended.
    pub(crate) fn fails(mut self) -> (String, ExitStatus) {
        let line = self.errors.wait(|line| Some(line.to_owned())).unwrap();
        (line, self.child.wait().unwrap())
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the server something over HTTP and gives its whole answer.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}
