//! Starts a server in a directory of its own, has it measured, and ends it again, whatever happens.
//! It ends nothing else, and waits for nothing without a limit.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::figures::Figures;

/// A server that does not listen by then never will.
const START_LIMIT: Duration = Duration::from_secs(10);
/// The load generator stops writing by itself after this many seconds.
const LOAD_LIMIT_S: u64 = 30;
/// When it has not come to an end by then, it is ended.
const LOAD_END_LIMIT: Duration = Duration::from_secs(LOAD_LIMIT_S + 15);

/// What a program is, which says how it is started and what its stations speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `chadburn-bench floor`; text.
    Floor,
    /// `chadburn serve`; text.
    Text,
    /// `chadburn serve`; JSON.
    Json,
}

/// A server that can be measured.
#[derive(Debug)]
pub(super) struct Program {
    /// What the tables call it.
    pub(super) name: String,
    /// Its file.
    pub(super) path: PathBuf,
    /// What it is.
    pub(super) kind: Kind,
    /// `chadburn-bench`'s file.
    pub(super) bench: PathBuf,
}

/// What one run puts on it.
#[derive(Debug)]
pub(super) struct Load {
    /// Stations.
    pub(super) stations: usize,
    /// Values measured.
    pub(super) messages: usize,
    /// Values written before these.
    pub(super) warm_up: usize,
    /// How they are written.
    pub(super) mode: &'static str,
    /// How long to listen for what should not come.
    pub(super) aftermath_ms: u32,
}

/// A server that runs. Dropped, it is gone, and so is its directory.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    port: u16,
    directory: PathBuf,
}

impl Program {
    /// Starts a fresh server and measures it.
    pub(super) fn measure(&self, load: &Load) -> Result<Figures> {
        let server = self.start()?;
        let mut generator = Command::new(&self.bench)
            .arg("load")
            .arg(format!("--url=127.0.0.1:{}", server.port))
            .arg(format!("--pid={}", server.child.id()))
            .arg(format!("--stations={}", load.stations))
            .arg(format!("--messages={}", load.messages))
            .arg(format!("--warm-up={}", load.warm_up))
            .arg(format!("--mode={}", load.mode))
            .arg(format!("--aftermath-ms={}", load.aftermath_ms))
            .arg(format!("--limit-s={LOAD_LIMIT_S}"))
            .arg(if self.kind == Kind::Json { "--wire=json" } else { "--wire=text" })
            .arg("--json-out")
            .arg("--status-file")
            .arg(status_file(&server.directory))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.bench.display()))?;
        let mut stdout = generator.stdout.take().context("no pipe")?;
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = sender.send(stdout.read_to_string(&mut text).map(|_| text));
        });
        let text = receiver.recv_timeout(LOAD_END_LIMIT);
        if text.is_err() {
            generator.kill()?;
        }
        let status = generator.wait()?;
        let text = text.context("the load generator did not come to an end")??;
        if !status.success() {
            bail!("{} could not be measured at {} stations", self.name, load.stations);
        }
        serde_json::from_str(&text).context("the load generator's report")
    }

    /// Starts a server, and waits until it listens.
    pub(super) fn start(&self) -> Result<Server> {
        let directory = new_directory()?;
        let status_file = status_file(&directory);
        fs::write(&status_file, "start\n")?;
        let mut command = Command::new(&self.path);
        match self.kind {
            Kind::Floor => command.args(["floor", "--port", "0"]),
            Kind::Text | Kind::Json => command
                .args(["serve", "--port", "0", "--bind", "127.0.0.1", "--accept-file"])
                .arg(directory.join("accept.eot")),
        };
        let child = command
            .arg("--status-file")
            .arg(&status_file)
            .env("NO_COLOR", "1")
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut server = match child {
            Ok(child) => Server { child, port: 0, directory },
            Err(error) => {
                fs::remove_dir_all(&directory)?;
                bail!("cannot start {}: {error}", self.path.display());
            }
        };
        let stdout = server.child.stdout.take().context("no pipe")?;
        server.port = wait_for_port(stdout)
            .with_context(|| format!("{} did not say where it listens", self.path.display()))?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
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

fn status_file(directory: &Path) -> PathBuf {
    directory.join("status.eot")
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
}
