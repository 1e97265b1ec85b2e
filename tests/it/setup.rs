//! How a server is to be started: in which directory, with which words, as whom.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;

use crate::home::Home;
use crate::log::Log;
use crate::patience::soon;
use crate::server::{LISTENING, TestServer, listening_at};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_chadburn");

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
        command.env("LC_ALL", "C.UTF-8");
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
