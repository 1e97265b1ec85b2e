//! Names, the roll, stations that come back, orders and tokens.

use super::*;

/// The last roll that everybody was told.
fn told_roll(effects: &[Effect]) -> Option<Value> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::TellRoll(roll) => Some(serde_json::from_str(roll).unwrap()),
        _ => None,
    })
}

pub(super) fn messages(effects: &[Effect], slot: u32) -> Vec<Value> {
    said(effects, slot).iter().map(|message| serde_json::from_str(message).unwrap()).collect()
}

fn answer(order: u64, rest: &str) -> String {
    format!(r#"{{"type":"answer","order":{order}{rest}}}"#)
}

fn records(effects: &[Effect]) -> Vec<&Entry> {
    let entries = effects.iter().filter_map(|effect| match effect {
        Effect::Record(entry) => Some(entry),
        _ => None,
    });
    entries.collect()
}

fn with_token(orders: Reach) -> Office {
    let mut office = Office::with_policy(Policy {
        visitors: Visitors { token: Secret::new("sesame"), ..Visitors::default() },
        reaches: Reaches { orders, shutdown: Reach::Any },
    });
    office.write(File::Status, "7");
    office
}

#[test]
fn a_name_stands_with_what_its_station_answers() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Json, ELSEWHERE);
    office.hears(1, r#"{"type":"name","name":"Zoë"}"#);
    let seq = office.order_seq();
    let effects = office.hears(1, &answer(seq, r#","coming":true"#));
    let (ticket, text) = stored(&effects).unwrap();
    assert_eq!(text, "7");
    office.happens(Event::Prepared { file: File::Accept, ticket, stamp: stamp(9) });
    office.is_stored(File::Accept, ticket);
    let report = Report::Written(Writing { stamp: stamp(9), text: "7".into() });
    let effects = office.happens(Event::Source { file: File::Accept, report });
    let (_, state) = pushed(&effects).unwrap();
    assert_eq!(state["reply"]["who"], "Zoë");
    assert_eq!(state["reply"]["by"], id(1).to_string());
    let entry = records(&effects)[0].clone();
    assert_eq!((entry.what, entry.who.as_deref()), (What::Reply, Some("Zoë")));
    assert_eq!(entry.after_ms, Some(0));
    let roll = told_roll(&office.waits(1000)).unwrap();
    assert_eq!(roll["answers"][0]["name"], "Zoë");
    assert_eq!(roll["answers"][0]["coming"], true);
    assert_eq!(roll["answers"][0]["position"], 7);
    assert_eq!(roll["named"], serde_json::json!(["Zoë"]));
}

#[test]
fn not_coming_is_a_note_and_no_reply() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Json, ELSEWHERE);
    let seq = office.order_seq();
    office.waits(1500);
    let effects = office.hears(1, &answer(seq, r#","coming":false,"id":4"#));
    assert_eq!(stored(&effects), None);
    assert_eq!(messages(&effects, 1)[0], serde_json::json!({"type": "ok", "id": 4}));
    let roll = told_roll(&effects).unwrap();
    assert_eq!(roll["answers"][0]["coming"], false);
    assert_eq!(roll["answers"][0]["after_ms"], 1500);
    assert!(office.hub.telegraph().reply().is_none());
}

#[test]
fn the_same_answer_twice_is_applied_once_and_another_is_a_change_of_mind() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Json, ELSEWHERE);
    let seq = office.order_seq();
    let same = answer(seq, r#","position":7"#);
    let ticket = stored(&office.hears(1, &same)).unwrap().0;
    office.is_stored(File::Accept, ticket);
    let effects = office.hears(1, &same);
    assert_eq!(stored(&effects), None);
    assert_eq!(messages(&effects, 1)[0]["type"], "ok");
    let effects = office.hears(1, &answer(seq, r#","position":8"#));
    assert_eq!(stored(&effects).unwrap().1, "8");
    office.write(File::Status, "7");
    let again = answer(office.order_seq(), r#","position":7"#);
    let ticket = stored(&effects).unwrap().0;
    office.is_stored(File::Accept, ticket);
    assert!(stored(&office.hears(1, &again)).is_some(), "a repeat asks anew");
}

#[test]
fn a_twin_that_says_the_same_while_it_is_written_is_applied_once() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Json, ELSEWHERE);
    let same = answer(office.order_seq(), r#","position":7"#);
    let ticket = stored(&office.hears(1, &same)).unwrap().0;
    // The connection is lost, and the same station sends it again on a new one.
    let newer = Key { slot: 5, generation: 15 };
    office.comes_back(1, newer, None, Wire::Json, ELSEWHERE);
    assert_eq!(stored(&office.happens(Event::Heard { key: newer, message: &same })), None);
    let effects = office.is_stored(File::Accept, ticket);
    assert_eq!(stored(&effects), None, "it is in the file already");
    assert_eq!(messages(&effects, 5)[0]["type"], "ok");
    assert!(effects.contains(&Effect::Resume(newer)));
}

#[test]
fn the_roll_is_told_at_most_four_times_a_second() {
    let mut office = Office::with_order("7");
    let mut told = 0;
    for slot in 0..100 {
        let mut effects = office.joins(slot, Wire::Json, ELSEWHERE);
        effects.extend(office.waits(10));
        told += effects.iter().filter(|it| matches!(it, Effect::TellRoll(_))).count();
    }
    assert!((3..=4).contains(&told), "{told} in a second");
    assert_eq!(told_roll(&office.waits(1000)).unwrap()["stations"], 100);
    assert_eq!(told_roll(&office.waits(1000)), None, "nothing has changed");
}

#[test]
fn ten_thousand_who_come_and_go_cost_few_rolls_and_leave_nothing_behind() {
    let mut office = Office::with_order("7");
    let seq = office.order_seq();
    let (mut told, mut longest) = (0, 0);
    let mut count = |effects: Vec<Effect>| {
        for effect in effects {
            if let Effect::TellRoll(roll) = effect {
                (told, longest) = (told + 1, longest.max(roll.len()));
            }
        }
    };
    for slot in 0..10_000 {
        count(office.joins(slot, Wire::Json, ELSEWHERE));
        count(office.hears(slot, &format!(r#"{{"type":"name","name":"{slot:0>40}"}}"#)));
        count(office.hears(slot, &answer(seq, r#","coming":false"#)));
        if slot % 2 == 1 {
            count(office.happens(Event::Left { key: key(slot - 1) }));
        }
        if slot % 10 == 9 {
            count(office.waits(1));
        }
    }
    assert!((1..=4).contains(&told), "{told} in a second");
    assert!(longest < 64 * 1024, "{longest} bytes, and not one for each who is there");
    for slot in (1..10_000).step_by(2) {
        office.happens(Event::Left { key: key(slot) });
    }
    assert_eq!((office.hub.stations(), office.hub.by_id.len()), (0, 0));
    office.write(File::Status, "8");
    office.waits(10_000);
    office.joins(1, Wire::Json, ELSEWHERE);
    let roll = told_roll(&office.waits(10_000)).unwrap();
    assert_eq!((&roll["stations"], &roll["more_answers"]), (&1.into(), &0.into()));
}

#[test]
fn the_roll_lists_two_hundred_and_counts_the_rest() {
    let mut office = Office::with_order("7");
    let seq = office.order_seq();
    for slot in 0..250 {
        office.joins(slot, Wire::Json, ELSEWHERE);
        office.hears(slot, &format!(r#"{{"type":"name","name":"n{slot}"}}"#));
        office.hears(slot, &answer(seq, r#","coming":false"#));
    }
    let roll = told_roll(&office.waits(1000)).unwrap();
    assert_eq!(roll["answers"].as_array().unwrap().len(), 200);
    assert_eq!(roll["named"].as_array().unwrap().len(), 200);
    assert_eq!((&roll["more_answers"], &roll["more_named"]), (&50.into(), &50.into()));
    office.write(File::Status, "8");
    office.joins(999, Wire::Json, ELSEWHERE);
    let roll = told_roll(&office.waits(1000)).unwrap();
    assert_eq!(roll["answers"].as_array().unwrap().len(), 0, "an order clears it");
    assert_eq!(roll["order"], office.order_seq());
}

#[test]
fn the_same_secret_is_the_same_station_and_the_newest_connection_wins() {
    let mut office = Office::with_order("7");
    let first = messages(&office.joins(1, Wire::Json, ELSEWHERE), 1)[0].clone();
    assert_eq!(first["resume"], secret(1));
    let newer = Key { slot: 8, generation: 18 };
    let effects = office.comes_back(1, newer, None, Wire::Json, ELSEWHERE);
    let farewell = messages(&effects, 1)[0].clone();
    assert_eq!(farewell, serde_json::json!({"type": "farewell", "reason": "replaced"}));
    assert!(effects.contains(&Effect::Close { key: key(1), code: 4001 }));
    assert_eq!(messages(&effects, 8)[0]["station"], first["station"]);
    office.happens(Event::Left { key: key(1) });
    assert_eq!(office.hub.stations(), 1);
    let newest = Key { slot: 9, generation: 19 };
    let effects = office.comes_back(1, newest, None, Wire::Json, ELSEWHERE);
    assert!(effects.contains(&Effect::Close { key: newer, code: 4001 }));
}

#[test]
fn one_that_slept_is_told_what_it_missed_and_then_how_things_are() {
    let mut office = Office::with_order("1");
    let since = office.hub.telegraph().seq();
    for order in ["2", "3"] {
        office.write(File::Status, order);
    }
    let effects = office.comes_back(1, key(1), Some(since), Wire::Json, ELSEWHERE);
    assert_eq!(messages(&effects, 1).len(), 1, "the welcome");
    let mut known = since;
    let mut told = Vec::new();
    while let Some((up_to, is_state, message)) = office.hub.after(known) {
        assert!(is_state);
        told.push(serde_json::from_str::<Value>(&message).unwrap()["order"]["status"].clone());
        known = up_to;
    }
    assert_eq!(told, ["2", "3"]);
    let effects = office.happens(Event::CaughtUp { key: key(1), seen: Some(known) });
    let types: Vec<_> = messages(&effects, 1).iter().map(|it| it["type"].clone()).collect();
    assert_eq!(types, ["roll"], "the present state was the last that it was told");
    let effects = office.comes_back(2, key(2), Some(known), Wire::Json, ELSEWHERE);
    assert_eq!(messages(&effects, 2).len(), 1);
    let effects = office.happens(Event::CaughtUp { key: key(2), seen: None });
    assert_eq!(messages(&effects, 2)[0]["type"], "state", "one always hears the present state");
}

#[test]
fn an_order_over_the_network_goes_through_the_file() {
    let mut office = with_token(Reach::Any);
    office.joins(1, Wire::Json, ELSEWHERE);
    office.hears(1, r#"{"type":"token","value":"sesame"}"#);
    let effects = office.hears(1, r#"{"type":"order","status":"lunch","id":3}"#);
    let before = office.hub.telegraph().status().to_owned();
    let (ticket, text) = stored(&effects).unwrap();
    assert_eq!((text, before.as_str()), ("8", "7"), "its name is written as its number");
    assert!(effects.iter().any(|it| matches!(it, Effect::Store { file: File::Status, .. })));
    let effects = office.is_stored(File::Status, ticket);
    assert_eq!(messages(&effects, 1)[0], serde_json::json!({"type": "ok", "id": 3}));
    let effects = office.hears(1, r#"{"type":"order","status":"build broken"}"#);
    assert_eq!(stored(&effects).unwrap().1, "build broken");
}

#[test]
fn orders_are_refused_where_they_are_not_allowed() {
    let mut office = Office::with_order("7");
    let welcome = messages(&office.joins(1, Wire::Json, ELSEWHERE), 1)[0].clone();
    assert_eq!(welcome["may"]["order"], false);
    let effects = office.hears(1, r#"{"type":"order","status":"8"}"#);
    assert_eq!(messages(&effects, 1)[0]["code"], "refused");
    assert_eq!(stored(&effects), None);
}

#[test]
fn what_needs_a_token_needs_it_until_it_is_given() {
    let mut office = with_token(Reach::Any);
    let welcome = messages(&office.joins(1, Wire::Json, ELSEWHERE), 1)[0].clone();
    assert_eq!((&welcome["token"], &welcome["may"]["order"]), (&true.into(), &false.into()));
    let reply = answer(office.order_seq(), "");
    let requests = [r#"{"type":"order","status":"8"}"#, reply.as_str()];
    for request in requests {
        let effects = office.hears(1, request);
        assert_eq!(messages(&effects, 1)[0]["code"], "token_required");
    }
    let effects = office.hears(1, r#"{"type":"token","value":"Sesame"}"#);
    assert_eq!(messages(&effects, 1)[0]["code"], "bad_token");
    let effects = office.hears(1, r#"{"type":"token","value":"sesame"}"#);
    assert_eq!(messages(&effects, 1)[0]["type"], "ok");
    let may = serde_json::json!({"type": "may", "order": true, "shutdown": true});
    assert_eq!(messages(&effects, 1)[1], may);
    assert!(!format!("{effects:?}").contains("sesame"), "it is never logged");
    for request in requests {
        assert!(stored(&office.hears(1, request)).is_some());
    }
    office.joins(2, Wire::Text, ELSEWHERE);
    for request in ["Accept&7", "shutdown"] {
        assert_eq!(said(&office.hears(2, request), 2), ["Refused: this needs the token."]);
    }
    assert_eq!(said(&office.hears(2, "status"), 2), ["Current Status: 7"]);
}

#[test]
fn whoever_gives_the_token_learns_what_it_opens_from_there() {
    for (peer, order) in [(HERE, true), (ELSEWHERE, false)] {
        let mut office = with_token(Reach::Local);
        office.joins(1, Wire::Json, peer);
        let effects = office.hears(1, r#"{"type":"token","value":"barley"}"#);
        assert_eq!(messages(&effects, 1)[0]["code"], "bad_token");
        let effects = office.hears(1, r#"{"type":"token","value":"sesame","id":4}"#);
        let may = serde_json::json!({"type": "may", "order": order, "shutdown": true});
        assert_eq!(messages(&effects, 1), [serde_json::json!({"type": "ok", "id": 4}), may]);
    }
}

#[test]
fn a_request_over_http_is_decided_like_any_other() {
    let mut office = with_token(Reach::Any);
    let mut ask = |token: Option<&str>, want| {
        let token = token.map(str::to_owned);
        let who = Some("Ann".to_owned());
        let ask = Ask { peer: ELSEWHERE, token, who, want, station_id: Uuid::from_u128(3) };
        office.happens(Event::Asked { ticket: 1, ask: Box::new(ask) })
    };
    let outcome = |effects: &[Effect]| match effects {
        [Effect::Respond { ticket: 1, outcome }, ..] => outcome.clone().map_err(|(code, _)| code),
        other => panic!("{other:?}"),
    };
    let order = Want::Order("8".into());
    assert_eq!(outcome(&ask(None, order)), Err(Code::TokenRequired));
    let stale = Want::Answer { order: Some(1), position: None, coming: None };
    let effects = ask(Some("sesame"), stale);
    let Effect::Record(entry) = &effects[0] else { panic!("{effects:?}") };
    assert_eq!((entry.what, entry.to), (What::Stale, Some(1)));
    assert_eq!(entry.who.as_deref(), Some("Ann"));
    assert_eq!(outcome(&effects[1..]), Err(Code::Stale));
    let present = Want::Answer { order: None, position: None, coming: Some(false) };
    assert_eq!(outcome(&ask(Some("sesame"), present)), Ok(()), "it is the present one's answer");
    let effects = ask(Some("sesame"), Want::Accept("7".into()));
    let ticket = stored(&effects).unwrap().0;
    let effects = office.is_stored(File::Accept, ticket);
    assert_eq!(outcome(&effects), Ok(()));
}

#[test]
fn an_answer_to_whatever_is_present_is_to_what_is_so_when_the_hub_hears_of_it() {
    let mut office = Office::new();
    let mut ticket = 0;
    let mut accept = |office: &mut Office| {
        ticket += 1;
        let want = Want::Answer { order: None, position: None, coming: None };
        let (token, who, station_id) = (None, None, Uuid::from_u128(3));
        let ask = Ask { peer: ELSEWHERE, token, who, want, station_id };
        office.happens(Event::Asked { ticket, ask: Box::new(ask) })
    };
    let effects = accept(&mut office);
    let Effect::Respond { outcome: Err((code, _)), .. } = &effects[0] else {
        panic!("{effects:?}")
    };
    assert_eq!(*code, Code::NoOrder);
    for order in ["7", "8", "build broken"] {
        office.write(File::Status, order);
        let effects = accept(&mut office);
        let (store, text) = stored(&effects).unwrap();
        assert_eq!(text, order);
        office.is_stored(File::Accept, store);
    }
}

#[test]
fn many_addresses_fill_the_log_no_more_than_a_few_do_and_hide_no_order() {
    let mut office = Office::new();
    let logged = |effects: &[Effect], word: &str| {
        let has = |it: &&Effect| matches!(it, Effect::Log(line) if line.contains(word));
        effects.iter().filter(has).count()
    };
    let (mut lines, mut told) = (0, 0);
    for slot in 0..6_000 {
        let address = Ipv4Addr::from_bits(0x0A00_0000 + slot).into();
        let peer = Peer { address, ..ELSEWHERE };
        lines += logged(&office.joins(slot, Wire::Text, peer), "New Client");
        if slot % 200 == 0 {
            told += logged(&office.waits(1_000), "more");
        }
    }
    assert!((500..=2_200).contains(&lines), "{lines} of 6,000");
    assert!(told <= 30, "{told}");
    assert_eq!(logged(&office.write(File::Status, "7"), "Status changed to: 7"), 1);
    let told = office.waits(2_000);
    assert_eq!(logged(&told, "more lines from many addresses"), 1);
}
