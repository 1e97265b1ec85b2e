//! Links in a time that only passes when nothing happens, over pipes instead of sockets.

mod trouble;

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::scripted::{
    ScriptedConnector, ScriptedOutcome, ServerEnds, next_text, next_texts, settings,
};
use crate::{Full, Tried};

fn link(settings: Settings, script: impl Into<VecDeque<ScriptedOutcome>>) -> (Link, ServerEnds) {
    let (connector, ends) = ScriptedConnector::new(settings.clone(), script);
    (Link::over(connector, settings), ends)
}

async fn expect(link: &mut Link, expected: Event<String>) {
    assert_eq!(link.recv().await, Some(expected));
}

async fn expect_down(link: &mut Link) {
    let event = link.recv().await;
    assert!(matches!(event, Some(Event::Down(_))), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_minute_in_vain_it_says_what_was_tried_and_what_came_last() {
    let start = Instant::now();
    let (mut link, _ends) = link(settings(), [ScriptedOutcome::Unreachable]);
    let Err(Failure::Gone(tried)) = link.handler.control.until_up_or_ended().await else {
        panic!("nobody was there");
    };
    let Tried { url, tries, lasted, cause } = &tried;
    assert_eq!((url.as_str(), cause.as_str()), ("ws://scripted/", "nobody is there"));
    assert!((15..40).contains(tries), "{tries}");
    assert_eq!(lasted.as_secs(), 60);
    assert_eq!(start.elapsed().as_secs(), 60);
    assert!(tried.to_string().contains(&format!("{tries} tries in 60 s")), "{tried}");
    expect(&mut link, Event::Failed(Failure::Gone(tried))).await;
    assert_eq!(link.recv().await, None);
    assert_eq!(link.send("too late").await, Err(Closed));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_comes_at_once() {
    let start = Instant::now();
    let (link, _ends) = link(
        settings(),
        [ScriptedOutcome::Unreachable, ScriptedOutcome::Rejected, ScriptedOutcome::Pipe(64)],
    );
    let failure = link.handler.control.until_up_or_ended().await.expect_err("nobody wants us");
    assert!(matches!(failure, Failure::Refused { status: Some(404), .. }), "{failure}");
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_the_server_came_arrives_in_order() {
    let opens = Instant::now() + Duration::from_secs(40);
    let (link, mut ends) = link(settings(), [ScriptedOutcome::UnreachableUntil(opens)]);
    for number in 0..100 {
        link.send(number.to_string()).await.expect("there is room");
    }
    let mut end = ends.recv().await.expect("the server comes");
    // Five seconds is the longest wait.
    assert!(Instant::now() - opens <= Duration::from_secs(5));
    let texts = next_texts(&mut end, 100).await;
    assert!(texts.iter().enumerate().all(|(at, text)| *text == at.to_string()), "{texts:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_healthy_connection_the_minute_begins_anew() {
    let back = Instant::now() + Duration::from_secs(50 + 30 + 55);
    let script = [
        ScriptedOutcome::UnreachableUntil(Instant::now() + Duration::from_secs(50)),
        ScriptedOutcome::UnreachableUntil(back),
    ];
    let (mut link, mut ends) = link(settings(), script);
    let first = ends.recv().await;
    expect(&mut link, Event::Up).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    drop(first);
    expect_down(&mut link).await;
    assert!(!link.is_up());
    expect(&mut link, Event::Up).await;
    assert!(Instant::now() >= back && link.is_up());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_us_and_drops_us_does_not_hold_us_for_ever() {
    let start = Instant::now();
    let (link, mut ends) = link(settings(), [ScriptedOutcome::Pipe(64)]);
    let drops = tokio::spawn(async move {
        let mut count = 0;
        while ends.recv().await.is_some() {
            count += 1;
        }
        count
    });
    assert!(matches!(link.handler.control.until_ended().await, Err(Failure::Gone(_))));
    assert_eq!(start.elapsed().as_secs(), 60);
    drop(link);
    let count = drops.await.expect("it ends");
    assert!((15..40).contains(&count), "{count} connections in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_silent_for_two_and_a_half_beats_is_lost() {
    let (mut link, mut ends) =
        link(settings().beat(Duration::from_secs(4)), [ScriptedOutcome::Pipe(1024)]);
    // It takes everything and says nothing, not even a pong.
    let stalled = ends.recv().await;
    expect(&mut link, Event::Up).await;
    let up = Instant::now();
    let lost = link.recv().await;
    assert_eq!(lost, Some(Event::Down("nothing was heard for 10s".into())));
    assert_eq!(up.elapsed().as_secs(), 10);
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_only_answers_pings_is_there() {
    let (mut link, mut ends) =
        link(settings().beat(Duration::from_secs(4)), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    expect(&mut link, Event::Up).await;
    let pongs = tokio::spawn(async move { while end.next().await.is_some() {} });
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!((link.try_recv(), link.is_up()), (None, true));
    pongs.abort();
}

#[tokio::test(start_paused = true)]
async fn half_a_message_is_said_again_whole_and_first() {
    let (link, mut ends) = link(settings(), [ScriptedOutcome::Pipe(64), ScriptedOutcome::Pipe(64)]);
    let long = "x".repeat(1000);
    for text in [long.as_str(), "second"] {
        link.send(text).await.expect("there is room");
    }
    let mut half = ends.recv().await.expect("a connection").into_inner();
    let mut some = [0; 100];
    tokio::io::AsyncReadExt::read_exact(&mut half, &mut some).await.expect("half of it comes");
    drop(half);
    let mut end = ends.recv().await.expect("another connection");
    assert_eq!(next_texts(&mut end, 2).await, [long, "second".into()]);
}

#[tokio::test(start_paused = true)]
async fn identity_comes_first_on_every_connection() {
    let (link, mut ends) = link(settings().identity("it is me"), [ScriptedOutcome::Pipe(1024)]);
    for number in ["one", "two"] {
        link.send(number).await.expect("there is room");
        let mut end = ends.recv().await.expect("a connection");
        assert_eq!(next_texts(&mut end, 2).await, ["it is me", number]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_outbox_makes_one_wait_or_drops_the_oldest() {
    let opens = Instant::now() + Duration::from_secs(20);
    let (patient, mut ends) =
        link(settings().outbox(2, Full::Wait), [ScriptedOutcome::UnreachableUntil(opens)]);
    for number in ["1", "2"] {
        patient.send(number).await.expect("there is room");
    }
    assert_eq!(patient.try_send("3"), Ok(Some("3".into())), "there is none");
    let (_, mut end) = tokio::join!(patient.send("3"), ends.recv());
    assert!(Instant::now() >= opens, "it has waited");
    let end = end.as_mut().expect("a connection");
    assert_eq!(next_texts(end, 3).await, ["1", "2", "3"]);

    let opens = Instant::now() + Duration::from_secs(20);
    let (hasty, mut ends) =
        link(settings().outbox(2, Full::DropOldest), [ScriptedOutcome::UnreachableUntil(opens)]);
    for number in 1..=5 {
        hasty.send(number.to_string()).await.expect("there is always room");
    }
    assert_eq!((hasty.dropped(), hasty.waiting()), (3, 2));
    let mut end = ends.recv().await.expect("a connection");
    assert_eq!(next_texts(&mut end, 2).await, ["4", "5"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_main_loop_is_told_what_it_missed() {
    let (mut link, mut ends) = link(settings().inbox(10), [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    for number in 1..=100 {
        end.send(Message::text(number.to_string())).await.expect("somebody listens");
    }
    link.send("all was heard").await.expect("there is room");
    assert_eq!(next_text(&mut end).await, "all was heard");
    drop(end);
    link.handler
        .control
        .link_state
        .subscribe()
        .wait_for(|it| *it == LinkState::Connecting)
        .await
        .expect("it goes");
    let mut events = Vec::new();
    while let Some(event) = link.try_recv() {
        events.push(event);
    }
    let Event::Lagged(lagged) = events[0] else { panic!("{events:?}") };
    let Event::Message(first) = &events[1] else { panic!("{events:?}") };
    // The first Up was left out too.
    assert_eq!(first.parse(), Ok(lagged), "{events:?}");
    assert_eq!(events.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn closing_sends_what_waits_and_gives_up_with_the_window() {
    let opens = Instant::now() + Duration::from_secs(20);
    let (sends, mut ends) = link(settings(), [ScriptedOutcome::UnreachableUntil(opens)]);
    sends.send("the last word").await.expect("there is room");
    let peer = tokio::spawn(async move {
        let mut end = ends.recv().await.expect("a connection");
        let text = next_text(&mut end).await;
        (text, matches!(end.next().await, Some(Ok(Message::Close(_)))))
    });
    assert_eq!(sends.close().await, Ok(()));
    assert_eq!(peer.await.expect("it ends"), ("the last word".into(), true));

    let (idle, _ends) = link(settings(), [ScriptedOutcome::Unreachable]);
    let start = Instant::now();
    assert_eq!(idle.close().await, Ok(()), "there is nothing to wait for");
    assert_eq!(start.elapsed(), Duration::ZERO);
    let (vain, _ends) = link(settings(), [ScriptedOutcome::Unreachable]);
    vain.send("nobody hears").await.expect("there is room");
    assert!(matches!(vain.close().await, Err(Failure::Gone(_))));
}

#[tokio::test(start_paused = true)]
async fn room_is_waited_for_beside_events() {
    let opens = Instant::now() + Duration::from_secs(10);
    let settings = settings().outbox(1, Full::Wait);
    let (mut link, mut ends) = link(settings, [ScriptedOutcome::UnreachableUntil(opens)]);
    link.room().await;
    assert_eq!(link.try_send("first"), Ok(None));
    let room = link.room();
    tokio::select! {
        biased;
        event = link.recv() => assert_eq!(event, Some(Event::Up)),
        () = room => panic!("there is no room before the first is sent"),
    }
    link.room().await;
    assert_eq!(link.try_send("second"), Ok(None), "room was made by the first");
    let mut end = ends.recv().await.expect("the server comes");
    assert_eq!(next_texts(&mut end, 2).await, ["first", "second"]);
    let (refused, _ends) = self::link(crate::scripted::settings(), [ScriptedOutcome::Rejected]);
    assert!(refused.handler.control.until_ended().await.is_err());
    refused.room().await;
}
