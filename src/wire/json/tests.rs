//! The fixtures, read from the server's side.

use chadburn_core::{DEFAULT, Position};
use serde_json::{Value, json};

use super::*;
use crate::writing::{Condition, Watch};

const STATION: Uuid = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);

fn fixtures() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/chadburn.v1.json")).unwrap()
}

/// Asserts that this message is the fixture of that name.
fn assert_fixture(name: &str, message: &Message<'_>) {
    let fixtures = fixtures();
    let all = fixtures["server"].as_array().unwrap();
    let fixture = all.iter().find(|fixture| fixture["name"] == name).unwrap();
    let said: Value = serde_json::from_str(&message.encode()).unwrap();
    assert_eq!(said, fixture["message"], "{name}");
}

fn health(state: Condition, detail: &str, watch: Watch) -> Health {
    Health { state, detail: detail.into(), watch }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one entry a fixture")]
fn every_server_message_is_as_its_fixture() {
    let sectors = [
        chadburn_core::Sector { position: Position::new(1).unwrap(), ..DEFAULT.sectors[0] },
        chadburn_core::Sector { position: Position::new(2).unwrap(), ..DEFAULT.sectors[5] },
        chadburn_core::Sector { position: Position::new(3).unwrap(), ..DEFAULT.sectors[6] },
    ];
    let dial = Dial { title: DEFAULT.title, sectors: &sectors };
    let well = health(Condition::Ok, "", Watch::Inotify);
    let number = Id::Number(7);
    let text = Id::Text("a-1".into());
    let written = [
        (
            "welcome",
            Message::Welcome {
                station: STATION,
                server: "0.1.0",
                assets: "9f2c51d0a8b1",
                dial: (&dial).into(),
                heartbeat_ms: 5000,
                resume: "3q2-7wAAQHyJr0yJ3q2-7w",
                token: false,
                may: May { order: false, shutdown: true },
            },
        ),
        (
            "state before the first order",
            Message::State(State {
                seq: 1_792_531_800_000,
                at: 1_792_531_800_000,
                order: None,
                reply: None,
                bell: false,
                source: &health(Condition::Missing, "status.eot does not exist", Watch::Inotify),
            }),
        ),
        (
            "state with the bell ringing",
            Message::State(State {
                seq: 1_792_531_800_002,
                at: 1_792_531_911_250,
                order: Some(OrderForm {
                    status: "coffee",
                    place: dial.find("coffee").into(),
                    seq: 1_792_531_800_002,
                    since: 1_792_531_911_250,
                }),
                reply: Some(ReplyForm {
                    status: "2",
                    place: dial.find("2").into(),
                    seq: 1_792_531_800_001,
                    by: By::File,
                    who: None,
                    at: 1_792_531_801_000,
                }),
                bell: true,
                source: &well,
            }),
        ),
        (
            "state off the dial, answered by a station",
            Message::State(State {
                seq: 1_792_531_800_004,
                at: 1_792_531_999_000,
                order: Some(OrderForm {
                    status: "build broken\non main",
                    place: None.into(),
                    seq: 1_792_531_800_003,
                    since: 1_792_531_990_000,
                }),
                reply: Some(ReplyForm {
                    status: "build broken\non main",
                    place: None.into(),
                    seq: 1_792_531_800_004,
                    by: By::Station(STATION),
                    who: Some("Tim"),
                    at: 1_792_531_999_000,
                }),
                bell: false,
                source: &health(Condition::Ok, "", Watch::Poll),
            }),
        ),
        (
            "source",
            Message::Source {
                file: File::Accept,
                health: &health(
                    Condition::Unreadable,
                    "accept.eot cannot be read: permission denied",
                    Watch::Inotify,
                ),
            },
        ),
        (
            "roll",
            Message::Roll(Roll {
                order: Some(1_792_531_800_002),
                answers: vec![
                    RollAnswer {
                        station: STATION,
                        name: Some("Tim"),
                        position: Some(3),
                        coming: Some(true),
                        after_ms: 2_417,
                    },
                    RollAnswer {
                        station: Uuid::from_u128(0x9564_a0fd_d9ed_4a8e_9663_e5ba_8c2a_a67f),
                        name: None,
                        position: None,
                        coming: Some(false),
                        after_ms: 61_250,
                    },
                ],
                more_answers: 0,
                stations: 3,
                named: vec!["Tim", "Zoë"],
                more_named: 0,
            }),
        ),
        (
            "roll before the first order",
            Message::Roll(Roll {
                order: None,
                answers: vec![],
                more_answers: 0,
                stations: 1,
                named: vec![],
                more_named: 0,
            }),
        ),
        ("may", Message::May(May { order: true, shutdown: true })),
        ("gap", Message::Gap { from: 1_792_531_800_003, to: 1_792_531_800_009 }),
        ("beat", Message::Beat { at: 1_792_532_000_000 }),
        ("ok", Message::Ok { id: Some(&number) }),
        ("ok without an id", Message::Ok { id: None }),
        (
            "error",
            Message::Error {
                id: Some(&text),
                code: Code::Stale,
                message: "that order is no longer the present one",
            },
        ),
        ("console", Message::Console { text: "Current Status: 7" }),
        ("farewell", Message::Farewell { reason: "shutdown" }),
        ("farewell, replaced", Message::Farewell { reason: "replaced" }),
    ];
    for (name, message) in &written {
        assert_fixture(name, message);
    }
    assert_eq!(fixtures()["server"].as_array().unwrap().len(), written.len());
}

#[test]
fn every_station_message_is_understood() {
    let understood: Vec<_> = fixtures()["station"]
        .as_array()
        .unwrap()
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
    for fixture in fixtures()["refused"].as_array().unwrap() {
        let refused = parse(fixture["text"].as_str().unwrap()).unwrap_err();
        assert_eq!(json!(refused.code), fixture["code"], "{}", fixture["name"]);
        assert!(!refused.message.contains('\n'), "{}", refused.message);
    }
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
