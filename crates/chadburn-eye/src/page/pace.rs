//! When a viewer gets the next frame.
//!
//! Pure: times are since any beginning, and no clock is read.

use std::collections::VecDeque;
use std::time::Duration;

/// The time between two frames, on average.
pub(super) const EVERY: Duration = Duration::from_millis(100);

/// The least time between two: cameras are not punctual, and who waits for one that was late would be late for ever.
const LEAST: Duration = Duration::from_millis(80);

/// How many frames may be under way; with two the next one travels while the last one is drawn.
const UNDER_WAY: usize = 2;

/// What one viewer has got.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Before this no other frame is sent.
    next: Duration,
    /// The frames that were sent and not acknowledged.
    under_way: VecDeque<f64>,
}

impl Pace {
    /// How long a frame has to wait at this time; `None` until one is acknowledged.
    pub(super) fn wait(&self, now: Duration) -> Option<Duration> {
        (self.under_way.len() < UNDER_WAY).then(|| self.next.saturating_sub(now))
    }

    /// A frame was sent.
    pub(super) fn sent(&mut self, frame_id: f64, now: Duration) {
        self.next = (self.next + EVERY).max(now + LEAST);
        self.under_way.push_back(frame_id);
    }

    /// This frame, and whatever was sent before it, has been shown.
    pub(super) fn acknowledged(&mut self, frame_id: f64) {
        self.under_way.retain(|sent| *sent > frame_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn two_frames_are_under_way_and_no_more() {
        let mut pace = Pace::default();
        pace.sent(1.0, ms(0));
        assert_eq!(pace.wait(ms(30)), Some(ms(70)));
        pace.sent(2.0, ms(100));
        assert_eq!(pace.wait(ms(10_000)), None, "nobody has seen them");
        pace.acknowledged(0.5);
        assert_eq!(pace.wait(ms(10_000)), None, "that was another one");
        pace.acknowledged(2.0);
        assert_eq!(pace.wait(ms(10_000)), Some(ms(0)));
        pace.sent(3.0, ms(10_000));
        assert!(pace.wait(ms(10_001)).is_some(), "the second one stands for both");
    }

    #[test]
    fn ten_a_second_are_sent_however_unpunctual_they_come() {
        let (mut pace, mut last, mut count) = (Pace::default(), None, 0);
        // A camera with 30 frames a second, of which each comes up to 12 ms late.
        for frame in 0..300_u64 {
            let now = ms(frame * 1_000 / 30 + frame * 7 % 13);
            if pace.wait(now) == Some(Duration::ZERO) {
                pace.sent(0.0, now);
                pace.acknowledged(0.0);
                assert!(last.is_none_or(|last| now >= last + LEAST));
                (last, count) = (Some(now), count + 1);
            }
        }
        assert!((90..=101).contains(&count), "{count} in ten seconds");
    }

    #[test]
    fn one_that_is_late_does_not_make_all_others_late() {
        let mut pace = Pace::default();
        for frame in 0..50_u64 {
            let now = ms(frame * 100 + if frame == 7 { 20 } else { 0 });
            assert_eq!(pace.wait(now), Some(Duration::ZERO), "frame {frame}");
            pace.sent(0.0, now);
            pace.acknowledged(0.0);
        }
    }
}
