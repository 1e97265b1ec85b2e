use serde_json::{Value, json};

use super::*;

fn from_processor(message: &Value) -> Result<FromProcessor, String> {
    read(&message.to_string())
}

fn from_client(message: &Value) -> Result<FromClient, String> {
    read(&message.to_string())
}

fn one_box() -> Value {
    json!({"boxId": 3, "rect": [0.1, 0.2, 0.3, 0.4], "objectType": "blob", "certainty": 0.9})
}

#[test]
fn every_message_is_what_it_was_after_it_was_written_and_read() {
    let boxes = json!({"type": "boundingBoxes", "frameId": 1.5, "boxes": [one_box()]});
    let update = json!({"type": "featureMap", "objectId": 7, "featureMap": [0.25, 1.0]});
    let image = "data:image/png;base64,AAAA";
    for message in [json!({"type": "identifier", "id": "gate"}), boxes, update.clone()] {
        let read = from_processor(&message).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), message);
    }
    for message in [
        update,
        json!({"type": "start", "objectId": 7, "frameId": 1.5, "boxId": "a"}),
        json!({"type": "start", "objectId": 7, "image": image}),
        json!({"type": "stop", "objectId": 7}),
    ] {
        let read: ToProcessor = read(&message.to_string()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), message);
    }
    for message in [
        json!({"type": "start", "cameraId": "gate", "frameId": 1.5, "boxId": 3, "image": image}),
        json!({"type": "stop", "objectId": 7}),
    ] {
        assert_eq!(serde_json::to_value(from_client(&message).unwrap()).unwrap(), message);
    }
    let to_client =
        json!({"type": "boundingBoxes", "cameraId": "gate", "frameId": 1.5, "boxes": [one_box()]});
    let read: ToClient = read(&to_client.to_string()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), to_client);
}

#[test]
fn what_is_within_its_bounds_is_read() {
    let with = |key: &str, value: Value| {
        let mut it = one_box();
        it[key] = value;
        it
    };
    for it in [
        with("boxId", json!("a text")),
        with("boxId", json!(-1)),
        with("objectType", json!(17)),
        with("objectId", json!(null)),
        with("objectId", json!((1_u64 << 53) - 1)),
        with("rect", json!([0, 0, 1, 1])),
        with("unknown", json!({"a": [1, 2]})),
    ] {
        let message = json!({"type": "boundingBoxes", "frameId": 1, "boxes": [it], "more": 1});
        assert!(from_processor(&message).is_ok(), "{message}");
    }
    let full = json!({"type": "boundingBoxes", "frameId": 1, "boxes": vec![one_box(); MAX_BOXES]});
    assert!(from_processor(&full).is_ok());
    for length in [0, 1, 208, MAX_FEATURES] {
        let map = json!({"type": "featureMap", "objectId": 0, "featureMap": vec![0.5; length]});
        assert!(from_processor(&map).is_ok(), "{length}");
    }
    let start =
        json!({"type": "start", "cameraId": "a", "frameId": 1.0, "boxId": 1, "image": null});
    assert!(from_client(&start).is_ok());
}

#[test]
fn an_edge_a_little_outside_of_the_picture_is_at_its_edge() {
    let mut it = one_box();
    it["rect"] = json!([-0.01, 0.0, 0.5, 1.02]);
    let message = json!({"type": "boundingBoxes", "frameId": 1, "boxes": [it]});
    let Ok(FromProcessor::BoundingBoxes(Boxes { boxes, .. })) = from_processor(&message) else {
        panic!("{message}");
    };
    assert_eq!(boxes[0].rect, Rect::try_from([0.0, 0.0, 0.5, 1.0]).unwrap());
}

#[test]
fn what_is_out_of_bounds_is_no_message() {
    let with = |key: &str, value: Value| {
        let mut it = one_box();
        it[key] = value;
        json!({"type": "boundingBoxes", "frameId": 1, "boxes": [it]})
    };
    let without = |key: &str| {
        let mut it = one_box();
        it.as_object_mut().unwrap().remove(key);
        json!({"type": "boundingBoxes", "frameId": 1, "boxes": [it]})
    };
    let map =
        |id: Value, map: Value| json!({"type": "featureMap", "objectId": id, "featureMap": map});
    for message in [
        json!({}),
        json!([]),
        json!(7),
        json!({"type": "unknown"}),
        json!({"type": 7}),
        json!({"type": "identifier"}),
        json!({"type": "identifier", "id": ""}),
        json!({"type": "identifier", "id": 7}),
        json!({"type": "identifier", "id": "a\nb"}),
        json!({"type": "identifier", "id": "a".repeat(129)}),
        json!({"type": "start", "objectId": 7, "frameId": 1.0, "boxId": 1}),
        without("boxId"),
        without("rect"),
        without("objectType"),
        without("certainty"),
        with("boxId", json!(1.5)),
        with("boxId", json!("a".repeat(129))),
        with("objectId", json!(-1)),
        with("objectId", json!(1_u64 << 53)),
        with("objectId", json!("7")),
        with("certainty", json!(null)),
        with("rect", json!([0, 0, 1])),
        with("rect", json!([0, 0, 1, 1, 1])),
        with("rect", json!([0, 0, 1, 1.2])),
        with("rect", json!([0.5, 0, 0.4, 1])),
        with("rect", json!([0, 0, 1, null])),
        json!({"type": "boundingBoxes", "frameId": "now", "boxes": []}),
        json!({"type": "boundingBoxes", "frameId": 1, "boxes": vec![one_box(); MAX_BOXES + 1]}),
        map(json!(1), json!(vec![0.5; MAX_FEATURES + 1])),
        map(json!(1), json!([null])),
        map(json!(1), json!(["a"])),
        map(json!(-1), json!([])),
        map(json!(1), json!(null)),
    ] {
        assert!(from_processor(&message).is_err(), "{message}");
    }
    for message in [
        json!({"type": "start", "cameraId": "a"}),
        json!({"type": "start", "cameraId": "a", "frameId": 1.0}),
        json!({"type": "start", "cameraId": "a", "boxId": 1}),
        json!({"type": "start", "frameId": 1.0, "boxId": 1}),
        json!({"type": "start", "cameraId": "a", "image": "https://example.com/a.png"}),
        json!({"type": "stop"}),
        json!({"type": "stop", "objectId": 1.5}),
    ] {
        assert!(from_client(&message).is_err(), "{message}");
    }
    // What JSON is not, and Python writes.
    for text in [
        "NaN",
        r#"{"type":"featureMap","objectId":1,"featureMap":[NaN]}"#,
        r#"{"type":"featureMap","objectId":1,"featureMap":[1e999]}"#,
        r#"{"type":"identifier","id":"a","id":"b"}"#,
        "",
    ] {
        assert!(read::<FromProcessor>(text).is_err(), "{text}");
    }
}

#[test]
fn why_a_text_is_no_message_is_one_short_line() {
    let long = "a".repeat(MAX_MESSAGE - 100);
    for text in
        [format!(r#"{{"type":"{long}"}}"#), "[".repeat(100_000), "a".repeat(MAX_MESSAGE + 1)]
    {
        let why = read::<FromProcessor>(&text).unwrap_err();
        assert!(why.len() <= MAX_REASON && !why.contains('\n'), "{why}");
    }
}

#[test]
fn a_number_comes_back_as_it_went() {
    let mut dice = fastrand::Rng::with_seed(7);
    for _ in 0..20_000 {
        let frame_id = 1.76e9 + 1e8 * dice.f64();
        let feature_map = vec![dice.f64(), f64::from_bits(dice.u64(..) >> 2)];
        let boxes = write(&FromProcessor::BoundingBoxes(Boxes { frame_id, boxes: Vec::new() }));
        let Ok(FromProcessor::BoundingBoxes(Boxes { frame_id: back, .. })) = read(&boxes) else {
            panic!("{boxes}");
        };
        assert_eq!(back.to_bits(), frame_id.to_bits(), "{boxes}");
        let update = Update { object_id: ObjectId::default(), feature_map };
        assert_eq!(
            read::<FromProcessor>(&write(&FromProcessor::FeatureMap(update.clone()))),
            Ok(FromProcessor::FeatureMap(update))
        );
    }
}

#[test]
fn the_examples_of_the_documentation_are_messages() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/eye.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut counts = [0; 4];
    let mut section = "";
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("## ") {
            section = head;
        }
        let Some(example) = line.strip_prefix("| `{").and_then(|it| it.split('`').next()) else {
            continue;
        };
        let example: Value = serde_json::from_str(&format!("{{{example}")).unwrap();
        let text = example.to_string();
        let (kind, again) = match section {
            "What a processor says" => (0, again::<FromProcessor>(&text)),
            "What a processor hears" => (1, again::<ToProcessor>(&text)),
            "What a client says" => (2, again::<FromClient>(&text)),
            "What a client hears" => (3, again::<ToClient>(&text)),
            _ => panic!("{section}: {text}"),
        };
        counts[kind] += 1;
        assert_eq!(again, example);
    }
    assert_eq!(counts, [3, 3, 3, 6]);
}

fn again<T: Serialize + serde::de::DeserializeOwned>(text: &str) -> Value {
    serde_json::to_value(read::<T>(text).unwrap()).unwrap()
}
