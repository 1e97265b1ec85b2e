//! Connections that come, stay too long, are too many, break, and are told to go.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

/// One good request, as bytes.
const LIVEZ: &str = "GET /livez HTTP/1.1\r\nHost: eot\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_silent_connection_ends() {
    let mut room = TestRoom::open().await;
    for (said, patience) in [
        ("", 10),
        ("GET / HTTP/1.1\r\nHost: e", 10),
        (LIVEZ, 75),
        ("POST /nothing HTTP/1.1\r\nHost: eot\r\nContent-Length: 1\r\n\r\n8", 75),
    ] {
        let begun = Instant::now();
        let mut caller = room.call().await;
        caller.say(said).await;
        caller.end().await;
        assert_eq!(begun.elapsed().as_secs(), patience, "{said:?}");
    }
    // However long an answer takes, the rest begins after it.
    let mut caller = room.call().await;
    caller.say("POST /accept HTTP/1.1\r\nHost: eot\r\nContent-Length: 1\r\n\r\n8").await;
    let (_, answer) = room.asks.recv().await.unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    answer.send(Ok(())).unwrap();
    assert_eq!(caller.answer(false).await.unwrap().status, 200);
    let begun = Instant::now();
    caller.end().await;
    assert_eq!(begun.elapsed().as_secs(), 75);
}

#[tokio::test(start_paused = true)]
async fn between_two_requests_a_connection_rests_for_75_seconds_and_says_so() {
    let room = TestRoom::open().await;
    let mut caller = room.call().await;
    for pause in [0, 10, 74, 60, 74] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let answer = caller.ask(&["GET /livez HTTP/1.1", "Host: eot"]).await;
        assert_eq!(answer.status, 200, "after {pause} s");
        assert_eq!(answer.header("keep-alive"), "timeout=75");
        assert_eq!(answer.header("connection"), "keep-alive");
    }
    // The next request has ten seconds from its first byte on.
    tokio::time::sleep(Duration::from_secs(70)).await;
    caller.say("GET /livez HTTP/1.1\r\n").await;
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs(8)).await;
    caller.say("Host: eot\r\n").await;
    caller.end().await;
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_with_its_answer_promises_no_rest() {
    let room = TestRoom::open().await;
    for (lines, stays) in [
        (&["GET /livez HTTP/1.1", "Host: eot", "Connection: close"][..], false),
        (&["GET /livez HTTP/1.0", "Host: eot"], false),
        (&["GET /livez HTTP/1.0", "Host: eot", "Connection: Keep-Alive"], true),
        (&["GET /nothing HTTP/1.1", "Host: eot"], true),
        (&["GET /events HTTP/1.1", "Host: eot"], false),
        (&["GET /websocket HTTP/1.1", "Host: eot"], true),
        (&["POST /accept HTTP/1.1", "Host: eot", "Content-Length: 9000"], false),
        // Bodies that nobody reads: too long, and never ending.
        (&["POST /nothing HTTP/1.1", "Host: eot", "Content-Length: 9000"], false),
        (&["PUT /status HTTP/1.1", "Host: evil.example", "Content-Length: 9000"], false),
        (&["POST /livez HTTP/1.1", "Host: eot", "Transfer-Encoding: chunked"], false),
        (&["GET /events HTTP/1.1", "Host: eot", "Content-Length: 1"], false),
        (&["POST /livez HTTP/1.1", "Host: eot", "Content-Length: 0"], true),
    ] {
        let mut caller = room.call().await;
        let answer = caller.ask(lines).await;
        assert_eq!(answer.headers.contains_key("keep-alive"), stays, "{lines:?}");
        if stays {
            assert_eq!(caller.ask(&["GET /livez HTTP/1.1", "Host: eot"]).await.status, 200);
        } else if lines[0].contains("HTTP/1.1") {
            assert_eq!(answer.header("connection"), "close", "{lines:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_has_come_leaves_the_connection_open_whether_or_not_it_was_needed() {
    let room = TestRoom::open().await;
    for (line, body) in
        [("POST /nothing", "8"), ("POST /livez", "12"), ("PUT /static/main.js", "123")]
    {
        let mut caller = room.call().await;
        caller
            .say(format!("{line} HTTP/1.1\r\nHost: eot\r\nContent-Length: {}\r\n\r\n", body.len()))
            .await;
        // The server has the head before the body comes.
        tokio::task::yield_now().await;
        caller.say(format!("{body}GET /readyz HTTP/1.1\r\nHost: eot\r\n\r\n")).await;
        let answer = caller.answer(false).await.expect("an answer");
        assert_eq!(answer.header("keep-alive"), "timeout=75", "{line}");
        assert_eq!(caller.answer(false).await.expect("another").status, 200, "{line}");
    }
    for body in
        ["Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
    {
        let mut caller = room.call().await;
        let json = "Content-Type: application/json";
        caller.say(format!("PUT /status HTTP/1.1\r\nHost: eot\r\n{json}\r\n{body}")).await;
        let answer = caller.answer(false).await.expect("an answer");
        answer.problem(400);
        assert_eq!(answer.header("keep-alive"), "timeout=75", "{body:?}");
        assert_eq!(caller.ask(&["GET /livez HTTP/1.1", "Host: eot"]).await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drip_of_headers_does_not_keep_a_connection() {
    let room = TestRoom::open().await;
    let begun = Instant::now();
    let mut caller = room.call().await;
    caller.say("GET / HTTP/1.1\r\n").await;
    while caller.stream.write_all(b"X-Drip: 1\r\n").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed() <= Duration::from_secs(13), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_answer_is_given_up() {
    let room = TestRoom::open().await;
    let mut caller = room.call().await;
    let begun = Instant::now();
    // Requests without end, and not one answer read: at some point neither side can write.
    let flood = LIVEZ.repeat(100);
    while caller.stream.write_all(flood.as_bytes()).await.is_ok() {}
    assert!(begun.elapsed() <= Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection() {
    let room = TestRoom::open().await;
    let mut caller = room.call().await;
    caller.say(LIVEZ.repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(caller.answer(false).await.unwrap().text(), "ok\n");
    }
}

#[tokio::test]
async fn whoever_has_ended_its_side_is_answered_and_is_not_local() {
    let mut room = TestRoom::open().await;
    for half_closed in [false, true] {
        let mut caller = room.call().await;
        // Nothing of this waits, so that the server, on the same thread, reads all of it at once.
        caller.say("PUT /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n8").await;
        if half_closed {
            caller.stream.shutdown().await.unwrap();
        }
        let (ask, answer) = room.asks.recv().await.unwrap();
        assert_eq!(ask.peer.local, HERE && !half_closed);
        answer.send(Ok(())).unwrap();
        assert_eq!(caller.answer(false).await.unwrap().status, 200, "half-closed: {half_closed}");
        if half_closed {
            caller.end().await;
        }
    }
    // Half a body is none, and half a head is nothing.
    for (said, status) in [
        ("PUT /status HTTP/1.1\r\nHost: eot\r\nContent-Length: 5\r\n\r\n8", Some(400)),
        ("GET /livez HTTP/1.1\r\nHost: e", None),
    ] {
        let mut caller = room.call().await;
        caller.say(said).await;
        caller.stream.shutdown().await.unwrap();
        let answer = caller.answer(false).await;
        assert_eq!(answer.map(|answer| answer.status), status, "{said:?}");
        caller.end().await;
    }
    assert!(room.asks.try_recv().is_err(), "nothing is asked for by half");
}

#[tokio::test]
async fn a_head_is_at_most_32_kib() {
    let room = TestRoom::open().await;
    let fits = format!("X-Long: {}", "x".repeat(16 * 1024));
    assert_eq!(room.ask(&["GET /livez HTTP/1.1", "Host: eot", &fits]).await.status, 200);
    let long = format!("X-Long: {}", "x".repeat(40 * 1024));
    assert_eq!(room.ask(&["GET /livez HTTP/1.1", "Host: eot", &long]).await.status, 431);
}

#[tokio::test]
async fn a_full_house_says_so_and_takes_the_next_one_when_somebody_leaves() {
    let mut room = TestRoom::with(embedded(), 1).await;
    let mut first = room.call().await;
    assert_eq!(first.ask(&TEXT).await.status, 101);
    let station = room.newcomers.recv().await.unwrap();
    let answer = room.ask(&["GET /livez HTTP/1.1", "Host: eot"]).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(answer.header("retry-after"), "5");
    drop(station);
    assert_eq!(room.get("/livez").await.status, 200, "the seat went with the station");
}

#[tokio::test]
async fn whoever_rests_between_two_requests_keeps_no_seat_from_others() {
    let room = TestRoom::with(embedded(), 2).await;
    let lines = ["GET /livez HTTP/1.1", "Host: eot"];
    let (mut first, mut second) = (room.call().await, room.call().await);
    for caller in [&mut first, &mut second] {
        assert_eq!(caller.ask(&lines).await.status, 200);
    }
    let begun = Instant::now();
    assert_eq!(room.ask(&lines).await.status, 503);
    // The one that has rested longest goes, and no other.
    first.end().await;
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    assert_eq!(second.ask(&lines).await.status, 200);
    assert_eq!(room.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_connection_that_breaks_takes_nobody_with_it() {
    let room = TestRoom::with(embedded(), 2).await;
    let mut bystander = room.call().await;
    let mut victim = room.call().await;
    let handshake = "GET /websocket HTTP/1.1\r\nHost: eot\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\npanic";
    victim.say(handshake).await;
    victim.end().await;
    assert_eq!(bystander.ask(&["GET /livez HTTP/1.1", "Host: eot"]).await.status, 200);
    assert_eq!(room.get("/livez").await.status, 200, "and its seat is free");
}

#[tokio::test]
async fn when_told_to_stop_it_lets_go_of_the_port_and_of_idle_connections() {
    let room = TestRoom::open().await;
    let mut new = room.call().await;
    let mut used = room.call().await;
    assert_eq!(used.ask(&["GET /livez HTTP/1.1", "Host: eot"]).await.status, 200);
    let begun = Instant::now();
    room.stop.cancel();
    room.tracker.close();
    room.tracker.wait().await;
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    used.end().await;
    new.end().await;
    assert!(TcpStream::connect(room.address).await.is_err());
    TcpListener::bind(room.address).await.expect("the port is free at once");
}

#[tokio::test]
async fn when_told_to_stop_half_a_request_gets_a_second_and_no_more() {
    let room = TestRoom::open().await;
    let mut half = room.call().await;
    half.say("GET / HTTP/1.1\r\n").await;
    let mut other = room.call().await;
    assert_eq!(other.ask(&["GET /livez HTTP/1.1", "Host: eot"]).await.status, 200);
    let begun = Instant::now();
    room.stop.cancel();
    room.tracker.close();
    room.tracker.wait().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    half.end().await;
}
