//! Where reading needs the token: nothing is said to whoever has not given it.

use super::*;
use crate::hub::frame::close;

const TOKEN: &str = r#"{"type":"token","value":"sesame","id":1}"#;
const WRONG: &str = r#"{"type":"token","value":"barley","id":1}"#;

fn policy(token: &str) -> Policy {
    Policy {
        visitors: Visitors { token: Secret::new(token), private: true, ..Visitors::default() },
        reaches: Reaches { orders: Reach::Any, shutdown: Reach::Any },
    }
}

fn office() -> Office {
    let mut office = Office::with_policy(policy("sesame"));
    office.write(File::Status, "7");
    office
}

fn trusted() -> Peer {
    Peer { trusted: true, ..ELSEWHERE }
}

fn types(effects: &[Effect], station: u32) -> Vec<Value> {
    people::messages(effects, station).iter().map(|message| message["type"].clone()).collect()
}

/// Whether this station is closed for want of the token.
fn is_turned_away(effects: &[Effect], station: u32) -> bool {
    effects.contains(&Effect::Close { key: key(station), code: close::TOKEN_REQUIRED })
}

#[test]
fn a_station_is_greeted_when_it_has_given_the_token() {
    let mut office = office();
    let effects = office.joins(1, Wire::Json, ELSEWHERE);
    let told = people::messages(&effects, 1);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["type"], &told[0]["code"]), (&"error".into(), &"token_required".into()));
    assert_eq!(office.hub.stations(), 0, "nobody hears that it is there");
    assert!(!effects.iter().any(|it| matches!(it, Effect::Log(_) | Effect::TellRoll(_))));
    let effects = office.hears(1, TOKEN);
    assert_eq!(types(&effects, 1)[..3], ["ok", "welcome", "state"]);
    assert_eq!(people::messages(&effects, 1)[1]["may"]["order"], true);
    assert_eq!(office.hub.stations(), 1);
    let effects = office.joins(2, Wire::Json, trusted());
    assert_eq!(types(&effects, 2)[0], "welcome", "it came with the handshake");
}

#[test]
fn whoever_says_anything_else_first_or_guesses_is_turned_away() {
    for first in [WRONG, r#"{"type":"console","command":"status"}"#, "status", "{}"] {
        let mut office = office();
        office.joins(1, Wire::Json, ELSEWHERE);
        let effects = office.hears(1, first);
        assert_eq!(types(&effects, 1), ["error"], "{first}");
        assert!(is_turned_away(&effects, 1), "{first}");
        assert_eq!(effects.contains(&Effect::WrongToken(key(1))), first == WRONG);
        assert!(!effects.iter().any(|it| matches!(it, Effect::Log(_))), "{first} is not logged");
        office.happens(Event::Left { key: key(1) });
        assert_eq!((office.hub.stations(), office.hub.unproven.len()), (0, 0));
    }
    // The token may have changed since HTTP let it in.
    for wire in [Wire::Text, Wire::Sse] {
        let effects = office().joins(1, wire, ELSEWHERE);
        assert!(is_turned_away(&effects, 1) && said(&effects, 1).is_empty());
    }
}

#[test]
fn a_token_is_waited_for_ten_seconds() {
    let mut office = office();
    office.joins(1, Wire::Json, ELSEWHERE);
    office.now.since_start += Duration::from_millis(9_999);
    office.joins(2, Wire::Json, ELSEWHERE);
    assert!(!is_turned_away(&office.happens(Event::Tick), 1));
    office.now.since_start += Duration::from_millis(1);
    let effects = office.happens(Event::Tick);
    assert!(is_turned_away(&effects, 1) && !is_turned_away(&effects, 2));
    office.hears(2, TOKEN);
    office.now.since_start += Duration::from_mins(1);
    assert!(!is_turned_away(&office.happens(Event::Tick), 2), "it has given it");
}

#[test]
fn no_more_than_so_many_are_waited_for() {
    let mut office = office();
    for station in 0..256 {
        assert!(
            !office
                .joins(station, Wire::Json, ELSEWHERE)
                .iter()
                .any(|it| { matches!(it, Effect::Close { .. }) })
        );
    }
    let effects = office.joins(256, Wire::Json, ELSEWHERE);
    assert!(is_turned_away(&effects, 0) && !is_turned_away(&effects, 256));
    assert_eq!(office.hub.unproven.len(), 256);
}

#[test]
fn a_secret_takes_nobodys_place_without_the_token() {
    let mut office = office();
    office.comes_back(1, key(1), None, Wire::Json, trusted());
    let effects = office.comes_back(1, key(2), None, Wire::Json, ELSEWHERE);
    assert!(!effects.iter().any(|it| matches!(it, Effect::Close { .. })), "{effects:?}");
    let effects = office.hears(2, TOKEN);
    assert!(effects.contains(&Effect::Close { key: key(1), code: close::REPLACED }));
}

#[test]
fn with_another_token_everybody_must_come_again() {
    let mut office = office();
    office.joins(1, Wire::Json, trusted());
    office.joins(2, Wire::Text, trusted());
    office.joins(3, Wire::Sse, trusted());
    office.joins(4, Wire::Json, ELSEWHERE);
    assert!(office.happens(Event::Policy(policy("sesame"))).is_empty(), "it is the same");
    let effects = office.happens(Event::Policy(policy("poppy")));
    for station in 1..=3 {
        assert!(is_turned_away(&effects, station), "{station}");
    }
    assert!(!is_turned_away(&effects, 4), "it has not given any");
    assert!(is_turned_away(&office.hears(4, TOKEN), 4));
}

#[test]
fn a_connection_is_closed_at_its_fifth_wrong_token_even_if_all_may_read() {
    let mut office = Office::with_policy({
        let mut policy = policy("sesame");
        policy.visitors.private = false;
        policy
    });
    office.joins(1, Wire::Json, ELSEWHERE);
    for _ in 0..4 {
        let effects = office.hears(1, WRONG);
        assert!(effects.contains(&Effect::WrongToken(key(1))) && !is_turned_away(&effects, 1));
    }
    assert!(is_turned_away(&office.hears(1, WRONG), 1));
}
