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
                    .envs(facts.iter().map(|(name, text)| (name, fact(text))))
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

/// The most bytes of a fact. A status has no more; what a server that means harm sends beyond that
/// could be more than the kernel takes (`execve(2)`), and then nothing would be run at all.
const LONGEST_FACT: usize = 4_096;

/// The fact as an environment can hold it: no NUL, and not too long.
fn fact(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_FACT);
    text[..end].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_told_can_be_a_fact() {
        assert_eq!(fact("a=b\nc '\"$(x)"), "a=b\nc '\"$(x)");
        assert_eq!(fact("main is\0broken"), "main is\u{fffd}broken");
        assert_eq!(fact(&"é".repeat(3_000)), "é".repeat(2_048));
        assert_eq!(fact(&format!("x{}", "é".repeat(3_000))).len(), 4_095);
    }
}
