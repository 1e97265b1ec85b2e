//! The server under test: the real program in a directory of its own, on a port of its own.
//!
//! It is known by its command line, its log, its signals and its exit code, and by nothing else.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};

use crate::home::Home;
use crate::log::Log;
use crate::patience::{PATIENCE, soon, within};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_chadburn");

/// What stands before the address in the line that says the server is up.
const LISTENING: &str = "listening on http://";

/// A server that has not been started.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Where it is started, and where its files are.
    pub(crate) home: Arc<Home>,
    /// What stands before the program: another program that becomes it.
    before: Vec<OsString>,
    /// Its arguments beside the port and the address.
    args: Vec<OsString>,
    /// Its environment beside the test's own.
    variables: Vec<(OsString, OsString)>,
    /// The port; 0 takes any.
    port: u16,
    /// The user it runs as, if not the test's.
    user: Option<u32>,
}

impl Setup {
    /// A server with the order STOP.
    pub(crate) fn new() -> Self {
        Self::with_status("6\n")
    }

    /// A server whose status file says this.
    pub(crate) fn with_status(content: impl AsRef<[u8]>) -> Self {
        let setup = Self::without_status();
        setup.home.write("status.eot", content);
        setup
    }

    /// A server in an empty directory.
    pub(crate) fn without_status() -> Self {
        Self::at(Arc::new(Home::new()))
    }

    /// A server in this directory.
    pub(crate) fn at(home: Arc<Home>) -> Self {
        let (before, args, variables) = (Vec::new(), Vec::new(), Vec::new());
        Self { home, before, args, variables, port: 0, user: None }
    }

    /// With these arguments.
    pub(crate) fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// With this environment variable.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// On this port.
    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// As this user; the directory and what is in it becomes the user's.
    pub(crate) fn user(mut self, user: u32) -> Self {
        self.user = Some(user);
        self
    }

    /// Started by way of these words, the last of which start what follows them.
    pub(crate) fn by_way_of<T: Into<OsString>>(
        mut self,
        words: impl IntoIterator<Item = T>,
    ) -> Self {
        self.before = words.into_iter().map(Into::into).collect();
        self
    }

    /// Starts it and waits until it says that it listens.
    pub(crate) async fn start(self) -> TestServer {
        let mut server = self.launch();
        server.address = soon("the line that says where the server listens", async {
            let line = server.log.line_with(LISTENING).await;
            listening_at(&line).expect("an address and a port follow")
        })
        .await;
        server
    }

    /// Starts it and waits for nothing.
    pub(crate) fn launch(self) -> TestServer {
        let (log, out) = Log::pipe();
        self.launch_into(log, out.into())
    }

    /// Starts it with a log that the caller reads, or does not. Waits for nothing.
    pub(crate) fn launch_logging_to(self, out: Stdio) -> TestServer {
        self.launch_into(Log::default(), out)
    }

    fn launch_into(self, log: Log, out: Stdio) -> TestServer {
        let (errors, error_pipe) = Log::pipe();
        let mut command = self.command();
        command.stdout(out).stderr(error_pipe);
        let child = command.spawn().expect("the server can be started");
        // The command holds the ends of the pipes that the child writes to.
        drop(command);
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        TestServer { child, address, log, errors, home: self.home }
    }

    /// Runs it to its end, which has to come by itself: its exit code and what it said on standard
    /// error.
    pub(crate) async fn run_to_end(self) -> (Option<i32>, String) {
        let mut server = self.launch();
        let status = server.exit().await;
        (status.code(), server.errors.whole().join("\n"))
    }

    fn command(&self) -> Command {
        let program = self.program();
        let mut words = self.before.iter().map(OsString::as_os_str).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().expect("there is a program"));
        let port = self.port.to_string();
        command.args(words).args(&self.args);
        if !self.args.iter().any(|arg| arg == "--port" || arg == "--help" || arg == "--version") {
            command.args(["--port", &port]);
        }
        if !self.args.iter().any(|arg| arg == "--bind") {
            command.args(["--bind", "127.0.0.1"]);
        }
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"CHADBURN_") {
                command.env_remove(name);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.home.path()).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// The program; for another user, where that user can reach it.
    fn program(&self) -> OsString {
        let Some(user) = self.user else {
            return PROGRAM.into();
        };
        let copy = self.home.file("chadburn");
        std::fs::copy(PROGRAM, &copy).expect("the program can be copied");
        for entry in std::fs::read_dir(self.home.path()).expect("the directory can be listed") {
            let entry = entry.expect("an entry can be read").path();
            std::os::unix::fs::lchown(entry, Some(user), Some(user))
                .expect("root gives files away");
        }
        std::os::unix::fs::chown(self.home.path(), Some(user), Some(user))
            .expect("root gives directories away");
        copy.into()
    }
}

/// A running server. It is killed, by its own process id, when this is dropped.
#[derive(Debug)]
pub(crate) struct TestServer {
    /// The process.
    child: Child,
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
