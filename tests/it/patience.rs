//! Deadlines for the tests of this binary: each wait fails with a message when it takes too long. Conditions
//! that nothing announces are polled.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long an event may take that the contract gives no time for. It is only ever waited out when
/// something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(6);

/// How often a condition is looked at that nothing announces, such as a file's content.
const LOOK: Duration = Duration::from_millis(5);

/// The future's value, which has to come in time.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    within(PATIENCE, what, future).await
}

/// The future's value, which has to come within this time.
pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    let value = tokio::time::timeout(limit, future).await;
    value.unwrap_or_else(|_| panic!("{what}: not within {limit:?}"))
}

/// The future's value, and how long it took, less the time for which a busy machine did not schedule this
/// process, as our own timer shows by firing late.
pub(crate) async fn lasting<T>(what: &str, future: impl Future<Output = T>) -> (T, Duration) {
    let (begun, mut robbed) = (Instant::now(), Duration::ZERO);
    let mut future = std::pin::pin!(future);
    loop {
        let look = Instant::now();
        match tokio::time::timeout(LOOK, &mut future).await {
            Ok(value) => return (value, begun.elapsed().saturating_sub(robbed)),
            Err(_) => robbed += look.elapsed().saturating_sub(2 * LOOK),
        }
        let lasted = begun.elapsed();
        assert!(lasted < 4 * PATIENCE, "{what}: not within {lasted:?}");
    }
}

/// Returns when the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Does this on a thread that may block, and returns what came of it.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the work aside does not panic")
}
