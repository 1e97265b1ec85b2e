use super::super::LENGTH;
use super::*;

const TICK: Duration = Duration::from_millis(100);

/// Looks whose cosine with those of another angle is the cosine of the difference, however they are turned.
fn looks(degrees: f32) -> Looks {
    let map = map(degrees);
    Looks { maps: std::array::from_fn(|_| map.clone()) }
}

fn map(degrees: f32) -> FeatureMap {
    let mut values = [0.0; LENGTH];
    (values[1], values[0]) = degrees.to_radians().sin_cos();
    FeatureMap::try_from(&values[..]).unwrap()
}

/// Which thing is in which box after so many pictures of these boxes.
fn after(
    matcher: &mut Matcher,
    boxes: &[(u64, f32)],
    pictures: std::ops::Range<u32>,
) -> Vec<(u64, u64)> {
    let boxes: Vec<_> = boxes.iter().map(|(id, degrees)| (*id, looks(*degrees))).collect();
    let mut found = Vec::new();
    for picture in pictures {
        found = matcher.find(&boxes, TICK * picture);
    }
    found.iter().map(|it| (it.object, it.id)).collect()
}

fn looking_for(things: &[(u64, f32)]) -> Matcher {
    let mut matcher = Matcher::default();
    for (object, degrees) in things {
        matcher.learn(*object, map(*degrees)).unwrap();
    }
    matcher
}

#[test]
fn a_thing_is_found_after_four_pictures_if_it_looks_alike() {
    // The cosine of 33.9° is 0.83.
    for (degrees, is_found) in [(0.0, true), (33.0, true), (34.5, false), (80.0, false)] {
        let mut matcher = looking_for(&[(7, 0.0)]);
        assert!(after(&mut matcher, &[(1, degrees)], 0..3).is_empty());
        assert_eq!(!after(&mut matcher, &[(1, degrees)], 3..4).is_empty(), is_found, "{degrees}");
    }
}

#[test]
fn the_mean_of_four_pictures_counts() {
    let mut matcher = looking_for(&[(7, 0.0)]);
    for (picture, degrees) in [0.0, 0.0, 0.0, 70.0].into_iter().enumerate() {
        // Three times 1 and once 0.34 are 0.835.
        let found = matcher.find(&[(1, looks(degrees))], TICK * picture as u32);
        assert_eq!(found.len(), usize::from(picture == 3));
    }
    let certainty = matcher.find(&[(1, looks(0.0))], TICK * 4)[0].certainty;
    assert!((certainty - 0.8355).abs() < 1e-3, "{certainty}");
}

#[test]
fn two_that_look_the_same_are_none_but_a_leader_is() {
    // The cosines are 0.985 and 0.966, then 0.985 and 0.94.
    for (second, is_found) in [(15.0, false), (20.0, true)] {
        let mut matcher = looking_for(&[(7, 0.0)]);
        let found = after(&mut matcher, &[(1, 10.0), (2, second)], 0..4);
        assert_eq!(found, if is_found { vec![(7, 1)] } else { vec![] }, "{second}");
    }
}

#[test]
fn a_box_is_the_thing_that_it_looks_most_like_and_only_that() {
    let mut matcher = looking_for(&[(7, 0.0), (8, 25.0)]);
    assert_eq!(after(&mut matcher, &[(1, 22.0)], 0..6), [(8, 1)]);
    assert_eq!(after(&mut matcher, &[(1, 22.0), (2, 1.0)], 6..12), [(7, 2), (8, 1)]);
    // The same thing that somebody began twice.
    let mut matcher = looking_for(&[(7, 0.0), (8, 0.0)]);
    assert_eq!(after(&mut matcher, &[(1, 5.0)], 0..8).len(), 1);
}

#[test]
fn what_was_taken_for_another_is_put_right() {
    let mut matcher = looking_for(&[(7, 0.0), (8, 30.0)]);
    assert_eq!(after(&mut matcher, &[(1, 12.0)], 0..5), [(7, 1)]);
    assert_eq!(after(&mut matcher, &[(1, 28.0)], 5..10), [(8, 1)]);
}

#[test]
fn what_was_found_stays_so_at_a_little_less_and_is_lost_after_two_seconds() {
    // The cosine of 38° is 0.788, that of 40° 0.766.
    let mut matcher = looking_for(&[(7, 0.0)]);
    assert_eq!(after(&mut matcher, &[(1, 0.0)], 0..4), [(7, 1)]);
    assert_eq!(after(&mut matcher, &[(1, 38.0)], 4..100), [(7, 1)]);
    assert_eq!(after(&mut matcher, &[(1, 40.0)], 100..119), [(7, 1)]);
    assert!(after(&mut matcher, &[(1, 40.0)], 119..125).is_empty());
    assert!(after(&mut matcher, &[(1, 38.0)], 125..150).is_empty());
    assert_eq!(after(&mut matcher, &[(1, 0.0)], 150..160), [(7, 1)]);
}

#[test]
fn who_is_gone_for_two_seconds_may_be_found_in_another_box() {
    let mut matcher = looking_for(&[(7, 0.0)]);
    assert_eq!(after(&mut matcher, &[(1, 0.0)], 0..4), [(7, 1)]);
    assert!(after(&mut matcher, &[(2, 0.0)], 4..22).is_empty());
    assert_eq!(after(&mut matcher, &[(2, 0.0)], 22..26), [(7, 2)]);
}

#[test]
fn what_is_forgotten_is_not_found_and_there_is_room_for_so_many() {
    let mut matcher = looking_for(&[(7, 0.0)]);
    assert_eq!(after(&mut matcher, &[(1, 0.0)], 0..4), [(7, 1)]);
    matcher.forget(7);
    matcher.forget(99);
    assert!(after(&mut matcher, &[(1, 0.0)], 4..9).is_empty());
    for object in 0..MOST as u64 {
        matcher.learn(object, map(45.0)).unwrap();
    }
    assert_eq!(matcher.learn(1_000, map(45.0)), Err(Full));
    assert_eq!(matcher.learn(0, map(0.0)), Ok(()));
    assert_eq!(Full.to_string(), "256 things are looked for already");
    assert_eq!(after(&mut matcher, &[(1, 0.0)], 9..14), [(0, 1)]);
}
