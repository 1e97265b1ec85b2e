//! Numbers from measurements: percentiles, rates, and the report. Knows not how they were taken.

use std::time::Duration;

use serde::Serialize;

/// All that one run of the load generator found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Stations that were open.
    pub(crate) stations: u64,
    /// Values written after the warm-up; fewer than asked for when the time ran out.
    pub(crate) written: u64,
    /// Those of them that were heard, over all stations.
    pub(crate) delivered: u64,
    /// Stations greeted a second, from the first connect to the last greeting.
    pub(crate) connects_per_s: f64,
    /// Half of all deliveries took no longer than this, from the end of the write.
    pub(crate) p50_us: f64,
    /// 99 of 100 deliveries took no longer than this.
    pub(crate) p99_us: f64,
    /// The slowest delivery.
    pub(crate) max_us: f64,
    /// The server's CPU time, for each delivery.
    pub(crate) cpu_us_per_message: f64,
    /// How many cores were busy with something else meanwhile: with more than a little of that, the
    /// times above are worth little.
    pub(crate) busy_elsewhere: f64,
    /// The server's memory before anyone came.
    pub(crate) idle_kib: u64,
    /// Its memory once one station had come and gone, so that code touched first is not counted
    /// as a station's.
    pub(crate) before_kib: u64,
    /// Its memory with all stations: the larger of after the greetings and after the last value.
    pub(crate) with_kib: u64,
    /// The difference, for each station.
    pub(crate) kib_per_station: f64,
    /// Stations that never heard the last value.
    pub(crate) missing_last: u64,
    /// Values never heard, over all stations.
    pub(crate) missing: u64,
    /// Values heard again, over all stations.
    pub(crate) duplicates: u64,
    /// Empty values heard, over all stations.
    pub(crate) empties: u64,
    /// Values heard after a later one, over all stations.
    pub(crate) out_of_order: u64,
    /// Values heard that were never written, over all stations.
    pub(crate) foreign: u64,
    /// Stations that lost their connection.
    pub(crate) lost: u64,
    /// Greedy stations that lost theirs.
    pub(crate) greedy_lost: u64,
    /// 99 of 100 answers of `/livez` took no longer than this; 0 if nobody asked.
    pub(crate) live_p99_us: f64,
    /// Messages that were no status: pings, beats and the like.
    pub(crate) others: u64,
}

/// The smallest of the sorted values that at least `per_mille` of 1,000 do not exceed
/// (nearest rank); 0 of none.
pub(crate) fn percentile(sorted: &[u64], per_mille: usize) -> u64 {
    let rank = (sorted.len() * per_mille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// A quotient, 0 when there is nothing to divide by.
pub(crate) fn per(amount: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { amount / float(count) }
}

/// Events a second.
pub(crate) fn rate(count: u64, took: Duration) -> f64 {
    float(count) / took.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// Nanoseconds as microseconds.
pub(crate) fn micros(nanos: u64) -> f64 {
    float(nanos) / 1e3
}

/// The number as a float.
#[expect(clippy::cast_precision_loss, reason = "no count or time here comes near 2^53")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 500), 50);
        assert_eq!(percentile(&hundred, 990), 99);
        assert_eq!(percentile(&hundred, 1000), 100);
        assert_eq!(percentile(&hundred, 0), 1);
        assert_eq!(percentile(&[7], 990), 7);
        assert_eq!(percentile(&[1, 2], 500), 1);
        assert_eq!(percentile(&[], 500), 0);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these quotients are exact")]
    fn nothing_delivered_costs_nothing() {
        assert_eq!(per(5.0, 0), 0.0);
        assert_eq!(per(5.0, 2), 2.5);
        assert_eq!(micros(1_500), 1.5);
        assert_eq!(rate(10, Duration::from_millis(500)), 20.0);
    }
}
