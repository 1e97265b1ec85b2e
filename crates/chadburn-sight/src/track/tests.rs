use super::*;
use fastrand::Rng;

const TICK: Duration = Duration::from_millis(100);

fn blob(x: f32, y: f32) -> Detection {
    let rect = Rect::new([x - 0.05, y - 0.05, x + 0.05, y + 0.05]).unwrap();
    Detection { kind: Kind::Blob, rect, certainty: 1.0 }
}

/// The number of the box whose middle is nearest to a point.
fn id_at(tracked: &[Tracked], x: f32, y: f32) -> u64 {
    let distance = |it: &&Tracked| {
        let [a, b] = it.detection.rect.centre();
        (a - x).hypot(b - y)
    };
    tracked.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap().id
}

#[test]
fn two_that_pass_each_other_keep_their_numbers_whatever_the_order() {
    let mut tracker = Tracker::default();
    let mut dice = Rng::with_seed(1);
    let mut first = None;
    for step in 0..60_u32 {
        let x = 0.1 + step as f32 / 75.0;
        let mut found = [blob(x, 0.46), blob(1.0 - x, 0.54)];
        if dice.bool() {
            found.reverse();
        }
        let tracked = tracker.follow(&found, TICK * step);
        let ids = (id_at(&tracked, x, 0.46), id_at(&tracked, 1.0 - x, 0.54));
        assert_ne!(ids.0, ids.1);
        assert_eq!(ids, *first.get_or_insert(ids), "step {step}");
    }
}

#[test]
fn a_box_that_is_missing_for_a_moment_keeps_its_number_where_it_is_expected() {
    for (missing, is_same) in [(3, true), (9, true), (11, false)] {
        let mut tracker = Tracker::default();
        let at = |step: u32| blob(0.1 + 0.02 * step as f32, 0.5);
        let mut before = 0;
        for step in 0..10 {
            before = tracker.follow(&[at(step)], TICK * step)[0].id;
        }
        for step in 10..10 + missing {
            assert!(tracker.follow(&[], TICK * step).is_empty());
        }
        let step = 10 + missing;
        let after = tracker.follow(&[at(step)], TICK * step)[0].id;
        assert_eq!(before == after, is_same, "{missing}");
    }
}

#[test]
fn another_kind_place_or_size_is_another_thing() {
    let circle = |it: Detection| Detection { kind: Kind::Circle, ..it };
    let large = Detection { rect: Rect::new([0.1, 0.1, 0.9, 0.9]).unwrap(), ..blob(0.5, 0.5) };
    for other in [circle(blob(0.5, 0.5)), blob(0.7, 0.5), large] {
        let mut tracker = Tracker::default();
        let one = tracker.follow(&[blob(0.5, 0.5)], TICK)[0].id;
        let two = tracker.follow(&[other], TICK * 2)[0].id;
        assert!(two > one, "{other:?}");
    }
}

#[test]
fn those_that_are_followed_do_not_lose_their_place_to_newcomers() {
    let mut tracker = Tracker::default();
    let grid = |count: usize| {
        (0..count).map(|it| blob(0.1 + 0.1 * (it % 8) as f32, 0.1 + 0.1 * (it / 8) as f32))
    };
    let before = tracker.follow(&grid(MOST).collect::<Vec<_>>(), TICK);
    assert_eq!(before.len(), MOST);
    // The newcomers come first.
    let mut more: Vec<_> = grid(60).collect();
    more.reverse();
    let after = tracker.follow(&more, TICK * 2);
    let ids = |it: &[Tracked]| it.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after));
    // Who leaves makes room.
    let mut fewer: Vec<_> = grid(60).skip(4).collect();
    for step in 3..20 {
        fewer.rotate_left(1);
        assert!(tracker.follow(&fewer, TICK * step).len() <= MOST);
    }
    let last = tracker.follow(&fewer, TICK * 20);
    assert_eq!(last.iter().filter(|it| it.id > 32).count(), 4);
}

#[test]
fn any_finds_at_any_moments_get_numbers_of_their_own() {
    let mut dice = Rng::with_seed(2);
    for _ in 0..50 {
        let mut tracker = Tracker::default();
        let mut at = Duration::ZERO;
        for _ in 0..50 {
            at = match dice.u8(0..8) {
                0 => at.saturating_sub(Duration::from_millis(dice.u64(0..5_000))),
                1 => at,
                2 => Duration::from_secs(dice.u64(..)),
                _ => at.saturating_add(Duration::from_millis(dice.u64(0..300))),
            };
            let found: Vec<_> = (0..dice.usize(0..300))
                .filter_map(|_| Rect::new(std::array::from_fn(|_| dice.f32())))
                .map(|rect| Detection { kind: Kind::Blob, rect, certainty: 0.5 })
                .collect();
            let tracked = tracker.follow(&found, at);
            assert!(tracked.len() <= MOST && tracker.tracks.len() <= MOST);
            assert!(tracked.is_sorted_by_key(|it| it.id));
            assert!(tracked.windows(2).all(|it| it[0].id < it[1].id));
            assert!(tracked.iter().all(|it| found.contains(&it.detection)));
            assert!(tracked.len() >= found.len().min(1) || tracker.tracks.len() == MOST);
        }
    }
}
