//! Writers that are slow, hasty or many: half a writing is nobody's order, and the last one counts.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::home::Home;
use crate::panel::Panel;
use crate::patience::aside;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// A file that has not changed for so long counts as written (DESIGN, "The source"), so that a
/// writer has to be quicker than this for its halves to be known as such.
const SETTLED: Duration = Duration::from_millis(80);

/// How many writers that were quick enough a test wants to have seen.
const ROUNDS: usize = 10;

/// How many writers may be too slow, on a busy machine, before the test gives up.
const TRIES: usize = 100;

/// Writes the file in parts, and has the station look around after each; `None` if this took so long
/// that a part could count as a whole.
async fn write_in_parts(
    server: &TestServer,
    station: &mut TestStation,
    parts: &[&str],
) -> Option<()> {
    let before = station.ask("status").await;
    let mut changed = Instant::now();
    // Truncated first, as the shell's `>` does.
    let mut file = File::create(server.home.status()).expect("it can be opened");
    let mut quick = true;
    for part in parts {
        station.say("status").await;
        let now = station.hear().await;
        quick &= changed.elapsed() < SETTLED;
        if quick {
            assert_eq!(now, before, "nothing is pushed, and the status stays");
        } else if now != before {
            // What came was a push of a part, and the answer follows it.
            station.hear().await;
        }
        file.write_all(part.as_bytes()).expect("it can be written");
        changed = Instant::now();
    }
    drop(file);
    quick.then_some(())
}

async fn assert_only_wholes(watch: &str, orders: [&[&str]; 2]) {
    let server = Setup::with_status("6\n").args(["--watch", watch]).start().await;
    let mut station = TestStation::text(&server).await;
    let mut seen = 0;
    for round in 0..TRIES {
        let parts = orders[round % 2];
        let whole = parts.concat();
        let quick = write_in_parts(&server, &mut station, parts).await.is_some();
        let before = station.hear_until(whole.trim_end()).await;
        if quick {
            assert_eq!(before, <[&str; 0]>::default(), "only the whole is pushed");
            seen += 1;
        }
        if seen == ROUNDS {
            return;
        }
    }
    panic!("this machine is too busy to write a file in less than {SETTLED:?}");
}

#[tokio::test]
async fn half_a_writing_is_never_pushed() {
    let orders: [&[&str]; 2] =
        [&["ENGINE ", "WORKING ", "WRONG\n"], &["build ", "broken", "\n", "on main\n"]];
    assert_only_wholes("inotify", orders).await;
    assert_only_wholes("poll", orders).await;
}

#[tokio::test]
async fn a_newline_completes_nothing() {
    // Over an open `11\n`, a `7` without truncation reads `71\n` for a moment.
    let server = TestServer::with_status("11\n").await;
    let mut station = TestStation::text(&server).await;
    let mut seen = 0;
    for _ in 0..TRIES {
        let mut file = File::options().write(true).open(server.home.status()).expect("it is there");
        let opened = Instant::now();
        file.write_all(b"7").expect("it can be written");
        station.say("status").await;
        let now = station.hear().await;
        let quick = opened.elapsed() < SETTLED;
        if quick {
            assert_eq!(now, "Current Status: 11", "71 was never an order");
        }
        file.write_all(b"\n").expect("it can be written");
        file.set_len(2).expect("it can be cut");
        drop(file);
        let before = station.hear_until("7").await;
        if quick {
            assert_eq!(before, <[&str; 0]>::default());
            seen += 1;
        }
        if seen == ROUNDS {
            return;
        }
        server.home.order("11");
        station.hear_until("11").await;
    }
    panic!("this machine is too busy to write a file in less than {SETTLED:?}");
}

#[tokio::test]
async fn a_writer_that_never_closes_is_read_when_it_pauses() {
    for watch in ["inotify", "poll"] {
        let server = Setup::with_status("6\n").args(["--watch", watch]).start().await;
        let mut station = TestStation::text(&server).await;
        let mut file = File::create(server.home.status()).expect("it can be opened");
        file.write_all(b"7\n").expect("it can be written");
        station.hear_until("7").await;
        drop(file);
    }
}

/// What the storm's writers write: texts of which no part is another, of very different lengths.
fn texts() -> Vec<String> {
    let lengths = [1, 2, 17, 300, 4000];
    let letters = ["a", "b", "c", "d", "e"];
    letters.iter().zip(lengths).map(|(letter, length)| letter.repeat(length)).collect()
}

/// Hundreds of writings in place beside hundreds by rename.
fn storm(home: &Arc<Home>) {
    let texts = texts();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..500 {
                home.order(&texts[round % texts.len()]);
            }
        });
        scope.spawn(|| {
            for round in 0..500 {
                home.order_by_rename(&texts[(round * 3) % texts.len()]);
            }
        });
    });
    home.order_by_rename("the last one");
}

async fn assert_storm_survived(watch: &str, stuck: bool) {
    let server = Setup::with_status("6\n").args(["--watch", watch]).start().await;
    let stuck = if stuck { Some(Raw::stuck(&server).await) } else { None };
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    let home = Arc::clone(&server.home);
    let storm = aside(move || storm(&home));
    let listen = async {
        let known = texts();
        for order in text.hear_until("the last one").await {
            assert!(
                known.contains(&order),
                "{:?} was never written",
                &order[..order.len().min(20)]
            );
        }
        panel.until("the last one", |state| state["order"]["status"] == "the last one").await;
    };
    tokio::join!(storm, listen);
    text.expect_nothing_yet().await;
    // A starved writer may have left its file empty for so long that it was told.
    if panel.state["source"]["health"] != "ok" {
        panel.expect_health("ok").await;
    }
    drop(stuck);
}

#[tokio::test]
async fn a_storm_of_two_writers_brings_only_wholes_and_the_last() {
    assert_storm_survived("inotify", false).await;
}

#[tokio::test]
async fn a_storm_brings_only_wholes_and_the_last_when_polling() {
    assert_storm_survived("poll", false).await;
}

#[tokio::test]
async fn a_storm_beside_a_stuck_reader_is_the_same() {
    assert_storm_survived("auto", true).await;
}

#[tokio::test]
async fn noise_in_the_directory_delays_nothing() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let home = Arc::clone(&server.home);
    let noise = aside(move || {
        for number in 0..5_000 {
            home.write(&format!("noise-{}", number % 50), "x");
        }
    });
    let orders = async {
        for order in 1..=20 {
            let given = Instant::now();
            server.home.order_by_rename(&order.to_string());
            station.expect(&order.to_string()).await;
            assert!(given.elapsed() < Duration::from_secs(1), "{:?}", given.elapsed());
        }
    };
    tokio::join!(noise, orders);
    station.expect_nothing_yet().await;
}
