//! What may go into the book: a token bucket that is paid for by lines and their length.

use std::time::Duration;

use chadburn_core::characters;

use crate::entry::Entry;

/// A line costs a token, and one more for each so many bytes of its texts. What else is in it has at
/// most as many.
const UNIT: usize = 256;

/// How many tokens this entry costs.
pub(super) fn cost(entry: &Entry) -> u32 {
    let texts = [&entry.status, &entry.name, &entry.who].into_iter().flatten();
    let bytes: usize = texts.map(|text| written(text)).sum();
    u32::try_from(1 + bytes / UNIT).unwrap_or(u32::MAX)
}

/// How many bytes this has at most as it stands in the file.
fn written(text: &str) -> usize {
    let bytes = |(c, seen): (char, bool)| match c {
        _ if !seen => r"\u0000".len() * c.len_utf16(),
        '"' | '\\' => 2,
        _ => c.len_utf8(),
    };
    characters(text).map(bytes).sum()
}

/// A token bucket. Whoever has a token may spend more than there are: what is owed is earned before
/// the next one.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Negative while something is owed.
    tokens: i64,
    most: i64,
    /// How soon one more is earned.
    pause: Duration,
    /// Since when the next one is being earned.
    since: Duration,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(most: u32, pause: Duration) -> Self {
        Self { tokens: most.into(), most: most.into(), pause, since: Duration::ZERO }
    }

    /// Pays so much, if there is a token now.
    pub(super) fn pays(&mut self, now: Duration, cost: u32) -> bool {
        self.earn(now);
        let pays = self.tokens > 0;
        if pays {
            self.owes(cost);
        }
        pays
    }

    /// Pays so much in any case.
    pub(super) fn owes(&mut self, cost: u32) {
        self.tokens = self.tokens.saturating_sub(cost.into());
    }

    /// Whether something is still owed now.
    pub(super) fn in_debt(&mut self, now: Duration) -> bool {
        self.earn(now);
        self.tokens < 0
    }

    /// Whether there is nothing more to earn now.
    pub(super) fn is_full(&mut self, now: Duration) -> bool {
        self.earn(now);
        self.tokens == self.most
    }

    fn earn(&mut self, now: Duration) {
        let time = now.saturating_sub(self.since).as_nanos();
        let earned = time / self.pause.as_nanos();
        self.tokens = i64::try_from(earned)
            .map_or(self.most, |earned| self.tokens.saturating_add(earned))
            .min(self.most);
        // What is left of the time counts for the next one.
        let rest = u64::try_from(time % self.pause.as_nanos()).unwrap_or(0);
        self.since = now.saturating_sub(Duration::from_nanos(rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::keeper::line;
    use crate::entry::What;

    #[test]
    fn no_line_is_longer_than_what_it_costs() {
        let all: String = ('\0'..='\u{fff}').chain('\u{e0000}'..='\u{e00ff}').collect();
        for text in
            ["7", "\"\\", "\u{1}", "\u{7f}", "\u{9b}", "\u{202e}", "\u{e0041}", "中é🔔", &all]
        {
            for text in [text, &text.repeat(if text.len() < 9 { 100 } else { 1 })] {
                let texts = Some(text.into());
                let (who, name) = (Some(text.into()), Some(text.into()));
                let (seq, at) = (1 << 53, 1 << 53);
                let entry = Entry { status: texts, who, name, ..Entry::new(seq, at, What::Order) };
                let (bytes, cost) = (line(&entry).len(), cost(&entry) as usize);
                assert!(bytes <= cost * UNIT + UNIT, "{text:.9}: {bytes} bytes for {cost}");
                assert!(cost * UNIT <= bytes * 4 + UNIT, "{text:.9}: {cost} for {bytes} bytes");
            }
        }
    }

    #[test]
    fn what_is_owed_is_earned_before_the_next_token() {
        let second = Duration::from_secs(1);
        let mut bucket = Bucket::new(2, second);
        assert!(bucket.pays(second, 1) && bucket.pays(second, 4));
        assert!(bucket.in_debt(second * 3) && !bucket.in_debt(second * 4));
        assert!(!bucket.pays(second * 4, 1) && bucket.pays(second * 5, 1));
        // Time that was no whole second is not lost.
        for tenth in 1..10 {
            assert!(!bucket.pays(second * 5 + second * tenth / 10, 1));
        }
        assert!(bucket.pays(second * 6, 1));
        assert!(!bucket.is_full(second * 7) && bucket.is_full(second * 90));
        bucket.owes(2);
        assert!(!bucket.pays(second * 90, 1), "it has no more than it holds");
    }
}
