//! Work that takes long, done aside: everything else in this room shares one thread, on which nobody
//! may keep the others waiting.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::problem::Problem;

/// How much may wait for a worker.
const WAITING: usize = 64;

/// How long the wait and the work may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// A few threads, and a bounded queue before them. A clone is the same few.
#[derive(Clone, Debug)]
pub struct Workers {
    /// A place for everything that waits or is worked on.
    places: Arc<Semaphore>,
    /// A permit for every worker.
    idle: Arc<Semaphore>,
}

impl Workers {
    /// So many workers.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        let places = Arc::new(Semaphore::new(workers + WAITING));
        Self { places, idle: Arc::new(Semaphore::new(workers)) }
    }

    /// Does this aside.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::not_now("the server is busy with other requests of this kind");
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let idle = Arc::clone(&self.idle);
        let done = async move {
            let worker = idle.acquire_owned().await.ok()?;
            // Whoever is stuck in a dead disk keeps both, whether or not anybody waits for it.
            let work = move || {
                let _both = (worker, place);
                work()
            };
            spawn_blocking(work).await.ok()
        };
        timeout(PATIENCE, done).await.ok().flatten().ok_or_else(busy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn so_many_work_so_many_wait_and_others_are_told_to_come_back() {
        let workers = Workers::new(2);
        let (ends, end) = mpsc::channel::<()>();
        let end = Arc::new(std::sync::Mutex::new(end));
        let (begins, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let work = |number| {
            let (workers, end, begins) = (workers.clone(), Arc::clone(&end), begins.clone());
            let work = move || {
                begins.send(number).unwrap();
                end.lock().unwrap().recv().unwrap();
                number
            };
            tokio::spawn(async move { workers.run(work).await.ok() })
        };
        let first: Vec<_> = (0..2).map(work).collect();
        for _ in 0..2 {
            begun.recv().await.unwrap();
        }
        let rest: Vec<_> = (2..2 + WAITING).map(work).collect();
        while workers.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(workers.run(|| ()).await.is_err(), "there is no place left");
        assert!(begun.try_recv().is_err(), "two work, and no more");
        for _ in 0..2 + WAITING {
            ends.send(()).unwrap();
        }
        for (number, done) in first.into_iter().chain(rest).enumerate() {
            assert_eq!(done.await.unwrap(), Some(number));
        }
        assert_eq!(workers.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn work_that_fails_is_an_error_and_costs_no_worker() {
        let workers = Workers::new(1);
        for _ in 0..3 {
            assert!(workers.run(|| panic!("as asked for")).await.is_err());
        }
        assert!(workers.run(|| ()).await.is_ok());
    }
}
