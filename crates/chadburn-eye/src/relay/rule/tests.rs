use serde_json::{Value, json};

use super::bounds::*;
use super::*;
use crate::wire::{MAX_BOXES, MAX_FEATURES, MAX_MESSAGE};

mod sim;

/// A relay whose first object is 1, and what has been said to whom.
struct Desk {
    rule: Rule,
    now: Duration,
    effects: Vec<Effect>,
}

impl Desk {
    fn new() -> Self {
        let rule = Rule::new(ObjectId::try_from(1).unwrap());
        Self { rule, now: Duration::ZERO, effects: Vec::new() }
    }

    fn happen(&mut self, event: Event<'_>) {
        self.rule.step(self.now, event, &mut self.effects);
    }

    fn join(&mut self, key: u64, role: Role) {
        self.happen(Event::Joined(key, role));
    }

    fn camera(&mut self, key: u64, id: &str) {
        self.join(key, Role::Processor);
        self.say(key, &json!({"type": "identifier", "id": id}));
    }

    fn say(&mut self, key: u64, message: &Value) {
        self.happen(Event::Heard(key, Said::Text(&message.to_string())));
    }

    fn after(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
        self.happen(Event::Tick);
    }

    /// All that this connection can take now, pings apart.
    fn take(&mut self, key: u64) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            match self.rule.take(key) {
                Next::Nothing => return all,
                Next::Ping => {}
                Next::Text(text) => all.push(serde_json::from_str(&text).unwrap()),
                Next::Close(close) => all.push(json!(close.code)),
            }
        }
    }
}

fn boxes(frame: u32) -> Value {
    let one =
        json!({"boxId": 1, "rect": [0.0, 0.0, 0.5, 0.5], "objectType": "blob", "certainty": 1.0});
    json!({"type": "boundingBoxes", "frameId": f64::from(frame), "boxes": [one]})
}

fn boxes_of(camera: &str, frame: u32) -> Value {
    let mut message = boxes(frame);
    message["cameraId"] = json!(camera);
    message
}

fn map(object: u64, value: f64) -> Value {
    json!({"type": "featureMap", "objectId": object, "featureMap": [value]})
}

fn start(camera: &str) -> Value {
    json!({"type": "start", "cameraId": camera, "frameId": 1.5, "boxId": 3})
}

fn started(object: u64) -> Value {
    json!({"type": "start", "objectId": object, "frameId": 1.5, "boxId": 3})
}

fn stop(object: u64) -> Value {
    json!({"type": "stop", "objectId": object})
}

#[test]
fn boxes_go_to_every_client_with_their_camera() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.camera(2, "yard");
    desk.join(3, Role::Client);
    desk.join(4, Role::Client);
    desk.say(1, &boxes(1));
    desk.say(2, &boxes(2));
    for client in [3, 4] {
        assert_eq!(desk.take(client), [boxes_of("gate", 1), boxes_of("yard", 2)]);
    }
    assert_eq!(desk.take(1), [] as [Value; 0]);
}

#[test]
fn a_slow_client_gets_the_newest_boxes_of_each_camera() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.camera(2, "yard");
    desk.join(3, Role::Client);
    for frame in 1..1_000 {
        desk.say(1, &boxes(frame));
        desk.say(2, &boxes(frame));
    }
    assert_eq!(desk.take(3), [boxes_of("gate", 999), boxes_of("yard", 999)]);
    assert_eq!(desk.rule.counts().conflated, 2 * 998);
}

#[test]
fn the_last_boxes_of_a_camera_that_is_gone_arrive() {
    let mut desk = Desk::new();
    desk.join(3, Role::Client);
    for key in 10..20 {
        desk.camera(key, "gate");
        desk.say(key, &boxes(1));
        desk.happen(Event::Left(key));
    }
    assert_eq!(desk.take(3).len(), 10);
}

#[test]
fn cameras_that_come_and_go_cannot_fill_a_slow_client() {
    let mut desk = Desk::new();
    desk.join(3, Role::Client);
    for key in 10..1_000 {
        desk.camera(key, &format!("camera {key}"));
        desk.say(key, &boxes(1));
        desk.happen(Event::Left(key));
    }
    assert_eq!(desk.take(3), [json!(1013)]);
}

#[test]
fn an_update_goes_to_all_other_processors_and_to_newcomers() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.camera(2, "yard");
    desk.join(3, Role::Client);
    desk.join(4, Role::Processor);
    desk.say(1, &map(7, 0.5));
    desk.say(2, &map(8, 0.25));
    desk.say(1, &map(7, 0.75));
    assert_eq!(desk.take(1), [map(8, 0.25)]);
    assert_eq!(desk.take(2), [map(7, 0.5), map(7, 0.75)]);
    for silent in [3, 4] {
        assert_eq!(desk.take(silent), [] as [Value; 0], "{silent} is no processor");
    }
    desk.camera(5, "hall");
    assert_eq!(desk.take(5), [map(8, 0.25), map(7, 0.75)], "the newest of each, in their order");
}

#[test]
fn an_empty_map_is_a_map() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    let empty = json!({"type": "featureMap", "objectId": 7, "featureMap": []});
    desk.say(1, &empty);
    desk.camera(2, "yard");
    assert_eq!(desk.take(2), [empty]);
}

#[test]
fn a_start_goes_to_its_camera_under_a_number_above_all_that_were_seen() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.camera(2, "yard");
    desk.join(3, Role::Client);
    desk.say(3, &start("yard"));
    assert_eq!(desk.take(2), [started(1)]);
    desk.say(1, &map(40, 0.5));
    desk.say(3, &start("gate"));
    assert_eq!(desk.take(1), [started(41)]);
    let mut seen = boxes(1);
    seen["boxes"][0]["objectId"] = json!(50);
    desk.say(2, &seen);
    desk.say(3, &start("gate"));
    assert_eq!(desk.take(1), [started(51)]);
    desk.say(3, &stop(60));
    desk.take(1);
    desk.say(3, &start("gate"));
    assert_eq!(desk.take(1), [started(61)]);
    desk.say(3, &start("nowhere"));
    let counts = desk.rule.counts();
    assert_eq!((counts.starts, counts.refused_starts), (4, 1));
}

#[test]
fn after_the_largest_number_a_free_one_is_given() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.join(3, Role::Client);
    desk.say(1, &map((1 << 53) - 1, 0.5));
    desk.say(1, &map(0, 0.5));
    desk.say(3, &stop(1));
    desk.take(1);
    desk.say(3, &start("gate"));
    desk.say(3, &start("gate"));
    assert_eq!(desk.take(1), [started(2), started(3)]);
}

#[test]
fn a_stop_goes_to_all_processors_and_its_map_is_forgotten() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.camera(2, "yard");
    desk.join(3, Role::Client);
    desk.say(1, &map(7, 0.5));
    desk.take(2);
    desk.say(3, &stop(7));
    desk.say(3, &stop(7));
    for processor in [1, 2] {
        assert_eq!(desk.take(processor), [stop(7)], "once");
    }
    desk.camera(5, "hall");
    assert_eq!(desk.take(5), [] as [Value; 0]);
}

#[test]
fn an_object_that_was_stopped_does_not_come_back_by_whoever_missed_it() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.camera(2, "yard");
    desk.join(3, Role::Client);
    desk.say(3, &stop(7));
    desk.take(1);
    desk.take(2);
    // It was on its way, or its processor was away.
    desk.say(1, &map(7, 0.5));
    desk.say(1, &map(7, 0.75));
    let mut seen = boxes(1);
    seen["boxes"][0]["objectId"] = json!(7);
    desk.say(2, &seen);
    for processor in [1, 2] {
        assert_eq!(desk.take(processor), [stop(7)], "it is reminded, once");
    }
    assert_eq!((desk.rule.objects(), desk.rule.counts().late_updates), (0, 2));
}

#[test]
fn a_panel_is_told_of_cameras_objects_and_what_became_of_its_starts() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.join(3, Role::Panel);
    let cameras = |all: &[&str]| json!({"type": "cameras", "cameras": all});
    let objects = |all: Value| json!({"type": "objects", "objects": all});
    assert_eq!(desk.take(3), [cameras(&["gate"]), objects(json!([]))]);
    desk.camera(2, "yard");
    assert_eq!(desk.take(3), [cameras(&["gate", "yard"])]);
    desk.say(3, &start("yard"));
    let tracked = json!([{"objectId": 1, "cameraId": "yard", "hasMap": false}]);
    let answer = json!({"type": "started", "objectId": 1, "cameraId": "yard"});
    assert_eq!(desk.take(3), [objects(tracked), answer]);
    desk.say(2, &map(1, 0.5));
    let tracked = json!([{"objectId": 1, "cameraId": "yard", "hasMap": true}]);
    assert_eq!(desk.take(3), [objects(tracked)]);
    desk.happen(Event::Left(2));
    assert_eq!(desk.take(3), [cameras(&["gate"])]);
    desk.say(3, &start("yard"));
    let reason = "no such camera is connected";
    assert_eq!(desk.take(3), [json!({"type": "refused", "cameraId": "yard", "reason": reason})]);
    desk.say(3, &stop(1));
    assert_eq!(desk.take(3), [objects(json!([]))]);
    desk.after(4.0);
    assert_eq!(desk.take(3), [cameras(&["gate"])], "a sign of life");
}

#[test]
fn the_identifier_comes_first_and_within_ten_seconds() {
    let mut desk = Desk::new();
    desk.join(1, Role::Processor);
    desk.after(9.9);
    assert_eq!(desk.take(1), [] as [Value; 0]);
    desk.after(0.1);
    assert_eq!(desk.take(1), [json!(1008)]);
    for (key, first) in [
        (2, boxes(1)),
        (3, map(1, 0.5)),
        (4, json!({})),
        (5, json!({"type": "identifier", "id": ""})),
    ] {
        desk.join(key, Role::Processor);
        desk.say(key, &first);
        assert_eq!(desk.take(key), [json!(1008)], "{first}");
    }
    assert_eq!((desk.rule.objects(), desk.rule.cameras().len()), (0, 0));
}

#[test]
fn of_two_connections_of_a_camera_the_newer_stays() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.join(3, Role::Client);
    desk.camera(2, "gate");
    assert_eq!(desk.take(1), [json!(4001)]);
    desk.say(1, &boxes(1));
    desk.say(2, &boxes(2));
    assert_eq!(desk.take(3), [boxes_of("gate", 2)]);
    desk.happen(Event::Left(1));
    desk.say(3, &start("gate"));
    assert_eq!(desk.take(2), [started(1)], "the older one's end ends nothing");
}

#[test]
fn whoever_says_who_it_is_twice_has_said_something_bad() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.say(1, &json!({"type": "identifier", "id": "yard"}));
    assert_eq!(desk.rule.counts().bad, 1);
    assert_eq!(desk.rule.cameras().map(CameraId::as_str).collect::<Vec<_>>(), ["gate"]);
}

#[test]
fn a_hundred_bad_messages_close_and_ninety_nine_do_not() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.join(3, Role::Client);
    for key in [1, 3] {
        for _ in 0..99 {
            desk.say(key, &json!({"type": "unknown"}));
        }
        assert_eq!(desk.take(key), [] as [Value; 0]);
        desk.say(key, &json!({"type": "unknown"}));
        assert_eq!(desk.take(key), [json!(1008)]);
    }
    let lines = desk
        .effects
        .iter()
        .filter(|it| matches!(it, Effect::Log(true, line) if line.contains("read")));
    assert_eq!(lines.count(), 2 + 1, "the first of each, and the camera's end");
}

#[test]
fn what_is_no_text_closes_with_its_code() {
    let mut desk = Desk::new();
    for (key, (said, code)) in
        [(Said::Binary, 1003), (Said::TooLong, 1009), (Said::NotUtf8, 1007), (Said::Broken, 1002)]
            .into_iter()
            .enumerate()
    {
        desk.join(key as u64, Role::Client);
        desk.happen(Event::Heard(key as u64, said));
        assert_eq!(desk.take(key as u64), [json!(code)]);
        assert_eq!(desk.take(key as u64), [] as [Value; 0], "nothing follows");
    }
}

#[test]
fn there_are_64_processors_64_unknown_ones_and_256_clients() {
    let mut desk = Desk::new();
    for key in 0..64 {
        desk.camera(key, &format!("camera {key}"));
    }
    desk.camera(100, "one more");
    assert_eq!(desk.take(100), [json!(1013)]);
    desk.camera(101, "camera 5");
    assert_eq!(desk.take(101), [] as [Value; 0], "a known one comes back");
    for key in 200..264 {
        desk.join(key, Role::Processor);
    }
    desk.join(264, Role::Processor);
    assert_eq!(desk.take(264), [json!(1013)]);
    assert_eq!(desk.take(263), [] as [Value; 0]);
    for key in 1_000..1_256 {
        desk.join(key, if key % 2 == 0 { Role::Client } else { Role::Panel });
    }
    desk.join(1_256, Role::Client);
    assert_eq!(desk.take(1_256), [json!(1013)]);
    desk.happen(Event::Left(1_000));
    desk.join(1_257, Role::Client);
    assert_eq!(desk.take(1_257), [] as [Value; 0]);
}

#[test]
fn a_client_for_which_too_much_waits_is_closed() {
    let mut desk = Desk::new();
    desk.join(3, Role::Panel);
    for _ in 0..MAX_WAITING_CLIENT {
        desk.say(3, &start("nowhere"));
    }
    assert_eq!(desk.rule.counts().closed.len(), 0);
    desk.say(3, &start("nowhere"));
    assert_eq!(desk.take(3), [json!(1013)]);
}

#[test]
fn a_processor_for_which_too_much_waits_is_closed_and_all_maps_at_once_are_not_too_much() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    // As many characters as a number can have.
    let widest = vec![-1.234_567_890_123_456_7e-300; MAX_FEATURES];
    for object in 0..MAX_OBJECTS {
        desk.say(1, &json!({"type": "featureMap", "objectId": object, "featureMap": widest}));
    }
    desk.camera(2, "yard");
    assert_eq!(desk.rule.cameras().len(), 2);
    for object in 0..MAX_OBJECTS {
        desk.say(1, &json!({"type": "featureMap", "objectId": object, "featureMap": widest}));
    }
    assert_eq!(desk.rule.cameras().len(), 2, "and once more");
    while desk.rule.cameras().len() == 2 {
        desk.say(1, &map(1, 0.5));
        assert!(desk.rule.counts().updates < 1_000_000);
    }
    assert_eq!(desk.rule.counts().updates, MAX_WAITING_PROCESSOR as u64 + 1);
    assert_eq!(desk.take(2), [json!(1013)]);
    desk.camera(3, "yard");
    assert_eq!(desk.take(3).len(), MAX_OBJECTS, "it comes back and has lost nothing");
}

#[test]
fn images_for_a_slow_camera_are_refused_before_it_is_closed_for_them() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.join(3, Role::Panel);
    let image = format!("data:image/png;base64,{}", "A".repeat(MAX_MESSAGE - 200));
    let start = json!({"type": "start", "cameraId": "gate", "image": image});
    for _ in 0..20 {
        desk.say(3, &start);
    }
    assert_eq!(desk.rule.cameras().len(), 1);
    let counts = desk.rule.counts();
    let (starts, refused) = (counts.starts, counts.refused_starts);
    assert!(starts >= 5 && refused >= 10, "{counts:?}");
    // Once it takes them, there is room again.
    for _ in 0..10 {
        desk.take(1);
        desk.say(3, &start);
    }
    assert_eq!(desk.rule.counts().starts, starts + 10);
}

#[test]
fn of_too_many_objects_those_without_a_map_are_forgotten_first_and_then_the_oldest() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.join(3, Role::Client);
    for object in 1..MAX_OBJECTS as u64 {
        desk.say(1, &map(object, 0.5));
    }
    desk.say(3, &start("gate"));
    desk.say(3, &start("gate"));
    desk.camera(2, "yard");
    assert_eq!(desk.take(2).len(), MAX_OBJECTS - 1);
    desk.say(1, &map(1_000, 0.5));
    desk.say(1, &map(1_001, 0.5));
    desk.camera(4, "hall");
    let maps = desk.take(4);
    assert_eq!(maps.len(), MAX_OBJECTS);
    assert_eq!((&maps[0], &maps[MAX_OBJECTS - 1]), (&map(2, 0.5), &map(1_001, 0.5)));
    assert_eq!(desk.rule.counts().forgotten, 3);
}

#[test]
fn whoever_is_silent_is_asked_and_then_closed() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.camera(2, "yard");
    desk.after(15.0);
    assert_eq!((desk.rule.take(1), desk.rule.take(1)), (Next::Ping, Next::Nothing));
    desk.happen(Event::Heard(1, Said::Sign));
    desk.after(14.0);
    assert_eq!(desk.rule.take(1), Next::Nothing);
    desk.after(11.0);
    assert_eq!(desk.take(2), [json!(1008)]);
    assert_eq!(desk.take(1), [] as [Value; 0]);
}

#[test]
fn at_the_end_everybody_is_told_and_nobody_comes_any_more() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.join(3, Role::Client);
    desk.happen(Event::Shutdown);
    desk.join(4, Role::Client);
    for key in [1, 3, 4] {
        assert_eq!(desk.take(key), [json!(1001)]);
    }
}

#[test]
fn boxes_at_their_most_pass() {
    let mut desk = Desk::new();
    desk.camera(1, "gate");
    desk.join(3, Role::Client);
    let mut full = boxes(1);
    full["boxes"] = json!(vec![full["boxes"][0].clone(); MAX_BOXES]);
    desk.say(1, &full);
    full["cameraId"] = json!("gate");
    assert_eq!(desk.take(3), [full]);
}

#[test]
fn every_reason_fits_into_a_close_frame() {
    for why in [
        close::SHUTDOWN,
        close::BROKEN,
        close::BINARY,
        close::NOT_UTF8,
        close::UNIDENTIFIED,
        close::BAD,
        close::SILENT,
        close::TOO_LONG,
        close::FULL,
        close::SLOW,
        close::REPLACED,
    ] {
        assert!(why.reason.len() <= 123, "{why:?}");
    }
}
