//! What is due by time, for all sources of a pool, on a few threads that they share.
//!
//! A task is run when it is due or woken, by one thread at a time, and says when it is due again. What it does may
//! hang: while one thread is at work another one waits for the rest, until there are [`MOST`].

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::error;

use crate::disk::Calls;

/// How many threads there are at most. Each of so many files can hang before the others wait.
const MOST: usize = 4;

/// How many idle threads wait for what becomes due; any more end.
const KEPT: usize = 2;

/// The standby thread wakes this long after a task is due, and runs it if the other one has not: before a file counts as
/// one whose disk hangs, and so rarely that an idle machine hardly notices.
const STANDBY: Duration = Duration::from_secs(4);

/// When a task is to be run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// At this moment, or when it is woken; at no moment if there is none.
    At(Option<Instant>),
    /// Never.
    Over,
}

type Work = Box<dyn FnMut() -> Next + Send>;

/// The tasks of a pool and their threads. A clone is the same ones. The threads end when there is no task.
#[derive(Clone, Debug, Default)]
pub(super) struct Tasks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    tasks: Vec<Entry>,
    /// The number of the task that came last.
    last: u64,
    threads: usize,
    /// Until when those threads wait that have nothing to do.
    waiting: Vec<Option<Instant>>,
}

struct Entry {
    id: u64,
    /// Not there while a thread is at it.
    work: Option<Work>,
    due: Option<Instant>,
    /// Dropped with the task, and after what it holds.
    _running: Sender<()>,
}

/// Wakes a task.
#[derive(Clone, Debug)]
pub(super) struct Waker {
    tasks: Tasks,
    id: u64,
}

/// A task that was begun.
#[derive(Debug)]
pub(super) struct Task {
    waker: Waker,
    /// The other end is dropped when the task is over.
    over: Receiver<()>,
}

impl Tasks {
    /// Wakes the task that is begun with it.
    pub(super) fn waker(&self) -> Waker {
        let mut queue = self.0.queue();
        queue.last += 1;
        Waker { tasks: self.clone(), id: queue.last }
    }

    /// Begins a task, which is due at once.
    ///
    /// # Errors
    ///
    /// There is no thread and none can be started.
    pub(super) fn begin(
        &self,
        waker: Waker,
        work: impl FnMut() -> Next + Send + 'static,
    ) -> io::Result<Task> {
        let (running, over) = channel();
        let mut queue = self.0.queue();
        if queue.threads == 0 {
            self.0.start_thread(&mut queue)?;
        }
        let (work, due): (Work, _) = (Box::new(work), Some(Instant::now()));
        queue.tasks.push(Entry { id: waker.id, work: Some(work), due, _running: running });
        drop(queue);
        self.0.changed.notify_one();
        Ok(Task { waker, over })
    }
}

impl Waker {
    /// Makes the task due; once more if it is being run.
    pub(super) fn wake(&self) {
        let shared = &self.tasks.0;
        let mut queue = shared.queue();
        if let Some(entry) = queue.tasks.iter_mut().find(|entry| entry.id == self.id) {
            entry.due = Some(Instant::now());
            drop(queue);
            shared.changed.notify_one();
        }
    }
}

impl Task {
    /// Ends it. If a thread is at it, it must say itself that it is over, and is waited for; not if a call of its file
    /// is out for longer than that.
    pub(super) fn end(&self, calls: &Calls, patience: Duration) {
        let shared = &self.waker.tasks.0;
        let queue = shared.queue();
        let idle =
            queue.tasks.iter().position(|entry| entry.id == self.waker.id && entry.work.is_some());
        if let Some(index) = idle {
            // All threads may be held up by other files.
            drop(shared.remove(queue, index));
        } else {
            drop(queue);
            calls.wait_for(&self.over, patience);
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // No task is run with the lock held, so that what a panic leaves behind is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_thread(self: &Arc<Self>, queue: &mut Queue) -> io::Result<()> {
        let shared = Arc::clone(self);
        thread::Builder::new().name("sources".into()).spawn(move || shared.work())?;
        queue.threads += 1;
        Ok(())
    }

    /// What each thread does.
    fn work(self: Arc<Self>) {
        let mut queue = self.queue();
        while !queue.tasks.is_empty() {
            let first = queue.first();
            let now = Instant::now();
            if let Some((index, _)) = first.filter(|(_, due)| *due <= now) {
                queue = self.run(queue, index);
            } else if queue.waiting.len() == KEPT {
                break;
            } else {
                let until =
                    first.map(|(_, due)| if queue.is_awaited(due) { due + STANDBY } else { due });
                queue = self.wait(queue, until);
            }
        }
        queue.threads -= 1;
    }

    fn run<'a>(
        self: &'a Arc<Self>,
        mut queue: MutexGuard<'a, Queue>,
        index: usize,
    ) -> MutexGuard<'a, Queue> {
        let entry = &mut queue.tasks[index];
        let (id, work) = (entry.id, entry.work.take());
        entry.due = None;
        let Some(mut work) = work else { return queue };
        self.leave_somebody(&mut queue);
        drop(queue);
        let next = catch_unwind(AssertUnwindSafe(&mut work)).unwrap_or(Next::Over);
        let mut queue = self.queue();
        let Some(index) = queue.tasks.iter().position(|entry| entry.id == id) else { return queue };
        match next {
            Next::At(due) => {
                let entry = &mut queue.tasks[index];
                entry.work = Some(work);
                // It may have been woken meanwhile.
                entry.due = entry.due.or(due);
                queue
            }
            Next::Over => {
                queue.tasks[index].work = Some(work);
                drop(self.remove(queue, index));
                self.queue()
            }
        }
    }

    /// Takes a task out of the queue. The lock is given back: what the task holds is dropped without it.
    fn remove(&self, mut queue: MutexGuard<'_, Queue>, index: usize) -> Entry {
        let entry = queue.tasks.swap_remove(index);
        if queue.tasks.is_empty() {
            self.changed.notify_all();
        }
        entry
    }

    /// Sees to it that another thread waits for what becomes due while this one is at work.
    fn leave_somebody(self: &Arc<Self>, queue: &mut Queue) {
        if queue.waiting.is_empty() && queue.threads < MOST {
            if let Err(error) = self.start_thread(queue) {
                error!(%error, "no thread can be started, so that files wait for one another");
            }
        } else if let Some((_, due)) = queue.first()
            && !queue.is_awaited(due + STANDBY)
        {
            self.changed.notify_one();
        }
    }

    fn wait<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, Queue> {
        queue.waiting.push(until);
        let time =
            until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let waited = self.changed.wait_timeout(queue, time);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = queue.waiting.iter().position(|it| *it == until) {
            queue.waiting.swap_remove(index);
        }
        queue
    }
}

impl Queue {
    /// Whether a thread wakes at this moment at the latest.
    fn is_awaited(&self, due: Instant) -> bool {
        self.waiting.iter().any(|until| until.is_some_and(|until| until <= due))
    }

    /// Which task is due first, and when; of those that nobody is at.
    fn first(&self) -> Option<(usize, Instant)> {
        let due = |(index, entry): (usize, &Entry)| {
            entry.work.as_ref()?;
            Some((index, entry.due?))
        };
        self.tasks.iter().enumerate().filter_map(due).min_by_key(|(_, due)| *due)
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A task that tells of each run, and then waits for as long as the other end of `go` is held.
    fn begin(tasks: &Tasks, name: u32, told: &Sender<u32>, go: Option<Receiver<()>>) -> Task {
        let (told, waker) = (told.clone(), tasks.waker());
        tasks
            .begin(waker, move || {
                let _ = told.send(name);
                if let Some(go) = &go {
                    let _ = go.recv();
                }
                Next::At(None)
            })
            .unwrap()
    }

    #[test]
    fn a_task_runs_when_it_is_due_and_when_it_is_woken_and_once_more_if_that_was_meanwhile() {
        let (tasks, (tell, told)) = (Tasks::default(), channel());
        let (waker, mut runs) = (tasks.waker(), 0);
        let own = waker.clone();
        let task = tasks.begin(waker, move || {
            runs += 1;
            if runs == 2 {
                own.wake();
            }
            tell.send(runs).unwrap();
            let soon = Instant::now() + Duration::from_millis(1);
            Next::At((runs == 1).then_some(soon))
        });
        for run in 1..=3 {
            assert_eq!(told.recv_timeout(PATIENCE), Ok(run));
        }
        let task = task.unwrap();
        task.waker.wake();
        assert_eq!(told.recv_timeout(PATIENCE), Ok(4));
        assert_eq!(tasks.0.queue().tasks.len(), 1);
    }

    #[test]
    fn three_that_hang_hold_up_no_other_and_when_they_are_back_two_threads_stay() {
        let (tasks, (tell, told)) = (Tasks::default(), channel());
        let mut hanging = Vec::new();
        for name in 0..3 {
            let (go, wait) = channel();
            hanging.push((begin(&tasks, name, &tell, Some(wait)), go));
            assert_eq!(told.recv_timeout(PATIENCE), Ok(name));
        }
        let other = begin(&tasks, 7, &tell, None);
        for _ in 0..100 {
            assert_eq!(told.recv_timeout(PATIENCE), Ok(7));
            other.waker.wake();
        }
        assert!(tasks.0.queue().threads <= MOST);
        let hanging: Vec<Task> = hanging.into_iter().map(|(task, _)| task).collect();
        let deadline = Instant::now() + PATIENCE;
        while tasks.0.queue().waiting.len() != KEPT || tasks.0.queue().threads != KEPT {
            assert!(Instant::now() < deadline, "{:?}", tasks.0);
            thread::yield_now();
        }
        drop(hanging);
    }

    #[test]
    fn a_task_ends_at_once_although_all_threads_hang() {
        let (tasks, (tell, told)) = (Tasks::default(), channel());
        let idle = begin(&tasks, 7, &tell, None);
        assert_eq!(told.recv_timeout(PATIENCE), Ok(7));
        let mut hanging = Vec::new();
        for name in 0..4 {
            let (go, wait) = channel();
            hanging.push((begin(&tasks, name, &tell, Some(wait)), go));
            assert_eq!(told.recv_timeout(PATIENCE), Ok(name));
        }
        idle.waker.wake();
        idle.end(&Calls::default(), PATIENCE);
        assert!(idle.over.recv().is_err(), "it is over");
        assert_eq!(tasks.0.queue().tasks.len(), 4);
        drop(hanging);
    }

    #[test]
    fn what_is_over_is_dropped_before_that_is_known_and_the_threads_end_with_the_last() {
        let (tasks, held) = (Tasks::default(), Arc::new(()));
        let own = Arc::clone(&held);
        let panics = tasks.begin(tasks.waker(), move || panic!("made up {own:?}")).unwrap();
        panics.end(&Calls::default(), PATIENCE);
        assert_eq!(Arc::strong_count(&held), 1);
        let deadline = Instant::now() + PATIENCE;
        while tasks.0.queue().threads > 0 {
            assert!(Instant::now() < deadline, "{:?}", tasks.0);
            thread::yield_now();
        }
        let (tell, told) = channel();
        let _task = begin(&tasks, 1, &tell, None);
        assert_eq!(told.recv_timeout(PATIENCE), Ok(1), "they come again with another");
    }
}
