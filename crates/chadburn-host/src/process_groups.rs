//! The process groups of children, to signal them and to wait for their end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process_group, test_kill_process,
    test_kill_process_group, wait as wait_child,
};

/// How often one looks whether somebody is left of a group.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The process groups that a command has started.
#[derive(Clone, Debug, Default)]
pub struct ProcessGroups(Arc<Mutex<Groups>>);

#[derive(Debug, Default)]
struct Groups {
    /// The one whose leader is running, if there is one.
    running: Option<Pid>,
    /// Those whose leaders have ended and have left others behind.
    orphaned_groups: Vec<Pid>,
}

impl Groups {
    /// All that there are now.
    fn all(&mut self) -> impl Iterator<Item = Pid> {
        self.orphaned_groups.retain(|group| is_orphaned_group(*group));
        self.orphaned_groups.iter().copied().chain(self.running)
    }
}

/// Whether somebody is left of a group whose leader has ended. The leader's number is not given to
/// another process as long as there is, so that a process with it leads a group of somebody else.
fn is_orphaned_group(group: Pid) -> bool {
    test_kill_process(group).is_err() && test_kill_process_group(group).is_ok()
}

impl ProcessGroups {
    /// A child with this number leads one.
    pub fn add_leader(&self, child: Option<u32>) {
        self.groups().running = child.and_then(|it| Pid::from_raw(it.cast_signed()));
    }

    /// It has ended, and was waited for.
    pub fn leader_exited(&self) {
        let mut groups = self.groups();
        let ended = groups.running.take();
        groups.orphaned_groups.extend(ended);
        groups.orphaned_groups.retain(|group| is_orphaned_group(*group));
        drop(groups);
        self.reap_zombies();
    }

    /// Sends all of them a signal.
    pub fn signal(&self, signal: Signal) {
        for group in self.groups().all() {
            // Whoever has gone already needs none.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Kills them.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until nobody is left of them. The kernel tells no one but their parents of their ends.
    pub async fn until_gone(&self) {
        while self.is_running() {
            tokio::time::sleep(POLL_INTERVAL).await;
            self.reap_zombies();
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.groups().all().next().is_some()
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes away what is left of orphans. While there is a child, that is left to whoever waits for it.
    pub(crate) fn reap_zombies(&self) {
        if !inherits_orphans() || self.groups().running.is_some() {
            return;
        }
        while let Ok(Some(_)) = wait_child(WaitOptions::NOHANG) {}
    }
}

/// Whether the orphans of what this process has started become its children (`prctl(2)`), as those of all
/// others do for the first process of a container. An inherited one is in a group until somebody takes
/// away what is left of it, and the first process of a machine or container may take its time for that.
pub(crate) fn inherits_orphans() -> bool {
    #[cfg(target_os = "linux")]
    let subreaper = rustix::process::child_subreaper().is_ok_and(|it| it.is_some());
    #[cfg(not(target_os = "linux"))]
    let subreaper = false;
    subreaper || getpid() == Pid::INIT
}
