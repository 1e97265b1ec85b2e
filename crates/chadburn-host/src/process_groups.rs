//! The process groups of children, to signal them and to wait for their end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process_group, test_kill_process,
    test_kill_process_group, wait as wait_child,
};

/// How often to look whether a group still has processes.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The process groups whose leaders are children of this process.
#[derive(Clone, Debug, Default)]
pub struct ProcessGroups(Arc<Mutex<Groups>>);

#[derive(Debug, Default)]
struct Groups {
    /// The group whose leader is running, if there is one.
    running: Option<Pid>,
    /// Groups whose leaders have ended and that still have processes.
    orphaned_groups: Vec<Pid>,
}

impl Groups {
    /// All groups that still have processes.
    fn all(&mut self) -> impl Iterator<Item = Pid> {
        self.orphaned_groups.retain(|group| is_orphaned_group(*group));
        self.orphaned_groups.iter().copied().chain(self.running)
    }
}

/// Whether a group whose leader has ended still has processes. A pid is not reused while a process group
/// with that number exists. So if there is a process with this pid, the group that we knew is gone, and
/// the number is another's.
fn is_orphaned_group(group: Pid) -> bool {
    test_kill_process(group).is_err() && test_kill_process_group(group).is_ok()
}

impl ProcessGroups {
    /// A child with this pid has been started as the leader of a group.
    pub fn add_leader(&self, child: Option<u32>) {
        self.groups().running = child.and_then(|it| Pid::from_raw(it.cast_signed()));
    }

    /// The leader has ended, and was waited for.
    pub fn leader_exited(&self) {
        let mut groups = self.groups();
        let ended = groups.running.take();
        groups.orphaned_groups.extend(ended);
        groups.orphaned_groups.retain(|group| is_orphaned_group(*group));
        drop(groups);
        self.reap_zombies();
    }

    /// Sends every group a signal.
    pub fn signal(&self, signal: Signal) {
        for group in self.groups().all() {
            // It fails only if the group has ended in the meantime.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Sends SIGKILL to every group.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until no group has processes any more. Polled: only a parent is notified of a child's exit.
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

    /// Reaps orphans that have become our children and have ended. Not while the leader is running: its
    /// status is for the code that waits for it.
    pub(crate) fn reap_zombies(&self) {
        if !inherits_orphans() || self.groups().running.is_some() {
            return;
        }
        while let Ok(Some(_)) = wait_child(WaitOptions::NOHANG) {}
    }
}

/// Whether orphaned descendants become our children (as a subreaper, `prctl(2)`, or as process 1). A zombie
/// counts as a member of its group until it is reaped, so we must reap them ourselves.
pub(crate) fn inherits_orphans() -> bool {
    #[cfg(target_os = "linux")]
    let subreaper = rustix::process::child_subreaper().is_ok_and(|it| it.is_some());
    #[cfg(not(target_os = "linux"))]
    let subreaper = false;
    subreaper || getpid() == Pid::INIT
}
