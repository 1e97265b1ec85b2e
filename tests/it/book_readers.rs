//! Readers of the bell book that do not read: the others are served as if they were not there.

use std::fmt::Write as _;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::interval;

use crate::http::get;
use crate::patience::{lasting, within};
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;

/// How many do not read.
const STUCK: usize = 50;

/// How many of them have their answers on their way at once, as the server has it.
const AT_ONCE: usize = 8;

/// After how long it is asked again whether the server lives, and how often at least.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 100;

/// What is let pass on a machine that has other things to do. With nothing else to do it is 50 ms; an answer
/// that is made where the others are served takes many times as long.
const NOISE: Duration = Duration::from_millis(150);

/// How long any other reader waits at most.
const SOON: Duration = Duration::from_secs(5);

/// A book of 6 MB, which are more than sockets hold by themselves.
fn large_book() -> String {
    let mut book = String::new();
    let status = "to be read by whoever will ".repeat(150);
    for seq in 1..=1_500 {
        let _ = writeln!(
            book,
            r#"{{"seq":{seq},"at":1700000000000,"what":"order","status":"{status}","by":"file"}}"#
        );
    }
    book
}

/// How long it takes to hear that the server lives, all but one time in a hundred, until this is over.
async fn slow_look<T>(server: &TestServer, whole: impl Future<Output = T>) -> (T, Duration) {
    let (mut times, mut value) = (Vec::new(), None);
    let mut whole = pin!(whole);
    let mut turns = interval(LOOK);
    while value.is_none() || times.len() < LOOKS {
        tokio::select! {
            over = &mut whole, if value.is_none() => value = Some(over),
            _ = turns.tick() => {
                let (answer, took) = lasting("whether it lives", get(server, "/livez")).await;
                assert_eq!(answer.code, 200, "{answer:?}");
                times.push(took);
            }
        }
    }
    times.sort_unstable();
    (value.expect("it is over"), times[times.len() * 99 / 100])
}

/// Asks for all of the book and reads nothing; returns when the answer begins to come.
async fn stuck(mut raw: Raw, host: String) -> Raw {
    raw.send(format!("GET /bell-book?limit=10000 HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
    // Whether it is an answer or the end, nobody looks.
    let _ = raw.stream.readable().await;
    raw
}

#[tokio::test]
async fn readers_that_do_not_read_keep_neither_the_book_nor_anything_else_from_others() {
    let setup = Setup::new();
    setup.home.write("bell-book.jsonl", large_book());
    let server = setup.start().await;
    let ((), calm) = slow_look(&server, async {}).await;
    let mut crowd = JoinSet::new();
    for _ in 0..STUCK {
        let raw = Raw::narrow(&server).await;
        crowd.spawn(stuck(raw, server.authority()));
    }
    let mut held = Vec::new();
    let mut next = async |many| {
        while held.len() < many {
            let begun = within(Duration::from_mins(1), "an answer", crowd.join_next()).await;
            held.push(begun.expect("there are more").expect("whoever waits does not panic"));
        }
    };
    next(AT_ONCE).await;
    let whole = async {
        let read = lasting("the book", get(&server, "/bell-book?limit=1")).await;
        next(STUCK).await;
        read
    };
    let ((entries, waited), busy) = slow_look(&server, whole).await;
    assert_eq!(entries.code, 200, "{entries:?}");
    assert!(entries.body.contains("\"what\""), "{entries:?}");
    assert!(waited <= SOON, "{waited:?}");
    assert!(busy <= 5 * calm + NOISE, "{busy:?} beside them, {calm:?} without");
}
