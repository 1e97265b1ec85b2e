//! What a station says again after a loss, and what it does not.

use serde_json::{Value, json};

use super::*;
use crate::{Code, Full};

type Answered = oneshot::Receiver<Result<Answer, NotDone>>;

fn desk(settings: impl std::borrow::Borrow<Settings>) -> Desk {
    Desk::new(settings.borrow())
}

fn settings() -> Settings {
    Settings::new("ws://localhost").expect("that is an address")
}

fn message(value: Value) -> Message {
    serde_json::from_value(value).expect("that is a message")
}

fn state(order: u64, status: &str) -> Message {
    let position = status.parse::<u8>().ok();
    message(json!({"type": "state", "seq": order, "at": 0, "reply": null, "bell": true,
        "order": {"status": status, "position": position, "name": null, "seq": order, "since": 0},
        "source": {"health": "ok", "detail": "", "watch": "poll"}}))
}

fn welcome(token: bool) -> Message {
    message(
        json!({"type": "welcome", "station": "67e55044-10b1-426f-9247-bb680e5fe0c8", "server": "1", "assets": "a",
        "dial": {"title": "", "positions": [{"position": 7, "name": "COFFEE", "arc": null}]},
        "heartbeat_ms": 5000, "resume": "secret", "token": token,
        "may": {"order": true, "shutdown": false}}),
    )
}

fn roll() -> Message {
    message(json!({"type": "roll", "order": null, "answers": [], "more_answers": 0, "stations": 1,
        "named": [], "more_named": 0}))
}

/// A connection begins, with this order.
fn begin(desk: &mut Desk, order: u64, status: &str) {
    desk.up();
    assert_eq!(desk.heard(&welcome(false)), Turn::Everybodys);
    assert_eq!(desk.next(), None, "nothing is said before the server has said how things are");
    assert_eq!(desk.heard(&state(order, status)), Turn::Everybodys);
    assert_eq!(desk.heard(&roll()), Turn::Ready);
}

fn ask(desk: &mut Desk, request: Request) -> Answered {
    let (asker, answered) = oneshot::channel();
    desk.put(request, asker).expect("there is room");
    answered
}

fn order(desk: &mut Desk, status: &str) -> Answered {
    ask(desk, Request::Order { status: status.into() })
}

fn says(desk: &mut Desk) -> Value {
    let text = desk.next().expect("there is something to say");
    serde_json::from_str(&text).expect("it is JSON")
}

/// An order was sent whole, and then the line was lost.
fn doubtful(status: &str) -> (Desk, Answered) {
    let mut desk = desk(settings());
    begin(&mut desk, 10, "1");
    let answered = order(&mut desk, status);
    assert_eq!(says(&mut desk)["status"], status);
    desk.sent();
    desk.down();
    (desk, answered)
}

#[test]
fn the_state_that_is_known_tells_the_status_files_health_as_it_is_now() {
    let mut desk = Desk::new(&settings());
    desk.heard(&state(7, "7"));
    let source = |file: &str, detail: &str| {
        message(json!({"type": "source", "file": file, "health": "missing", "detail": detail,
            "watch": "poll"}))
    };
    assert_eq!(desk.heard(&source("status", "it is gone")), Turn::Everybodys);
    desk.heard(&source("accept", "it is full"));
    assert_eq!(desk.state().map(|state| state.source.detail.as_str()), Some("it is gone"));
}

#[test]
fn one_request_is_under_way_at_a_time_and_answers_find_their_request() {
    let mut desk = desk(settings());
    begin(&mut desk, 10, "1");
    let (mut first, mut second) = (order(&mut desk, "2"), order(&mut desk, "3"));
    let id = says(&mut desk)["id"].clone();
    desk.sent();
    assert_eq!(desk.next(), None);
    assert_eq!(desk.heard(&message(json!({"type": "ok", "id": 99}))), Turn::Everybodys);
    assert_eq!(desk.heard(&message(json!({"type": "ok", "id": id}))), Turn::Mine);
    assert_eq!(first.try_recv(), Ok(Ok(Answer::default())));
    let id = says(&mut desk)["id"].clone();
    let error = json!({"type": "error", "id": id, "code": "refused", "message": "no"});
    assert_eq!(desk.heard(&message(error)), Turn::Mine, "even before it is known to be sent");
    desk.sent();
    let refused = NotDone::Refused { code: Code::Refused, message: "no".into() };
    assert_eq!(second.try_recv(), Ok(Err(refused)));
    assert_eq!(desk.waiting(), 0);
}

#[test]
fn an_answer_without_an_answer_is_said_again() {
    let mut desk = desk(settings());
    begin(&mut desk, 10, "1");
    let answer =
        Request::Answer { order: 10, position: chadburn_core::Position::new(7), coming: None };
    let _answered = ask(&mut desk, answer);
    let first = says(&mut desk);
    desk.sent();
    desk.down();
    begin(&mut desk, 12, "2");
    let second = says(&mut desk);
    assert_eq!((&second["order"], &second["position"]), (&first["order"], &first["position"]));
    assert_ne!(second["id"], first["id"]);
}

#[test]
fn an_order_is_said_again_if_the_telegraph_has_not_moved() {
    let (mut desk, _answered) = doubtful("7");
    // The line goes once more before anything is decided.
    desk.up();
    desk.down();
    begin(&mut desk, 10, "1");
    assert_eq!(says(&mut desk)["status"], "7");
}

#[test]
fn an_order_is_said_again_if_only_the_number_has_moved() {
    let (mut desk, _answered) = doubtful("7");
    begin(&mut desk, 20, "1");
    assert_eq!(says(&mut desk)["status"], "7");
}

#[test]
fn an_order_whose_state_is_late_is_what_stood_before_the_next_one() {
    for (after, again) in [("3", true), ("7", false), ("5", false)] {
        let mut desk = desk(settings());
        begin(&mut desk, 10, "1");
        let (_first, mut second) = (order(&mut desk, "3"), order(&mut desk, "7"));
        let id = says(&mut desk)["id"].clone();
        desk.sent();
        desk.heard(&message(json!({"type": "ok", "id": id})));
        assert_eq!(says(&mut desk)["status"], "7");
        desk.sent();
        desk.down();
        // Only now it is told that the first one was carried out, if it is at all.
        begin(&mut desk, 20, after);
        assert_eq!(desk.next().is_some(), again, "{after}");
        let done = match after {
            "7" => Some(Ok(Answer::default())),
            "5" => Some(Err(NotDone::Unsure)),
            _ => None,
        };
        assert_eq!(second.try_recv().ok(), done, "{after}");
    }
}

#[test]
fn the_same_order_twice_is_two_orders_although_the_first_one_is_told_late() {
    let mut desk = desk(settings());
    begin(&mut desk, 10, "1");
    let (_first, _second) = (order(&mut desk, "7"), order(&mut desk, "7"));
    let id = says(&mut desk)["id"].clone();
    desk.sent();
    desk.heard(&message(json!({"type": "ok", "id": id})));
    assert_eq!(says(&mut desk)["status"], "7");
    desk.sent();
    desk.heard(&state(11, "7"));
    desk.down();
    begin(&mut desk, 11, "7");
    assert_eq!(says(&mut desk)["status"], "7", "the second one has not come");
}

#[test]
fn an_order_that_has_come_back_was_carried_out() {
    for given in ["7", "coffee"] {
        let (mut desk, mut answered) = doubtful(given);
        begin(&mut desk, 11, "7");
        assert_eq!(answered.try_recv(), Ok(Ok(Answer::default())), "{given}");
        assert_eq!(desk.next(), None);
    }
}

#[test]
fn an_order_that_was_followed_by_another_one_was_carried_out_too() {
    let (mut desk, mut answered) = doubtful("7");
    desk.up();
    desk.heard(&state(11, "7"));
    desk.heard(&state(12, "3"));
    assert_eq!(desk.heard(&roll()), Turn::Ready);
    assert_eq!(answered.try_recv(), Ok(Ok(Answer::default())));
}

#[test]
fn an_order_of_which_nobody_knows_is_not_said_again() {
    let (mut desk, mut answered) = doubtful("7");
    begin(&mut desk, 12, "3");
    assert_eq!(answered.try_recv(), Ok(Err(NotDone::Unsure)));
    assert_eq!(desk.next(), None);
}

#[test]
fn a_request_that_was_not_sent_whole_is_said_again_whatever_it_is() {
    let mut desk = desk(settings());
    begin(&mut desk, 10, "1");
    let _answered = ask(&mut desk, Request::Console { command: "status".into() });
    assert_eq!(says(&mut desk)["command"], "status");
    desk.down();
    begin(&mut desk, 12, "3");
    assert_eq!(says(&mut desk)["command"], "status");
    desk.sent();
    desk.down();
    begin(&mut desk, 12, "3");
    assert_eq!(desk.next(), None, "a console's line is not said twice");
}

#[test]
fn the_name_is_said_first_on_every_connection() {
    let mut desk = desk(settings().name("galley").expect("a name"));
    let _answered = order(&mut desk, "7");
    for connection in 0..2 {
        begin(&mut desk, 10, "1");
        assert_eq!(says(&mut desk)["name"], "galley", "{connection}");
        assert_eq!(says(&mut desk)["status"], "7");
        assert_eq!(desk.heard(&message(json!({"type": "ok", "id": 0}))), Turn::Mine);
        desk.down();
    }
}

#[test]
fn it_comes_back_as_the_same_station_unless_it_was_replaced() {
    let mut desk = desk(settings());
    assert_eq!(desk.query(), "");
    begin(&mut desk, 10, "1");
    assert_eq!(desk.query(), "resume=secret&since=10");
    assert_eq!(desk.beat(), Duration::from_secs(5));
    desk.heard(&message(json!({"type": "farewell", "reason": "shutdown"})));
    assert_eq!(desk.query(), "resume=secret&since=10");
    desk.heard(&message(json!({"type": "farewell", "reason": "replaced"})));
    assert_eq!(desk.query(), "since=10");
}

#[test]
fn lines_of_the_console_are_the_askers() {
    let mut desk = desk(settings());
    begin(&mut desk, 10, "1");
    let mut answered = ask(&mut desk, Request::Console { command: "status".into() });
    let id = says(&mut desk)["id"].clone();
    let line = message(json!({"type": "console", "text": "Current Status: 1"}));
    assert_eq!(desk.heard(&line), Turn::Mine);
    assert_eq!(desk.heard(&message(json!({"type": "ok", "id": id}))), Turn::Mine);
    assert_eq!(answered.try_recv(), Ok(Ok(Answer { lines: vec!["Current Status: 1".into()] })));
    assert_eq!(desk.heard(&line), Turn::Everybodys);
}

#[test]
fn a_wrong_token_is_told_at_once_and_none_at_all_is_no_wrong_one() {
    let mut without = desk(settings());
    assert_eq!(without.heard(&welcome(true)), Turn::Everybodys);
    let mut with = desk(settings().token("brass").expect("that is a token"));
    assert_eq!(with.heard(&welcome(true)), Turn::WrongToken("that is not its token"));
    assert_eq!(with.heard(&welcome(false)), Turn::Everybodys);
    let locked = message(json!({"type": "error", "code": "token_required", "message": "no"}));
    let unread = "it lets nobody read without its token";
    assert_eq!(desk(settings()).heard(&locked), Turn::WrongToken(unread));
}

#[test]
fn what_is_dropped_or_left_is_told() {
    let mut desk = desk(settings().outbox(1, Full::DropOldest));
    let (mut first, mut second) = (order(&mut desk, "1"), order(&mut desk, "2"));
    assert_eq!(first.try_recv(), Ok(Err(NotDone::Dropped)));
    desk.end();
    assert_eq!(second.try_recv(), Ok(Err(NotDone::Closed)));
}
