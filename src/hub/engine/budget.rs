//! What one station may make the hub do: so much at a time, and so much a second.
//!
//! Pure, and without a clock: the sweep that looks after each station once a second says when one has
//! passed. Whoever has used up its budget is not read from until then; its bytes stay in its socket,
//! and TCP holds it back. Nothing is lost, and nobody is closed for it.

/// How much a station may use at once beyond what it gets each second, in units. A unit is about what
/// a short message costs, 2 to 10 µs; a message that comes alone costs two, since reading it costs one.
/// So a thousand lines that somebody pipes in go through as fast as they come, each with its answer.
pub(super) const BURST: u32 = 4_096;

/// How much a station may use each second, in units: far more than any person or panel, and little
/// enough that a hundred that use all of it leave the hub most of its time.
pub(super) const A_SECOND: u32 = 512;

/// How much a station may use before the others have their turn, in units.
pub(super) const A_TURN: u32 = 16;

/// So many bytes cost a unit more.
const BYTES: usize = 4_096;

/// A reply that gets into its file is told to everybody. So many sockets cost a unit: a write costs
/// as much as a short message, but most replies are written for several stations at once.
const SOCKETS: usize = 4;

/// What this many bytes cost, read or written at once.
pub(super) fn bytes(length: usize) -> u32 {
    units(length / BYTES).saturating_add(1)
}

/// What a request costs that may be told to all of so many sockets.
pub(super) fn telling(sockets: usize) -> u32 {
    units(sockets / SOCKETS)
}

fn units(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What a station has used.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// How many units it has used that no second has given back yet.
    used: u32,
}

impl Budget {
    /// It has used this much more.
    pub(super) fn charge(&mut self, units: u32) {
        self.used = self.used.saturating_add(units);
    }

    /// Whether it has used all that it may, for now.
    pub(super) fn is_used_up(&self) -> bool {
        self.used >= BURST
    }

    /// A second has passed. Returns whether it may use something again, and could not before.
    pub(super) fn credit(&mut self) -> bool {
        let was_used_up = self.is_used_up();
        self.used = self.used.saturating_sub(A_SECOND);
        was_used_up && !self.is_used_up()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_at_once_and_comes_back_by_the_second() {
        let mut budget = Budget::default();
        assert!(!budget.credit(), "nothing to give back");
        budget.charge(BURST - 1);
        assert!(!budget.is_used_up());
        budget.charge(A_SECOND + 1);
        assert!(budget.is_used_up());
        assert!(!budget.credit(), "just used up");
        assert!(budget.credit() && !budget.is_used_up());
        budget.charge(u32::MAX);
        assert!(budget.is_used_up());
    }

    #[test]
    fn what_is_large_or_told_to_many_costs_more() {
        assert_eq!([0, 4_095, 4_096, 65_536].map(bytes), [1, 1, 2, 17]);
        assert_eq!([3, 4, 10_000].map(telling), [0, 1, 2_500]);
    }
}
