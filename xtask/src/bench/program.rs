//! A server that can be measured: how it is started, what its stations speak, and what a run of the
//! load generator makes of it. Knows no particular server.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::figures::Figures;
use super::server::{Server, one_line};

/// How much longer than it may write the load generator may take to come to an end.
const LOAD_END: Duration = Duration::from_secs(15);

/// What a program is to the one who measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// What all others are measured against.
    Floor,
    /// Chadburn, which must be faultless.
    Ours,
    /// A server of another house: what goes wrong with it is shown, and ends nothing.
    Peer,
}

/// One process: a program and its arguments, in which [`Server`] puts places and ports for `@names@`.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The program's file.
    pub(super) program: PathBuf,
    /// What it is told.
    pub(super) arguments: Vec<String>,
}

impl Call {
    /// A call of this program.
    pub(super) fn new<'a>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Self { program: program.into(), arguments }
    }
}

/// A server that can be measured.
#[derive(Debug)]
pub(super) struct Program {
    /// What the tables call it.
    pub(super) name: String,
    /// What it is to us.
    pub(super) role: Role,
    /// What its stations speak, in the load generator's words.
    pub(super) wire: &'static str,
    /// Its processes, in the order of their start; the last of them says where it listens.
    pub(super) calls: Vec<Call>,
    /// The text of its configuration file, in which places are put like into a [`Call`].
    pub(super) configuration: Option<String>,
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
    /// How long to wait for a value before the next is written.
    pub(super) wait_ms: u32,
    /// Measure no longer than this, if 5 values were written.
    pub(super) measure_s: Option<u64>,
    /// Stop writing after this, whatever was written.
    pub(super) limit_s: u64,
    /// At which pace the values are written; 0: each as soon as everybody has the one before.
    pub(super) pace: Duration,
    /// So many send without end beside them, and somebody asks whether the server is alive.
    pub(super) greedy: Option<usize>,
}

impl Program {
    /// Starts a fresh server and measures it.
    pub(super) fn measure(&self, load: &Load) -> Result<Figures> {
        let server = Server::start(self)?;
        let figures = self.generate(load, &server);
        figures.map_err(|error| match server.last_words() {
            Some(words) => anyhow!("{error:#}; it said: {words}"),
            None => error,
        })
    }

    fn generate(&self, load: &Load, server: &Server) -> Result<Figures> {
        let complaints = server.beside("generator");
        let mut command = Command::new(&self.bench);
        command
            .arg("load")
            .arg(format!("--url=127.0.0.1:{}", server.port()))
            .arg(format!("--pid={}", server.pids()))
            .arg(format!("--stations={}", load.stations))
            .arg(format!("--messages={}", load.messages))
            .arg(format!("--warm-up={}", load.warm_up))
            .arg(format!("--mode={}", load.mode))
            .arg(format!("--aftermath-ms={}", load.aftermath_ms))
            .arg(format!("--wait-ms={}", load.wait_ms))
            .arg(format!("--limit-s={}", load.limit_s))
            .args(load.measure_s.map(|seconds| format!("--measure-s={seconds}")))
            .args(
                (!load.pace.is_zero()).then(|| format!("--interval-ms={}", load.pace.as_millis())),
            )
            .args(load.greedy.map(|greedy| format!("--greedy={greedy}")))
            .arg(format!("--wire={}", self.wire))
            .arg("--json-out")
            .arg("--status-file")
            .arg(server.status_file())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if self.role == Role::Peer {
            // The reason is wanted, not the way to it.
            command.stderr(File::create(&complaints)?).env("RUST_BACKTRACE", "0");
        }
        let mut generator =
            command.spawn().with_context(|| format!("cannot start {}", self.bench.display()))?;
        let mut stdout = generator.stdout.take().context("no pipe")?;
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = sender.send(stdout.read_to_string(&mut text).map(|_| text));
        });
        let text = receiver.recv_timeout(Duration::from_secs(load.limit_s) + LOAD_END);
        if text.is_err() {
            generator.kill()?;
        }
        let status = generator.wait()?;
        let text = text.context("the load generator did not come to an end")??;
        if !status.success() {
            match self.role {
                Role::Peer => bail!(one_line(&std::fs::read_to_string(complaints)?)),
                _ => bail!("{} could not be measured at {} stations", self.name, load.stations),
            }
        }
        serde_json::from_str(&text).context("the load generator's report")
    }
}
