//! Starts a server's processes in a directory of their own, and ends them again, whatever happens.
//! It ends nothing else, and waits for nothing without a limit.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Resource, getrlimit};

use super::family::{self, Member};
use super::program::{Call, Program, Role};

/// A server that does not listen by then never will.
const START_LIMIT: Duration = Duration::from_secs(10);
/// Where there is no limit of descriptors, this is one.
const DESCRIPTORS: u64 = 65_536;
/// Longer words than this belong into a log, not into a table.
const WORDS: usize = 200;

/// A server that runs. Dropped, it is gone, and so is its directory.
#[derive(Debug)]
pub(super) struct Server {
    children: Vec<Child>,
    /// These and whatever they started.
    members: Vec<Member>,
    port: u16,
    directory: PathBuf,
}

impl Server {
    /// Starts a program's processes, and waits until the last of them says where they listen.
    pub(super) fn start(program: &Program) -> Result<Self> {
        let mut server = Self {
            children: Vec::new(),
            members: Vec::new(),
            port: 0,
            directory: new_directory()?,
        };
        fs::create_dir(server.watched())?;
        fs::write(server.status_file(), "start\n")?;
        let places = server.places()?;
        if let Some(text) = &program.configuration {
            fs::write(server.beside("configuration"), fill(text, &places))?;
        }
        for call in &program.calls {
            let child = server.spawn(call, &places, program.role)?;
            server.children.push(child);
        }
        let last = server.children.last_mut().context("no process")?;
        let stdout = last.stdout.take().context("no pipe")?;
        let name = &program.name;
        server.port = wait_for_port(stdout).map_err(|error| {
            let error = error.context(format!("{name} did not say where it listens"));
            match server.last_words() {
                Some(words) => anyhow!("{error:#}; it said: {words}"),
                None => error,
            }
        })?;
        server.members = family::of(&server.roots());
        Ok(server)
    }

    /// Where its stations go, on loopback.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The ids of all its processes, with commas between them.
    pub(super) fn pids(&self) -> String {
        let ids: Vec<String> = self.members.iter().map(|member| member.pid.to_string()).collect();
        ids.join(",")
    }

    /// The file it watches.
    pub(super) fn status_file(&self) -> PathBuf {
        self.watched().join("status.eot")
    }

    /// A file that it does not watch. What is written into a watched directory costs every watcher.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The last line of what a peer complained of.
    pub(super) fn last_words(&self) -> Option<String> {
        let text = fs::read_to_string(self.beside("complaints")).ok()?;
        text.lines().rfind(|line| !line.trim().is_empty()).map(one_line)
    }

    fn watched(&self) -> PathBuf {
        self.directory.join("watched")
    }

    fn roots(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }

    fn places(&self) -> Result<Vec<(&'static str, String)>> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let [port, inner] = free_ports()?;
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(DESCRIPTORS);
        Ok(vec![
            ("@status@", path(&self.status_file())),
            ("@accept@", path(&self.watched().join("accept.eot"))),
            ("@directory@", path(&self.directory)),
            ("@configuration@", path(&self.beside("configuration"))),
            ("@port@", port.to_string()),
            ("@inner@", inner.to_string()),
            ("@descriptors@", descriptors.to_string()),
        ])
    }

    fn spawn(&self, call: &Call, places: &[(&str, String)], role: Role) -> Result<Child> {
        let mut command = Command::new(&call.program);
        command
            .args(call.arguments.iter().map(|argument| fill(argument, places)))
            .env("NO_COLOR", "1")
            .current_dir(self.watched())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if role == Role::Peer {
            let mut complaints = File::options();
            complaints.create(true).append(true);
            let complaints = complaints.open(self.beside("complaints"))?;
            // The publisher's last line shall be its reason, not the way to it.
            command.stderr(complaints).env("RUST_BACKTRACE", "0");
        }
        command.spawn().with_context(|| format!("cannot start {}", call.program.display()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Those that were started since the beginning too, and those whose parent has gone.
        let mut members = family::of(&self.roots());
        members.extend(self.members.iter().copied());
        for member in members {
            family::end(member);
        }
        for child in &mut self.children {
            // Both fail only when it has ended by itself, and then there is nothing to do.
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A complaint of several lines as one that fits into a table.
pub(super) fn one_line(text: &str) -> String {
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "Caused by:");
    // anyhow numbers causes when there are several.
    let numbered =
        |line: &str| line.split_once(": ").map(|(number, _)| number.parse::<u8>().is_ok());
    let bare = lines.map(|line| match numbered(line) {
        Some(true) => line.split_once(": ").map_or(line, |(_, cause)| cause),
        _ => line.strip_prefix("Error: ").unwrap_or(line),
    });
    let line = bare.collect::<Vec<_>>().join(": ").replace('|', "/");
    line.chars().take(WORDS).collect()
}

fn fill(text: &str, places: &[(&str, String)]) -> String {
    places.iter().fold(text.to_owned(), |text, (name, place)| text.replace(name, place))
}

/// Two ports that were free a moment ago, for servers that cannot take one and say which.
fn free_ports() -> Result<[u16; 2]> {
    let [one, other] = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    Ok([one.local_addr()?.port(), other.local_addr()?.port()])
}

/// The port from the server's own words. The rest of what it says is read and thrown away, so that
/// its log never waits for a reader.
fn wait_for_port(stdout: impl Read + Send + 'static) -> Result<u16> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut lines = BufReader::with_capacity(64 * 1024, stdout);
        let mut line = Vec::new();
        while matches!(lines.read_until(b'\n', &mut line), Ok(length) if length > 0) {
            if let Some(port) = port_in(&String::from_utf8_lossy(&line)) {
                let _ = sender.send(port);
                break;
            }
            line.clear();
        }
        drop(sender);
        let _ = std::io::copy(&mut lines, &mut std::io::sink());
    });
    match receiver.recv_timeout(START_LIMIT) {
        Ok(port) => Ok(port),
        Err(RecvTimeoutError::Timeout) => bail!("it said nothing of it in {START_LIMIT:?}"),
        Err(RecvTimeoutError::Disconnected) => bail!("it ended, or closed its stdout"),
    }
}

fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("listening on http://127.0.0.1:")?;
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|&port| port != 0)
}

fn new_directory() -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("chadburn-bench-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_whatever_stands_around_it() {
        let listening = "listening on http://127.0.0.1:";
        for (line, port) in [
            (format!("{listening}1873\n"), Some(1873)),
            (format!("12:00:01  INFO {listening}65535/ status=status.eot\n"), Some(65535)),
            (format!(r#"{{"fields":{{"message":"{listening}40000"}}}}"#), Some(40000)),
            (format!("{listening}0\n"), None),
            (format!("{listening}65536\n"), None),
            (format!("{listening}\n"), None),
            ("listening on http://0.0.0.0:1873\n".to_owned(), None),
            ("port 1873\n".to_owned(), None),
        ] {
            assert_eq!(port_in(&line), port, "{line}");
        }
    }

    #[test]
    fn a_server_that_ends_without_a_word_is_not_waited_for() {
        let error = wait_for_port(&b"cannot bind\n"[..]).unwrap_err();
        assert!(error.to_string().contains("ended"), "{error}");
        assert_eq!(wait_for_port(&b"hm\nlistening on http://127.0.0.1:7\n"[..]).unwrap(), 7);
    }

    #[test]
    fn a_complaint_fits_into_a_cell() {
        let text = "Error: a station was not let in\n\nCaused by:\n    the server | hung up\n";
        assert_eq!(one_line(text), "a station was not let in: the server / hung up");
        let text = "Error: a\n\nCaused by:\n    0: b: c\n    1: d\n";
        assert_eq!(one_line(text), "a: b: c: d");
        assert_eq!(one_line(&"ü".repeat(WORDS + 1)).chars().count(), WORDS);
    }

    #[test]
    fn places_are_put_wherever_they_are_named() {
        let places = [("@port@", "7".to_owned()), ("@inner@", "8".to_owned())];
        assert_eq!(fill("a:@port@ b:@inner@ c:@port@", &places), "a:7 b:8 c:7");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whatever_a_server_started_ends_with_it() {
        let script = "sleep 60 & sleep 60 & echo listening on http://127.0.0.1:7; wait";
        let program = Program {
            name: "a shell".to_owned(),
            role: Role::Peer,
            wire: "text",
            calls: vec![Call::new("sh", ["-c", script])],
            configuration: None,
            bench: PathBuf::new(),
        };
        let server = Server::start(&program).unwrap();
        let members = server.members.clone();
        assert_eq!((server.port(), members.len()), (7, 3));
        let directory = server.directory.clone();
        drop(server);
        assert!(!directory.exists());
        let gone = || members.iter().all(|member| !family::is_alive(*member));
        let ended = (0..500).any(|_| {
            gone() || {
                thread::sleep(Duration::from_millis(10));
                false
            }
        });
        assert!(ended, "{members:?}");
    }
}
