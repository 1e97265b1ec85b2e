//! What comes from a file, a name or a server acts upon no terminal, however it is shown.

use std::time::Duration;

use chadburn_v1::acts;
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::commands::{command, done, finished};
use crate::http;
use crate::patience::{soon, within};
use crate::scripted::met;
use crate::server::TestServer;
use crate::terminal::on_a_terminal;

/// Speaks to a terminal with C0, C1 and DEL, turns the direction of writing, and forges a line.
const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{7f}\u{202e}X\r\nforged\u{2028}\u{85}Z";

/// Each line of it is fit for a terminal; `\r` may stand before a line's end.
fn assert_fit(what: &str, text: &str) {
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        assert!(!line.chars().any(acts), "{what}: {line:?}");
        assert!(!line.starts_with("forged"), "{what}: {line:?}");
    }
}

#[tokio::test]
async fn a_hostile_status_reaches_no_terminal_raw() {
    let server = TestServer::with_status(EVIL).await;
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["log"],
        &["log", "--csv"],
        &["answer", "no\u{1b}where"],
        &["answer"],
        &["doctor", "--status-file", "\u{1b}[31m"],
        &["bridge", "--list", "\u{9b}x"],
        &["\u{1b}[31mword"],
        &["--port", "\u{1b}[31m"],
    ] {
        let output = within(Duration::from_secs(20), "the end", command(&server, words).output());
        let (_, out, errors) = finished(output.await);
        assert!(!(out.is_empty() && errors.is_empty()), "{words:?} says something");
        assert_fit(&format!("{words:?}"), &(out + &errors));
    }
    for wire in ["json", "text"] {
        let mut console = command(&server, &["console", "--wire", wire]);
        let mut console = console.stdin(std::process::Stdio::piped()).spawn().expect("it runs");
        let mut stdin = console.stdin.take().expect("it is piped");
        stdin.write_all(b"status\n\x1b[2J\n").await.expect("it listens");
        drop(stdin);
        let (_, out, errors) = finished(soon("the end", console.wait_with_output()).await);
        assert!(out.contains("Current Status: "), "{out}{errors}");
        assert_fit(wire, &(out + &errors));
    }
    let log = server.log.line_with("owned").await;
    assert_fit("the log", &log);
    for path in ["/status", "/bell-book", "/bell-book?format=csv", "/readyz", "/bell-book?since=x"]
    {
        let answer = http::get(&server, path).await;
        assert_fit(path, &answer.body);
    }
}

/// On a terminal, where each would do its harm.
#[tokio::test]
async fn no_character_that_nobody_sees_reaches_a_terminal() {
    let examples = include_str!("../fixtures/unseen.json");
    let examples: Value = serde_json::from_str(examples).expect("JSON");
    let texts = |part: &str| examples[part].as_array().cloned().expect("a list");
    let texts =
        texts("unfit").into_iter().chain(texts("shown").into_iter().map(|it| it[0].clone()));
    let texts = texts.map(|text| text.as_str().expect("a text").to_owned());
    // A file with that is no text.
    let texts: Vec<_> = texts.filter(|text| !text.contains('\0')).collect();
    let server = TestServer::with_status(texts.join("X")).await;
    done(&server, &["answer"]).await;
    for words in [&["status"][..], &["status", "--json"], &["log"], &["log", "--csv"], &["wait"]] {
        let said = on_a_terminal(command(&server, words)).await;
        let said = said.replace("\r\r\n", "").replace("\r\n", "");
        assert!(said.contains("\\u{202e}") || said.contains("\\u202e"), "{words:?}: {said:?}");
        assert_eq!(chadburn_core::unseen(&said), None, "{words:?}: {said:?}");
    }
}

#[tokio::test]
async fn a_hostile_server_reaches_no_terminal_raw_and_forges_no_line() {
    let (mut command, mut peer) = met(&["watch", "--json"]).await;
    let mut lines = BufReader::new(command.stdout.take().expect("it is piped")).lines();
    let future = format!("{{\"type\":\"future\",\n\"text\":\"a{}b\"}}", "\u{9b}\u{202e}\u{7f}");
    for (said, told) in [
        (EVIL.to_owned(), json!({"type": "link", "unreadable": EVIL})),
        (
            "{}\n{\"type\":\"state\"}".into(),
            json!({"type": "link", "unreadable": "{}\n{\"type\":\"state\"}"}),
        ),
        (future, json!({"type": "future", "text": "a\u{9b}\u{202e}\u{7f}b"})),
    ] {
        peer.send(Message::text(said)).await.expect("it listens");
        let line = soon("its line", lines.next_line()).await.expect("text").expect("more");
        assert_fit("watch --json", &line);
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), told);
    }
}

/// The address of a server that answers each request with these bytes.
async fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/websocket", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&answer(&head)).await;
        }
    });
    url
}

#[tokio::test]
async fn what_a_hostile_server_says_over_http_is_shown_and_not_obeyed() {
    let url = answering(|head| {
        let health = json!({"health": "evil", "detail": EVIL});
        let body = json!({"detail": EVIL, "status_file": health}).to_string();
        let status = if head.starts_with(b"GET /readyz") { 200 } else { 403 };
        let length = body.len();
        format!(
            "HTTP/1.1 {status} \u{9b}x\r\nDate: \u{1b}[2J\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into()
    })
    .await;
    let server = TestServer::start().await;
    for verb in ["doctor", "status", "log", "watch"] {
        let words = [verb, "--wait", "1s", "--url", &url];
        let output = within(Duration::from_secs(20), "the end", command(&server, &words).output());
        let (code, out, errors) = finished(output.await);
        assert_ne!(code, 0, "{out}{errors}");
        assert_fit(verb, &(out + &errors));
    }
}

#[tokio::test]
async fn a_table_of_a_hostile_server_has_no_formula_and_forges_no_row() {
    let table = "=1+1,\"@x\"\r\n1;=2,\t=3\n\"two\r\n=lines\",\u{9b}\n";
    let url = answering(move |_| format!("HTTP/1.1 200 OK\r\n\r\n{table}").into()).await;
    let server = TestServer::start().await;
    let out = done(&server, &["log", "--csv", "--url", &url]).await;
    assert_eq!(out, "'=1+1,'@x\r\n1;'=2,\\t=3\r\ntwo\\r\\n=lines,\\u{9b}\r\n");
}

/// All it may map into memory, in KiB, its program and its threads' stacks included; an answer has 16 MiB at most.
#[cfg(target_os = "linux")]
const ADDRESS_SPACE: u32 = 192 * 1024;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn however_much_a_server_says_over_http_it_fills_neither_memory_nor_the_terminal() {
    let server = TestServer::start().await;
    let long = "x".repeat(1 << 20);
    let many = "0,".repeat(15 << 19);
    let (all, book) = (&["doctor", "log", "status"][..], &["log"][..]);
    for (status, body, verbs) in [
        (200, format!("[{many}0]"), &["doctor", "status"][..]),
        (403, format!("{{\"b\":[{many}0],\"title\":\"no\"}}"), book),
        (200, json!({"status_file": {"health": "ok", "watch": long}}).to_string(), &["doctor"]),
        (200, json!({"status_file": {"health": long}}).to_string(), &["doctor"]),
        (200, json!([long]).to_string(), book),
        (500, json!({"detail": long}).to_string(), all),
        (403, json!({"title": long}).to_string(), all),
    ] {
        let head = format!("HTTP/1.0 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        let (start, answer) = (body[..20].to_owned(), (head + &body).into_bytes());
        let url = answering(move |_| answer.clone()).await;
        for verb in verbs {
            let limit = format!("ulimit -v {ADDRESS_SPACE}; exec \"$0\" \"$@\"");
            let mut limited = tokio::process::Command::new("sh");
            limited.args(["-c", &limit, env!("CARGO_BIN_EXE_chadburn"), verb, "--wait", "1s"]);
            // Of what glibc maps for each thread only a little is ever used.
            limited.args(["--url", &url]).env("MALLOC_ARENA_MAX", "1").kill_on_drop(true);
            limited.current_dir(server.home.path());
            let output = within(Duration::from_secs(20), "the end", limited.output()).await;
            let (code, out, errors) = finished(output);
            assert!((3..=5).contains(&code), "{verb} {start}: {code} {errors}");
            let longest = out.lines().chain(errors.lines()).map(str::len).max();
            assert!(longest < Some(1_000), "{verb} {start}: a line of {longest:?}");
        }
    }
}
