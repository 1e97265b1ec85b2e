//! Stations that send more than anybody could answer: the others are served as if they were not there.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::http::get;
use crate::patience::within;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::station::TestStation;
use testkit::frames::{self as bytes, FIN, PING};

/// How many send without end.
const GREEDY: usize = 30;

/// How many orders are given with them and without them.
const ORDERS: usize = 40;

/// What is let pass on a machine that has other things to do; without turns and budgets orders take
/// seconds here.
const NOISE: Duration = Duration::from_millis(250);

/// How long the slower orders take, of which one in ten takes longer.
async fn slow_order(server: &TestServer, station: &mut TestStation, name: &str) -> Duration {
    let mut times = Vec::new();
    for number in 0..ORDERS {
        let order = format!("{name} {number}");
        let begun = Instant::now();
        server.home.order_by_rename(&order);
        within(Duration::from_secs(30), "an order", station.expect(&order)).await;
        times.push(begun.elapsed());
        let live = get(server, "/livez").await;
        assert_eq!(live.code, 200, "{live:?}");
    }
    times.sort_unstable();
    times[ORDERS * 9 / 10]
}

/// Sends these bytes for ever, as fast as they are taken, and reads what comes.
async fn flood(raw: Raw, block: Vec<u8>) {
    let mut sent = 0;
    let mut scratch = vec![0; 64 * 1024];
    loop {
        tokio::select! {
            ready = raw.stream.writable() => {
                ready.expect("nobody is closed for it");
                if let Ok(length) = raw.stream.try_write(&block[sent..]) {
                    sent = (sent + length) % block.len();
                }
            }
            ready = raw.stream.readable() => {
                ready.expect("nobody is closed for it");
                let read = raw.stream.try_read(&mut scratch);
                assert!(!matches!(read, Ok(0)), "nobody is closed for it");
            }
        }
    }
}

#[tokio::test]
async fn whoever_floods_the_server_floods_nobody_else() {
    let server = TestServer::start().await;
    let mut listener = TestStation::text(&server).await;
    let mut quiet = TestStation::text(&server).await;
    let calm = slow_order(&server, &mut listener, "calm").await;
    let mut floods = JoinSet::new();
    for number in 0..GREEDY {
        let raw = Raw::greeted(&server).await;
        let block = match number % 5 {
            // Nothing is answered to these.
            0 | 1 => bytes::text("&").repeat(9_000),
            2 => bytes::text("x").repeat(9_000),
            3 => bytes::frame(FIN | PING, "").repeat(9_000),
            _ => bytes::text("y".repeat(60_000)),
        };
        floods.spawn(flood(raw, block));
    }
    let busy = slow_order(&server, &mut listener, "busy").await;
    assert!(busy <= 10 * calm + NOISE, "{busy:?} beside them, {calm:?} without");
    for order in listener_orders() {
        quiet.hear_until(&order).await;
    }
    within(Duration::from_secs(5), "an answer", async {
        quiet.say("hello").await;
        quiet.hear_until("Server echoed: hello").await;
    })
    .await;
    assert!(floods.try_join_next().is_none(), "nobody was closed");
    floods.abort_all();
    while let Some(flood) = floods.join_next().await {
        assert!(flood.is_err_and(|why| why.is_cancelled()), "nobody was closed");
    }
}

/// The last order of each row.
fn listener_orders() -> [String; 2] {
    ["calm", "busy"].map(|name| format!("{name} {}", ORDERS - 1))
}

#[tokio::test]
async fn a_thousand_lines_at_once_are_answered_at_once_and_ten_thousand_in_the_end() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let begun = Instant::now();
    station.say_all((0..1_000).map(|number| number.to_string())).await;
    station.hear_until("Server echoed: 999").await;
    // Whoever is held back waits for the next second.
    let thousand = begun.elapsed();
    for number in 0..5_000 {
        station.say(&format!("more {number}")).await;
    }
    let rest = station.hear_until("Server echoed: more 4999");
    let rest = within(Duration::from_mins(1), "the rest", rest).await;
    assert_eq!(rest.len(), 4_999, "nothing is lost");
    assert!(begun.elapsed() > thousand + Duration::from_secs(2), "and it is held back");
}
