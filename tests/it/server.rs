//! The server under test: the real program in a directory of its own, on a port of its own.
//!
//! It is known by its command line, its log, its signals and its exit code, and by nothing else.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::Child;

use crate::home::Home;
use crate::log::Log;
use crate::patience::{PATIENCE, within};
use crate::setup::Setup;

/// What stands before the address in the line that says the server is up.
pub(crate) const LISTENING: &str = "listening on http://";

/// A running server. It is killed, by its own process id, when this is dropped.
#[derive(Debug)]
pub(crate) struct TestServer {
    /// The process.
    pub(crate) child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it says on standard output.
    pub(crate) log: Log,
    /// What it says on standard error.
    pub(crate) errors: Log,
    /// Where its files are.
    pub(crate) home: Arc<Home>,
}

impl TestServer {
    /// A server with the order STOP, up and listening.
    pub(crate) async fn start() -> Self {
        Setup::new().start().await
    }

    /// A server whose status file says this, up and listening.
    pub(crate) async fn with_status(content: impl AsRef<[u8]>) -> Self {
        Setup::with_status(content).start().await
    }

    /// What a browser at this machine would send as its Host.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Its process id; it has not ended.
    pub(crate) fn pid(&self) -> Pid {
        let id = self.child.id().expect("the server has not ended");
        Pid::from_raw(id.cast_signed()).expect("a process id is not zero")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("one's child can be signalled");
    }

    /// How it ended, which has to be soon.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        self.exit_within(PATIENCE).await
    }

    /// How it ended, which has to be within this time.
    pub(crate) async fn exit_within(&mut self, limit: Duration) -> ExitStatus {
        let status = within(limit, "the server's end", self.child.wait()).await;
        let status = status.expect("one's child can be waited for");
        self.log.finish();
        self.errors.finish();
        status
    }

    /// Its end, which has to be a good one.
    pub(crate) async fn exits_well_within(&mut self, limit: Duration) {
        let status = self.exit_within(limit).await;
        assert_eq!((status.code(), status.signal()), (Some(0), None), "a shutdown is a good end");
    }

    /// Asks it to stop and waits for its good end.
    pub(crate) async fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.exits_well_within(PATIENCE).await;
    }

    /// Kills it as a power cut would.
    pub(crate) async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.exit().await;
    }

    /// Lets it open no more than so many descriptors; `None`: as many as the test may.
    #[cfg(target_os = "linux")]
    pub(crate) fn limit_descriptors(&self, most: Option<u64>) {
        use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
        // The server has inherited the hard limit, and only the soft one is played with.
        let maximum = getrlimit(Resource::Nofile).maximum;
        let limit = Rlimit { current: most.or(maximum), maximum };
        prlimit(Some(self.pid()), Resource::Nofile, limit).expect("one's child can be limited");
    }

    /// The most memory it has had, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).expect("/proc says how much memory it had")
    }

    /// How many descriptors it has open.
    #[cfg(target_os = "linux")]
    pub(crate) fn descriptors(&self) -> usize {
        let directory = format!("/proc/{}/fd", self.pid().as_raw_nonzero());
        std::fs::read_dir(directory).expect("one's child is in /proc").count()
    }

    /// The processor time it has used, in hundredths of a second.
    #[cfg(target_os = "linux")]
    pub(crate) fn processor_time(&self) -> u64 {
        let stat = self.proc("stat");
        let (_, fields) = stat.rsplit_once(") ").expect("the name stands in parentheses");
        let fields = fields.split(' ').skip(11).take(2);
        fields.map(|field| field.parse::<u64>().expect("times are numbers")).sum()
    }

    /// How often its threads have been woken, all together.
    #[cfg(target_os = "linux")]
    pub(crate) fn wakes(&self) -> u64 {
        let directory = format!("/proc/{}/task", self.pid().as_raw_nonzero());
        let threads = std::fs::read_dir(directory).expect("one's child is in /proc");
        let wakes = threads.filter_map(|thread| {
            let status = std::fs::read_to_string(thread.ok()?.path().join("status")).ok()?;
            let line =
                status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            line.trim().parse::<u64>().ok()
        });
        wakes.sum()
    }

    #[cfg(target_os = "linux")]
    fn proc(&self, name: impl AsRef<OsStr>) -> String {
        let directory = format!("/proc/{}", self.pid().as_raw_nonzero());
        let path = std::path::Path::new(&directory).join(name.as_ref());
        std::fs::read_to_string(path).expect("one's child is in /proc")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.start_kill();
        self.log.finish();
        self.errors.finish();
        let said = [self.log.whole(), self.errors.whole()].concat();
        if std::thread::panicking() {
            let last = said.len().saturating_sub(40);
            eprintln!("the server's last lines:\n{}", said[last..].join("\n"));
        } else if let Some(line) = said.iter().find(|line| line.contains("panicked at")) {
            panic!("the server has panicked: {line}");
        }
    }
}

/// The address in the line that says where a server listens.
pub(crate) fn listening_at(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(LISTENING)?;
    rest.split([' ', '/', '\n']).next()?.parse().ok()
}
