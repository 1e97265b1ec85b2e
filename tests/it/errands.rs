//! The commands that go to a server, as a shell sees them: words in, lines and exit codes out.

use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::link::url;
use crate::patience::{soon, until, within};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// The program with these words, in the server's directory, as a client of the server.
pub(crate) fn command(server: &TestServer, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chadburn"));
    command.args(words).current_dir(server.home.path()).kill_on_drop(true);
    command.env("CHADBURN_URL", url(server)).env_remove("CHADBURN_WAIT");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end: exit code, output, errors.
pub(crate) async fn run(server: &TestServer, words: &[&str]) -> (i32, String, String) {
    finished(within(Duration::from_secs(20), "the end", command(server, words).output()).await)
}

pub(crate) fn finished(output: std::io::Result<Output>) -> (i32, String, String) {
    let output = output.expect("it can be run");
    let text = |bytes| String::from_utf8(bytes).expect("it says text");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

/// Runs it to its good end.
pub(crate) async fn done(server: &TestServer, words: &[&str]) -> String {
    let (code, out, errors) = run(server, words).await;
    assert_eq!((code, errors.as_str()), (0, ""), "{words:?}: {out}");
    out
}

/// Runs it to a bad end, of which it says one line.
pub(crate) async fn fails(server: &TestServer, words: &[&str]) -> (i32, String) {
    let (code, out, errors) = run(server, words).await;
    assert_eq!((errors.lines().count(), out.as_str()), (1, ""), "{words:?}: {errors}");
    assert!(errors.starts_with("chadburn: "), "{errors}");
    (code, errors)
}

/// Something that goes on and says lines.
struct Watcher {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watcher {
    fn start(server: &TestServer, words: &[&str]) -> Self {
        let mut child = command(server, words).spawn().expect("it can be run");
        let out = child.stdout.take().expect("it is piped");
        Self { child, lines: BufReader::new(out).lines() }
    }

    async fn line(&mut self) -> String {
        let line = within(Duration::from_secs(20), "a line", self.lines.next_line()).await;
        line.expect("it can be read").expect("it goes on")
    }

    /// The next line, without its time.
    async fn news(&mut self) -> String {
        let line = self.line().await;
        let (time, news) = line.split_once(' ').expect("a time comes first");
        assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == 24, "{line}");
        news.to_owned()
    }

    /// The lines until one has this in it.
    async fn hears(&mut self, word: &str) {
        while !self.line().await.contains(word) {}
    }

    async fn message(&mut self) -> Value {
        serde_json::from_str(&self.line().await).expect("JSON")
    }
}

#[tokio::test]
async fn status_says_order_reply_and_bell() {
    let server = TestServer::start().await;
    let out = done(&server, &["status"]).await;
    assert_eq!(out, "order  6 STOP\nreply  none\nbell   rings\n");
    let state: Value = serde_json::from_str(&done(&server, &["status", "--json"]).await).unwrap();
    assert_eq!((&state["type"], &state["order"]["name"]), (&json!("state"), &json!("STOP")));
    let out = done(&server, &["answer", "--name", "Tim"]).await;
    assert_eq!(out, "answered 6 STOP\n");
    until("the reply is read", || server.home.reply().as_deref() == Some("6\n")).await;
    let mut watcher = Watcher::start(&server, &["watch", "--json"]);
    while watcher.message().await["reply"]["who"] != "Tim" {}
    let out = done(&server, &["status"]).await;
    assert_eq!(out, "order  6 STOP\nreply  6 STOP by Tim\nbell   is quiet\n");
}

#[tokio::test]
async fn an_answer_may_name_a_position_and_say_who_comes() {
    let server = TestServer::start().await;
    for (words, reply, said) in [
        (&["answer", "coffee"][..], "7\n", "answered 6 STOP with 7 COFFEE\n"),
        (&["answer", "8", "--coming"], "8\n", "answered 6 STOP with 8 LUNCH\n"),
        (&["answer", "stop"], "6\n", "answered 6 STOP\n"),
        (&["answer"], "6\n", "answered 6 STOP\n"),
        (&["answer", "--not-coming"], "6\n", "not coming to 6 STOP\n"),
    ] {
        assert_eq!(done(&server, words).await, said);
        assert_eq!(server.home.reply().as_deref(), Some(reply), "{words:?}");
    }
    let (code, why) = fails(&server, &["answer", "tea"]).await;
    assert!(code == 5 && why.contains("\"tea\" is not on the dial: 1 FULL, 2 HALF"), "{why}");
    let (code, _) = fails(&server, &["answer", "--coming", "--not-coming"]).await;
    assert_eq!(code, 2);
    server.home.write("status.eot", "");
    let empty = Setup::without_status().start().await;
    let (code, why) = fails(&empty, &["answer"]).await;
    assert!(code == 5 && why.contains("no order to answer"), "{why}");
}

#[tokio::test]
async fn an_order_is_given_where_orders_are_taken() {
    let server = Setup::new().args(["--allow-orders", "local"]).start().await;
    assert_eq!(done(&server, &["order", "LUNCH"]).await, "ordered 8 LUNCH\n");
    let status = || std::fs::read_to_string(server.home.status()).expect("it is there");
    assert_eq!(status(), "8\n");
    assert_eq!(done(&server, &["order", "main is broken"]).await, "ordered main is broken\n");
    assert_eq!(status(), "main is broken\n");
    let (code, why) = fails(&server, &["order", " "]).await;
    assert!(code == 5 && why.contains("not blank"), "{why}");
    let shut = TestServer::start().await;
    let (code, why) = fails(&shut, &["order", "LUNCH"]).await;
    assert_eq!(code, 5, "{why}");
}

#[tokio::test]
async fn a_token_is_given_from_its_file() {
    let setup = Setup::new().args(["--token-file", "token"]);
    setup.home.write("token", "brass\n");
    setup.home.write("wrong", "tin\n");
    let server = setup.start().await;
    assert_eq!(done(&server, &["answer", "--token-file", "token"]).await, "answered 6 STOP\n");
    assert_eq!(fails(&server, &["answer"]).await.0, 5);
    let (code, why) = fails(&server, &["answer", "--token-file", "wrong"]).await;
    assert!(code == 4 && why.contains("not its token"), "{why}");
    assert_eq!(fails(&server, &["status", "--token-file", "nowhere"]).await.0, 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_one_has_exit_codes_of_its_own() {
    let mut server = TestServer::start().await;
    let elsewhere = format!("ws://{}/elsewhere", server.address);
    let (code, why) = fails(&server, &["status", "--url", &elsewhere]).await;
    assert!(code == 4 && why.contains("404"), "{why}");
    for wrong in ["http://localhost", "localhost"] {
        assert_eq!(fails(&server, &["status", "--url", wrong]).await.0, 2, "{wrong}");
    }
    assert_eq!(fails(&server, &["status", "--wait", "soon"]).await.0, 2);
    server.stop().await;
    for words in [&["status", "--wait", "1s"][..], &["log", "--wait", "1s"]] {
        let (code, why) = fails(&server, words).await;
        assert!(code == 3 && why.contains("tries in 1 s") && why.contains("refused"), "{why}");
    }
    // It comes within the time.
    let waits = command(&server, &["answer", "--wait", "20s"]).spawn().expect("it can be run");
    let again = Setup::at(Arc::clone(&server.home)).port(server.address.port()).start().await;
    let waited = within(Duration::from_secs(20), "the answer", waits.wait_with_output()).await;
    assert_eq!(finished(waited).1, "answered 6 STOP\n");
    drop(again);
}

#[tokio::test]
async fn a_name_that_cannot_be_shown_is_not_left_out_in_silence() {
    let server = TestServer::start().await;
    for name in ["a\u{202e}b", " ", &"x".repeat(41)] {
        let (code, error) = fails(&server, &["answer", "--name", name]).await;
        assert_eq!(
            (code, error.as_str()),
            (2, "chadburn: a name has at most 40 characters that show\n")
        );
    }
}

#[tokio::test]
async fn watching_says_a_line_for_each_event() {
    let mut server = TestServer::start().await;
    let mut watcher = Watcher::start(&server, &["watch", "--unanswered-after", "1500ms"]);
    assert_eq!(watcher.news().await, "present 6 STOP, the bell rings");
    assert_eq!(watcher.news().await, format!("link up {}", url(&server)));
    server.home.order("7");
    assert_eq!(watcher.news().await, "order 7 COFFEE, the bell rings");
    server.home.order("7");
    assert_eq!(watcher.news().await, "repeat 7 COFFEE, the bell rings");
    for least in [1, 3] {
        let news = watcher.news().await;
        let waited = news.strip_prefix("unanswered 7 COFFEE for ").expect(&news);
        let waited: u64 = waited.split_once(' ').expect(&news).0.parse().expect(&news);
        assert!((least..least + 3).contains(&waited), "{news}");
    }
    done(&server, &["answer", "stop", "--name", "Zoë"]).await;
    assert_eq!(watcher.news().await, "reply 6 STOP by Zoë, the bell rings");
    server.home.order("build \u{1b}[2J broken");
    assert_eq!(watcher.news().await, "order build \\u{1b}[2J broken, the bell rings");
    std::fs::remove_file(server.home.status()).expect("it is there");
    assert_eq!(watcher.news().await, "file status.eot does not exist");
    server.home.order("8");
    let mut news = [watcher.news().await, watcher.news().await];
    news.sort();
    assert_eq!(news, ["file status is well", "order 8 LUNCH, the bell rings"]);
    server.home.order("build \u{1b}[2J broken");
    assert_eq!(watcher.news().await, "order build \\u{1b}[2J broken, the bell rings");
    server.kill().await;
    assert!(watcher.news().await.starts_with("link down: "));
    let _again = Setup::at(Arc::clone(&server.home)).port(server.address.port()).start().await;
    // The restarted server gives the same order a new number, and it is still without an answer.
    let next = watcher.news().await;
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
async fn a_command_that_is_too_slow_misses_something_and_that_is_told() {
    let server = TestServer::start().await;
    let exec = when_it_may("echo $CHADBURN_STATUS >> told");
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
    let expected = "chadburn: the command is too slow, and was not run for this";
    assert_eq!(complaint.as_deref(), Some(expected));
    server.home.write("go", "");
    let told = || std::fs::read_to_string(server.home.file("told")).unwrap_or_default();
    until("it has caught up", || told().contains("order number 63.")).await;
    let told = told();
    let numbers: Vec<_> = told.lines().filter(|line| line.starts_with("order")).collect();
    let in_order = (1..=numbers.len()).map(|number| format!("order number {number}."));
    assert!(numbers.iter().zip(in_order).all(|(told, given)| **told == given), "{told}");
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

#[tokio::test]
async fn the_log_is_the_bell_book() {
    let server = TestServer::start().await;
    done(&server, &["answer", "--name", "Tim"]).await;
    server.home.order("7");
    let mut watcher = Watcher::start(&server, &["watch", "--json"]);
    let seq = loop {
        let message = watcher.message().await;
        if message["order"]["status"] == "7" {
            break message["seq"].as_u64().unwrap();
        }
    };
    let log = done(&server, &["log"]).await;
    let news: Vec<_> = log.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    assert_eq!((news[0], news[1]), ("run", "order  6 STOP"), "{log}");
    assert!(news[2].starts_with("reply  6 STOP by Tim after "), "{log}");
    assert_eq!(news[3], "order  7 COFFEE");
    let last = done(&server, &["log", "--since", &(seq - 1).to_string()]).await;
    assert_eq!((last.lines().count(), log.ends_with(&last)), (1, true), "{last}");
    assert_eq!(done(&server, &["log", "--since", "1h"]).await, log);
    let table = done(&server, &["log", "--csv", "--since", "1h"]).await;
    assert!(table.starts_with("seq,at,time,what,") && table.lines().count() == 5, "{table}");
    let bookless = Setup::new().args(["--no-bell-book"]).start().await;
    let (code, why) = fails(&bookless, &["log"]).await;
    assert!(code == 5 && why.contains("no bell book"), "{why}");
}

#[tokio::test]
async fn the_console_takes_lines_and_says_lines() {
    let server = TestServer::start().await;
    let mut child = command(&server, &["console"]).stdin(Stdio::piped()).spawn().expect("it runs");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(b"status\nAccept&7\nfile\n").await.expect("it listens");
    drop(input);
    let (code, out, errors) = finished(soon("its end", child.wait_with_output()).await);
    assert_eq!((code, errors.as_str()), (0, ""), "{out}");
    let lines = "Current Status: 6\nAccepted state: 7\nEOT Status file: status.eot\n";
    assert_eq!(out, lines);
    assert_eq!(server.home.reply().as_deref(), Some("7\n"));
}

#[tokio::test]
async fn the_text_wire_is_spoken_too() {
    let mut server = TestServer::start().await;
    let mut watcher = Watcher::start(&server, &["watch", "--wire", "text"]);
    let mut news = vec![watcher.news().await, watcher.news().await, watcher.news().await];
    news.sort();
    let link = format!("link up {}", url(&server));
    assert_eq!(news, ["6&1", "Connected to EOT Server", &link]);
    server.home.order("7");
    assert_eq!(watcher.news().await, "7");
    let mut child = command(&server, &["console", "--wire", "text"]);
    let mut child = child.stdin(Stdio::piped()).spawn().expect("it runs");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(b"Accept&8\nhello\n").await.expect("it listens");
    drop(input);
    let (code, out, _) = finished(soon("its end", child.wait_with_output()).await);
    assert_eq!(code, 0);
    let said = "Connected to EOT Server\n7&1\nAccepted state: 8\nServer echoed: hello\n";
    assert_eq!(out, said);
    server.stop().await;
    assert_eq!(watcher.news().await, "EOT Server is shutting down.");
    assert!(watcher.news().await.starts_with("link down: "));
    assert_eq!(fails(&server, &["watch", "--wire", "text", "--json"]).await.0, 2);
}

#[tokio::test]
async fn a_reader_that_has_had_enough_is_a_good_end() {
    let server = TestServer::start().await;
    let program = env!("CARGO_BIN_EXE_chadburn");
    let line = format!("set -o pipefail; {program} watch --json --wait 5s | head -n 2");
    let mut shell = Command::new("bash");
    shell.args(["-c", &line]).env("CHADBURN_URL", url(&server)).stdin(Stdio::null());
    let output = shell.kill_on_drop(true).output();
    let (code, out, errors) = finished(within(Duration::from_secs(20), "the end", output).await);
    assert_eq!((code, out.lines().count(), errors.as_str()), (0, 2, ""));
}
