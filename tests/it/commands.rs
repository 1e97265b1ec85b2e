//! The commands that go to a server, as a shell sees them: words in, lines and exit codes out.

use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Message as WsMessage;

use crate::link::url;
use crate::patience::{soon, until, within};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::watching::Watcher;

/// The program with these words, in the server's directory, as a client of the server.
pub(crate) fn command(server: &TestServer, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chadburn"));
    command.args(words).current_dir(server.home.path()).kill_on_drop(true);
    command.env("CHADBURN_URL", url(server)).env_remove("CHADBURN_WAIT").env("LC_ALL", "C.UTF-8");
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
            (
                2,
                "chadburn: a name has at most 40 characters that show, and no white space at its ends\n"
            )
        );
    }
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

/// This machine's clock may be wrong, and so may the server's: no moment of ours is sent.
#[tokio::test]
async fn how_long_ago_something_was_is_for_the_servers_clock_to_say() {
    let server = TestServer::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/websocket", listener.local_addr().expect("it is bound"));
    for (since, asked) in [("2h", "from=7200000ms"), ("90s", "from=90000ms"), ("17", "since=17")] {
        let words = ["log", "--csv", "--since", since, "--url", &url];
        let _log = command(&server, &words).spawn().expect("it can be run");
        let (mut stream, _) = soon("a connection", listener.accept()).await.expect("it comes");
        let (mut head, mut part) = (String::new(), [0; 1024]);
        while !head.contains("\r\n") {
            let count = soon("its request", stream.read(&mut part)).await.expect("it asks");
            assert!(count > 0, "{head}");
            head.push_str(&String::from_utf8_lossy(&part[..count]));
        }
        let line = head.lines().next().expect("a request");
        assert!(
            line.starts_with("GET /bell-book?") && line.contains(&format!("&{asked}&")),
            "{line}"
        );
    }
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

/// Takes every connection, and says this on it again and again; nothing at all if there is none.
async fn stranger(says: Option<WsMessage>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let says = says.clone();
            tokio::spawn(async move {
                let Ok(mut peer) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(message) = &says {
                    if peer.send(message.clone()).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
                while peer.next().await.is_some_and(|it| it.is_ok()) {}
            });
        }
    });
    format!("ws://{address}/websocket")
}

#[tokio::test]
async fn whoever_does_not_greet_is_no_server_of_the_text_wire() {
    let server = TestServer::start().await;
    let ping = WsMessage::Ping(Vec::new().into());
    for says in [None, Some(ping), Some(WsMessage::text("welcome elsewhere"))] {
        let address = stranger(says).await;
        for command in ["watch", "console"] {
            let words = [command, "--wire", "text", "--wait", "2s", "--url", &address];
            let (code, why) = fails(&server, &words).await;
            assert!(code == 3 && why.contains("it did not say in time how things are"), "{why}");
        }
    }
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
