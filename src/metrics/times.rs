//! How often something took how long: a histogram of plain atomics.
//!
//! The crate's own takes a lock, and a scrape must not hold up a push.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// The durations counted so far. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct Times(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    /// The longest duration of each bucket but the last, which has no end.
    bounds: &'static [Duration],
    /// How many fell into each bucket and none before it.
    buckets: Box<[AtomicU64]>,
    /// Their sum in nanoseconds, which wraps after 584 years.
    sum: AtomicU64,
}

impl Times {
    /// No durations; `bounds` rise.
    pub(super) fn new(bounds: &'static [Duration]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Counted { bounds, buckets, sum: AtomicU64::new(0) }))
    }

    /// It took so long once more.
    pub(super) fn observe(&self, time: Duration) {
        let Counted { bounds, buckets, sum } = &*self.0;
        let bucket = bounds.partition_point(|bound| *bound < time);
        buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        sum.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl EncodeMetric for Times {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Counted { bounds, buckets, sum } = &*self.0;
        let ends = bounds.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let counts = buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<_> = ends.zip(counts).collect();
        // Counted from the same reading, so that count and buckets agree whatever happens meanwhile.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(sum.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
