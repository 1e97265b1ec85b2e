//! Runs the `--exec` command for one event after another, each time in a process group of its own.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::output_queue::OutputQueue;
use super::rule::WatchEvent;
use chadburn_host::log::fit;
use chadburn_host::process_groups::ProcessGroups;
use chadburn_host::signals::StopSignal;

/// The most events that wait for a slow command. When there are more, the oldest are dropped, which is
/// reported once.
const QUEUE_MAX: usize = 64;

/// How long the command may take to end after a signal; then it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes of a variable's value. A status has no more. A malicious server could send more than the
/// kernel accepts (`execve(2)`), and then the command could not be run at all.
const MAX_VAR_BYTES: usize = 4_096;

/// The environment variables of one event.
pub(super) type EventVars = Vec<(&'static str, String)>;

/// The events that the command is still to be run for.
#[derive(Debug, Default)]
struct EventQueue {
    events: VecDeque<EventVars>,
    /// Events dropped since the last `present` event.
    dropped: u64,
    /// Nothing more will come.
    ended: bool,
}

impl EventQueue {
    /// Queues an event. True if this made the queue drop one for the first time since the last `present`,
    /// which is to be reported.
    fn put(&mut self, vars: EventVars) -> bool {
        let full = self.events.len() >= QUEUE_MAX;
        if full {
            self.events.pop_front();
            self.dropped += 1;
        }
        self.events.push_back(vars);
        full && self.dropped == 1
    }

    /// The next event. If events were dropped, a `present` event with the latest state follows the last one.
    fn take(&mut self) -> Option<EventVars> {
        let vars = self.events.pop_front()?;
        if self.dropped > 0 && self.events.is_empty() {
            self.dropped = 0;
            self.events.push_back(current_state_vars(&vars));
        }
        Some(vars)
    }
}

/// The variables of a `present` event with the state of this event.
fn current_state_vars(vars: &EventVars) -> EventVars {
    let of_the_event = ["CHADBURN_EVENT", "CHADBURN_LINK", "CHADBURN_WHY", "CHADBURN_WAITED"];
    let kept = vars.iter().filter(|(name, _)| !of_the_event.contains(name)).cloned();
    std::iter::once(("CHADBURN_EVENT", WatchEvent::Present.word().to_owned())).chain(kept).collect()
}

/// The queue, shared with the task.
#[derive(Debug, Default)]
struct SharedQueue {
    queue: Mutex<EventQueue>,
    /// There is an event, or no more will come.
    changed: Notify,
}

impl SharedQueue {
    fn queue(&self) -> MutexGuard<'_, EventQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next event; `None` after the last.
    async fn next(&self) -> Option<EventVars> {
        loop {
            let (vars, ended) = {
                let mut queue = self.queue();
                (queue.take(), queue.ended)
            };
            if vars.is_some() || ended {
                return vars;
            }
            self.changed.notified().await;
        }
    }
}

/// Runs the `--exec` command for one event after another, in a task of its own.
pub(super) struct ExecRunner {
    shared: Arc<SharedQueue>,
    task: JoinHandle<()>,
    process_groups: ProcessGroups,
    complaints: OutputQueue,
}

impl ExecRunner {
    /// A hand for this command. What it starts is known to `started`; what goes wrong is said to
    /// `complaints`.
    pub(super) fn new(
        command: String,
        process_groups: ProcessGroups,
        complaints: OutputQueue,
    ) -> Self {
        let shared = Arc::new(SharedQueue::default());
        let (queue_of_task, groups_of_task, complaints_of_task) =
            (Arc::clone(&shared), process_groups.clone(), complaints.clone());
        let task = tokio::spawn(async move {
            while let Some(vars) = queue_of_task.next().await {
                if let Err(why) = run(&command, vars, &groups_of_task).await {
                    complaints_of_task.push_line(fit(&format!("chadburn: {why}")));
                }
            }
        });
        Self { shared, task, process_groups, complaints }
    }

    pub(super) fn enqueue(&self, vars: EventVars) {
        let dropped = self.shared.queue().put(vars);
        self.shared.changed.notify_one();
        if dropped {
            self.complaints.push_line(
                "chadburn: the command is too slow, and not run for the oldest of what waits"
                    .into(),
            );
        }
    }

    fn end(&self, drop_rest: bool) {
        let mut queue = self.shared.queue();
        queue.ended = true;
        if drop_rest {
            queue.events.clear();
        }
        drop(queue);
        self.shared.changed.notify_one();
    }

    /// Waits until the command has been run for every event in the queue.
    pub(super) async fn run_remaining(&mut self) {
        self.end(false);
        // A panic of the task has been reported where it happened.
        let _ = (&mut self.task).await;
    }

    /// Passes the signal on to the process groups of the command, also to those that earlier runs have left
    /// behind, and kills them when they have not ended in five seconds.
    pub(super) async fn stop(&mut self, stop: StopSignal) {
        self.end(true);
        self.process_groups.signal(stop.signal());
        let all = async {
            if !self.task.is_finished() {
                let _ = (&mut self.task).await;
            }
            self.process_groups.until_gone().await;
        };
        if timeout(STOP_TIMEOUT, all).await.is_err() {
            self.process_groups.kill();
            if !self.task.is_finished() {
                let _ = (&mut self.task).await;
            }
        }
    }
}

/// Runs the command once; an error says what went wrong.
async fn run(command: &str, vars: EventVars, process_groups: &ProcessGroups) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).envs(vars.iter().map(|(name, text)| (name, env_value(text))));
    // The command's stdout goes to our stderr: our stdout is one line an event, for programs.
    shell.stdin(Stdio::null()).stdout(std::io::stderr());
    // So that a signal reaches the descendants of the shell, too.
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

/// The text as an environment can hold it: no NUL, and at most [`MAX_VAR_BYTES`].
fn env_value(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_VAR_BYTES);
    text[..end].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> EventVars {
        let waited = ("CHADBURN_WAITED", "1".into());
        vec![("CHADBURN_EVENT", "order".into()), ("CHADBURN_SEQ", number.to_string()), waited]
    }

    #[test]
    fn what_is_too_much_leaves_out_the_oldest_and_ends_with_how_things_are() {
        let mut queue = EventQueue::default();
        let complaints = (0..QUEUE_MAX + 3).filter(|number| queue.put(event(*number))).count();
        assert_eq!(complaints, 1, "it is said once");
        for number in 3..QUEUE_MAX + 3 {
            assert_eq!(queue.take(), Some(event(number)));
        }
        let seq = ("CHADBURN_SEQ", (QUEUE_MAX + 2).to_string());
        let last: EventVars = vec![("CHADBURN_EVENT", "present".into()), seq];
        assert_eq!((queue.take(), queue.take()), (Some(last), None));
        // What is not too much is run as it is.
        queue.put(event(1));
        assert_eq!((queue.take(), queue.take()), (Some(event(1)), None));
    }

    #[test]
    fn whatever_is_told_can_be_a_fact() {
        assert_eq!(env_value("a=b\nc '\"$(x)"), "a=b\nc '\"$(x)");
        assert_eq!(env_value("main is\0broken"), "main is\u{fffd}broken");
        assert_eq!(env_value(&"é".repeat(3_000)), "é".repeat(2_048));
        assert_eq!(env_value(&format!("x{}", "é".repeat(3_000))).len(), 4_095);
    }
}
