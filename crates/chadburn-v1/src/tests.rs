//! The fixtures, read from both sides.

use std::collections::BTreeSet;

use chadburn_core::{DEFAULT, Position};
use serde_json::{Value, json};

use super::*;

fn fixtures(part: &str) -> Vec<Value> {
    let text = include_str!("../../../tests/fixtures/chadburn.v1.json");
    let all: Value = serde_json::from_str(text).unwrap();
    all[part].as_array().unwrap().clone()
}

/// The server's message of this name.
fn fixture(name: &str) -> Value {
    let all = fixtures("server");
    all.into_iter().find(|it| it["name"] == name).unwrap()["message"].clone()
}

/// The types of these messages.
fn types(fixtures: &[Value]) -> BTreeSet<&str> {
    fixtures.iter().map(|it| it["message"]["type"].as_str().unwrap()).collect()
}

#[test]
fn every_message_of_a_server_is_understood_and_said_to_the_last_field() {
    let fixtures = fixtures("server");
    for fixture in &fixtures {
        let message: Message = serde_json::from_value(fixture["message"].clone()).unwrap();
        assert_ne!(message, Message::Unknown);
        let said: Value = serde_json::from_str(&message.encode()).unwrap();
        assert_eq!(said, fixture["message"], "{}", fixture["name"]);
    }
    assert_eq!(types(&fixtures).len(), 11);
}

#[test]
fn what_is_lent_is_said_like_what_is_owned() {
    let mut sectors = [0, 5, 6].map(|index| DEFAULT.sectors[index]);
    for (sector, number) in sectors.iter_mut().zip(1..) {
        sector.position = Position::new(number).unwrap();
    }
    let dial = chadburn_core::Dial { title: DEFAULT.title, sectors: &sectors };
    let welcome = Message::Welcome(Welcome {
        station: "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap(),
        server: "0.1.0",
        assets: "9f2c51d0a8b1",
        dial: Dial::from(&dial),
        heartbeat_ms: 5000,
        at: Some(1_792_531_800_000),
        resume: "3q2-7wAAQHyJr0yJ3q2-7w",
        token: false,
        may: May { order: false, shutdown: true },
    });
    let said: Value = serde_json::from_str(&welcome.encode()).unwrap();
    assert_eq!(said, fixture("welcome"));
    let id = Id::Text("a-1".into());
    let message = "that order is no longer the present one";
    let error = Message::Error { id: Some(id.lent()), code: Code::Stale, message };
    let said: Value = serde_json::from_str(&error.encode()).unwrap();
    assert_eq!(said, fixture("error"));
}

#[test]
fn every_request_is_said_as_a_server_hears_it() {
    let fixtures = fixtures("station");
    for fixture in &fixtures {
        let (request, id) = parse(&fixture["message"].to_string()).unwrap();
        let said: Value = serde_json::from_str(&request.encode(id.as_ref())).unwrap();
        assert_eq!(said, fixture["message"], "{}", fixture["name"]);
    }
    assert_eq!(types(&fixtures), BTreeSet::from(Request::TYPES));
}

#[test]
fn every_request_is_what_its_fixture_says() {
    let understood: Vec<_> = fixtures("station")
        .iter()
        .map(|fixture| parse(&fixture["message"].to_string()).unwrap())
        .collect();
    let order = 1_792_531_800_002;
    let console = |command: &str| Request::Console { command: command.into() };
    let name = |name: &str| Request::Name { name: name.into() };
    let answer = |position, coming| Request::Answer { order, position, coming };
    assert_eq!(
        understood,
        [
            (answer(None, None), Some(Id::Number(7))),
            (answer(Position::new(3), None), Some(Id::Text("a-1".into()))),
            (answer(None, Some(true)), None),
            (answer(None, Some(false)), Some(Id::Number(9))),
            (name("Zoë"), Some(Id::Number(1))),
            (name(""), None),
            (Request::Order { status: "8".into() }, Some(Id::Number(10))),
            (Request::Token { value: "open sesame".into() }, Some(Id::Number(11))),
            (console("status"), Some(Id::Number(8))),
            (console("Accept&7"), None),
        ]
    );
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_code() {
    for fixture in fixtures("refused") {
        let refused = parse(fixture["text"].as_str().unwrap()).unwrap_err();
        assert_eq!(json!(refused.code), fixture["code"], "{}", fixture["name"]);
        assert!(!refused.message.contains('\n'), "{}", refused.message);
    }
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let refused = |text: &str| parse(text).unwrap_err().message;
    assert_eq!(refused(r#"{"type":"answer"}"#), "answer: missing field `order`");
    let position = refused(r#"{"type":"answer","order":5,"position":25}"#);
    assert_eq!(position, "answer: a position is 1 to 24");
}

#[test]
fn unknown_fields_are_ignored_and_the_id_comes_back_with_an_error() {
    let (request, id) = parse(r#"{"type":"answer","order":5,"mood":"good","id":null}"#).unwrap();
    assert_eq!((request, id), (Request::Answer { order: 5, position: None, coming: None }, None));
    let refused = parse(r#"{"type":"answer","id":"x"}"#).unwrap_err();
    assert_eq!(refused.id, Some(Id::Text("x".into())));
}

#[test]
fn a_deep_nest_is_refused_without_a_deep_stack() {
    let deep = "[".repeat(60_000);
    assert_eq!(parse(&deep).unwrap_err().code, Code::BadJson);
}

#[test]
fn what_is_new_is_not_an_error() {
    let song = serde_json::from_str::<Message>(r#"{"type":"song","verse":1}"#).unwrap();
    assert_eq!(song, Message::Unknown);
    let error = r#"{"type":"error","code":"too_loud","message":"hush"}"#;
    let error = serde_json::from_str::<Message>(error).unwrap();
    assert!(matches!(error, Message::Error { code: Code::Unknown, .. }));
}

#[test]
fn a_sector_is_found_by_number_and_by_name_in_any_case() {
    let welcome: Welcome = serde_json::from_value(fixture("welcome")).unwrap();
    let find = |text| welcome.dial.find(text).map(|it| it.position.number());
    assert_eq!((find("3"), find("coffee"), find("COFFEE")), (Some(3), Some(3), Some(3)));
    assert_eq!((find("4"), find("03"), find("tea")), (None, None, None));
}

#[test]
fn a_name_has_no_character_that_nobody_sees() {
    let examples = include_str!("../../../tests/fixtures/unseen.json");
    let examples: Value = serde_json::from_str(examples).unwrap();
    let texts = |part: &str| examples[part].as_array().unwrap().clone();
    for name in texts("names") {
        assert!(is_name(name.as_str().unwrap()), "{name}");
    }
    for name in texts("unfit") {
        assert!(!is_name(name.as_str().unwrap()), "{name}");
    }
    let code = |end: &Value| u32::from_str_radix(end.as_str().unwrap(), 16).unwrap();
    let mut left = vec![false; 0x11_0000];
    for range in texts("ignorable").iter().chain(&texts("others")) {
        left[code(&range[0]) as usize..=code(&range[1]) as usize].fill(true);
    }
    for c in '\0'..=char::MAX {
        let unseen = left[c as usize].then_some(c);
        assert_eq!(chadburn_core::unseen(c.encode_utf8(&mut [0; 4])), unseen, "{c:?}");
    }
}

#[test]
fn a_refusal_does_not_quote_all_that_was_said() {
    let long = "\u{7f}".repeat(60_000);
    for field in ["order", "position", "coming"] {
        let mut answer = json!({ "type": "answer", "order": 1 });
        answer[field] = json!(long);
        let refused = parse(&answer.to_string()).unwrap_err();
        assert!(refused.message.chars().count() < 300, "{field}: {}", refused.message.len());
    }
}

#[test]
fn what_the_console_gives_back_fits_into_a_message() {
    let said = |line: &str| json!({ "type": "console", "command": line, "id": 1 }).to_string();
    assert!(parse(&said(&"\0".repeat(8192))).is_ok());
    let refused = parse(&said(&"x".repeat(8193))).unwrap_err();
    assert_eq!((refused.code, refused.id), (Code::BadMessage, Some(Id::Number(1))));
}
