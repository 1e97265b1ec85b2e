//! What the telegraph remembers of earlier states, for stations that reconnect.
//!
//! A bounded memory, filled at start from the bell book. Where it has a hole it says so; it never
//! makes one up. It knows no file.

use std::collections::VecDeque;
use std::sync::Arc;

use chadburn_core::Dial;
use chadburn_v1::{By, is_name};

use super::{Order, Reply, StatusText, TelegraphState};
use crate::entry::{Entry, WIDEST, What};

/// How many states are remembered.
pub const REMEMBERED: usize = 1_000;

/// How many numbers a run may have given of which its book knows nothing, because it ended badly. The
/// book's own rule for holes (`UNRECORDED_MAX` in `storm_filter`) stays below it.
/// The book is a second behind at most while its disk takes anything, with at most 4,096 entries
/// before it, and nobody reads files and gives numbers more than a few thousand times a second.
/// As milliseconds, by which a later run would begin, these are ten seconds.
const UNWRITTEN: u64 = 10_000;

/// Earlier states, oldest first.
#[derive(Debug, Default)]
pub struct History {
    /// What is remembered, by rising numbers.
    items: VecDeque<HistoryItem>,
    /// Of numbers up to this one nothing is remembered.
    forgotten: u64,
    /// The last number that was given, if any is known.
    last_seq: Option<u64>,
    /// The last run ended as it should, so nothing was lost between it and the next.
    ended_well: bool,
    /// How many numbers a storm of the last run may have left of which nothing was written, should
    /// that run have ended badly: twice as many as its widest hole has.
    untold: u64,
}

/// Something remembered.
#[derive(Debug)]
enum HistoryItem {
    /// A state.
    State(TelegraphState),
    /// These numbers may have been given, and nobody knows for what.
    Hole { from: u64, to: u64 },
}

impl HistoryItem {
    /// The last number it speaks of.
    fn last(&self) -> u64 {
        match self {
            Self::State(state) => state.seq,
            Self::Hole { to, .. } => *to,
        }
    }
}

/// What a station that was away must be told next.
#[derive(Debug, PartialEq, Eq)]
pub enum Missed<'a> {
    /// This state.
    State(&'a TelegraphState),
    /// That the states from here to there are not known any more.
    Gap {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
}

impl History {
    /// What a bell book tells: its newest entries, the last order and the last reply before them,
    /// the last number that it has, and whether it ends with the end of a run. A line behind that
    /// which cannot be read may have been the beginning of another. What its texts mean is said by
    /// the present dial, as of any other text; the book may have been written with another.
    #[must_use]
    pub fn from_book(
        dial: &Dial<'_>,
        order: Option<&Entry>,
        reply: Option<&Entry>,
        entries: &[Entry],
        last_seq: Option<u64>,
        ended_well: bool,
    ) -> Self {
        let mut history = Self::default();
        let mut state = TelegraphState::default();
        // Whether the order and the reply that stand are known: a hole may have had others.
        let (mut knows_order, mut knows_reply) = (true, true);
        for entry in order.into_iter().chain(reply) {
            state.apply(dial, entry);
        }
        // Whatever came before the first entry is not remembered, only what it left standing.
        history.forgotten =
            entries.first().map_or(last_seq.unwrap_or(0), |first| match first.what {
                What::Order | What::Repeat | What::Reply | What::Hole => {
                    first.seq.saturating_sub(1)
                }
                // These have the number of something before them.
                What::Run | What::Stale | What::End => first.seq,
            });
        for entry in entries {
            match entry.what {
                What::Order | What::Repeat | What::Reply => {
                    state.apply(dial, entry);
                    knows_reply |= entry.what == What::Reply;
                    knows_order |= entry.what != What::Reply;
                    if knows_order && knows_reply {
                        history.push(state.clone());
                    } else {
                        history.hole(entry.seq, entry.seq);
                    }
                }
                What::Hole => {
                    (knows_order, knows_reply) = (false, false);
                    history.hole(entry.seq, entry.to.unwrap_or(entry.seq));
                    let twice = entry.more.unwrap_or(0).saturating_mul(2);
                    history.untold = history.untold.max(twice).min(WIDEST);
                }
                What::Run => {
                    // A run knows nothing until it has read the files.
                    state = TelegraphState::default();
                    (knows_order, knows_reply) = (true, true);
                    history.untold = 0;
                    history.begin_run(entry.seq);
                }
                What::Stale | What::End => {}
            }
            history.ended_well = entry.what == What::End;
        }
        history.last_seq = history.last_seq.max(last_seq);
        history.ended_well = ended_well;
        history
    }

    /// How many states and holes are remembered.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// After which number a run can begin whose numbers nobody has heard, whatever the clock says.
    /// Those that a run gave before it ended badly, and never wrote down, are left out.
    pub(super) fn unused(&self) -> u64 {
        let unwritten = if self.ended_well { 0 } else { UNWRITTEN + self.untold };
        self.last_seq.map_or(0, |last| last + 1 + unwritten)
    }

    /// A run begins, whose numbers come after `seq`. Unless the one before ended well, what it said
    /// last may never have been written down.
    pub(super) fn begin_run(&mut self, seq: u64) {
        match self.last_seq {
            // Nothing is known of what was before.
            None => self.forgotten = self.forgotten.max(seq),
            Some(last) if !self.ended_well && last < seq => self.hole(last + 1, seq),
            Some(_) => {}
        }
        self.ended_well = false;
        self.last_seq = self.last_seq.max(Some(seq));
    }

    /// Remembers a state.
    pub(super) fn push(&mut self, state: TelegraphState) {
        self.last_seq = self.last_seq.max(Some(state.seq));
        self.items.push_back(HistoryItem::State(state));
        self.bound();
    }

    fn hole(&mut self, from: u64, to: u64) {
        self.last_seq = self.last_seq.max(Some(to));
        self.items.push_back(HistoryItem::Hole { from, to });
        self.bound();
    }

    fn bound(&mut self) {
        while self.items.len() > REMEMBERED {
            if let Some(item) = self.items.pop_front() {
                self.forgotten = self.forgotten.max(item.last());
            }
        }
    }

    /// The first thing that a station must be told which has been told everything up to `seq`.
    #[must_use]
    pub(super) fn after(&self, seq: u64) -> Option<Missed<'_>> {
        if seq < self.forgotten {
            return Some(Missed::Gap { from: seq + 1, to: self.forgotten });
        }
        let index = self.items.partition_point(|item| item.last() <= seq);
        Some(match self.items.get(index)? {
            HistoryItem::State(state) => Missed::State(state),
            HistoryItem::Hole { from, to } => Missed::Gap { from: *from.max(&(seq + 1)), to: *to },
        })
    }
}

impl TelegraphState {
    /// Takes what an entry of the bell book says.
    fn apply(&mut self, dial: &Dial<'_>, entry: &Entry) {
        let status = StatusText::on(dial, entry.status.clone().unwrap_or_default());
        (self.seq, self.at) = (entry.seq, entry.at);
        match entry.what {
            What::Order | What::Repeat => {
                let since = entry.since.unwrap_or(entry.at);
                let order = Order { status, seq: entry.seq, since, given: None };
                self.order = Some(Arc::new(order));
            }
            What::Reply => {
                let by = entry.by.unwrap_or(By::File);
                // Whoever can write the book can call somebody anything.
                let who = entry.who.clone().filter(|who| is_name(who));
                self.reply =
                    Some(Arc::new(Reply { status, seq: entry.seq, by, who, at: entry.at }));
            }
            What::Run | What::Stale | What::Hole | What::End => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use chadburn_core::{DEFAULT, NO_DIAL};

    use super::*;

    fn entry(seq: u64, what: What) -> Entry {
        Entry { status: Some(format!("{seq}").into()), ..Entry::new(seq, seq, what) }
    }

    fn book(entries: &[Entry]) -> History {
        let last = entries.iter().map(|entry| entry.to.unwrap_or(0).max(entry.seq)).max();
        let ended_well = entries.last().is_some_and(|last| last.what == What::End);
        History::from_book(&DEFAULT, None, None, entries, last, ended_well)
    }

    /// Everything a station hears that knows up to `seq`, as seq or as gap.
    fn told(history: &History, mut seq: u64) -> Vec<(u64, u64)> {
        let mut told = Vec::new();
        while let Some(past) = history.after(seq) {
            let (from, to) = match past {
                Missed::State(state) => (state.seq, state.seq),
                Missed::Gap { from, to } => (from, to),
            };
            assert!(from > seq && to >= from);
            seq = to;
            told.push((from, to));
        }
        told
    }

    #[test]
    fn a_clean_restart_leaves_no_hole() {
        let entries = [
            entry(100, What::Run),
            entry(101, What::Order),
            entry(102, What::Reply),
            entry(102, What::End),
            entry(200, What::Run),
            entry(201, What::Order),
        ];
        assert_eq!(told(&book(&entries), 101), [(102, 102), (201, 201)]);
        assert_eq!(told(&book(&entries), 201), []);
        assert_eq!(told(&book(&entries), 50), [(51, 100), (101, 101), (102, 102), (201, 201)]);
    }

    #[test]
    fn an_unclean_end_is_a_hole() {
        let entries = [
            entry(100, What::Run),
            entry(101, What::Order),
            entry(200, What::Run),
            entry(201, What::Order),
        ];
        assert_eq!(told(&book(&entries), 101), [(102, 200), (201, 201)]);
        assert_eq!(told(&book(&entries), 150), [(151, 200), (201, 201)]);
        let mut history = book(&entries);
        history.begin_run(300);
        assert_eq!(told(&history, 201), [(202, 300)]);
    }

    #[test]
    fn a_run_of_which_only_a_broken_line_is_left_is_a_hole() {
        let entries = [entry(100, What::Run), entry(101, What::Order), entry(101, What::End)];
        let mut history = History::from_book(&DEFAULT, None, None, &entries, Some(101), false);
        assert_eq!(history.unused(), 102 + UNWRITTEN);
        history.begin_run(200_000);
        assert_eq!(told(&history, 101), [(102, 200_000)]);
    }

    #[test]
    fn numbers_that_an_unclean_end_may_have_lost_are_not_given_again() {
        let run = [entry(100, What::Run), entry(101, What::Order)];
        let ended = [&run[..], &[entry(101, What::End)]].concat();
        assert_eq!(book(&ended).unused(), 102);
        assert_eq!(book(&run).unused(), 102 + UNWRITTEN);
        assert_eq!(History::default().unused(), 0, "nothing was ever given, for all that is known");
        let mut history = book(&run);
        history.begin_run(history.unused());
        assert_eq!(told(&history, 101), [(102, 102 + UNWRITTEN)]);
    }

    #[test]
    fn what_was_dropped_on_its_way_into_the_book_is_a_hole() {
        let hole = Entry { to: Some(104), ..entry(102, What::Hole) };
        let entries =
            [entry(100, What::Run), entry(101, What::Order), hole, entry(105, What::Order)];
        assert_eq!(told(&book(&entries), 100), [(101, 101), (102, 104), (105, 105)]);
    }

    #[test]
    fn a_state_after_a_hole_is_told_when_both_its_sides_are_known() {
        let hole = Entry { to: Some(104), more: Some(3), ..entry(102, What::Hole) };
        let mut entries = vec![entry(100, What::Run), entry(101, What::Order), hole];
        entries.extend([entry(105, What::Order), entry(106, What::Reply), entry(107, What::Order)]);
        let history = book(&entries);
        let Some(Missed::Gap { from: 102, to: 104 }) = history.after(101) else { panic!() };
        assert_eq!(history.after(104), Some(Missed::Gap { from: 105, to: 105 }), "which reply?");
        assert!(matches!(history.after(105), Some(Missed::State(state)) if state.seq == 106));
    }

    #[test]
    fn what_a_storm_may_have_left_when_its_run_ended_badly_is_not_given_again() {
        let hole = Entry { to: Some(50_101), more: Some(50_000), ..entry(102, What::Hole) };
        let entries = [entry(100, What::Run), entry(101, What::Order), hole];
        assert_eq!(book(&entries).unused(), 50_102 + UNWRITTEN + 100_000);
        let later = [&entries[..], &[entry(60_000, What::Run)]].concat();
        assert_eq!(book(&later).unused(), 60_001 + UNWRITTEN, "it was another run's");
    }

    #[test]
    fn without_a_book_everything_before_this_run_is_a_gap() {
        let mut history = History::default();
        history.begin_run(1_000);
        history.push(TelegraphState { seq: 1_001, ..TelegraphState::default() });
        assert_eq!(told(&history, 7), [(8, 1_000), (1_001, 1_001)]);
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest_first() {
        let mut history = History::default();
        history.begin_run(0);
        for seq in 1..=REMEMBERED as u64 + 5 {
            history.push(TelegraphState { seq, ..TelegraphState::default() });
        }
        let told = told(&history, 2);
        assert_eq!(told[..2], [(3, 5), (6, 6)]);
        assert_eq!(told.len(), 1 + REMEMBERED);
    }

    #[test]
    fn what_a_first_line_that_moves_nothing_was_about_is_not_remembered() {
        for what in [What::Run, What::Stale, What::End] {
            let history = book(&[entry(102, what), entry(103, What::Order)]);
            assert_eq!(told(&history, 100), [(101, 102), (103, 103)], "{what:?}");
        }
    }

    #[test]
    fn a_run_begins_with_nothing() {
        let run = entry(20, What::Run);
        let entries = [entry(10, What::Order), entry(11, What::Reply), run, entry(21, What::Order)];
        let history = book(&entries);
        let Some(Missed::State(state)) = history.after(20) else { panic!() };
        assert_eq!(state.order.as_ref().map(|order| order.seq), Some(21));
        assert_eq!(state.reply, None, "it was told so then, before the accept file was read");
    }

    #[test]
    fn a_state_is_what_stood_at_its_time() {
        let order = entry(5, What::Order);
        let entries = [entry(10, What::Reply), entry(11, What::Order)];
        let history = History::from_book(&DEFAULT, Some(&order), None, &entries, Some(11), false);
        let Some(Missed::State(state)) = history.after(9) else { panic!() };
        assert_eq!(state.order.as_ref().map(|order| order.seq), Some(5));
        assert_eq!(state.reply.as_ref().map(|reply| reply.seq), Some(10));
        assert_eq!(history.after(8), Some(Missed::Gap { from: 9, to: 9 }), "not remembered");
    }

    #[test]
    fn what_a_text_means_is_said_by_the_present_dial() {
        let coffee = DEFAULT.find("7").unwrap();
        let order = Entry {
            status: Some("7".into()),
            position: Some(coffee.position),
            name: Some(coffee.name.into()),
            ..Entry::new(10, 10, What::Order)
        };
        let told = |dial| {
            let entries = std::slice::from_ref(&order);
            let history = History::from_book(dial, None, None, entries, Some(10), true);
            let Some(Missed::State(state)) = history.after(9) else { panic!("it is remembered") };
            let status = &state.order.as_ref().unwrap().status;
            (status.position, status.name.as_deref() == Some("COFFEE"))
        };
        assert_eq!(told(&DEFAULT), (Some(coffee.position), true));
        assert_eq!(told(&NO_DIAL), (None, false));
    }
}
