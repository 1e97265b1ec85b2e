//! The relay under test. It is known by its command line, its log, its signals and its exit code.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long anything may take that is waited for; only a broken relay needs it all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_chadburn-eye");

/// Waits for this, and not for ever.
pub(crate) async fn within<T>(what: &str, it: impl Future<Output = T>) -> T {
    timeout(PATIENCE, it).await.unwrap_or_else(|_| panic!("{what} does not come"))
}

/// A running relay; it is killed when this is dropped.
pub(crate) struct Relay {
    pub(crate) child: Child,
    pub(crate) port: u16,
    log: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(args: &[&str]) -> Self {
        Self::at(0, args).await
    }

    /// A relay at this port.
    pub(crate) async fn at(port: u16, args: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["relay", "--port", &port.to_string()]).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        let port = loop {
            let line = within("the line that it listens", lines.next_line()).await.unwrap();
            let line = line.unwrap_or_else(|| panic!("it has ended: {said:?}"));
            let address = line.split_once("listening on http://").map(|(_, it)| it.to_owned());
            said.push(line);
            if let Some(address) = address {
                break address.rsplit(':').next().unwrap().parse().unwrap();
            }
        };
        let log = Arc::new(Mutex::new(said));
        let more = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                more.lock().unwrap().push(line);
            }
        });
        Self { child, port, log }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://127.0.0.1:{}/{path}", self.port)
    }

    /// The lines that it has logged and that have this in them.
    pub(crate) fn lines(&self, with: &str) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line.contains(with)).cloned().collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within("its end", self.child.wait()).await.unwrap()
    }

    /// Kills it as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// What it answers to this request, whole.
    pub(crate) async fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within("the answer", stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }

    /// What it answers to a GET of this path, with these further headers.
    pub(crate) async fn get(&self, path: &str, headers: &str) -> String {
        let host = format!("Host: 127.0.0.1:{}", self.port);
        self.ask(&format!("GET {path} HTTP/1.1\r\n{host}\r\nConnection: close\r\n{headers}\r\n"))
            .await
    }

    /// A figure of `/metrics`; nought if it is not there.
    pub(crate) async fn figure(&self, name: &str) -> u64 {
        let page = self.get("/metrics", "").await;
        let line =
            page.lines().find_map(|line| line.strip_prefix(&format!("chadburn_relay_{name} ")));
        line.map_or(0, |it| it.parse().unwrap())
    }

    /// Waits until a figure is at least this.
    pub(crate) async fn reaches(&self, name: &str, least: u64) {
        within(name, async {
            while self.figure(name).await < least {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}
