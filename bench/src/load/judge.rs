//! What one station should have heard and what it did. Knows values and their order, no time.

use crate::wire::Value;

/// One station's record of the values it heard.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    /// One bit for each number heard; number 1 is the lowest bit of the first word.
    heard: Vec<u64>,
    /// The highest number heard.
    highest: u32,
    /// What was wrong so far, except what is missing.
    faults: Faults,
}

/// What went wrong, for one station or for all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Stations that never heard the last value: they show a wrong order for good.
    pub(crate) missing_last: u64,
    /// Values written and never heard.
    pub(crate) missing: u64,
    /// Values heard again, at whatever time.
    pub(crate) duplicates: u64,
    /// Empty values heard.
    pub(crate) empties: u64,
    /// Values heard for the first time, after one that was written later.
    pub(crate) out_of_order: u64,
    /// Values heard that were never written, or not yet.
    pub(crate) foreign: u64,
}

impl Judge {
    /// Notes a value, when `written` had been written; the number if it is one not heard before.
    pub(crate) fn hear(&mut self, value: Value, written: u32) -> Option<u32> {
        let number = match value {
            Value::Number(number) if (1..=written).contains(&number) => number,
            Value::Number(_) | Value::Foreign => {
                self.faults.foreign += 1;
                return None;
            }
            Value::Empty => {
                self.faults.empties += 1;
                return None;
            }
        };
        let (word, bit) = place(number);
        if self.heard.len() <= word {
            self.heard.resize(word + 1, 0);
        }
        if self.heard[word] & bit != 0 {
            self.faults.duplicates += 1;
            return None;
        }
        self.heard[word] |= bit;
        if number < self.highest {
            self.faults.out_of_order += 1;
        }
        self.highest = self.highest.max(number);
        Some(number)
    }

    /// The verdict, after `written` values.
    pub(crate) fn verdict(&self, written: u32) -> Faults {
        let heard: u64 = self.heard.iter().map(|word| u64::from(word.count_ones())).sum();
        let (word, bit) = place(written.max(1));
        let has_last = written == 0 || self.heard.get(word).is_some_and(|word| word & bit != 0);
        Faults {
            missing_last: u64::from(!has_last),
            missing: u64::from(written) - heard,
            ..self.faults
        }
    }
}

impl std::ops::AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.missing_last += other.missing_last;
        self.missing += other.missing;
        self.duplicates += other.duplicates;
        self.empties += other.empties;
        self.out_of_order += other.out_of_order;
        self.foreign += other.foreign;
    }
}

fn place(number: u32) -> (usize, u64) {
    let index = number - 1;
    ((index / 64) as usize, 1 << (index % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict_on(heard: &[Value], written: u32) -> Faults {
        let mut judge = Judge::default();
        for &value in heard {
            judge.hear(value, written);
        }
        judge.verdict(written)
    }

    fn numbers(numbers: impl IntoIterator<Item = u32>) -> Vec<Value> {
        numbers.into_iter().map(Value::Number).collect()
    }

    #[test]
    fn a_station_that_heard_everything_once_and_in_order_has_no_faults() {
        assert_eq!(verdict_on(&numbers(1..=200), 200), Faults::default());
        assert_eq!(verdict_on(&[], 0), Faults::default());
    }

    #[test]
    fn a_lost_value_is_missing_and_the_last_one_counts_for_itself() {
        let middle = verdict_on(&numbers((1..=130).filter(|&number| number != 65)), 130);
        assert_eq!(middle, Faults { missing: 1, ..Faults::default() });
        let last = verdict_on(&numbers(1..=64), 65);
        assert_eq!(last, Faults { missing: 1, missing_last: 1, ..Faults::default() });
    }

    #[test]
    fn a_value_heard_again_is_a_duplicate_and_nothing_else() {
        let faults = verdict_on(&numbers([1, 1, 2, 1, 3]), 3);
        assert_eq!(faults, Faults { duplicates: 2, ..Faults::default() });
    }

    #[test]
    fn a_value_heard_late_is_out_of_order_and_not_missing() {
        let faults = verdict_on(&numbers([2, 1, 3]), 3);
        assert_eq!(faults, Faults { out_of_order: 1, ..Faults::default() });
    }

    #[test]
    fn empty_values_and_values_from_nowhere_are_counted_apart() {
        let heard = [Value::Empty, Value::Number(0), Value::Number(2), Value::Foreign];
        let faults = verdict_on(&heard, 1);
        let expected =
            Faults { missing_last: 1, missing: 1, empties: 1, foreign: 3, ..Faults::default() };
        assert_eq!(faults, expected);
    }

    #[test]
    fn only_the_first_hearing_is_a_delivery() {
        let mut judge = Judge::default();
        assert_eq!(judge.hear(Value::Number(1), 1), Some(1));
        assert_eq!(judge.hear(Value::Number(1), 1), None);
        assert_eq!(judge.hear(Value::Number(2), 1), None);
        assert_eq!(judge.hear(Value::Number(2), 2), Some(2));
    }
}
