//! Runs a command for what happens, one after the other, each in a process group of its own.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::display::Display;
use crate::signals::{Started, Stop};

/// How many happenings may wait for a command that is slow. More are left out, and that is said.
const WAITING: usize = 64;

/// How long a command that was told to end may take; then it is killed.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The most bytes of a fact. A status has no more; what a server that means harm sends beyond that
/// could be more than the kernel takes (`execve(2)`), and then nothing would be run at all.
const LONGEST_FACT: usize = 4_096;

/// The facts, as variables.
pub(super) type Facts = Vec<(&'static str, String)>;

/// A hand that runs a command.
pub(super) struct Hand {
    facts: Option<mpsc::Sender<Facts>>,
    runner: JoinHandle<()>,
    started: Started,
    /// Nothing is begun any more.
    stopping: Arc<AtomicBool>,
    complaints: Display,
}

impl Hand {
    /// A hand for this command. What it starts is known to `started`; what goes wrong is said to
    /// `complaints`.
    pub(super) fn new(command: String, started: Started, complaints: Display) -> Self {
        let (facts, mut waiting) = mpsc::channel::<Facts>(WAITING);
        let stopping = Arc::new(AtomicBool::new(false));
        let (told, group, said) = (Arc::clone(&stopping), started.clone(), complaints.clone());
        let runner = tokio::spawn(async move {
            while let Some(facts) = waiting.recv().await {
                if told.load(Ordering::Acquire) {
                    break;
                }
                if let Err(why) = run(&command, facts, &group).await {
                    said.line(format!("chadburn: {why}"));
                }
            }
        });
        Self { facts: Some(facts), runner, started, stopping, complaints }
    }

    pub(super) fn run(&self, facts: Facts) {
        if self.facts.as_ref().is_some_and(|it| it.try_send(facts).is_err()) {
            self.complaints
                .line("chadburn: the command is too slow, and was not run for this".into());
        }
    }

    /// Waits for what is still to be run.
    pub(super) async fn rest(&mut self) {
        self.facts = None;
        // A runner that has panicked has said so.
        let _ = (&mut self.runner).await;
    }

    /// Passes the signal on to what is running, and kills it when it has not ended in five seconds.
    pub(super) async fn stop(&mut self, stop: Stop) {
        self.stopping.store(true, Ordering::Release);
        self.facts = None;
        self.started.signal(stop.signal());
        if timeout(LAST_WORDS, &mut self.runner).await.is_err() {
            self.started.kill();
            let _ = (&mut self.runner).await;
        }
    }
}

/// Runs the command once; what is wrong with it, if it was not well.
async fn run(command: &str, facts: Facts, started: &Started) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).envs(facts.iter().map(|(name, text)| (name, fact(text))));
    // Our own output is one line an event, and nobody else writes into it.
    shell.stdin(Stdio::null()).stdout(std::io::stderr());
    // So that a signal finds whatever it has started too.
    shell.process_group(0);
    let run = match shell.spawn() {
        Ok(mut child) => {
            started.begins(child.id());
            let status = child.wait().await;
            started.ends();
            status
        }
        Err(error) => Err(error),
    };
    match run {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the command ended with {status}")),
        Err(error) => Err(format!("the command cannot be run: {error}")),
    }
}

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
