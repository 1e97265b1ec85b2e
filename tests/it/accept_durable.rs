//! The accept file under stress: never torn, whoever reads it and whatever is killed when.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::http::get;
use crate::panel::Panel;
use crate::patience::{aside, soon};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// What the stations of these tests write: of very different lengths, and each known as whole.
fn states() -> Vec<String> {
    (0..64).map(|number| format!("{number}-{}", "x".repeat(number % 60))).collect()
}

#[tokio::test]
async fn nobody_ever_reads_half_a_reply() {
    let setup = Setup::new();
    setup.home.write("accept.eot", "old\n");
    let server = setup.start().await;
    let done = Arc::new(AtomicBool::new(false));
    let (home, until_done) = (Arc::clone(&server.home), Arc::clone(&done));
    let reader = aside(move || {
        let mut reads = 0_u32;
        let mut contents = HashSet::new();
        while !until_done.load(Ordering::Relaxed) || reads < 20_000 {
            let content = fs::read(home.accept()).expect("it is there at every moment");
            contents.insert(content);
            reads += 1;
        }
        contents
    });
    let write = async {
        let mut stations = Vec::new();
        for _ in 0..4 {
            stations.push(TestStation::text(&server).await);
        }
        for state in states().iter().cycle().take(400) {
            // Four at a time, so that some of them are superseded in the same instant.
            for station in &mut stations {
                station.say(&format!("Accept&{state}")).await;
            }
            for station in &mut stations {
                station.expect(&format!("Accepted state: {state}")).await;
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    let (contents, ()) = tokio::join!(reader, write);
    let mut whole: HashSet<Vec<u8>> = HashSet::from([b"old\n".to_vec()]);
    whole.extend(states().iter().map(|state| format!("{state}\n").into_bytes()));
    for content in &contents {
        assert!(whole.contains(content), "{:?}", String::from_utf8_lossy(content));
    }
    assert!(contents.len() > 10, "the reader has seen the writers at work");
}

#[tokio::test]
async fn a_kill_leaves_the_old_or_the_new_and_the_next_start_sweeps() {
    let setup = Setup::new();
    setup.home.write("accept.eot", "0\n");
    let home = Arc::clone(&setup.home);
    drop(setup);
    let mut acknowledged = 0_u32;
    for round in 0..8_u32 {
        let mut server = Setup::at(Arc::clone(&home)).start().await;
        home.swept().await;
        let mut station = TestStation::text(&server).await;
        let requests = (1..=200).map(|number| format!("Accept&{}", acknowledged + number));
        let before = acknowledged;
        station.say_all(requests).await;
        // Somewhere in the middle of them.
        for _ in 0..=round * 3 {
            let line = station.hear().await;
            let state = line.strip_prefix("Accepted state: ").expect("each is accepted");
            acknowledged = state.parse().expect("a number");
        }
        server.kill().await;
        let reply = home.reply().expect("there is a reply");
        let reply: u32 = reply.strip_suffix('\n').and_then(|text| text.parse().ok()).expect(&reply);
        assert!(
            (acknowledged..=before + 200).contains(&reply),
            "{acknowledged} was acknowledged, and {reply} is there"
        );
        acknowledged = reply;
        let strays = home.strays();
        assert!(strays.len() <= 1, "{strays:?}");
    }
    let server = Setup::at(Arc::clone(&home)).start().await;
    home.swept().await;
    drop(server);
}

#[tokio::test]
async fn what_others_left_in_the_directory_is_not_swept() {
    let setup = Setup::new();
    let names =
        ["accept.eot.bak", ".accept.eot.swp", "accept.eot~", "accept.eot.tmp", ".accept.eot.tmp"];
    for name in names {
        setup.home.write(name, "somebody's");
    }
    let server = setup.start().await;
    assert_eq!(TestStation::text(&server).await.ask("Accept&7").await, "Accepted state: 7");
    for name in names {
        assert_eq!(fs::read(server.home.file(name)).ok().as_deref(), Some(&b"somebody's"[..]));
    }
}

#[tokio::test]
async fn a_storm_of_accepts_does_not_delay_others() {
    let server = TestServer::start().await;
    let mut asker = TestStation::text(&server).await;
    let mut stormers = Vec::new();
    for _ in 0..4 {
        stormers.push(TestStation::text(&server).await);
    }
    let storm = async {
        let one = |mut station: TestStation| async move {
            for number in 0..250 {
                let answer = station.ask(&format!("Accept&{number}")).await;
                assert_eq!(answer, format!("Accepted state: {number}"));
            }
        };
        let all: tokio::task::JoinSet<()> = stormers.into_iter().map(one).collect();
        all.join_all().await;
    };
    let ask = async {
        let mut times = Vec::new();
        for _ in 0..500 {
            let began = Instant::now();
            assert_eq!(asker.ask("status").await, "Current Status: 6");
            times.push(began.elapsed());
        }
        times.sort();
        times
    };
    let ((), times) = tokio::join!(storm, ask);
    let p99 = times[times.len() * 99 / 100];
    assert!(p99 < Duration::from_millis(250), "p99 is {p99:?}");
}

#[tokio::test]
async fn the_last_of_many_accepts_is_what_remains() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    station.say_all((1..=100).map(|number| format!("Accept&{number}"))).await;
    for number in 1..=100 {
        station.expect(&format!("Accepted state: {number}")).await;
    }
    assert_eq!(server.home.reply().as_deref(), Some("100\n"));
    panel.until("the last reply", |state| state["reply"]["status"] == "100").await;
    soon("the page", async { assert_eq!(get(&server, "/").await.code, 200) }).await;
    server.home.swept().await;
}

#[tokio::test]
async fn stations_and_another_hand_are_never_mixed_up() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    let mut station = TestStation::text(&server).await;
    let done = Arc::new(AtomicBool::new(false));
    let (home, until_done) = (Arc::clone(&server.home), Arc::clone(&done));
    let hand = aside(move || {
        while !until_done.load(Ordering::Relaxed) {
            home.rename_over("accept.eot", "8\n");
        }
    });
    let answer = async {
        for _ in 0..100 {
            assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
        }
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(hand, answer);
    server.home.rename_over("accept.eot", "9\n");
    let mut by_station = None;
    while panel.state["reply"]["status"] != "9" {
        let reply = panel.expect_state().await["reply"].clone();
        match reply["status"].as_str() {
            Some("7") => {
                // There is one station that answers, whatever its uuid is.
                assert_ne!(reply["by"], "file", "{reply}");
                assert_eq!(by_station.get_or_insert_with(|| reply["by"].clone()), &reply["by"]);
            }
            _ => assert_eq!(reply["by"], "file", "{reply}"),
        }
    }
    assert!(by_station.is_some(), "some of the station's replies were read");
}
