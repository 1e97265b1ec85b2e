//! Runs a command for what happens, one after the other.

use std::process::Stdio;

use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How many happenings may wait for a command that is slow. More are left out, and that is said.
const WAITING: usize = 64;

/// The facts, as variables.
pub(super) type Facts = Vec<(&'static str, String)>;

/// A hand that runs a command.
#[derive(Debug)]
pub(super) struct Hand {
    facts: mpsc::Sender<Facts>,
    runner: JoinHandle<()>,
}

impl Hand {
    pub(super) fn new(command: String) -> Self {
        let (facts, mut waiting) = mpsc::channel::<Facts>(WAITING);
        let runner = tokio::spawn(async move {
            while let Some(facts) = waiting.recv().await {
                let run = Command::new("sh")
                    .args(["-c", &command])
                    .envs(facts)
                    .stdin(Stdio::null())
                    // Our own output is one line an event, and nobody else writes into it.
                    .stdout(std::io::stderr())
                    .status()
                    .await;
                match run {
                    Ok(status) if status.success() => {}
                    Ok(status) => complain(&format!("the command ended with {status}")),
                    Err(error) => complain(&format!("the command cannot be run: {error}")),
                }
            }
        });
        Self { facts, runner }
    }

    pub(super) fn run(&self, facts: Facts) {
        if self.facts.try_send(facts).is_err() {
            complain("the command is too slow, and was not run for this");
        }
    }

    /// Waits for what is still to be run.
    pub(super) async fn rest(self) {
        drop(self.facts);
        // A runner that has panicked has said so.
        let _ = self.runner.await;
    }
}

fn complain(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "chadburn: {why}");
}
