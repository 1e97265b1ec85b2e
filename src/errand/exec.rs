//! Runs a command for what happens, one after the other, each in a process group of its own.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::display::Display;
use super::rule::What;
use chadburn_host::log::fit;
use chadburn_host::process_groups::ProcessGroups;
use chadburn_host::signals::StopSignal;

/// How many happenings may wait for a command that is slow. Beyond that the oldest are left out, and
/// that is said.
const WAITING: usize = 64;

/// How long a command that was told to end may take; then it is killed.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The most bytes of a fact. A status has no more; what a server that means harm sends beyond that
/// could be more than the kernel takes (`execve(2)`), and then nothing would be run at all.
const LONGEST_FACT: usize = 4_096;

/// The facts, as variables.
pub(super) type Facts = Vec<(&'static str, String)>;

/// What the command is still to be run for.
#[derive(Debug, Default)]
struct Waiting {
    facts: VecDeque<Facts>,
    /// How many were left out since the command was last run for how things are.
    left_out: u64,
    /// Nothing more will come.
    ended: bool,
}

impl Waiting {
    /// Takes one more; whether an older one is the first to be left out for it.
    fn put(&mut self, facts: Facts) -> bool {
        let full = self.facts.len() >= WAITING;
        if full {
            self.facts.pop_front();
            self.left_out += 1;
        }
        self.facts.push_back(facts);
        full && self.left_out == 1
    }

    /// The next one. When some were left out, the last is followed by how things are: what the command
    /// has missed shows in that.
    fn take(&mut self) -> Option<Facts> {
        let facts = self.facts.pop_front()?;
        if self.left_out > 0 && self.facts.is_empty() {
            self.left_out = 0;
            self.facts.push_back(present(&facts));
        }
        Some(facts)
    }
}

/// How things are by these facts, without what happened.
fn present(facts: &Facts) -> Facts {
    let of_the_event = ["CHADBURN_EVENT", "CHADBURN_LINK", "CHADBURN_WHY", "CHADBURN_WAITED"];
    let kept = facts.iter().filter(|(name, _)| !of_the_event.contains(name)).cloned();
    std::iter::once(("CHADBURN_EVENT", What::Present.word().to_owned())).chain(kept).collect()
}

/// What the runner and whoever gives it facts share.
#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to run, or nothing more will come.
    changed: Notify,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next facts; none after the last.
    async fn next(&self) -> Option<Facts> {
        loop {
            let (facts, ended) = {
                let mut waiting = self.waiting();
                (waiting.take(), waiting.ended)
            };
            if facts.is_some() || ended {
                return facts;
            }
            self.changed.notified().await;
        }
    }
}

/// A hand that runs a command.
pub(super) struct Hand {
    shared: Arc<Shared>,
    runner: JoinHandle<()>,
    process_groups: ProcessGroups,
    complaints: Display,
}

impl Hand {
    /// A hand for this command. What it starts is known to `started`; what goes wrong is said to
    /// `complaints`.
    pub(super) fn new(command: String, process_groups: ProcessGroups, complaints: Display) -> Self {
        let shared = Arc::new(Shared::default());
        let (given, group, said) =
            (Arc::clone(&shared), process_groups.clone(), complaints.clone());
        let runner = tokio::spawn(async move {
            while let Some(facts) = given.next().await {
                if let Err(why) = run(&command, facts, &group).await {
                    said.line(fit(&format!("chadburn: {why}")));
                }
            }
        });
        Self { shared, runner, process_groups, complaints }
    }

    pub(super) fn run(&self, facts: Facts) {
        let left_out = self.shared.waiting().put(facts);
        self.shared.changed.notify_one();
        if left_out {
            self.complaints.line(
                "chadburn: the command is too slow, and not run for the oldest of what waits"
                    .into(),
            );
        }
    }

    fn end(&self, drop_rest: bool) {
        let mut waiting = self.shared.waiting();
        waiting.ended = true;
        if drop_rest {
            waiting.facts.clear();
        }
        drop(waiting);
        self.shared.changed.notify_one();
    }

    /// Waits for what is still to be run.
    pub(super) async fn rest(&mut self) {
        self.end(false);
        // A runner that has panicked has said so.
        let _ = (&mut self.runner).await;
    }

    /// Passes the signal on to what is running, and kills it when it has not ended in five seconds:
    /// the command, and whatever it has left behind in its process group.
    pub(super) async fn stop(&mut self, stop: StopSignal) {
        self.end(true);
        self.process_groups.signal(stop.signal());
        let all = async {
            if !self.runner.is_finished() {
                let _ = (&mut self.runner).await;
            }
            self.process_groups.until_gone().await;
        };
        if timeout(LAST_WORDS, all).await.is_err() {
            self.process_groups.kill();
            if !self.runner.is_finished() {
                let _ = (&mut self.runner).await;
            }
        }
    }
}

/// Runs the command once; what is wrong with it, if it was not well.
async fn run(command: &str, facts: Facts, process_groups: &ProcessGroups) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).envs(facts.iter().map(|(name, text)| (name, fact(text))));
    // Our own output is one line an event, and nobody else writes into it.
    shell.stdin(Stdio::null()).stdout(std::io::stderr());
    // So that a signal finds whatever it has started too.
    shell.process_group(0);
    let run = match shell.spawn() {
        Ok(mut child) => {
            process_groups.add_leader(child.id());
            let status = child.wait().await;
            process_groups.leader_exited();
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

    fn event(number: usize) -> Facts {
        let waited = ("CHADBURN_WAITED", "1".into());
        vec![("CHADBURN_EVENT", "order".into()), ("CHADBURN_SEQ", number.to_string()), waited]
    }

    #[test]
    fn what_is_too_much_leaves_out_the_oldest_and_ends_with_how_things_are() {
        let mut waiting = Waiting::default();
        let complaints = (0..WAITING + 3).filter(|number| waiting.put(event(*number))).count();
        assert_eq!(complaints, 1, "it is said once");
        for number in 3..WAITING + 3 {
            assert_eq!(waiting.take(), Some(event(number)));
        }
        let seq = ("CHADBURN_SEQ", (WAITING + 2).to_string());
        let last: Facts = vec![("CHADBURN_EVENT", "present".into()), seq];
        assert_eq!((waiting.take(), waiting.take()), (Some(last), None));
        // What is not too much is run as it is.
        waiting.put(event(1));
        assert_eq!((waiting.take(), waiting.take()), (Some(event(1)), None));
    }

    #[test]
    fn whatever_is_told_can_be_a_fact() {
        assert_eq!(fact("a=b\nc '\"$(x)"), "a=b\nc '\"$(x)");
        assert_eq!(fact("main is\0broken"), "main is\u{fffd}broken");
        assert_eq!(fact(&"é".repeat(3_000)), "é".repeat(2_048));
        assert_eq!(fact(&format!("x{}", "é".repeat(3_000))).len(), 4_095);
    }
}
