//! How the source is, in one word for programs and one sentence for people.
//!
//! Pure: it is told what came and when, and reads no clock.

use std::time::Duration;

use bytes::Bytes;

/// Nothing for so long is a fault; told within 6 s.
const SILENT: Duration = Duration::from_secs(5);

/// The same bytes for so long are no camera's: its noise alone makes each picture another one.
const FROZEN: Duration = Duration::from_secs(10);

/// Bad pictures for so long are a fault, and not one that was cut short on its way.
const BAD: Duration = Duration::from_secs(2);

/// How a source is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Pictures come.
    Sees,
    /// None come.
    #[default]
    NoFrames,
    /// The same one comes again and again.
    Frozen,
    /// What comes is no picture that can be read.
    BadFrames,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sees, Self::NoFrames, Self::Frozen, Self::BadFrames];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sees => "sees",
            Self::NoFrames => "no frames",
            Self::Frozen => "frozen",
            Self::BadFrames => "bad frames",
        }
    }
}

/// What is told of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// How it is.
    pub condition: Condition,
    /// Why, if something is wrong and more is known than the word.
    pub detail: Option<String>,
}

/// What is known of a source. Times are since the start.
#[derive(Debug)]
pub struct Watch {
    /// Whether the same picture again and again is a fault.
    is_live: bool,
    /// How often pictures come at least.
    every: Duration,
    /// When the last good picture came.
    good: Option<Duration>,
    /// Since when all that came was bad, and what was wrong with the last.
    bad: Option<(Duration, String)>,
    /// When the last bad one came.
    bad_last: Duration,
    /// Why the source was lost, until a picture comes again.
    lost: Option<String>,
    /// The last good picture, and since when it is the same.
    same: Option<(Bytes, Duration)>,
}

impl Watch {
    /// A source of which nothing has come; pictures come at least so often.
    #[must_use]
    pub fn new(is_live: bool, every: Duration) -> Self {
        let bad_last = Duration::ZERO;
        Self { is_live, every, good: None, bad: None, bad_last, lost: None, same: None }
    }

    /// A good picture came.
    pub fn good(&mut self, bytes: &Bytes, now: Duration) {
        if self.same.as_ref().is_none_or(|(same, _)| same != bytes) {
            self.same = Some((bytes.clone(), now));
        }
        (self.good, self.bad, self.lost) = (Some(now), None, None);
    }

    /// A picture came that cannot be read.
    pub fn bad(&mut self, why: String, now: Duration) {
        let since = self.bad.take().map_or(now, |(since, _)| since);
        (self.bad, self.bad_last, self.lost) = (Some((since, why)), now, None);
    }

    /// The source was lost, or could not be opened.
    pub fn lost(&mut self, why: String) {
        self.lost = Some(why);
    }

    /// How it is at this time.
    #[must_use]
    pub fn health(&self, now: Duration) -> Health {
        let is_fresh = |at: Duration| !self.is_live || now < at + SILENT + self.every;
        let bad = self.bad.as_ref().filter(|(since, _)| {
            is_fresh(self.bad_last) && (self.good.is_none() || now >= *since + BAD)
        });
        if let Some((_, why)) = bad {
            return Health { condition: Condition::BadFrames, detail: Some(why.clone()) };
        }
        if !self.good.is_some_and(is_fresh) {
            return Health { condition: Condition::NoFrames, detail: self.lost.clone() };
        }
        // Of snapshots two have to be the same.
        let frozen = FROZEN.max(2 * self.every);
        match &self.same {
            Some((_, since)) if self.is_live && now >= *since + frozen => {
                let seconds = now.saturating_sub(*since).as_secs();
                let detail = format!("the same picture for {seconds} s");
                Health { condition: Condition::Frozen, detail: Some(detail) }
            }
            _ => Health { condition: Condition::Sees, detail: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tenths: u32) -> Duration {
        Duration::from_millis(100) * tenths
    }

    fn word(watch: &Watch, tenths: u32) -> &'static str {
        watch.health(at(tenths)).condition.word()
    }

    #[test]
    fn a_source_that_falls_silent_is_told_of_and_why() {
        let mut watch = Watch::new(true, Duration::ZERO);
        assert_eq!(word(&watch, 0), "no frames");
        watch.lost("connection refused".into());
        let health = watch.health(at(1));
        assert_eq!(health.detail.as_deref(), Some("connection refused"));
        watch.good(&"a".into(), at(10));
        assert_eq!(word(&watch, 59), "sees");
        assert_eq!(word(&watch, 60), "no frames");
        assert_eq!(watch.health(at(60)).detail, None, "that it was refused is long past");
        watch.good(&"b".into(), at(61));
        assert_eq!(word(&watch, 61), "sees");
    }

    #[test]
    fn a_camera_that_repeats_itself_is_frozen_until_it_moves() {
        let mut watch = Watch::new(true, Duration::ZERO);
        for tenth in 0..100 {
            assert_ne!(word(&watch, tenth), "frozen", "{tenth}");
            watch.good(&"same".into(), at(tenth));
        }
        let health = watch.health(at(123));
        assert_eq!(health.condition, Condition::Frozen);
        assert_eq!(health.detail.as_deref(), Some("the same picture for 12 s"));
        watch.good(&"other".into(), at(124));
        assert_eq!(word(&watch, 124), "sees");
    }

    #[test]
    fn a_directory_may_rest() {
        let mut watch = Watch::new(false, Duration::ZERO);
        assert_eq!(word(&watch, 0), "no frames");
        watch.good(&"a".into(), at(0));
        assert_eq!(word(&watch, 1_000_000), "sees");
    }

    #[test]
    fn snapshots_may_take_their_time() {
        let mut watch = Watch::new(true, Duration::from_mins(1));
        watch.good(&"a".into(), at(0));
        assert_eq!(word(&watch, 649), "sees");
        assert_eq!(word(&watch, 650), "no frames");
        watch.good(&"a".into(), at(650));
        assert_eq!(word(&watch, 1_199), "sees");
        assert_eq!(word(&watch, 1_200), "frozen");
    }

    #[test]
    fn one_bad_picture_is_none_and_many_are_told_of() {
        let mut watch = Watch::new(true, Duration::ZERO);
        watch.bad("cut short".into(), at(0));
        assert_eq!(word(&watch, 0), "bad frames", "nothing else has come");
        watch.good(&"a".into(), at(1));
        watch.bad("cut short".into(), at(2));
        assert_eq!(word(&watch, 2), "sees");
        watch.good(&"b".into(), at(3));
        for tenth in 4..40 {
            watch.bad("cut short".into(), at(tenth));
            assert_eq!(word(&watch, tenth) == "bad frames", tenth >= 24, "{tenth}");
        }
        assert_eq!(watch.health(at(39)).detail.as_deref(), Some("cut short"));
        assert_eq!(word(&watch, 90), "no frames", "not even bad ones come");
    }
}
