use std::net::Ipv4Addr;

use chadburn_v1::By;
use uuid::Uuid;

use super::*;

/// Somebody at one of the addresses.
#[derive(Clone, Copy)]
struct Who(u32, u128);

/// A filter, what it has released, and numbers that rise.
struct Storm {
    filter: StormFilter,
    now: Duration,
    seq: u64,
    lines: Vec<Entry>,
}

impl Storm {
    fn new(burst: u32) -> Self {
        let (now, seq, lines) = (Duration::ZERO, 100, Vec::new());
        let mut storm = Self { filter: StormFilter::new(burst), now, seq, lines };
        storm.put(Entry::new(100, 0, What::Run));
        storm
    }

    /// A run in which hands may write, with an order in it.
    fn ordered() -> Self {
        let mut storm = Self::new(BURST);
        storm.order();
        storm.lines.clear();
        storm
    }

    fn put(&mut self, entry: Entry) {
        let lines = self.filter.put(self.now, entry);
        self.lines.extend(lines);
        // As the keeper does, now and then.
        self.lines.extend(self.filter.release_due(self.now));
    }

    fn order(&mut self) {
        self.says(What::Order, None, "");
    }

    fn says(&mut self, what: What, address: Option<u32>, text: &str) {
        self.seq += u64::from(what != What::Stale);
        let from = address.map(|address| IpAddr::from(Ipv4Addr::from_bits(address)));
        let (by, status) = (Some(By::File), Some(text.into()));
        self.put(Entry { status, by, from, ..Entry::new(self.seq, 0, what) });
    }

    /// How many bytes have gone into the book.
    fn bytes(&self) -> usize {
        self.lines.iter().map(|entry| crate::book::keeper::line(entry).len()).sum()
    }

    fn answer(&mut self, what: What, who: Option<Who>) {
        self.seq += u64::from(what == What::Reply);
        let from = who.map(|Who(address, _)| IpAddr::from(Ipv4Addr::from_bits(address)));
        let by = who.map_or(By::File, |Who(_, station)| By::Station(Uuid::from_u128(station)));
        self.put(Entry { by: Some(by), from, ..Entry::new(self.seq, 0, what) });
    }

    fn passes(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now = until.min(self.now + Duration::from_secs(1));
            self.lines.extend(self.filter.release_due(self.now));
        }
    }

    /// What went through since the last time: what, its number, and how many more it counts.
    fn through(&mut self) -> Vec<(What, u64, u64)> {
        let lines = std::mem::take(&mut self.lines);
        lines.iter().map(|line| (line.what, line.seq, line.more.unwrap_or(0))).collect()
    }

    /// Every number is in a line or in a hole, and in its order.
    fn check(&self) {
        let mut last = 100;
        for line in &self.lines {
            let follows = match line.what {
                What::Run | What::End | What::Stale => line.seq == last,
                _ => line.seq == last + 1,
            };
            assert!(follows, "{line:?} after {last}");
            last = last_number(line);
        }
        assert_eq!(last, self.seq);
    }
}

use What::{End, Hole, Order, Reply, Stale};

#[test]
fn the_first_and_the_last_mind_are_written_and_the_others_counted() {
    let mut storm = Storm::ordered();
    for _ in 0..1_000 {
        storm.answer(Reply, Some(Who(1, 1)));
    }
    assert_eq!(storm.through(), [(Reply, 102, 0)]);
    assert_eq!(storm.filter.held().len(), 2, "who reads the book is told the last at once");
    storm.order();
    assert_eq!(storm.through(), [(Hole, 103, 998), (Reply, 1_101, 0), (Order, 1_102, 0)]);
    storm.answer(Reply, Some(Who(1, 1)));
    assert_eq!(storm.through(), [(Reply, 1_103, 0)], "another order, another allowance");
}

#[test]
fn one_late_answer_is_written_and_the_others_counted_whatever_they_say_that_they_answer() {
    let mut storm = Storm::ordered();
    for _ in 0..500_000 {
        storm.answer(Stale, Some(Who(1, 1)));
    }
    assert_eq!(storm.through(), [(Stale, 101, 0)]);
    storm.order();
    assert_eq!(storm.through(), [(Stale, 101, 499_998), (Order, 102, 0)]);
}

#[test]
fn another_secret_or_connection_is_no_other_allowance() {
    for what in [Reply, Stale] {
        let mut storm = Storm::ordered();
        for station in 0..10_000 {
            storm.answer(what, Some(Who(1, station)));
        }
        storm.order();
        let count = storm.through().len();
        assert!(count <= STATIONS + 2 + 2 * 4 + 1, "{count} lines of {what:?}");
    }
}

#[test]
fn an_office_behind_one_address_is_written_one_by_one() {
    let mut storm = Storm::ordered();
    for station in 0..STATIONS as u128 {
        storm.answer(Reply, Some(Who(1, station)));
    }
    assert_eq!(storm.through().len(), STATIONS);
    assert_eq!(storm.filter.held(), []);
}

#[test]
fn a_hundred_addresses_are_told_apart_and_the_others_are_one() {
    let mut storm = Storm::ordered();
    for address in 0..100_000 {
        storm.answer(Stale, Some(Who(address, 1)));
        storm.answer(Reply, Some(Who(address, 1)));
    }
    assert!(storm.filter.lanes.len() <= FIRST_ANSWERS_MAX + 2);
    storm.order();
    storm.lines.insert(0, Entry::new(101, 0, Order));
    storm.check();
    let counted: u64 = storm.lines.iter().filter_map(|line| line.more).sum();
    let written = storm.lines.iter().filter(|it| matches!(it.what, Stale | Reply)).count() as u64;
    assert_eq!(counted + written, 200_000, "nothing is lost without a count");
    assert!(storm.lines.len() < FIRST_ANSWERS_MAX + 40, "{} lines", storm.lines.len());
}

#[test]
fn a_storm_of_a_day_costs_some_twenty_lines() {
    let mut storm = Storm::ordered();
    for _ in 0..86_400 {
        storm.answer(Reply, Some(Who(1, 1)));
        storm.passes(Duration::from_secs(1));
    }
    storm.order();
    storm.lines.insert(0, Entry::new(101, 0, Order));
    storm.check();
    let replies = storm.lines.iter().filter(|line| line.what == Reply).count();
    assert!((10..30).contains(&replies), "{replies}");
}

#[test]
fn so_many_numbers_are_never_untold_of_that_a_run_after_a_bad_end_gives_one_again() {
    let mut storm = Storm::ordered();
    let mut widest = 0;
    for _ in 0..200_000 {
        storm.answer(Reply, Some(Who(1, 1)));
        for line in std::mem::take(&mut storm.lines) {
            widest = widest.max(line.more.unwrap_or(0));
        }
        let untold = storm.seq - storm.filter.recorded_to;
        assert!(untold <= UNRECORDED_MAX.max(2 * widest) + 1, "{untold} after {widest}");
    }
    assert!(widest > 100_000 / 2);
}

#[test]
fn a_first_answer_is_not_held_up_by_one_who_changes_his_mind() {
    let mut storm = Storm::ordered();
    storm.answer(Reply, Some(Who(1, 1)));
    storm.answer(Reply, Some(Who(1, 1)));
    storm.answer(Reply, Some(Who(2, 2)));
    assert_eq!(storm.through(), [(Reply, 102, 0), (Reply, 103, 0), (Reply, 104, 0)]);
    // Of many it waits, and for no longer than they do.
    for address in (10..20).chain(10..20) {
        storm.answer(Reply, Some(Who(address, 1)));
    }
    storm.lines.clear();
    let seq = storm.seq + 1;
    storm.answer(Reply, Some(Who(3, 3)));
    assert_eq!(storm.through(), []);
    storm.passes(PAUSE);
    assert!(storm.through().contains(&(Reply, seq, 0)));
}

#[test]
fn a_hand_that_storms_is_written_first_and_last_and_one_that_does_not_as_it_is() {
    let mut storm = Storm::new(3);
    storm.lines.clear();
    for _ in 0..5_000 {
        storm.order();
    }
    let through = storm.through();
    assert_eq!(
        through[..4],
        [(Order, 101, 0), (Order, 102, 0), (Order, 103, 0), (Hole, 104, 1_000)]
    );
    assert_eq!(through[4], (Order, 1_104, 0));
    assert!(through.len() < 10, "{through:?}");
    storm.answer(Reply, None);
    storm.passes(STORM_END);
    let last = storm.through();
    assert_eq!(last[last.len() - 2..], [(Order, 5_100, 0), (Reply, 5_101, 0)]);
    // What was let through is paid for first.
    storm.passes(STORM_END);
    for _ in 0..100 {
        storm.passes(STORM_END);
        storm.order();
    }
    assert_eq!(storm.through().len(), 100);
}

#[test]
fn whoever_has_the_token_is_a_hand() {
    let mut storm = Storm::ordered();
    for _ in 0..500 {
        storm.answer(Reply, None);
        storm.answer(Stale, None);
    }
    assert_eq!(storm.through().len(), 1_000 - 1, "one order was before");
}

#[test]
fn at_the_end_of_a_run_nothing_is_kept() {
    let mut storm = Storm::ordered();
    for _ in 0..3 {
        storm.answer(Reply, Some(Who(1, 1)));
        storm.answer(Stale, Some(Who(1, 1)));
    }
    storm.lines.clear();
    storm.put(Entry::new(storm.seq, 0, End));
    let end = [(Hole, 103, 1), (Reply, 104, 0), (Stale, 104, 1), (End, 104, 0)];
    assert_eq!(storm.through(), end);
    assert_eq!(storm.filter.held(), []);
}

#[test]
fn whatever_happens_no_number_is_told_twice_or_left_out() {
    let mut dice = fastrand::Rng::with_seed(1_873);
    let mut below = move |limit: u64| dice.u64(..limit);
    for burst in [0, 2, 1_000] {
        let mut storm = Storm::new(burst);
        for _ in 0..20_000 {
            let who = Who(u32::try_from(below(40)).unwrap(), below(20).into());
            match below(64) {
                60 => storm.says(Order, Some(who.0), "7"),
                61 => storm.says(Order, Some(who.0), &longest()),
                62 => storm.says(Reply, Some(who.0), &longest()),
                63 => storm.says(Reply, None, &longest()),
                0..4 => storm.order(),
                4..8 => storm.answer(Reply, None),
                8..10 => storm.answer(Stale, None),
                10..20 => storm.answer(Stale, Some(who)),
                20..23 => storm.passes(Duration::from_millis(below(3_000))),
                _ => storm.answer(Reply, Some(who)),
            }
        }
        storm.put(Entry::new(storm.seq, 0, End));
        storm.check();
    }
}

/// The longest text that a file can say, which is six times as long in a line.
fn longest() -> String {
    "\u{1}".repeat(4_096)
}

#[test]
fn long_entries_of_a_hand_are_paid_for_in_bytes() {
    for what in [Order, Reply] {
        let mut storm = Storm::ordered();
        for _ in 0..2_500 {
            storm.now += Duration::from_millis(4);
            storm.says(what, None, &longest());
        }
        let bytes = storm.bytes();
        assert!(bytes < 500_000, "{bytes} bytes of {what:?} in ten seconds");
        storm.passes(Duration::from_mins(10));
        assert_eq!(storm.filter.held(), [], "what came last is written when it is paid for");
        let last = storm.lines.iter().rfind(|line| line.what == what).unwrap();
        assert_eq!((last.seq, last.status.as_deref()), (storm.seq, Some(&*longest())));
    }
}

#[test]
fn an_hour_of_long_entries_is_no_tenth_of_the_book() {
    let mut storm = Storm::ordered();
    for _ in 0..3_600 / 2 {
        storm.now += Duration::from_secs(2);
        storm.says(Order, None, &longest());
        storm.says(Reply, None, &longest());
    }
    assert!(storm.bytes() < 2_000_000, "{} bytes", storm.bytes());
}

#[test]
fn strangers_who_may_order_spend_what_is_their_addresss_and_not_the_files() {
    let mut storm = Storm::ordered();
    for _ in 0..2_000 {
        storm.says(Order, Some(1), &longest());
        storm.says(Order, Some(1), "7");
    }
    let bytes = storm.bytes();
    assert!(bytes < 500_000, "{bytes} bytes");
    storm.lines.clear();
    storm.says(Order, Some(2), "7");
    assert_eq!(storm.through().last(), Some(&(Order, storm.seq, 0)), "another address");
    for _ in 1..BURST {
        storm.order();
    }
    assert_eq!(storm.through().len(), 999, "the files have all of their own");
}

#[test]
fn many_addresses_that_order_are_bounded_too() {
    let mut storm = Storm::ordered();
    for address in 0..2_000 {
        storm.says(Order, Some(address), &longest());
    }
    assert!(storm.filter.strangers.len() <= STRANGERS_MAX + 1);
    assert!(storm.bytes() < 4_000_000, "{} bytes", storm.bytes());
}

#[test]
fn an_order_that_waits_is_not_let_through_by_its_answers() {
    let mut storm = Storm::ordered();
    for station in 0..2_000 {
        storm.says(Order, Some(1), "7");
        storm.answer(Stale, Some(Who(2, station)));
        storm.answer(Reply, Some(Who(2, station)));
        storm.says(Reply, None, "7");
        storm.says(Stale, None, "7");
    }
    assert!(storm.bytes() < 150_000, "{} bytes", storm.bytes());
    storm.put(Entry::new(storm.seq, 0, End));
    storm.lines.insert(0, Entry::new(101, 0, Order));
    storm.check();
}

#[test]
fn a_stranger_who_orders_pays_for_the_answers_that_go_through_with_it() {
    let mut storm = Storm::ordered();
    for station in 0..1_000 {
        storm.says(Order, Some(1), "7");
        for what in [Reply, Stale] {
            storm.says(what, Some(2), &longest());
            storm.answer(what, Some(Who(3, station)));
        }
    }
    assert!(storm.bytes() < 500_000, "{} bytes", storm.bytes());
}

#[test]
fn long_answers_of_a_hundred_addresses_share_a_lane() {
    let mut storm = Storm::ordered();
    for address in 0..100 {
        for what in [Reply, Stale] {
            storm.says(what, Some(address), &longest());
            storm.says(what, Some(address), "7");
            storm.says(what, Some(address), &longest());
        }
    }
    storm.order();
    assert!(storm.bytes() < 150_000, "{} bytes", storm.bytes());
    storm.lines.insert(0, Entry::new(101, 0, Order));
    storm.check();
}

#[test]
fn of_the_stale_answers_of_all_lanes_the_latest_stands_for_the_others() {
    let mut storm = Storm::new(1);
    storm.order();
    for round in 1..=20 {
        storm.order();
        for address in 0..20_u32 {
            let at = round * 20 + u64::from(address * 7 % 20);
            let from = Some(Ipv4Addr::from_bits(address).into());
            storm.put(Entry { from, ..Entry::new(storm.seq, at, Stale) });
        }
    }
    storm.order();
    let held = storm.filter.held().into_iter().filter(|entry| entry.what == Stale);
    let held: Vec<_> = held.map(|entry| (entry.at, entry.more)).collect();
    assert_eq!(held, [(20 * 20 + 19, Some(20 * 20 - 1))]);
}
