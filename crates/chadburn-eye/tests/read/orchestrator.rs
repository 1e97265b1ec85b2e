//! The link, with an orchestrator as the test has it.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept, accept_hdr};

use super::eye::{Eye, PATIENCE, jpeg};

/// A connection of the eye.
struct Processor(WebSocket<TcpStream>);

impl Processor {
    /// Takes the next connection.
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut processor = Self(accept(stream).unwrap());
        let first = processor.next();
        assert_eq!(first, json!({ "type": "identifier", "id": "gate" }), "it says first who it is");
        processor
    }

    fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The next message of this type.
    fn expect(&mut self, kind: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let message = self.next();
            if message["type"] == kind {
                return message;
            }
            assert!(Instant::now() < end, "{kind} is not said");
        }
    }

    /// The next frame in which something is seen.
    fn boxes(&mut self) -> Value {
        loop {
            let message = self.expect("boundingBoxes");
            if !message["boxes"].as_array().unwrap().is_empty() {
                return message;
            }
        }
    }

    fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }
}

fn start() -> (TcpListener, Eye) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/processor", listener.local_addr().unwrap());
    let eye = Eye::start("scene:", &["--orchestrator", &url, "--id", "gate"]);
    (listener, eye)
}

#[test]
fn boxes_are_told_and_what_is_started_is_learnt_found_and_told_again_after_a_loss() {
    let (listener, eye) = start();
    let mut processor = Processor::accept(&listener);
    let seen = processor.boxes();
    let rect = seen["boxes"][0]["rect"].as_array().unwrap();
    assert!(rect.iter().all(|edge| (0.0..=1.0).contains(&edge.as_f64().unwrap())), "{seen}");
    let box_id = &seen["boxes"][0]["boxId"];
    let start =
        json!({ "type": "start", "objectId": 7, "frameId": seen["frameId"], "boxId": box_id });
    processor.say(&start);
    let map = processor.expect("featureMap");
    assert_eq!((&map["objectId"], map["featureMap"].as_array().unwrap().len()), (&7.into(), 208));
    let is_found =
        |message: &Value| message["boxes"].as_array().unwrap().iter().any(|it| it["objectId"] == 7);
    let end = Instant::now() + PATIENCE;
    while !is_found(&processor.expect("boundingBoxes")) {
        assert!(Instant::now() < end, "it is found again");
    }
    // Another processor's, and one of a form that we do not know.
    processor.say(&json!({ "type": "featureMap", "objectId": 8, "featureMap": map["featureMap"] }));
    processor.say(&json!({ "type": "featureMap", "objectId": 9, "featureMap": [1.0, 2.0] }));
    drop(processor);
    let mut processor = Processor::accept(&listener);
    let again = processor.expect("featureMap");
    assert_eq!(again, map, "its own map, and not that of another");
    processor.say(&json!({ "type": "stop", "objectId": 7 }));
    processor.say(&json!({ "type": "stop", "objectId": 8 }));
    let end = Instant::now() + PATIENCE;
    while is_found(&processor.expect("boundingBoxes")) {
        assert!(Instant::now() < end, "it is not looked for any more");
    }
    assert_eq!(eye.json("/readyz")["orchestrator"], "up");
}

#[test]
fn an_image_is_learnt_and_a_start_that_means_nothing_is_left_out() {
    let (listener, mut eye) = start();
    let mut processor = Processor::accept(&listener);
    let large = STANDARD.encode(vec![0; 1 << 20 | 1]);
    for (object, target) in [
        (1, json!({ "frameId": 1.5, "boxId": 3 })),
        (2, json!({ "image": "data:image/png;base64,AAAA" })),
        (3, json!({ "image": format!("data:image/png;base64,{large}") })),
        (4, json!({ "image": "data:image/png;base64,?" })),
        (
            5,
            json!({ "image": format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg(64, 64, 9))) }),
        ),
    ] {
        let mut start = json!({ "type": "start", "objectId": object });
        start.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        processor.say(&start);
    }
    let map = processor.expect("featureMap");
    assert_eq!(map["objectId"], 5, "the others bring nothing");
    for why in ["no such box", "neither JPEG nor PNG", "larger than 1 MiB", "no base64"] {
        eye.expect_line(why);
    }
    assert_eq!(eye.metric("chadburn_eye_orchestrator_updates_total"), 1);
}

#[test]
fn what_cannot_be_read_is_counted_and_harms_nothing() {
    let (listener, eye) = start();
    let mut processor = Processor::accept(&listener);
    for number in 0..1_000 {
        let text = match number % 4 {
            0 => "not JSON".to_owned(),
            1 => json!({ "type": "start", "objectId": -1, "frameId": 1, "boxId": 1 }).to_string(),
            2 => json!({ "type": "featureMap", "objectId": 1, "featureMap": ["x"] }).to_string(),
            _ => format!("{{\"type\":\"{}\"}}", "x".repeat(2_000)),
        };
        processor.0.send(Message::text(text)).unwrap();
    }
    let seen = processor.boxes();
    let box_id = &seen["boxes"][0]["boxId"];
    processor.say(
        &json!({ "type": "start", "objectId": 7, "frameId": seen["frameId"], "boxId": box_id }),
    );
    processor.expect("featureMap");
    assert_eq!(eye.metric("chadburn_eye_orchestrator_unreadable_total"), 1_000);
}

#[test]
fn while_nobody_is_there_the_newest_boxes_are_kept_and_reading_goes_on() {
    // Bound, and then free again: nobody is there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("ws://{address}/processor");
    let mut eye = Eye::start("scene:", &["--orchestrator", &url, "--id", "gate", "--wait", "1"]);
    eye.expect_line("the orchestrator is given up for a minute");
    let goes_on = |it: &Value| it["orchestrator"] == "gone" && it["health"] == "sees";
    eye.watch().expect(goes_on);
    assert_eq!(eye.get("/readyz").0, 503);
    eye.watch().frame();
    let (status, took) = eye.end();
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
}

#[test]
fn boxes_of_an_outage_come_in_their_order_and_the_newest_of_them() {
    let (listener, _eye) = start();
    let mut processor = Processor::accept(&listener);
    let before = processor.boxes();
    drop(processor);
    // The link tries again after a moment, and is not taken for a while.
    let (stream, _) = listener.accept().unwrap();
    drop(stream);
    let mut processor = Processor::accept(&listener);
    let ids: Vec<_> =
        (0..20).map(|_| processor.expect("boundingBoxes")["frameId"].as_f64().unwrap()).collect();
    assert!(
        ids.is_sorted_by(|a, b| a < b) && ids[0] >= before["frameId"].as_f64().unwrap(),
        "{ids:?}"
    );
}

#[test]
fn an_address_without_an_orchestrator_fails_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/wrong", listener.local_addr().unwrap());
    let begun = Instant::now();
    let refuses = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        #[expect(clippy::result_large_err, reason = "as the library has it")]
        let refuse = |_: &Request, _: Response| -> Result<Response, ErrorResponse> {
            let mut answer = ErrorResponse::new(None);
            *answer.status_mut() = tokio_tungstenite::tungstenite::http::StatusCode::NOT_FOUND;
            Err(answer)
        };
        assert!(accept_hdr(stream, refuse).is_err());
    });
    let (code, said) = super::eye::run(&["--port", "0", "--orchestrator", &url, "--id", "gate"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("404 Not Found") && said.lines().count() == 1, "{said}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    refuses.join().unwrap();
}
