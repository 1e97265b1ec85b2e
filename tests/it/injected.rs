//! Every call to the kernel by which something becomes durable fails once, and is once the last.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use serde_json::Value;

use crate::home::Home;
use crate::patience::until;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;
use crate::strace::{Call, Fault, Watch};

/// Where a reply is written.
const ACCEPT: Option<&str> = Some("durable-writer");

/// Where the bell book is.
const BOOK: Option<&str> = Some("bell-book");

/// The place of the call that makes it seen.
fn rename(calls: &[Call]) -> usize {
    calls.iter().position(|call| call.name == "renameat").expect("the new is renamed over the old")
}

/// A server with an accept file that says 6, and a station.
async fn with_a_reply() -> (TestServer, TestStation) {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("Accept&6").await, "Accepted state: 6");
    (server, station)
}

/// The calls of one reply.
async fn calls_of_a_reply() -> Option<Vec<Call>> {
    let (server, mut station) = with_a_reply().await;
    let watch = Watch::start(&server, ACCEPT, None).await?;
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    let calls = watch.calls().await;
    let names: Vec<_> = calls.iter().map(|call| call.name.as_str()).collect();
    for name in ["openat", "write", "fsync", "renameat"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    Some(calls)
}

#[tokio::test]
async fn an_acknowledged_reply_was_synced_and_renamed_and_synced_in_that_order() {
    let (server, mut station) = with_a_reply().await;
    let Some(watch) = Watch::start(&server, None, None).await else { return };
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    let lines = watch.lines().await;
    let after = |from: usize, what: &str, is: &dyn Fn(&str) -> bool| {
        let found = lines.iter().skip(from).position(|line| is(line));
        from + found.unwrap_or_else(|| panic!("no {what} in {:#?}", &lines[from..])) + 1
    };
    // Calls that another thread interrupts are told of in two lines; it is the end that counts.
    let synced = |line: &str| line.contains("fsync") && line.ends_with(" = 0");
    let written = after(0, "write", &|line| line.contains("write(") && line.contains("\"7\\n\""));
    let durable = after(written, "fsync of the file", &synced);
    let renamed = after(durable, "rename", &|line| line.contains("rename"));
    let listed = after(renamed, "fsync of the directory", &synced);
    let told = after(0, "answer", &|line| line.contains("Accepted state: 7"));
    assert!(listed < told, "acknowledged in line {told}, durable in line {listed}: {lines:#?}");
}

#[tokio::test]
async fn a_reply_whose_call_fails_is_refused_and_the_file_is_as_it_says() {
    let Some(calls) = calls_of_a_reply().await else { return };
    let seen = rename(&calls);
    // A close that fails has closed all the same; what matters was synced before.
    for (index, call) in calls.iter().enumerate().filter(|(_, call)| call.name != "close") {
        let (server, mut station) = with_a_reply().await;
        let fault = Some((call, Fault::Error("EIO")));
        let watch = Watch::start(&server, ACCEPT, fault).await.expect("as before");
        let answer = station.ask("Accept&7").await;
        let reply = server.home.reply();
        let refused = answer.starts_with("Accept failed:");
        assert!(refused || answer == "Accepted state: 7", "{answer:?} after {call:?}");
        match call.name.as_str() {
            // Attributes that cannot be kept are no reason not to answer.
            "fchown" | "fchmod" => assert!(!refused, "{answer:?} after {call:?}"),
            // Whether the lock still stands is asked first. It is held until it is known to be gone.
            _ if index == 0 || call.line.contains("accept.eot.lock") => {}
            // Some only ask what the attributes are.
            "statx" | "fstat" | "newfstatat" => {}
            _ => assert!(refused, "{answer:?} after {call:?}"),
        }
        let expected = if refused && index <= seen { "6\n" } else { "7\n" };
        assert_eq!(reply.as_deref(), Some(expected), "{call:?}");
        assert!(watch.lines().await.iter().any(|line| line.contains("INJECTED")), "{call:?}");
        assert_eq!(server.home.strays(), <[&str; 0]>::default(), "{call:?}");
        assert_eq!(station.ask("Accept&8").await, "Accepted state: 8");
        assert_eq!(server.home.reply().as_deref(), Some("8\n"));
    }
}

#[tokio::test]
async fn a_server_killed_at_a_call_of_a_reply_leaves_old_or_new_and_has_acknowledged_neither() {
    let Some(calls) = calls_of_a_reply().await else { return };
    let seen = rename(&calls);
    for (index, call) in calls.iter().enumerate() {
        let (mut server, mut station) = with_a_reply().await;
        let home = Arc::clone(&server.home);
        let watch = Watch::start(&server, ACCEPT, Some((call, Fault::Kill))).await;
        station.say("Accept&7").await;
        server.exit().await;
        while let Some(line) = station.try_hear().await {
            assert!(!line.starts_with("Accepted"), "{line:?} before {call:?}");
        }
        drop(watch.expect("as before").lines().await);
        let reply = home.reply().expect("it is there at every moment");
        let whole = match index.cmp(&seen) {
            std::cmp::Ordering::Less => reply == "6\n",
            std::cmp::Ordering::Equal => reply == "6\n" || reply == "7\n",
            std::cmp::Ordering::Greater => reply == "7\n",
        };
        assert!(whole, "{reply:?} after {call:?}");
        assert!(home.strays().len() <= 1, "{:?}", home.strays());
        drop(server);
        let server = Setup::at(Arc::clone(&home)).start().await;
        home.swept().await;
        assert_eq!(home.reply(), Some(reply));
        drop(server);
    }
}

/// What the book says, line by line; every line has to be whole.
fn book(home: &Home) -> Vec<Value> {
    let text = fs::read_to_string(home.file("bell-book.jsonl")).expect("there is a book");
    assert!(text.ends_with('\n'), "{text:?}");
    // What is marked as torn is nobody's.
    let lines = text.lines().filter(|line| !line.ends_with(" torn"));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"))).collect()
}

/// How often this order is in the book.
fn times(home: &Home, order: &str) -> usize {
    let text = fs::read_to_string(home.file("bell-book.jsonl")).unwrap_or_default();
    text.lines().filter(|line| line.contains(&format!("\"status\":\"{order}\""))).count()
}

/// A server in whose book the first order is.
async fn with_a_book() -> TestServer {
    let server = TestServer::with_status("first\n").await;
    until("the first entry", || times(&server.home, "first") == 1).await;
    server
}

/// The calls of one entry, from the look at the file until it is durable.
async fn calls_of_an_entry() -> Option<Vec<Call>> {
    let server = with_a_book().await;
    let watch = Watch::start(&server, BOOK, None).await?;
    server.home.order_by_rename("second");
    until("a durable entry", || watch.has_seen("fdatasync(")).await;
    let calls = watch.calls().await;
    assert!(calls.iter().any(|call| call.line.contains("second")), "{calls:#?}");
    Some(calls)
}

#[tokio::test]
async fn an_entry_whose_call_fails_is_in_the_book_once_all_the_same() {
    let Some(calls) = calls_of_an_entry().await else { return };
    for call in calls.iter().filter(|call| call.name != "close") {
        let mut server = with_a_book().await;
        let fault = Some((call, Fault::Error("EIO")));
        let watch = Watch::start(&server, BOOK, fault).await.expect("as before");
        server.home.order_by_rename("second");
        until("the fault", || watch.has_seen(&format!("{}(", call.name))).await;
        until("the second entry", || times(&server.home, "second") == 1).await;
        server.home.order_by_rename("third");
        until("the third entry", || times(&server.home, "third") == 1).await;
        drop(watch.lines().await);
        server.stop().await;
        for order in ["first", "second", "third"] {
            assert_eq!(times(&server.home, order), 1, "{order} after {call:?}");
        }
        let entries = book(&server.home);
        let orders: Vec<_> = entries.iter().filter_map(|entry| entry["status"].as_str()).collect();
        assert_eq!(orders, ["first", "second", "third"], "{call:?}");
    }
}

#[tokio::test]
async fn a_server_killed_at_a_call_of_an_entry_leaves_a_book_that_the_next_one_goes_on_with() {
    let Some(calls) = calls_of_an_entry().await else { return };
    for call in &calls {
        let mut server = with_a_book().await;
        let home = Arc::clone(&server.home);
        let watch = Watch::start(&server, BOOK, Some((call, Fault::Kill))).await;
        home.order_by_rename("second");
        server.exit().await;
        drop(watch.expect("as before").lines().await);
        drop(server);
        let mut server = Setup::at(Arc::clone(&home)).start().await;
        server.home.order_by_rename("third");
        until("the third entry", || times(&home, "third") == 1).await;
        server.stop().await;
        let entries = book(&home);
        let seqs: Vec<_> = entries.iter().filter_map(|entry| entry["seq"].as_u64()).collect();
        assert!(seqs.is_sorted(), "{entries:#?}");
        let orders: BTreeSet<_> = entries.iter().filter_map(|it| it["status"].as_str()).collect();
        assert_eq!(orders, BTreeSet::from(["first", "second", "third"]), "after {call:?}");
        assert_eq!(times(&home, "first"), 1, "it was there before");
    }
}
