//! The client's link and station against the real server: killed, late, gone, stalled, unwilling.

use std::sync::Arc;
use std::time::Duration;

use chadburn_client::{Event, Failure, Link, Message, Request, RequestError, Settings, Station};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::patience::{soon, within};
use crate::server::TestServer;
use crate::setup::Setup;

/// How many orders are given in the middle of which the server is killed.
const ORDERS: usize = 60;

/// After how many answers each time.
const KILLS: [usize; 3] = [7, 23, 41];

/// Where a server is.
pub(crate) fn url(server: &TestServer) -> String {
    format!("ws://{}/websocket", server.address)
}

/// Settings for a server, as patient as these tests are.
fn settings(server: &TestServer) -> Settings {
    Settings::new(&url(server)).expect("that is an address").window(Duration::from_secs(20))
}

async fn station(settings: Settings) -> Station {
    soon("a station", Station::connect(settings)).await.expect("the server is there")
}

/// Another server in the same place.
async fn again(server: &TestServer, args: &[&str]) -> TestServer {
    Setup::at(Arc::clone(&server.home)).port(server.address.port()).args(args).start().await
}

/// The next message that is like this.
async fn hear(station: &mut Station, like: impl Fn(&Message) -> bool) -> Message {
    within(Duration::from_secs(20), "such a message", async {
        loop {
            match station.recv().await {
                Some(Event::Message(heard)) if like(&heard.message) => return heard.message,
                Some(Event::Failed(failure)) => panic!("{failure}"),
                Some(_) => {}
                None => panic!("the link has ended"),
            }
        }
    })
    .await
}

async fn hear_down(link: &mut Link) -> String {
    within(Duration::from_secs(20), "the loss", async {
        loop {
            match link.recv().await {
                Some(Event::Down(why)) => return why,
                Some(_) => {}
                None => panic!("the link has ended"),
            }
        }
    })
    .await
}

/// The texts that come next.
async fn texts(link: &mut Link, count: usize) -> Vec<String> {
    within(Duration::from_secs(20), "the texts", async {
        let mut texts = Vec::new();
        while texts.len() < count {
            match link.recv().await {
                Some(Event::Message(text)) => texts.push(text),
                Some(_) => {}
                None => panic!("the link has ended"),
            }
        }
        texts
    })
    .await
}

/// The texts of the orders in the bell book, run by run; no order was repeated.
fn book(server: &TestServer) -> Vec<Vec<usize>> {
    let text = std::fs::read_to_string(server.home.file("bell-book.jsonl")).expect("a book");
    let mut runs = Vec::new();
    for line in text.lines() {
        let entry: Value = serde_json::from_str(line).expect("an entry");
        match entry["what"].as_str() {
            Some("run") => runs.push(Vec::new()),
            Some("order") => {
                let status = entry["status"].as_str().expect("a status");
                let number = status.strip_prefix("order ").and_then(|it| it.parse::<usize>().ok());
                runs.last_mut().expect("a run").extend(number);
            }
            Some("repeat") => panic!("an order was given twice: {line}"),
            _ => {}
        }
    }
    runs
}

#[tokio::test]
async fn orders_arrive_in_order_and_once_although_the_server_is_killed() {
    const ARGS: [&str; 2] = ["--allow-orders", "local"];
    let mut server = Setup::new().args(ARGS).start().await;
    let station = station(settings(&server)).await;
    let mut under_way = Vec::new();
    for number in 1..=ORDERS {
        let request = Request::Order { status: format!("order {number}") };
        under_way.push(station.ask(request).await.expect("there is room"));
    }
    for (number, asked) in (1..).zip(under_way) {
        if KILLS.contains(&number) {
            // It is in the middle of the next one.
            server.kill().await;
            server = again(&server, &ARGS).await;
        }
        let done = within(Duration::from_secs(20), "an order's answer", asked).await;
        assert!(done.is_ok(), "order {number}: {done:?}");
    }
    assert_eq!(station.waiting(), 0);
    let last = std::fs::read_to_string(server.home.status()).expect("the status file");
    assert_eq!(last, format!("order {ORDERS}\n"));
    server.stop().await;
    let mut latest = 0;
    for (run, orders) in book(&server).into_iter().enumerate() {
        for (at, order) in orders.into_iter().enumerate() {
            // A run begins with what the status file said at its start.
            let follows = order > latest || (run > 0 && at == 0 && order == latest);
            assert!(follows, "order {order} came after order {latest}");
            latest = order;
        }
    }
    assert_eq!(latest, ORDERS);
}

#[tokio::test]
async fn words_that_were_kept_arrive_in_order_after_a_kill() {
    let mut server = TestServer::start().await;
    let mut link = soon("a link", Link::connect(settings(&server))).await.expect("a server");
    let echoes = |from: usize| (from..from + 20).map(|it| format!("Server echoed: {it}"));
    for round in 0..3 {
        texts(&mut link, 2).await;
        let from = round * 40;
        for number in from..from + 20 {
            link.send(number.to_string()).await.expect("there is room");
        }
        assert!(texts(&mut link, 20).await.into_iter().eq(echoes(from)));
        server.kill().await;
        hear_down(&mut link).await;
        for number in from + 20..from + 40 {
            link.send(number.to_string()).await.expect("there is room");
        }
        assert_eq!(link.waiting(), 20, "nothing leaves before there is a server");
        server = again(&server, &[]).await;
        let mut heard = texts(&mut link, 22).await.split_off(2);
        assert!(heard.drain(..).eq(echoes(from + 20)));
        // The next round is greeted too.
        link.send("once more").await.expect("there is room");
        texts(&mut link, 1).await;
        server.kill().await;
        hear_down(&mut link).await;
        server = again(&server, &[]).await;
    }
}

#[tokio::test]
async fn a_station_comes_back_as_itself_and_hears_of_the_gap() {
    let mut server = TestServer::start().await;
    let mut station = station(settings(&server)).await;
    let before = station.welcome().expect("it was welcomed");
    let seq = station.state().expect("there is a state").seq;
    server.kill().await;
    let mut server = again(&server, &[]).await;
    let gap = hear(&mut station, |it| matches!(it, Message::Gap { .. })).await;
    assert!(matches!(gap, Message::Gap { from, .. } if from == seq + 1), "{gap:?}");
    hear(&mut station, |it| matches!(it, Message::Roll(_))).await;
    let after = station.welcome().expect("it was welcomed");
    assert_eq!((after.station, after.resume), (before.station, before.resume));
    // After a good end nothing is missing: what was written meanwhile comes as a state.
    server.stop().await;
    let seq = station.state().expect("there is a state").seq;
    server.home.order("7");
    let _server = again(&server, &[]).await;
    let next = hear(&mut station, |it| matches!(it, Message::Gap { .. } | Message::State(_))).await;
    assert!(matches!(&next, Message::State(state) if state.seq > seq), "{next:?}");
}

#[tokio::test]
async fn a_server_that_comes_later_is_found() {
    let mut first = TestServer::start().await;
    first.stop().await;
    let settings = settings(&first);
    let station = Station::open(settings).expect("settings that can be used");
    let answer = Request::Answer { order: 1, position: None, coming: None };
    let asked = station.ask(answer).await.expect("there is room");
    assert!(!station.is_up());
    let _server = again(&first, &[]).await;
    let answered = within(Duration::from_secs(20), "the answer", asked).await;
    assert!(matches!(answered, Err(RequestError::Refused { .. })), "{answered:?}");
    assert!(station.is_up());
}

#[tokio::test]
async fn a_server_that_is_gone_for_longer_than_the_window_is_given_up() {
    let mut server = TestServer::start().await;
    let window = Duration::from_secs(2);
    let mut link = Link::connect(settings(&server).window(window)).await.expect("a server");
    // A connection that has lived for less than five seconds does not begin a new window.
    tokio::time::sleep(Duration::from_secs(5)).await;
    server.kill().await;
    hear_down(&mut link).await;
    let Some(Event::Failed(Failure::Gone(tried))) = soon("the end", link.recv()).await else {
        panic!("it is given up");
    };
    assert!(tried.tries > 3 && tried.lasted >= window, "{tried}");
    assert!(tried.cause.contains("refused"), "{tried}");
    assert_eq!(link.recv().await, None);
}

#[tokio::test]
async fn a_refusal_is_told_at_once() {
    let token = ["--token-file", "token"];
    let setup = Setup::new().args(token);
    setup.home.write("token", "brass\n");
    let server = setup.start().await;
    let at = |path: &str| Settings::new(&format!("ws://{}{path}", server.address)).expect("it is");
    let header = |name, value| at("/websocket").header(name, value).expect("a header");
    let cases = [
        (at("/elsewhere"), Some(404)),
        (header("origin", "http://evil.example"), Some(403)),
        (header("host", "evil.example"), Some(421)),
        (at("/websocket").token("tin").expect("that is a token"), None),
    ];
    for (settings, expected) in cases {
        match soon("the refusal", Station::connect(settings)).await {
            Err(Failure::Refused { status, why, .. }) => {
                assert_eq!(status, expected, "{why}");
                assert!(status.is_some() || why.contains("token"), "{why}");
            }
            other => panic!("{expected:?}: {other:?}"),
        }
    }
    let right = at("/websocket").token("brass").expect("that is a token");
    let station = station(right).await;
    let order = station.state().and_then(|state| state.order).expect("an order");
    soon("the answer", station.answer(order.seq, None, None)).await.expect("it has the token");
    // A server of another kind is one that does not speak the language.
    let text = soon("a link", Link::connect(at("/websocket"))).await;
    assert!(text.is_ok_and(|link| link.is_up()));
}

/// Hands everything on between a server and its clients, until it stalls: then the connections that
/// are there stay open, and nothing moves on them.
async fn stalling_proxy(server: &TestServer) -> (u16, watch::Sender<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let (stall, stalled) = watch::channel(0);
    let address = server.address;
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut stalled = stalled.clone();
            stalled.mark_unchanged();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(address).await.expect("the server is there");
                let stalls = tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => false,
                    stalls = stalled.changed() => stalls.is_ok(),
                };
                if stalls {
                    // Both ends stay open as long as the test does.
                    stalled.changed().await.expect_err("it stalls once");
                }
            });
        }
    });
    (port, stall)
}

#[tokio::test]
async fn a_line_that_is_only_half_open_is_noticed_by_its_missing_beats() {
    let server = TestServer::start().await;
    let (port, stall) = stalling_proxy(&server).await;
    let through = Settings::new(&format!("ws://127.0.0.1:{port}/websocket")).expect("an address");
    let mut station = station(through.clone()).await;
    let mut link = soon("a link", Link::connect(through.beat(Duration::from_millis(400)))).await;
    let link = link.as_mut().expect("the server is there");
    stall.send(1).expect("the proxy is there");
    let why = hear_down(link).await;
    assert_eq!(why, "nothing was heard for 1s");
    let why = within(Duration::from_secs(20), "the loss", async {
        loop {
            if let Some(Event::Down(why)) = station.recv().await {
                return why;
            }
        }
    })
    .await;
    assert_eq!(why, "nothing was heard for 12.5s", "beats come every five seconds");
    // New connections are handed on, so the same station is soon back.
    server.home.order("7");
    let is_coffee = |it: &Message| matches!(it, Message::State(state) if state.order.as_ref().is_some_and(|it| it.status == "7"));
    hear(&mut station, is_coffee).await;
}
