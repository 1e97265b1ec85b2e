//! How many lines one cause may write to the log.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// How many lines a cause may write at once.
const BURST: u32 = 200;

/// It may write one more after so long.
const REFILL: Duration = Duration::from_secs(1);

/// How many causes are told apart; all others are one.
const CAUSES: usize = 256;

/// How many lines all causes together may write at once: as many as ten that storm.
const BURST_OF_ALL: u32 = 2_000;

/// All together may write one more after so long, whoever takes turns in it: 500 B/s of lines of 100 bytes.
const REFILL_OF_ALL: Duration = Duration::from_millis(200);

/// A cause that wants no line for so long has ended its storm.
const CALM: Duration = Duration::from_secs(1);

/// A storm that goes on is told of so often.
const REPORT: Duration = Duration::from_mins(1);

/// Who has written how many lines lately. A cause is a key, and `None` stands for all that found no
/// room, among the causes or in what all may write together.
#[derive(Debug)]
pub struct Lines<K> {
    causes: HashMap<Option<K>, Bucket>,
    /// When all together have again as many lines as they may have at most; since the start. None, where only so
    /// many causes can be.
    all_full: Option<Duration>,
    /// How many of them have lines that were left out.
    silenced: usize,
}

/// What is known of one cause.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// When it has again as many lines as it may have at most; since the start.
    full: Duration,
    /// When it last wanted a line.
    last: Duration,
    /// How many lines were left out since they were last told of.
    more: u64,
    /// When that was, or when the first of them was left out.
    told: Duration,
}

impl<K: Copy + Eq + Hash> Lines<K> {
    /// Nobody has written anything.
    #[must_use]
    pub fn new() -> Self {
        Self { causes: HashMap::new(), all_full: None, silenced: 0 }
    }

    /// The same for causes of which there can be any number, such as addresses: all together are limited, too.
    #[must_use]
    pub fn of_many() -> Self {
        Self { all_full: Some(Duration::ZERO), ..Self::new() }
    }

    /// Whether this cause may write a line at this time since the start; else it is counted.
    pub fn may(&mut self, cause: K, now: Duration) -> bool {
        let mut key = Some(cause);
        let of_all = |full| refilled(full, now, REFILL_OF_ALL, BURST_OF_ALL);
        let all_full = self.all_full.map(of_all);
        if all_full == Some(None) {
            key = None;
        } else if !self.causes.contains_key(&key) {
            if self.causes.len() >= CAUSES {
                self.causes.retain(|_, bucket| bucket.more > 0 || bucket.full > now);
            }
            if self.causes.len() >= CAUSES {
                key = None;
            }
        }
        let new = Bucket { full: now, last: now, more: 0, told: now };
        let bucket = self.causes.entry(key).or_insert(new);
        bucket.last = now;
        let full = refilled(bucket.full, now, REFILL, BURST);
        if let Some(full) = full.filter(|_| all_full != Some(None)) {
            (self.all_full, bucket.full) = (all_full.flatten(), full);
            return true;
        }
        if bucket.more == 0 {
            bucket.told = now;
            self.silenced += 1;
        }
        bucket.more += 1;
        false
    }

    /// How many lines of which causes were left out whose storm is over, or has lasted for long.
    pub fn over(&mut self, now: Duration) -> Vec<(Option<K>, u64)> {
        if self.silenced == 0 {
            return Vec::new();
        }
        let mut over = Vec::new();
        for (cause, bucket) in &mut self.causes {
            if bucket.more > 0 && (now >= bucket.last + CALM || now >= bucket.told + REPORT) {
                over.push((*cause, std::mem::take(&mut bucket.more)));
                self.silenced -= 1;
            }
        }
        over
    }

    /// Whether lines were left out of which nobody was told.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silenced > 0
    }

    /// How many causes are told apart now.
    #[must_use]
    pub fn causes(&self) -> usize {
        self.causes.len()
    }
}

/// When a bucket of so many lines is full again, of which one more is taken at this time; `None` if none is left.
fn refilled(full: Duration, now: Duration, refill: Duration, burst: u32) -> Option<Duration> {
    let full = full.max(now) + refill;
    (full <= now + refill * burst).then_some(full)
}

impl<K: Copy + Eq + Hash> Default for Lines<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many of so many lines are written.
    fn written(lines: &mut Lines<u32>, cause: u32, now: Duration, count: u64) -> u64 {
        (0..count).map(|_| u64::from(lines.may(cause, now))).sum()
    }

    #[test]
    fn a_storm_writes_its_first_lines_and_the_others_are_counted_when_it_is_over() {
        let mut lines = Lines::new();
        assert_eq!(written(&mut lines, 7, SECOND, 100_000), u64::from(BURST));
        assert_eq!(written(&mut lines, 8, SECOND, 3), 3, "another cause");
        assert_eq!(lines.over(SECOND), []);
        assert_eq!(lines.over(SECOND + CALM), [(Some(7), 100_000 - u64::from(BURST))]);
        assert_eq!(lines.over(3 * SECOND), [], "once");
    }

    #[test]
    fn who_writes_on_may_write_one_a_second_and_is_told_of_each_minute() {
        let mut lines = Lines::new();
        let (mut count, mut told) = (0, 0);
        for tenth in 0..36_000 {
            let now = tenth * SECOND / 10;
            count += written(&mut lines, 7, now, 10);
            told += lines.over(now).len();
        }
        let expected = u64::from(BURST) + 3_590..u64::from(BURST) + 3_610;
        assert!(expected.contains(&count), "{count}");
        assert!((55..=60).contains(&told), "{told}");
    }

    #[test]
    fn after_a_rest_all_is_as_before() {
        let mut lines = Lines::new();
        written(&mut lines, 7, SECOND, 1_000);
        assert_eq!(written(&mut lines, 7, 400 * SECOND, 1_000), u64::from(BURST));
    }

    #[test]
    fn however_many_take_turns_all_together_are_limited_and_told_of_as_one() {
        let mut lines = Lines::of_many();
        let (mut count, mut told) = (0, 0);
        // Ten thousand, a thousand of them each second, with a line each.
        for second in 1..=600 {
            let first = second % 10 * 1_000;
            let each = |lines: &mut Lines<u32>, cause| written(lines, cause, second * SECOND, 1);
            count += (first..first + 1_000).map(|cause| each(&mut lines, cause)).sum::<u64>();
            told += lines.over(second * SECOND).len();
        }
        let most = u64::from(BURST_OF_ALL) + 600 * 5;
        assert!((most - 10..=most).contains(&count), "{count}");
        assert!(told <= 20, "{told}");
    }

    #[test]
    fn memory_is_bounded_and_those_who_find_no_room_are_one() {
        let mut lines = Lines::new();
        let count: u64 = (0..100_000).map(|cause| written(&mut lines, cause, SECOND, 2)).sum();
        assert!(lines.causes() <= CAUSES + 1);
        assert_eq!(count, 2 * CAUSES as u64 + u64::from(BURST));
        let over = lines.over(3 * SECOND);
        assert_eq!(over, [(None, 200_000 - count)]);
        let later = 1_000 * SECOND;
        assert_eq!(written(&mut lines, 1_000_000, later, 1), 1);
        assert!(lines.causes() <= 2, "who rests is forgotten: {}", lines.causes());
    }
}
