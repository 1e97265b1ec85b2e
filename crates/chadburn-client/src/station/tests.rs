//! A whole station over pipes: what its holder waits for, and what it is told.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite;

use super::*;
use crate::scripted::{
    ScriptedConnector, ScriptedOutcome, ServerEnd, ServerEnds, next_text, settings,
};
use crate::{Full, Id};

/// A station, and the other ends of its connections.
fn station(
    settings: &Settings,
    script: impl Into<VecDeque<ScriptedOutcome>>,
) -> (Station, ServerEnds) {
    let (connector, ends) = ScriptedConnector::new(settings.clone(), script);
    (Station::over(connector, settings), ends)
}

async fn says(end: &mut ServerEnd, message: Value) {
    let text = tungstenite::Message::text(message.to_string());
    end.send(text).await.expect("somebody listens");
}

/// The beginning of a connection, up to where the station may speak.
async fn greets(end: &mut ServerEnd) {
    says(
        end,
        json!({"type": "welcome", "station": "67e55044-10b1-426f-9247-bb680e5fe0c8", "server": "1", "assets": "a",
        "dial": {"title": "", "positions": []}, "heartbeat_ms": 5000, "resume": "secret",
        "token": false, "may": {"order": true, "shutdown": false}}),
    )
    .await;
    says(
        end,
        json!({"type": "state", "seq": 1, "at": 0, "reply": null, "bell": false, "order": null,
        "source": {"health": "ok", "detail": "", "watch": "poll"}}),
    )
    .await;
    says(
        end,
        json!({"type": "roll", "order": null, "answers": [], "more_answers": 0, "stations": 1,
        "named": [], "more_named": 0}),
    )
    .await;
}

/// Hears a request, and carries it out.
async fn obeys(end: &mut ServerEnd) -> Value {
    let request: Value = serde_json::from_str(&next_text(end).await).expect("it is JSON");
    says(end, json!({"type": "ok", "id": request["id"]})).await;
    request
}

fn order(status: &str) -> Request {
    Request::Order { status: status.into() }
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_makes_whoever_asks_wait_until_a_request_is_answered() {
    let (station, mut ends) =
        station(&settings().outbox(1, Full::Wait), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    greets(&mut end).await;
    let first = station.ask(order("1")).await.expect("there is room");
    let asks = async {
        let second = station.ask(order("2")).await.expect("there is room by then");
        (Instant::now(), second.await)
    };
    let server = async {
        sleep(Duration::from_secs(3)).await;
        let answered = Instant::now();
        (answered, obeys(&mut end).await["status"].clone(), obeys(&mut end).await["status"].clone())
    };
    let ((had_room, second), (answered, one, two)) = tokio::join!(asks, server);
    assert!(had_room >= answered, "it has waited");
    assert_eq!((one, two), (json!("1"), json!("2")));
    assert_eq!((first.await, second), (Ok(RequestOutput::default()), Ok(RequestOutput::default())));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_of_the_end() {
    let (station, _ends) =
        station(&settings().outbox(1, Full::Wait), [ScriptedOutcome::Unreachable]);
    let first = station.ask(order("1")).await.expect("there is room");
    assert!(matches!(station.ask(order("2")).await, Err(RequestError::Closed)));
    assert_eq!(first.await, Err(RequestError::Closed));
    assert_eq!(station.order("3").await, Err(RequestError::Closed));
}

#[tokio::test(start_paused = true)]
async fn closing_waits_until_everything_is_answered() {
    let (station, mut ends) = station(&settings(), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    greets(&mut end).await;
    let asked = station.ask(order("1")).await.expect("there is room");
    let server = async {
        let heard = next_text(&mut end).await;
        let request: Value = serde_json::from_str(&heard).expect("it is JSON");
        sleep(Duration::from_secs(3)).await;
        says(&mut end, json!({"type": "ok", "id": request["id"]})).await;
        matches!(end.next().await, Some(Ok(tungstenite::Message::Close(_))))
    };
    let (closed, leaves) = tokio::join!(station.close(), server);
    assert_eq!((closed, leaves), (Ok(()), true));
    assert_eq!(asked.await, Ok(RequestOutput::default()));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_no_server_takes_is_not_sent() {
    let (station, mut ends) = station(&settings(), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    greets(&mut end).await;
    let long = station.order("x".repeat(MAX_REQUEST_BYTES)).await;
    assert_eq!((long, station.waiting()), (Err(RequestError::TooLong), 0));
}

#[tokio::test(start_paused = true)]
async fn a_station_is_a_stream_and_hands_up_what_it_cannot_read() {
    let (mut station, mut ends) = station(&settings(), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    greets(&mut end).await;
    let mut kinds = Vec::new();
    while let Some(event) = station.next().await {
        match event {
            Event::Message(heard) => kinds.push(heard.text.split('"').nth(1).map(str::to_owned)),
            Event::Up => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kinds.len(), 3, "the beginning comes before the link is up: {kinds:?}");
    end.send(tungstenite::Message::text("brass")).await.expect("somebody listens");
    says(&mut end, json!({"type": "ok", "id": "foreign"})).await;
    assert!(
        matches!(station.next().await, Some(Event::Unreadable { text, .. }) if text == "brass")
    );
    let Some(Event::Message(heard)) = station.next().await else { panic!("a message comes") };
    assert_eq!(heard.message, Message::Ok { id: Some(Id::Text("foreign".into())) });
}

#[tokio::test(start_paused = true)]
async fn a_slow_main_loop_is_told_what_it_missed_and_knows_the_newest_state() {
    let (mut station, mut ends) = station(&settings().inbox(5), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    greets(&mut end).await;
    for at in 1..=100 {
        says(&mut end, json!({"type": "beat", "at": at})).await;
    }
    let heard = station.ask(order("1")).await.expect("there is room");
    obeys(&mut end).await;
    heard.await.expect("all before it was heard");
    // Three of the beginning, and Up.
    assert_eq!(station.try_recv(), Some(Event::Lagged(100 + 4 - 5)));
    let Some(Event::Message(next)) = station.try_recv() else { panic!("the newest are kept") };
    assert_eq!(next.message, Message::Beat { at: 96 });
    assert_eq!(station.state().map(|state| state.seq), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_station_that_is_dropped_leaves() {
    let (station, mut ends) = station(&settings(), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    drop(station);
    assert!(matches!(end.next().await, None | Some(Err(_))), "nobody is there any more");
    assert!(ends.recv().await.is_none(), "and nobody tries again");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_says_how_things_are_is_as_good_as_none() {
    let beats = |number: u64| json!({"type": "beat", "at": number});
    for says_beats in [false, true] {
        let window = settings().window(Duration::from_secs(20));
        let (station, mut ends) = station(&window, [ScriptedOutcome::Pipe(1024)]);
        let start = Instant::now();
        let server = async {
            while let Some(mut end) = ends.recv().await {
                tokio::spawn(async move {
                    for number in 0.. {
                        if says_beats {
                            let text = tungstenite::Message::text(beats(number).to_string());
                            if end.send(text).await.is_err() {
                                break;
                            }
                        }
                        sleep(Duration::from_secs(1)).await;
                    }
                });
            }
        };
        let failure = tokio::select! {
            settled = station.handler.control.until_up_or_ended() => settled.expect_err("it said nothing"),
            () = async { server.await; std::future::pending().await } => unreachable!("it has no end"),
        };
        let Failure::Gone(tried) = failure else { panic!("{failure}") };
        assert_eq!(tried.cause, "it did not say in time how things are");
        assert!((20..=21).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_roll_without_a_state_is_no_beginning() {
    let (station, mut ends) = station(&settings(), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    let roll = json!({"type": "roll", "order": null, "answers": [], "more_answers": 0,
        "stations": 1, "named": [], "more_named": 0});
    says(&mut end, roll).await;
    sleep(Duration::from_secs(1)).await;
    assert!(!station.is_up());
    greets(&mut end).await;
    station.handler.control.until_up_or_ended().await.expect("it is there");
}

#[tokio::test(start_paused = true)]
async fn numbers_of_a_server_stop_nobody() {
    let (mut station, mut ends) =
        station(&settings().beat(Duration::MAX), [ScriptedOutcome::Pipe(4096)]);
    let mut end = ends.recv().await.expect("a connection");
    says(
        &mut end,
        json!({"type": "welcome", "station": "67e55044-10b1-426f-9247-bb680e5fe0c8", "server": "1", "assets": "a",
        "dial": {"title": "", "positions": []}, "heartbeat_ms": u32::MAX, "resume": "a b\r\n",
        "token": false, "may": {"order": true, "shutdown": false}}),
    )
    .await;
    says(
        &mut end,
        json!({"type": "state", "seq": u64::MAX, "at": u64::MAX, "reply": null, "bell": false,
        "order": null, "source": {"health": "ok", "detail": "", "watch": "poll"}}),
    )
    .await;
    says(
        &mut end,
        json!({"type": "roll", "order": u64::MAX, "answers": [], "more_answers": usize::MAX,
        "stations": usize::MAX, "named": [], "more_named": usize::MAX}),
    )
    .await;
    station.handler.control.until_up_or_ended().await.expect("it is there");
    assert_eq!(station.handler.query(), "", "nothing of it would be understood");
    let start = Instant::now();
    while !matches!(station.recv().await, Some(Event::Down(_))) {}
    assert_eq!(start.elapsed().as_secs(), 150, "two and a half of the longest beats");
}
