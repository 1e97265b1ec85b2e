//! `chadburn wait`, and what curl makes of the same.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::commands::{command, done, fails, finished};
use crate::patience::{soon, within};
use crate::server::TestServer;
use crate::setup::Setup;

#[tokio::test]
async fn whoever_waits_is_told_by_whom_and_how_long_it_took() {
    let server = TestServer::start().await;
    let waits = command(&server, &["wait", "--timeout", "20s"]).spawn().expect("it can be run");
    done(&server, &["answer", "--name", "Tim"]).await;
    let waited = within(Duration::from_secs(20), "the answer", waits.wait_with_output()).await;
    let (code, out, errors) = finished(waited);
    assert_eq!((code, errors.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("6 STOP was answered by Tim after 0."), "{out}");
    // It is answered, and nobody has to wait.
    assert_eq!(done(&server, &["wait"]).await, out);
    assert_eq!(done(&server, &["wait", "--timeout", "0"]).await, out);
    assert_eq!(done(&server, &["wait", "--for", "stop"]).await, out);
}

#[tokio::test]
async fn what_says_the_same_in_other_words_is_an_answer_and_an_older_reply_is_none() {
    let server = TestServer::start().await;
    for order in ["coffee\n", "7\r\n", "\u{feff}7\n"] {
        server.home.order_by_rename(order);
        let wait = ["wait", "--for", "7", "--timeout", "20s"];
        let waits = command(&server, &wait).spawn().expect("it can be run");
        server.home.write("accept.eot", "7\n");
        let waited = within(Duration::from_secs(20), "the answer", waits.wait_with_output()).await;
        let (code, out, _) = finished(waited);
        assert_eq!((code, out.contains("was answered by file after")), (0, true), "{out}");
        // Once more, and nobody has answered that.
        server.home.order_by_rename("7\n");
        let unanswered = async { while done(&server, &["status"]).await.contains("is quiet") {} };
        soon("the repeat", unanswered).await;
        let (code, why) = fails(&server, &["wait", "--timeout", "300ms"]).await;
        assert!(code == 5 && why.contains("7 COFFEE is not answered within 0."), "{why}");
    }
}

#[tokio::test]
async fn an_order_that_changes_is_followed_through_a_restart_and_that_is_said() {
    let mut server = TestServer::start().await;
    let mut waits = command(&server, &["wait"]).spawn().expect("it can be run");
    let mut lines = BufReader::new(waits.stdout.take().expect("it is piped")).lines();
    // It has seen the first order when it is one of the stations.
    let there = async {
        while !server.log.whole().iter().any(|line| line.contains("New Client")) {
            tokio::task::yield_now().await;
        }
    };
    soon("it waits", there).await;
    server.kill().await;
    let again = Setup::at(Arc::clone(&server.home)).port(server.address.port()).start().await;
    server.home.order_by_rename("main is broken\n");
    let line =
        within(Duration::from_secs(20), "the change", lines.next_line()).await.expect("text");
    assert_eq!(line.as_deref(), Some("now main is broken is ordered"));
    server.home.write("accept.eot", "main is broken\n");
    let line = soon("the answer", lines.next_line()).await.expect("text").expect("more");
    assert!(line.starts_with("main is broken was answered by file after "), "{line}");
    let ended = soon("its end", waits.wait()).await.expect("it was a child");
    assert_eq!(ended.code(), Some(0));
    drop(again);
}

#[tokio::test]
async fn whoever_is_not_answered_and_whoever_finds_nobody_can_tell_the_two() {
    let mut server = TestServer::start().await;
    let (code, why) = fails(&server, &["wait", "--for", "lunch", "--timeout", "100ms"]).await;
    assert!(code == 5 && why.contains("no lunch was answered"), "{why}");
    for wrong in [&["wait", "--for", " "][..], &["wait", "--timeout", "1e300"]] {
        assert_eq!(fails(&server, wrong).await.0, 2, "{wrong:?}");
    }
    server.stop().await;
    let (code, why) = fails(&server, &["wait", "--wait", "1s", "--timeout", "20s"]).await;
    assert!(code == 3 && why.contains("refused"), "{why}");
    let (code, why) = fails(&server, &["wait", "--timeout", "1s"]).await;
    assert!(code == 5 && why.contains("has not been heard"), "{why}");
}

/// The README's line for a shell without the program.
#[tokio::test]
async fn curl_waits_for_an_answer_too() {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.contains("/events | grep")).expect("it is there");
    let server = TestServer::start().await;
    let line = line.replace("localhost:1873", &server.address.to_string());
    for order in ["7", "\"order\":{ \"bell\":false"] {
        server.home.order_by_rename(&format!("{order}\n"));
        let shows = async { while !done(&server, &["status"]).await.contains("rings") {} };
        soon("it is ordered", shows).await;
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).stdin(Stdio::null()).kill_on_drop(true);
        let mut shell = shell.spawn().expect("there is a shell");
        let early = tokio::time::timeout(Duration::from_millis(500), shell.wait()).await;
        assert!(early.is_err(), "nobody has answered");
        done(&server, &["answer"]).await;
        // curl notices that nobody reads any more when the server says something next.
        let ended = within(Duration::from_secs(30), "its end", shell.wait()).await;
        assert!(ended.expect("it was a child").success());
        server.home.order_by_rename("1\n");
    }
}
