//! What a station says again after a loss, and what it does not.

use serde_json::{Value, json};

use super::*;
use crate::{Code, Full};

type Answered = oneshot::Receiver<Result<RequestOutput, RequestError>>;

fn protocol(settings: impl std::borrow::Borrow<Settings>) -> StationProtocol {
    StationProtocol::new(settings.borrow())
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
fn begin(protocol: &mut StationProtocol, order: u64, status: &str) {
    protocol.on_connected();
    assert_eq!(protocol.on_message(&welcome(false)), Delivery::Forward);
    assert_eq!(
        protocol.next_to_send(),
        None,
        "nothing is said before the server has said how things are"
    );
    assert_eq!(protocol.on_message(&state(order, status)), Delivery::Forward);
    assert_eq!(protocol.on_message(&roll()), Delivery::ForwardAndReady);
}

fn ask(protocol: &mut StationProtocol, request: Request) -> Answered {
    let (response, answered) = oneshot::channel();
    protocol.put(request, response).expect("there is room");
    answered
}

fn order(protocol: &mut StationProtocol, status: &str) -> Answered {
    ask(protocol, Request::Order { status: status.into() })
}

fn says(protocol: &mut StationProtocol) -> Value {
    let text = protocol.next_to_send().expect("there is something to say");
    serde_json::from_str(&text).expect("it is JSON")
}

/// An order was sent whole, and then the line was lost.
fn maybe_executed(status: &str) -> (StationProtocol, Answered) {
    let mut protocol = protocol(settings());
    begin(&mut protocol, 10, "1");
    let answered = order(&mut protocol, status);
    assert_eq!(says(&mut protocol)["status"], status);
    protocol.on_sent();
    protocol.on_disconnected();
    (protocol, answered)
}

#[test]
fn the_state_that_is_known_tells_the_status_files_health_as_it_is_now() {
    let mut protocol = StationProtocol::new(&settings());
    protocol.on_message(&state(7, "7"));
    let source = |file: &str, detail: &str| {
        message(json!({"type": "source", "file": file, "health": "missing", "detail": detail,
            "watch": "poll"}))
    };
    assert_eq!(protocol.on_message(&source("status", "it is gone")), Delivery::Forward);
    protocol.on_message(&source("accept", "it is full"));
    assert_eq!(protocol.state().map(|state| state.source.detail.as_str()), Some("it is gone"));
}

#[test]
fn one_request_is_under_way_at_a_time_and_answers_find_their_request() {
    let mut protocol = protocol(settings());
    begin(&mut protocol, 10, "1");
    let (mut first, mut second) = (order(&mut protocol, "2"), order(&mut protocol, "3"));
    let id = says(&mut protocol)["id"].clone();
    protocol.on_sent();
    assert_eq!(protocol.next_to_send(), None);
    assert_eq!(protocol.on_message(&message(json!({"type": "ok", "id": 99}))), Delivery::Forward);
    assert_eq!(protocol.on_message(&message(json!({"type": "ok", "id": id}))), Delivery::Consumed);
    assert_eq!(first.try_recv(), Ok(Ok(RequestOutput::default())));
    let id = says(&mut protocol)["id"].clone();
    let error = json!({"type": "error", "id": id, "code": "refused", "message": "no"});
    assert_eq!(
        protocol.on_message(&message(error)),
        Delivery::Consumed,
        "even before it is known to be sent"
    );
    protocol.on_sent();
    let refused = RequestError::Refused { code: Code::Refused, message: "no".into() };
    assert_eq!(second.try_recv(), Ok(Err(refused)));
    assert_eq!(protocol.waiting(), 0);
}

#[test]
fn an_answer_without_an_answer_is_said_again() {
    let mut protocol = protocol(settings());
    begin(&mut protocol, 10, "1");
    let answer =
        Request::Answer { order: 10, position: chadburn_core::Position::new(7), coming: None };
    let _answered = ask(&mut protocol, answer);
    let first = says(&mut protocol);
    protocol.on_sent();
    protocol.on_disconnected();
    begin(&mut protocol, 12, "2");
    let second = says(&mut protocol);
    assert_eq!((&second["order"], &second["position"]), (&first["order"], &first["position"]));
    assert_ne!(second["id"], first["id"]);
}

#[test]
fn an_order_is_said_again_if_the_telegraph_has_not_moved() {
    let (mut protocol, _answered) = maybe_executed("7");
    // The line goes once more before anything is decided.
    protocol.on_connected();
    protocol.on_disconnected();
    begin(&mut protocol, 10, "1");
    assert_eq!(says(&mut protocol)["status"], "7");
}

#[test]
fn an_order_is_said_again_if_only_the_number_has_moved() {
    let (mut protocol, _answered) = maybe_executed("7");
    begin(&mut protocol, 20, "1");
    assert_eq!(says(&mut protocol)["status"], "7");
}

#[test]
fn an_order_whose_state_is_late_is_what_stood_before_the_next_one() {
    for (after, again) in [("3", true), ("7", false), ("5", false)] {
        let mut protocol = protocol(settings());
        begin(&mut protocol, 10, "1");
        let (_first, mut second) = (order(&mut protocol, "3"), order(&mut protocol, "7"));
        let id = says(&mut protocol)["id"].clone();
        protocol.on_sent();
        protocol.on_message(&message(json!({"type": "ok", "id": id})));
        assert_eq!(says(&mut protocol)["status"], "7");
        protocol.on_sent();
        protocol.on_disconnected();
        // Only now it is told that the first one was carried out, if it is at all.
        begin(&mut protocol, 20, after);
        assert_eq!(protocol.next_to_send().is_some(), again, "{after}");
        let done = match after {
            "7" => Some(Ok(RequestOutput::default())),
            "5" => Some(Err(RequestError::Unsure)),
            _ => None,
        };
        assert_eq!(second.try_recv().ok(), done, "{after}");
    }
}

#[test]
fn the_same_order_twice_is_two_orders_although_the_first_one_is_told_late() {
    let mut protocol = protocol(settings());
    begin(&mut protocol, 10, "1");
    let (_first, _second) = (order(&mut protocol, "7"), order(&mut protocol, "7"));
    let id = says(&mut protocol)["id"].clone();
    protocol.on_sent();
    protocol.on_message(&message(json!({"type": "ok", "id": id})));
    assert_eq!(says(&mut protocol)["status"], "7");
    protocol.on_sent();
    protocol.on_message(&state(11, "7"));
    protocol.on_disconnected();
    begin(&mut protocol, 11, "7");
    assert_eq!(says(&mut protocol)["status"], "7", "the second one has not come");
}

#[test]
fn an_order_that_has_come_back_was_carried_out() {
    for given in ["7", "coffee"] {
        let (mut protocol, mut answered) = maybe_executed(given);
        begin(&mut protocol, 11, "7");
        assert_eq!(answered.try_recv(), Ok(Ok(RequestOutput::default())), "{given}");
        assert_eq!(protocol.next_to_send(), None);
    }
}

#[test]
fn an_order_that_was_followed_by_another_one_was_carried_out_too() {
    let (mut protocol, mut answered) = maybe_executed("7");
    protocol.on_connected();
    protocol.on_message(&state(11, "7"));
    protocol.on_message(&state(12, "3"));
    assert_eq!(protocol.on_message(&roll()), Delivery::ForwardAndReady);
    assert_eq!(answered.try_recv(), Ok(Ok(RequestOutput::default())));
}

#[test]
fn an_order_of_which_nobody_knows_is_not_said_again() {
    let (mut protocol, mut answered) = maybe_executed("7");
    begin(&mut protocol, 12, "3");
    assert_eq!(answered.try_recv(), Ok(Err(RequestError::Unsure)));
    assert_eq!(protocol.next_to_send(), None);
}

#[test]
fn a_request_that_was_not_sent_whole_is_said_again_whatever_it_is() {
    let mut protocol = protocol(settings());
    begin(&mut protocol, 10, "1");
    let _answered = ask(&mut protocol, Request::Console { command: "status".into() });
    assert_eq!(says(&mut protocol)["command"], "status");
    protocol.on_disconnected();
    begin(&mut protocol, 12, "3");
    assert_eq!(says(&mut protocol)["command"], "status");
    protocol.on_sent();
    protocol.on_disconnected();
    begin(&mut protocol, 12, "3");
    assert_eq!(protocol.next_to_send(), None, "a console's line is not said twice");
}

#[test]
fn the_name_is_said_first_on_every_connection() {
    let mut protocol = protocol(settings().name("galley").expect("a name"));
    let _answered = order(&mut protocol, "7");
    for connection in 0..2 {
        begin(&mut protocol, 10, "1");
        assert_eq!(says(&mut protocol)["name"], "galley", "{connection}");
        assert_eq!(says(&mut protocol)["status"], "7");
        assert_eq!(
            protocol.on_message(&message(json!({"type": "ok", "id": 0}))),
            Delivery::Consumed
        );
        protocol.on_disconnected();
    }
}

#[test]
fn it_comes_back_as_the_same_station_unless_it_was_replaced() {
    let mut protocol = protocol(settings());
    assert_eq!(protocol.query(), "");
    begin(&mut protocol, 10, "1");
    assert_eq!(protocol.query(), "resume=secret&since=10");
    assert_eq!(protocol.heartbeat_interval(), Duration::from_secs(5));
    protocol.on_message(&message(json!({"type": "farewell", "reason": "shutdown"})));
    assert_eq!(protocol.query(), "resume=secret&since=10");
    protocol.on_message(&message(json!({"type": "farewell", "reason": "replaced"})));
    assert_eq!(protocol.query(), "since=10");
}

#[test]
fn lines_of_the_console_are_the_askers() {
    let mut protocol = protocol(settings());
    begin(&mut protocol, 10, "1");
    let mut answered = ask(&mut protocol, Request::Console { command: "status".into() });
    let id = says(&mut protocol)["id"].clone();
    let line = message(json!({"type": "console", "text": "Current Status: 1"}));
    assert_eq!(protocol.on_message(&line), Delivery::Consumed);
    assert_eq!(protocol.on_message(&message(json!({"type": "ok", "id": id}))), Delivery::Consumed);
    assert_eq!(
        answered.try_recv(),
        Ok(Ok(RequestOutput { lines: vec!["Current Status: 1".into()] }))
    );
    assert_eq!(protocol.on_message(&line), Delivery::Forward);
}

#[test]
fn a_wrong_token_is_told_at_once_and_none_at_all_is_no_wrong_one() {
    let mut without = protocol(settings());
    assert_eq!(without.on_message(&welcome(true)), Delivery::Forward);
    let mut with = protocol(settings().token("brass").expect("that is a token"));
    assert_eq!(with.on_message(&welcome(true)), Delivery::WrongToken("that is not its token"));
    assert_eq!(with.on_message(&welcome(false)), Delivery::Forward);
    let locked = message(json!({"type": "error", "code": "token_required", "message": "no"}));
    let unread = "it lets nobody read without its token";
    assert_eq!(protocol(settings()).on_message(&locked), Delivery::WrongToken(unread));
}

#[test]
fn what_is_dropped_or_left_is_told() {
    let mut protocol = protocol(settings().outbox(1, Full::DropOldest));
    let (mut first, mut second) = (order(&mut protocol, "1"), order(&mut protocol, "2"));
    assert_eq!(first.try_recv(), Ok(Err(RequestError::Dropped)));
    protocol.on_end();
    assert_eq!(second.try_recv(), Ok(Err(RequestError::Closed)));
}
