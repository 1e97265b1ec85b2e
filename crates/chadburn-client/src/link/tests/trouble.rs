//! What goes wrong on a link in other ways than by being lost.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_try_that_nobody_answers_is_given_up_for_the_next_one() {
    let start = Instant::now();
    let (link, mut ends) = link(settings(), [ScriptedOutcome::NoAnswer, ScriptedOutcome::Pipe(64)]);
    let _end = ends.recv().await.expect("a connection");
    link.handler.control.until_up_or_ended().await.expect("it is there");
    // Ten seconds, and the first wait of a tenth of one at most.
    assert!((10_000..=10_100).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_try_lasts_no_longer_than_the_window() {
    let start = Instant::now();
    let (link, _ends) =
        link(settings().window(Duration::from_secs(4)), [ScriptedOutcome::NoAnswer]);
    let Err(Failure::Gone(tried)) = link.handler.control.until_up_or_ended().await else {
        panic!("nobody said anything");
    };
    assert_eq!((tried.cause.as_str(), tried.tries), ("no answer within 4 s", 1));
    assert_eq!(start.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_lost_although_it_speaks() {
    let (mut link, mut ends) = link(settings(), [ScriptedOutcome::Pipe(64)]);
    let mut end = ends.recv().await.expect("a connection");
    expect(&mut link, Event::Up).await;
    link.send("x".repeat(1000)).await.expect("there is room");
    let start = Instant::now();
    let speaks = tokio::spawn(async move {
        while end.send(Message::text("on and on")).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let lost = loop {
        match link.recv().await {
            Some(Event::Message(_)) => {}
            other => break other,
        }
    };
    assert_eq!(lost, Some(Event::Down("nothing was taken for 15s".into())));
    assert_eq!((start.elapsed().as_secs(), link.waiting()), (15, 1));
    speaks.abort();
}

#[tokio::test(start_paused = true)]
async fn pongs_that_a_peer_does_not_take_fill_nobodys_memory() {
    const ROOM: usize = 256 * 1024;
    let settings = Settings { unwritten: ROOM, ..settings() };
    let (mut link, mut ends) = link(settings, [ScriptedOutcome::Pipe(1024)]);
    let mut end = ends.recv().await.expect("a connection");
    expect(&mut link, Event::Up).await;
    for _ in 0..20_000 {
        end.send(Message::Ping(vec![0; 125].into())).await.expect("it is heard");
    }
    // The pongs leave no room for it before some of them have gone.
    link.send("x".repeat(100_000)).await.expect("there is room");
    let mut pongs = 0;
    while let Some(Ok(Message::Pong(pong))) = end.next().await {
        pongs += pong.len();
    }
    assert!((1..ROOM).contains(&pongs), "{pongs} bytes");
    assert_eq!(link.try_recv(), None, "it is the same connection");
}

#[tokio::test(start_paused = true)]
async fn a_text_that_never_could_be_sent_ends_the_link() {
    let settings = Settings { unwritten: 256 * 1024, ..settings() };
    let (mut link, mut ends) = link(settings, [ScriptedOutcome::Pipe(1024)]);
    let _end = ends.recv().await.expect("a connection");
    expect(&mut link, Event::Up).await;
    link.send("x".repeat(256 * 1024)).await.expect("there is room");
    let failure = Failure::Setting("a text is too long to be sent".into());
    expect(&mut link, Event::Failed(failure)).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_room_hears_of_the_end() {
    let (link, _ends) = link(settings().outbox(1, Full::Wait), [ScriptedOutcome::Unreachable]);
    link.send("first").await.expect("there is room");
    assert_eq!(link.send("second").await, Err(Closed));
}

#[tokio::test(start_paused = true)]
async fn what_was_half_sent_is_the_oldest_again_once_the_line_is_lost() {
    let back = Instant::now() + Duration::from_secs(20);
    let settings = settings().outbox(2, Full::DropOldest);
    let (mut link, mut ends) =
        link(settings, [ScriptedOutcome::Pipe(64), ScriptedOutcome::UnreachableUntil(back)]);
    let end = ends.recv().await;
    expect(&mut link, Event::Up).await;
    link.send("x".repeat(1000)).await.expect("there is room");
    // It is in hand as soon as there is nothing else to do.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(end);
    expect_down(&mut link).await;
    for text in ["second", "third"] {
        link.send(text).await.expect("there is always room");
    }
    let mut end = ends.recv().await.expect("another connection");
    assert_eq!(next_texts(&mut end, 2).await, ["second", "third"]);
    assert_eq!(link.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_is_a_stream_of_the_same_events() {
    let (mut link, mut ends) = link(
        settings().window(Duration::ZERO),
        [ScriptedOutcome::Pipe(64), ScriptedOutcome::Unreachable],
    );
    let mut end = ends.recv().await.expect("a connection");
    end.send(Message::text("hello")).await.expect("somebody listens");
    assert_eq!(link.next().await, Some(Event::Up));
    assert_eq!(link.next().await, Some(Event::Message("hello".into())));
    drop(end);
    assert!(matches!(link.next().await, Some(Event::Down(_))));
    assert!(matches!(link.next().await, Some(Event::Failed(Failure::Gone(_)))));
    assert_eq!(link.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_dropped_leaves() {
    let (link, mut ends) = link(settings(), [ScriptedOutcome::Pipe(64)]);
    let mut end = ends.recv().await.expect("a connection");
    drop(link);
    assert!(matches!(end.next().await, None | Some(Err(_))), "nobody is there any more");
    assert!(ends.recv().await.is_none(), "and nobody tries again");
}

#[tokio::test(start_paused = true)]
async fn a_beat_for_ever_is_no_overflow() {
    let (mut link, mut ends) = link(settings().beat(Duration::MAX), [ScriptedOutcome::Pipe(64)]);
    let mut end = ends.recv().await.expect("a connection");
    end.send(Message::text("hello")).await.expect("somebody listens");
    expect(&mut link, Event::Up).await;
    expect(&mut link, Event::Message("hello".into())).await;
}
