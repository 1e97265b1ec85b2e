//! What a thread of the server asks the kernel for, and an answer of our own to one of its calls.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::patience::soon;
use crate::server::TestServer;

/// What happens instead of a call, or to whoever makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails with this error, and nothing is done.
    Error(&'static str),
    /// The server is killed there.
    Kill,
}

/// A call: the which of its name it was, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// What was called.
    pub(crate) name: String,
    /// The whole line.
    pub(crate) line: String,
    /// How many of this name there were up to this one.
    pub(crate) count: usize,
}

/// Somebody who watches, until he is told that it is enough.
#[derive(Debug)]
pub(crate) struct Watch {
    strace: Child,
    list: PathBuf,
}

/// Calls that change files or depend on them. The others are between threads, or about memory.
const ABOUT_FILES: [&str; 19] = [
    "stat",
    "lstat",
    "fstat",
    "statx",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "readlinkat",
    "fchown",
    "fchmod",
    "write",
    "fsync",
    "fdatasync",
    "close",
    "rename",
    "renameat",
    "ftruncate",
    "pread64",
];

impl Watch {
    /// Watches the server's thread of this name, or with none all of them, and lets this happen at
    /// that call. None if it may not be watched here.
    pub(crate) async fn start(
        server: &TestServer,
        thread: Option<&str>,
        fault: Option<(&Call, Fault)>,
    ) -> Option<Self> {
        let list = server.home.file(".calls");
        let pid = server.pid().as_raw_nonzero().get();
        let mut command = Command::new("strace");
        command.arg("-s").arg("200").arg("-o").arg(&list);
        match thread {
            Some(thread) => command.arg("-p").arg(named(pid, thread)),
            None => command.arg("-f").arg("-p").arg(pid.to_string()),
        };
        if let Some((call, fault)) = fault {
            let what = match fault {
                Fault::Error(error) => format!("error={error}"),
                Fault::Kill => "signal=KILL".into(),
            };
            command.arg("-e").arg(format!("inject={}:{what}:when={}", call.name, call.count));
        }
        command.stderr(Stdio::piped()).kill_on_drop(true);
        let mut strace = command.spawn().expect("strace is there");
        let mut said = BufReader::new(strace.stderr.take().expect("it is piped")).lines();
        let attached = soon("strace's word", async {
            while let Some(line) = said.next_line().await.expect("it can be read") {
                if line.contains("attached") {
                    return true;
                }
            }
            false
        });
        if !attached.await {
            // Only whoever is not root and is not asked to prove anything may go without.
            let excused = !rustix::process::geteuid().is_root() && std::env::var_os("CI").is_none();
            assert!(excused, "strace may not watch here, so that no call can be made to fail");
            eprintln!("strace may not watch here, so that no call was made to fail");
            return None;
        }
        // Until it has ended somebody must take what it says.
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        Some(Self { strace, list })
    }

    /// Whether a call that begins like this has been seen to its end.
    pub(crate) fn has_seen(&self, begin: &str) -> bool {
        let list = fs::read_to_string(&self.list).unwrap_or_default();
        list.lines().any(|line| line.starts_with(begin) && line.contains(" = "))
    }

    /// Ends the watch: all lines, as they are written.
    pub(crate) async fn lines(mut self) -> Vec<String> {
        if let Some(pid) = self.strace.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            // It ends by itself with the server.
            let _ = kill_process(pid, Signal::INT);
        }
        soon("strace's end", self.strace.wait()).await.expect("it can be waited for");
        let list = fs::read_to_string(&self.list).expect("it has written");
        let _ = fs::remove_file(&self.list);
        list.lines().map(str::to_owned).collect()
    }

    /// Ends the watch: the calls about files.
    pub(crate) async fn calls(self) -> Vec<Call> {
        let mut calls: Vec<Call> = Vec::new();
        for line in self.lines().await {
            let Some((name, _)) = line.split_once('(').filter(|_| line.contains(" = ")) else {
                continue;
            };
            let count = 1 + calls.iter().filter(|call| call.name == name).count();
            calls.push(Call { name: name.to_owned(), count, line });
        }
        // Eight bytes wake another thread; that is no file.
        let wakes = |call: &Call| call.name == "write" && call.line.contains("\", 8) ");
        calls.retain(|call| ABOUT_FILES.contains(&&*call.name) && !wakes(call));
        calls
    }
}

/// The id of this process's thread of this name.
fn named(pid: i32, thread: &str) -> String {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("one's child is in /proc");
    let mut tasks = tasks.map(|task| task.expect("a task").path());
    let found = tasks.find(|task| {
        fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == thread)
    });
    let found = found.unwrap_or_else(|| panic!("there is no thread {thread}"));
    found.file_name().expect("a number").to_string_lossy().into_owned()
}
