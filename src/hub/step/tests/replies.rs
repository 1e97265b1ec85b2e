//! Replies on their way into the accept file, and whom they are credited to.

use super::*;

#[test]
fn an_accept_is_confirmed_only_when_it_is_stored() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Text, HERE);
    let effects = office.hears(1, "Accept&7&8");
    assert!(said(&effects, 1).is_empty());
    assert!(effects.contains(&Effect::Hold(key(1))));
    let (ticket, text) = stored(&effects).unwrap();
    assert_eq!(text, "7");
    let effects = office.is_stored(File::Accept, ticket);
    assert_eq!(said(&effects, 1), ["Accepted state: 7"]);
    assert!(effects.contains(&Effect::Resume(key(1))));
}

#[test]
fn an_accept_that_cannot_be_stored_says_so_and_the_next_one_works() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Text, HERE);
    for result in [Err("accept.eot cannot be written: no space left on device".into()), Ok(())] {
        let effects = office.hears(1, "Accept&7");
        let (ticket, _) = stored(&effects).unwrap();
        let well = result.is_ok();
        let answer =
            said(&office.happens(Event::Stored { file: File::Accept, ticket, result }), 1).concat();
        assert_eq!(answer.starts_with("Accepted state: "), well, "{answer}");
        assert!(!answer.contains('\n'));
    }
}

#[test]
fn one_write_answers_all_who_waited_and_the_last_reply_stands() {
    let mut office = Office::with_order("7");
    for slot in 1..=4 {
        office.joins(slot, Wire::Text, HERE);
    }
    let (first, _) = stored(&office.hears(1, "Accept&1")).map(|(t, s)| (t, s.len())).unwrap();
    assert_eq!(stored(&office.hears(2, "Accept&2")), None, "one write at a time");
    assert_eq!(stored(&office.hears(3, "Accept&3")), None);
    let effects = office.is_stored(File::Accept, first);
    assert_eq!(said(&effects, 1), ["Accepted state: 1"]);
    let (second, text) = stored(&effects).unwrap();
    assert_eq!(text, "3");
    let effects = office.is_stored(File::Accept, second);
    assert_eq!(said(&effects, 2), ["Accepted state: 2"]);
    assert_eq!(said(&effects, 3), ["Accepted state: 3"]);
    assert_eq!(office.hub.pending_writes(), 0);
}

#[test]
fn our_own_writing_is_credited_to_the_station_that_caused_it() {
    let mut office = Office::with_order("7");
    office.joins(5, Wire::Text, HERE);
    let (ticket, _) = stored(&office.hears(5, "Accept&7")).map(|(t, s)| (t, s.len())).unwrap();
    office.happens(Event::Prepared { file: File::Accept, ticket, stamp: stamp(77) });
    office.happens(Event::Left { key: key(5) });
    let report = Report::Written(Writing { stamp: stamp(77), text: "7".into() });
    office.happens(Event::Source { file: File::Accept, report });
    let reply = office.hub.telegraph().reply().unwrap();
    assert_eq!(reply.by, By::Station(id(5)), "although it has left");
    office.write(File::Accept, "7");
    assert_eq!(office.hub.telegraph().reply().unwrap().by, By::File);
}

#[test]
fn what_another_hand_writes_into_our_file_in_the_same_tick_is_its_own() {
    let mut office = Office::with_order("7");
    office.joins(5, Wire::Text, HERE);
    let (ticket, _) = stored(&office.hears(5, "Accept&7")).map(|(t, s)| (t, s.len())).unwrap();
    office.happens(Event::Prepared { file: File::Accept, ticket, stamp: stamp(77) });
    let report = Report::Written(Writing { stamp: stamp(77), text: "8".into() });
    office.happens(Event::Source { file: File::Accept, report });
    assert_eq!(office.hub.telegraph().reply().unwrap().by, By::File);
}

#[test]
fn of_two_writings_alike_the_last_one_is_credited() {
    let mut office = Office::with_order("7");
    for slot in [5, 6] {
        office.joins(slot, Wire::Text, HERE);
        let (ticket, _) =
            stored(&office.hears(slot, "Accept&7")).map(|(t, s)| (t, s.len())).unwrap();
        office.happens(Event::Prepared { file: File::Accept, ticket, stamp: stamp(77) });
        office.is_stored(File::Accept, ticket);
    }
    let report = Report::Written(Writing { stamp: stamp(77), text: "7".into() });
    office.happens(Event::Source { file: File::Accept, report });
    let last = By::Station(id(6));
    assert_eq!(office.hub.telegraph().reply().unwrap().by, last);
}

#[test]
fn an_answer_in_json_moves_the_present_order_only() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Json, ELSEWHERE);
    let stale = office.order_seq();
    office.write(File::Status, "8");
    let present = office.order_seq();
    let ask = |order: u64, position: &str| {
        format!(r#"{{"type":"answer","order":{order},"position":{position},"id":1}}"#)
    };
    for (message, code) in [
        (ask(stale, "7"), "stale"),
        (ask(present + 1, "7"), "stale"),
        (ask(present, "12"), "no_position"),
    ] {
        let effects = office.hears(1, &message);
        assert_eq!(stored(&effects), None);
        let answer: Value = serde_json::from_str(&said(&effects, 1).concat()).unwrap();
        assert_eq!((&answer["type"], &answer["code"]), (&"error".into(), &code.into()));
    }
    let effects = office.hears(1, &ask(present, "9"));
    assert_eq!(stored(&effects).unwrap().1, "9");
    let ticket = stored(&effects).unwrap().0;
    let effects = office.is_stored(File::Accept, ticket);
    assert_eq!(said(&effects, 1), [r#"{"type":"ok","id":1}"#]);
}

#[test]
fn an_answer_whose_order_moved_on_while_it_waited_is_stale() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Text, HERE);
    office.joins(2, Wire::Json, ELSEWHERE);
    let ticket = stored(&office.hears(1, "Accept&7")).unwrap().0;
    let seq = office.order_seq();
    office.hears(2, &format!(r#"{{"type":"answer","order":{seq}}}"#));
    office.write(File::Status, "8");
    let effects = office.is_stored(File::Accept, ticket);
    assert_eq!(stored(&effects), None);
    assert!(said(&effects, 2).concat().contains("stale"));
    assert!(effects.contains(&Effect::Resume(key(2))));
}

#[test]
fn an_order_off_the_dial_is_accepted_as_it_stands() {
    let mut office = Office::with_order("build broken\non main ☕");
    office.joins(1, Wire::Json, ELSEWHERE);
    let seq = office.order_seq();
    let effects = office.hears(1, &format!(r#"{{"type":"answer","order":{seq}}}"#));
    assert_eq!(stored(&effects).unwrap().1, "build broken\non main ☕");
    let mut empty = Office::new();
    empty.joins(1, Wire::Json, ELSEWHERE);
    let effects = empty.hears(1, r#"{"type":"answer","order":1}"#);
    assert!(said(&effects, 1).concat().contains("no_order"));
}
