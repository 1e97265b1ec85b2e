//! The server: its process, its files, and what the kernel says of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// What stands in front of every order; behind it a number that rises.
pub(super) const ORDER: &str = "soaked through: ";

/// How long the end may take: the contract's five seconds, and one for a busy machine.
const END_LIMIT: Duration = Duration::from_secs(6);

/// A server, killed by its own id when this is dropped.
#[derive(Debug)]
pub(super) struct Office {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    desk: tempfile::TempDir,
    /// Reads the log, and finds what must not stand there.
    log: Option<JoinHandle<Option<String>>>,
    /// The number of the newest order.
    order: AtomicU64,
    /// Held while the status file or its directory is changed.
    pen: Mutex<()>,
}

/// What the kernel says of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// Resident, in KiB.
    pub(super) memory: u64,
    /// Open descriptors.
    pub(super) descriptors: u64,
    /// Threads.
    pub(super) threads: u64,
}

impl Sample {
    /// The larger of each.
    pub(super) fn most(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
        }
    }
}

/// How a status file is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// Beside it, and renamed.
    Rename,
    /// Emptied and written.
    InPlace,
    /// With its whole directory, which replaces the one before.
    Directory,
}

impl Office {
    /// Starts it in a directory of its own, and waits until it listens.
    pub(super) fn open(binary: &Path) -> Result<Self> {
        let desk = tempfile::tempdir()?;
        fs::create_dir(desk.path().join("in"))?;
        fs::write(desk.path().join("in/status.eot"), format!("{ORDER}0\n"))?;
        let mut child = Command::new(binary)
            .args(["--port", "0", "--bind", "127.0.0.1", "--status-file", "in/status.eot"])
            .args(["--accept-file", "accept.eot"])
            .current_dir(desk.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut log = BufReader::new(child.stdout.take().context("it has a standard output")?);
        let address = listening(&mut log);
        let log = thread::spawn(move || {
            let mut bad = None;
            for line in log.lines().map_while(Result::ok) {
                if bad.is_none() && (line.contains("panicked") || line.contains(" ERROR ")) {
                    bad = Some(line);
                }
            }
            bad
        });
        let mut office = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            desk,
            log: Some(log),
            order: AtomicU64::new(0),
            pen: Mutex::new(()),
        };
        office.address = address?;
        Ok(office)
    }

    /// What it takes now.
    pub(super) fn sample(&self) -> Result<Sample> {
        let directory = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = fs::read_to_string(directory.join("status")).context("it has ended")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|number| number.parse().ok()).with_context(|| format!("no {name}"))
        };
        let descriptors = fs::read_dir(directory.join("fd"))?.count() as u64;
        Ok(Sample { memory: field("VmRSS:")?, descriptors, threads: field("Threads:")? })
    }

    /// Gives the next order.
    pub(super) fn order(&self, how: How) -> Result<u64> {
        let _pen = self.pen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let number = self.order.fetch_add(1, Ordering::Relaxed) + 1;
        let text = format!("{ORDER}{number}\n");
        let (folder, file) = (self.desk.path().join("in"), self.desk.path().join("in/status.eot"));
        match how {
            How::Rename => {
                fs::write(folder.join("next"), text)?;
                fs::rename(folder.join("next"), file)?;
            }
            How::InPlace => fs::File::create(file)?.write_all(text.as_bytes())?,
            How::Directory => {
                let away = self.desk.path().join("away");
                fs::rename(&folder, &away)?;
                fs::create_dir(&folder)?;
                fs::write(file, text)?;
                fs::remove_dir_all(away)?;
            }
        }
        Ok(number)
    }

    /// What the accept file says.
    pub(super) fn accepted(&self) -> Result<String> {
        Ok(fs::read_to_string(self.desk.path().join("accept.eot"))?)
    }

    /// A connection to it.
    pub(super) fn call(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(10))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.set_write_timeout(Some(Duration::from_secs(10)))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Ends it, as a service manager does; it has to end well, and to have said nothing bad.
    pub(super) fn close(&mut self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM)?;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure!(begun.elapsed() < END_LIMIT, "it does not end");
            thread::sleep(Duration::from_millis(20));
        };
        ensure!(status.success(), "it has ended badly: {status}");
        let bad = self.log.take().and_then(|log| log.join().ok()).flatten();
        ensure!(bad.is_none(), "the log says: {}", bad.unwrap_or_default());
        Ok(())
    }
}

fn listening(log: &mut BufReader<ChildStdout>) -> Result<SocketAddr> {
    let mut line = String::new();
    while log.read_line(&mut line)? > 0 {
        if let Some((_, rest)) = line.split_once("listening on http://") {
            let address = rest.split_whitespace().next().unwrap_or_default();
            return address.parse().with_context(|| format!("no address: {line}"));
        }
        line.clear();
    }
    anyhow::bail!("it has ended without a word of where it listens")
}

impl Drop for Office {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
