//! What is passed on to whom.

use chadburn_client::{Event, Settings, Typed};
use chadburn_eye::wire::{FromProcessor, ToProcessor};
use serde_json::json;

use crate::host::{Relay, within};
use crate::peer::{Peer, boxes, boxes_of, map, start};

#[tokio::test]
async fn boxes_go_to_every_client_and_updates_to_every_other_processor() {
    let relay = Relay::start().await;
    let mut gate = Peer::camera(&relay, "gate").await;
    let mut yard = Peer::camera(&relay, "yard").await;
    let (mut one, mut two) = (Peer::client(&relay).await, Peer::client(&relay).await);
    relay.reaches("clients", 2).await;
    relay.reaches("processors", 2).await;
    gate.say(boxes(1_764_491_234.123_456_7)).await;
    for client in [&mut one, &mut two] {
        assert_eq!(client.hears().await, boxes_of("gate", 1_764_491_234.123_456_7));
    }
    gate.say(map(7, 0.25)).await;
    assert_eq!(yard.hears().await, map(7, 0.25));
    yard.say(map(7, 0.75)).await;
    assert_eq!(gate.hears().await, map(7, 0.75), "and it has not heard its own");
    one.settles().await;
}

#[tokio::test]
async fn a_newcomer_is_told_all_maps_in_their_order_and_empty_ones_too() {
    let relay = Relay::start().await;
    let mut gate = Peer::camera(&relay, "gate").await;
    for object in 0..256 {
        gate.say(map(object, 0.5)).await;
    }
    gate.say(map(0, 0.75)).await;
    let empty = json!({"type": "featureMap", "objectId": 1, "featureMap": []});
    gate.say(empty.clone()).await;
    gate.settles().await;
    let mut yard = Peer::camera(&relay, "yard").await;
    for object in 2..256 {
        assert_eq!(yard.hears().await, map(object, 0.5));
    }
    assert_eq!((yard.hears().await, yard.hears().await), (map(0, 0.75), empty));
    yard.settles().await;
}

#[tokio::test]
async fn starts_go_to_their_camera_and_stops_to_all() {
    let relay = Relay::start().await;
    let mut gate = Peer::camera(&relay, "gate").await;
    let mut yard = Peer::camera(&relay, "yard").await;
    relay.reaches("processors", 2).await;
    let mut client = Peer::client(&relay).await;
    client.say(start("nowhere")).await;
    client.say(start("yard")).await;
    let started = yard.hears().await;
    let object = started["objectId"].as_u64().unwrap();
    let wanted = json!({"type": "start", "objectId": object, "frameId": 1.5, "boxId": 1});
    assert_eq!(started, wanted);
    let image = "data:image/png;base64,iVBORw0KGgo=";
    client.say(json!({"type": "start", "cameraId": "gate", "image": image})).await;
    let wanted = json!({"type": "start", "objectId": object + 1, "image": image});
    assert_eq!(gate.hears().await, wanted);
    gate.say(map(object + 90, 0.5)).await;
    yard.hears().await;
    client.say(start("gate")).await;
    assert_eq!(gate.hears().await["objectId"], object + 91);
    client.say(json!({"type": "stop", "objectId": object})).await;
    for processor in [&mut gate, &mut yard] {
        assert_eq!(processor.hears().await, json!({"type": "stop", "objectId": object}));
    }
    assert_eq!(relay.figure("refused_starts_total").await, 1);
}

#[tokio::test]
async fn a_camera_that_comes_twice_is_the_newer_one() {
    let relay = Relay::start().await;
    let mut older = Peer::camera(&relay, "gate").await;
    relay.reaches("processors", 1).await;
    let mut newer = Peer::camera(&relay, "gate").await;
    assert_eq!(older.code().await, 4001);
    let mut client = Peer::client(&relay).await;
    relay.reaches("clients", 1).await;
    newer.say(boxes(2.0)).await;
    assert_eq!(client.hears().await, boxes_of("gate", 2.0));
    assert_eq!(relay.figure("processors").await, 1);
}

#[tokio::test]
async fn a_client_that_does_not_read_gets_the_newest_boxes_and_holds_up_nobody() {
    let relay = Relay::start().await;
    let mut gate = Peer::camera(&relay, "gate").await;
    let mut yard = Peer::camera(&relay, "yard").await;
    let socket = crate::peer::open(&relay, "client", &[], Some(4_096)).await.unwrap().0;
    let mut slow = Peer { socket };
    let mut quick = Peer::client(&relay).await;
    relay.reaches("clients", 2).await;
    let many = |frame: u32| {
        let mut message = boxes(f64::from(frame));
        message["boxes"] = json!(vec![message["boxes"][0].clone(); 32]);
        message
    };
    let mut frame = 0;
    while relay.figure("conflated_total").await < 500 {
        for _ in 0..100 {
            frame += 1;
            gate.say(many(frame)).await;
            yard.say(many(frame)).await;
            let mut both = [quick.hears().await, quick.hears().await];
            both.sort_by_key(|it| it["cameraId"].to_string());
            for (told, camera) in both.iter().zip(["gate", "yard"]) {
                assert_eq!(
                    (&told["cameraId"], &told["frameId"]),
                    (&json!(camera), &json!(f64::from(frame)))
                );
            }
        }
    }
    let (mut heard, mut last) = (0, [0.0_f64; 2]);
    while last.iter().any(|it| *it < f64::from(frame)) {
        let told = slow.hears().await;
        let camera = usize::from(told["cameraId"] == "yard");
        let next = told["frameId"].as_f64().unwrap();
        assert!(next > last[camera], "{next} after {}", last[camera]);
        last[camera] = next;
        heard += 1;
    }
    assert!(u64::from(2 * frame - heard) >= 500, "{heard} of {}", 2 * frame);
}

#[tokio::test]
async fn after_the_relays_death_everybody_finds_back_and_no_number_is_given_twice() {
    let mut relay = Relay::start().await;
    let mut links = Vec::new();
    for camera in ["gate", "yard"] {
        let identity = json!({"type": "identifier", "id": camera}).to_string();
        let settings = Settings::new(&relay.url("processor")).unwrap().identity(identity);
        let link: Typed<FromProcessor, ToProcessor> = Typed::connect(settings).await.unwrap();
        links.push(link);
    }
    let [gate, yard] = links.try_into().ok().unwrap();
    let (mut gate, mut yard): (Typed<_, ToProcessor>, Typed<_, ToProcessor>) = (gate, yard);
    relay.reaches("processors", 2).await;
    let mut client = Peer::client(&relay).await;
    client.say(start("yard")).await;
    let first = until_started(&mut yard).await;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!((now - 60..=now).contains(&first), "{first} is none that was given an hour ago");
    let ours: FromProcessor = serde_json::from_value(map(first, 0.5)).unwrap();
    for round in 0..2 {
        relay.kill().await;
        // It waits in the outbox until there is a relay again.
        gate.send(&ours).await.unwrap();
        relay = Relay::at(relay.port, &[]).await;
        relay.reaches("processors", 2).await;
        let update = within(
            "the update",
            until(&mut yard, |it| match it {
                ToProcessor::FeatureMap(update) => Some(update.object_id.get()),
                _ => None,
            }),
        );
        assert_eq!(update.await, first, "round {round}");
        let mut client = Peer::client(&relay).await;
        client.say(start("yard")).await;
        assert!(until_started(&mut yard).await > first, "round {round}");
        client.say(start("gate")).await;
        assert!(until_started(&mut gate).await > first, "round {round}");
    }
}

async fn until_started(link: &mut Typed<FromProcessor, ToProcessor>) -> u64 {
    let started = until(link, |it| match it {
        ToProcessor::Start { object_id, .. } => Some(object_id.get()),
        _ => None,
    });
    within("a start", started).await
}

/// What this makes of the first message of which it makes something.
async fn until(
    link: &mut Typed<FromProcessor, ToProcessor>,
    make: impl Fn(ToProcessor) -> Option<u64>,
) -> u64 {
    loop {
        if let Event::Message(message) = link.recv().await.unwrap()
            && let Some(made) = make(message)
        {
            return made;
        }
    }
}
