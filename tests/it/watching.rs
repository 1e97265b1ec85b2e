//! `chadburn watch`, as a shell sees it: lines, JSON, and a command for each event.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::commands::{command, done};
use crate::link::url;
use crate::patience::{soon, until, within};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// Something that goes on and says lines.
pub(crate) struct Watcher {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watcher {
    pub(crate) fn start(server: &TestServer, words: &[&str]) -> Self {
        let mut child = command(server, words).spawn().expect("it can be run");
        let out = child.stdout.take().expect("it is piped");
        Self { child, lines: BufReader::new(out).lines() }
    }

    pub(crate) async fn line(&mut self) -> String {
        let line = within(Duration::from_secs(20), "a line", self.lines.next_line()).await;
        line.expect("it can be read").expect("it goes on")
    }

    /// The next line, without its time.
    pub(crate) async fn news(&mut self) -> String {
        let line = self.line().await;
        let (time, news) = line.split_once(' ').expect("a time comes first");
        assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == 24, "{line}");
        news.to_owned()
    }

    /// The next line of something else than that nobody answers: how often that is said in between, the
    /// machine decides.
    async fn other_news(&mut self) -> String {
        loop {
            let news = self.news().await;
            if !news.starts_with("unanswered ") {
                return news;
            }
        }
    }

    /// The lines until one has this in it.
    pub(crate) async fn hears(&mut self, word: &str) {
        while !self.line().await.contains(word) {}
    }

    pub(crate) async fn message(&mut self) -> Value {
        serde_json::from_str(&self.line().await).expect("JSON")
    }
}

#[tokio::test]
async fn watching_says_a_line_for_each_event() {
    let mut server = TestServer::start().await;
    let mut watcher = Watcher::start(&server, &["watch", "--unanswered-after", "1500ms"]);
    assert_eq!(watcher.other_news().await, "present 6 STOP, the bell rings");
    assert_eq!(watcher.other_news().await, format!("link up {}", url(&server)));
    server.home.order("7");
    assert_eq!(watcher.other_news().await, "order 7 COFFEE, the bell rings");
    server.home.order("7");
    assert_eq!(watcher.other_news().await, "repeat 7 COFFEE, the bell rings");
    // After 1.5 s and after 3 s, by clocks that may be apart by some milliseconds.
    for least in [1, 2] {
        let news = watcher.news().await;
        let waited = news.strip_prefix("unanswered 7 COFFEE for ").expect(&news);
        let waited: u64 = waited.split_once(' ').expect(&news).0.parse().expect(&news);
        assert!(waited >= least, "{news}");
    }
    done(&server, &["answer", "stop", "--name", "Zoë"]).await;
    assert_eq!(watcher.other_news().await, "reply 6 STOP by Zoë, the bell rings");
    server.home.order("build \u{1b}[2J broken");
    assert_eq!(watcher.other_news().await, "order build \\u{1b}[2J broken, the bell rings");
    std::fs::remove_file(server.home.status()).expect("it is there");
    assert_eq!(watcher.other_news().await, "file status.eot does not exist");
    server.home.order("8");
    let mut news = [watcher.other_news().await, watcher.other_news().await];
    news.sort();
    assert_eq!(news, ["file status is well", "order 8 LUNCH, the bell rings"]);
    server.home.order("build \u{1b}[2J broken");
    assert_eq!(watcher.other_news().await, "order build \\u{1b}[2J broken, the bell rings");
    server.kill().await;
    assert!(watcher.other_news().await.starts_with("link down: "));
    let _again = Setup::at(Arc::clone(&server.home)).port(server.address.port()).start().await;
    // The restarted server gives the same order a new number, and it is still without an answer.
    let next = watcher.other_news().await;
    assert!(next.starts_with("repeat build") || next.starts_with("link up"), "{next}");
}

#[tokio::test]
async fn watching_in_json_is_the_wire_and_the_link() {
    let mut server = TestServer::start().await;
    let mut watcher = Watcher::start(&server, &["watch", "--json", "--wait", "1s"]);
    let mut kinds = Vec::new();
    for _ in 0..4 {
        kinds.push(watcher.message().await);
    }
    let types: Vec<_> = kinds.iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["welcome", "state", "roll", "link"]);
    assert_eq!(kinds[3], json!({"type": "link", "link": "up"}));
    assert_eq!(kinds[0]["dial"]["positions"].as_array().map(Vec::len), Some(11));
    server.stop().await;
    // That the watcher is there may be told of before.
    let farewell = loop {
        let message = watcher.message().await;
        if message["type"] != "roll" {
            break message;
        }
    };
    assert_eq!(farewell["type"], "farewell");
    let down = watcher.message().await;
    assert_eq!((&down["type"], &down["link"]), (&json!("link"), &json!("down")));
    let given_up = watcher.message().await;
    assert!(given_up["why"].as_str().is_some_and(|why| why.contains("tries in")), "{given_up}");
}

#[tokio::test]
async fn a_reader_that_has_slept_is_told_what_it_has_missed() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    let mut watcher = Watcher::start(&server, &["watch", "--json"]);
    while watcher.message().await["type"] != "link" {}
    // In JSON each of them takes 24 KB: together more than pipes and sockets hold.
    let order = |number: i32| format!("{}{number}", "\u{1}".repeat(4_000));
    for number in 1..=1_000 {
        server.home.order_by_rename(&order(number));
        witness.expect(&order(number)).await;
    }
    let (mut known, mut notices) = (None, 0);
    loop {
        let message = watcher.message().await;
        let number = |field: &str| message[field].as_u64();
        match message["type"].as_str() {
            Some("state") => {
                let seq = number("seq").expect("a state has a number");
                assert!(known.is_none_or(|known| seq == known + 1), "{known:?}, and then {seq}");
                known = Some(seq);
                if message["order"]["status"] == order(1_000) {
                    break;
                }
            }
            Some("gap") => {
                assert_eq!(number("from"), known.map(|known| known + 1));
                (known, notices) = (number("to"), notices + 1);
            }
            Some("link") if number("lagged").is_some() => (known, notices) = (None, notices + 1),
            _ => {}
        }
    }
    assert!(notices > 0, "everything was kept somewhere, so nothing was tried here");
}

#[tokio::test]
async fn a_command_is_run_for_each_event_with_the_facts() {
    let server = TestServer::start().await;
    let exec = "echo $CHADBURN_EVENT $CHADBURN_POSITION $CHADBURN_NAME bell=$CHADBURN_BELL \
                reply=$CHADBURN_REPLY who=$CHADBURN_WHO link=$CHADBURN_LINK >> told";
    let words = ["watch", "--exec", exec, "--unanswered-after", "300ms"];
    let mut watcher = Watcher::start(&server, &words);
    let told = || std::fs::read_to_string(server.home.file("told")).unwrap_or_default();
    watcher.news().await;
    watcher.news().await;
    // The order of before is told when nobody answers it.
    let unanswered = "unanswered 6 STOP bell=1 reply= who= link=\n";
    until("it is told again", || told().matches(unanswered).count() >= 2).await;
    done(&server, &["answer", "--name", "Tim"]).await;
    until("the reply", || told().contains("reply 6 STOP bell=0 reply=6 who=Tim link=\n")).await;
    let count = told().matches("unanswered").count();
    server.home.order("7");
    until("the order", || told().contains("order 7 COFFEE bell=1 reply=6 who=Tim link=\n")).await;
    assert!(told().starts_with("link 6 STOP bell=1 reply= who= link=up\n"), "{}", told());
    let before = told();
    let before = before.split("order 7").next().unwrap();
    assert_eq!(before.matches("unanswered").count(), count, "the first reply ends it");
}

/// A command that waits until it may go on, and not for ever, and then does this.
fn when_it_may(then: &str) -> String {
    format!("n=0; while [ ! -e go ] && [ $n -lt 400 ]; do n=$((n + 1)); sleep 0.05; done; {then}")
}

#[tokio::test]
async fn a_command_that_is_too_slow_is_run_for_the_newest_order_in_the_end() {
    let server = TestServer::start().await;
    let exec = when_it_may("echo $CHADBURN_EVENT $CHADBURN_STATUS >> told");
    let mut watcher = Watcher::start(&server, &["watch", "--exec", &exec]);
    let errors = watcher.child.stderr.take().expect("it is piped");
    let mut errors = BufReader::new(errors).lines();
    watcher.hears("link up").await;
    // One is with the command, 64 wait, and these are more.
    for number in 1..=70 {
        server.home.order(&format!("order number {number}."));
        watcher.hears(&format!("order number {number}.")).await;
    }
    let complaint = soon("the complaint", errors.next_line()).await.expect("text");
    let expected = "chadburn: the command is too slow, and not run for the oldest of what waits";
    assert_eq!(complaint.as_deref(), Some(expected));
    server.home.write("go", "");
    let told = || std::fs::read_to_string(server.home.file("told")).unwrap_or_default();
    let last = "order order number 70.\npresent order number 70.\n";
    until("it has caught up", || told().ends_with(last)).await;
    let told = told();
    let numbers: Vec<_> = told.lines().filter(|line| line.starts_with("order ")).collect();
    let in_order = (1..=70).rev().map(|number| format!("order order number {number}."));
    assert!(numbers.iter().rev().zip(in_order).all(|(told, given)| **told == given), "{told}");
    assert_eq!(numbers.len(), 64, "{told}");
}

#[tokio::test]
async fn how_things_are_is_told_to_a_command_at_each_connection() {
    let mut server = TestServer::start().await;
    let exec = "echo $CHADBURN_EVENT $CHADBURN_STATUS $CHADBURN_BELL >> told";
    let watcher = Watcher::start(&server, &["watch", "--exec", exec]);
    let file = server.home.file("told");
    let are = |expected: &[&str]| {
        let told = std::fs::read_to_string(&file).unwrap_or_default();
        told.lines().filter_map(|it| it.strip_prefix("present ")).eq(expected.iter().copied())
    };
    until("the first", || are(&["6 1"])).await;
    done(&server, &["answer"]).await;
    // Another server, and of what it says nothing is an event but this.
    server.kill().await;
    let mut server = Setup::at(Arc::clone(&server.home)).port(server.address.port()).start().await;
    until("the second", || are(&["6 1", "6 0"])).await;
    server.kill().await;
    server.home.order("8");
    let server = Setup::at(Arc::clone(&server.home)).port(server.address.port()).start().await;
    until("the third", || are(&["6 1", "6 0", "8 1"])).await;
    // Another follower.
    drop(watcher);
    let _again = Watcher::start(&server, &["watch", "--exec", exec]);
    until("the fourth", || are(&["6 1", "6 0", "8 1", "8 1"])).await;
}

#[tokio::test]
async fn what_waits_for_a_slow_command_is_still_done_when_the_server_is_given_up() {
    let mut server = TestServer::start().await;
    let exec = when_it_may("echo $CHADBURN_EVENT $CHADBURN_LINK >> told");
    let mut watcher = Watcher::start(&server, &["watch", "--exec", &exec, "--wait", "1s"]);
    watcher.hears("link up").await;
    server.kill().await;
    watcher.hears("tries in").await;
    server.home.write("go", "");
    let ended = soon("its end", watcher.child.wait()).await.expect("one's child can be waited for");
    assert_eq!(ended.code(), Some(3));
    let told = std::fs::read_to_string(server.home.file("told")).unwrap_or_default();
    assert_eq!(told, "link up\npresent\nlink down\nlink down\n");
}

#[tokio::test]
async fn an_unwell_file_is_told_to_whoever_begins_to_watch() {
    let server = Setup::without_status().start().await;
    let mut watcher = Watcher::start(&server, &["watch"]);
    assert_eq!(watcher.news().await, "present none");
    assert_eq!(watcher.news().await, "file status.eot does not exist");
}

#[tokio::test]
async fn while_nobody_can_tell_of_a_reply_nobody_has_failed_to_answer() {
    let mut server = TestServer::start().await;
    let words = ["watch", "--unanswered-after", "300ms", "--wait", "2s"];
    let mut watcher = Watcher::start(&server, &words);
    while !watcher.news().await.starts_with("unanswered 6 STOP") {}
    server.kill().await;
    while !watcher.news().await.starts_with("link down: ") {}
    let given_up = watcher.news().await;
    assert!(given_up.starts_with("link down: ") && given_up.contains("tries in"), "{given_up}");
}
