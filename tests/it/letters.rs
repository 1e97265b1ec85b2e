//! Where the locale is not UTF-8, whatever is printed for people is ASCII, on a terminal and in a pipe;
//! what programs read stays what it says.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::commands::{command, done, finished};
use crate::http;
use crate::patience::{soon, until, within};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::terminal::on_a_terminal;

const STATUS: &str = "“Grün” — 🔔…";
const SHOWN: &str = r#""Gr\u{fc}n" - \u{1f514}..."#;
const JSON: &str = r"\u201cGr\u00fcn\u201d \u2014 \ud83d\udd14\u2026";

async fn server() -> TestServer {
    let setup = Setup::with_status(format!("{STATUS}\n")).variable("LC_ALL", "C");
    let server = setup.start().await;
    assert_eq!(done(&server, &["answer", "--name", "Zoë"]).await, format!("answered {STATUS}\n"));
    server
}

fn ascii(server: &TestServer, words: &[&str]) -> Command {
    let mut command = command(server, words);
    command.env("LC_ALL", "C");
    command
}

#[tokio::test]
async fn a_locale_that_is_not_utf8_gets_ascii_from_every_command() {
    let server = server().await;
    for (words, says) in [
        (&["--help"][..], "CHADBURN_PORT, ..."),
        (&["serve", "--help"], "CHADBURN_PORT, ..."),
        (&["status", "--help"], "CHADBURN_WAIT, ..."),
        (&["completions", "fish"], "complete -c chadburn"),
        (&["status"], SHOWN),
        (&["status", "--json"], JSON),
        (&["log"], SHOWN),
        (&["log", "--since", "gestern früh"], r"fr\u{fc}h"),
        (&["answer", "Grün"], r"Gr\u{fc}n"),
        (&["wait"], r"was answered by Zo\u{eb} after"),
        (&["answer", "--coming"], SHOWN),
        (&["order", "Grün"], "order"),
        (&["doctor", "--status-file", "Grün"], r"Gr\u{fc}n"),
        (&["doctor", "--url", "ws://grün.invalid/websocket"], r"gr\u{fc}n"),
        (&["--port", "１"], r"\u{ff11}"),
        (&["Grün/…"], r"Gr\u{fc}n/..."),
        (&["bridge", "status.eot"], "is no serial device"),
        (&["bridge", "--grün"], r"--gr\u{fc}n"),
    ] {
        let ended = within(Duration::from_secs(20), "the end", ascii(&server, words).output());
        let (_, out, errors) = finished(ended.await);
        let said = on_a_terminal(ascii(&server, words)).await;
        for said in [out + &errors, said] {
            assert!(said.is_ascii() && said.contains(says), "{words:?}: {said}");
        }
    }
}

#[tokio::test]
async fn whoever_follows_gets_ascii_and_what_a_command_finds_is_the_text() {
    let server = server().await;
    for (words, says) in [
        (&["watch"][..], SHOWN),
        (&["watch", "--json"], JSON),
        (&["watch", "--wire", "text"], SHOWN),
        (&["watch", "--exec", r#"printf %s "$CHADBURN_STATUS" > seen"#], SHOWN),
        (&["watch", "--exec", "exit 1"], SHOWN),
    ] {
        let mut child = ascii(&server, words).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        loop {
            let line = soon("a line", lines.next_line()).await.expect("text").expect("more");
            assert!(line.is_ascii(), "{words:?}: {line}");
            if line.contains(says) {
                break;
            }
        }
        let seen = || std::fs::read_to_string(server.home.file("seen")).unwrap_or_default();
        if words.last().is_some_and(|it| it.contains("seen")) {
            until("the command finds it", || seen() == STATUS).await;
        }
    }
}

#[tokio::test]
async fn a_table_is_utf8_for_programs_and_ascii_on_a_terminal() {
    let server = server().await;
    let table =
        within(Duration::from_secs(20), "the table", ascii(&server, &["log", "--csv"]).output());
    let (code, out, _) = finished(table.await);
    assert!(code == 0 && out.contains(STATUS) && out.contains("Zoë"), "{out}");
    let said = on_a_terminal(ascii(&server, &["log", "--csv"])).await;
    assert!(said.is_ascii() && said.contains(r"Gr\u{fc}n") && said.contains(r"Zo\u{eb}"), "{said}");
}

#[tokio::test]
async fn the_log_is_ascii_too_and_the_wires_are_not() {
    for (format, shown) in [("human", r"Gr\u{fc}n"), ("json", r"Gr\u00fcn")] {
        let setup = Setup::with_status("Grün\n").variable("LC_ALL", "de_DE.ISO-8859-1");
        let server = setup.args(["--log-format", format]).start().await;
        let line = server.log.line_with(shown).await;
        if format == "json" {
            let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert!(line.to_string().contains("Grün"), "{line}");
        }
        assert!(server.log.whole().iter().all(|line| line.is_ascii()), "{:?}", server.log.whole());
        assert!(http::get(&server, "/status").await.body.contains("Grün"));
    }
    let elsewhere = Setup::with_status("Grün\n").start().await;
    elsewhere.log.line_with("Grün").await;
}
