//! `--private`: nothing is told to whoever has not given the token.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::commands::{command, finished};
use crate::http::{get, get_with};
use crate::panel::{COFFEE, Panel, SUBPROTOCOL};
use crate::patience::within;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

const RIGHT: (&str, &str) = ("Authorization", "Bearer brass");

/// Closed because the token is needed.
const TOKEN_REQUIRED: u16 = 4003;

async fn server() -> TestServer {
    let setup = Setup::with_status("7\n");
    setup.home.write("token", "brass\n");
    setup.args(["--token-file", "token", "--private"]).start().await
}

/// A station that has brought no token, and what it hears first.
async fn locked(server: &TestServer) -> TestStation {
    let mut station = TestStation::connect(server, &[SUBPROTOCOL]).await;
    let first: Value = serde_json::from_str(&station.hear().await).expect("JSON");
    assert_eq!((&first["type"], &first["code"]), (&json!("error"), &json!("token_required")));
    station
}

fn token(value: &str) -> String {
    json!({ "type": "token", "value": value, "id": 1 }).to_string()
}

#[tokio::test]
async fn nothing_is_told_on_any_way_before_the_token_is_given() {
    let server = server().await;
    for path in ["/status", "/bell-book", "/metrics", "/events", "/status?format=text"] {
        let response = get(&server, path).await;
        assert_eq!(response.code, 401, "{path}");
        assert!(!response.body.contains("COFFEE"));
        if path != "/events" {
            assert_eq!(get_with(&server, path, &[RIGHT]).await.code, 200, "{path}");
        }
    }
    for path in ["/", "/static/main.js", "/livez", "/readyz"] {
        assert_eq!(get(&server, path).await.code, 200, "{path}");
    }
    let mut raw = Raw::connect(&server).await;
    raw.send(testkit::frames::handshake(&server.authority(), &[])).await;
    assert_eq!(raw.response().await.code, 401, "the text wire");
    let mut text = TestStation::text_with(&server, &[RIGHT]).await;
    assert_eq!(text.ask("status").await, "Current Status: 7");

    let mut waiting = locked(&server).await;
    server.home.order("8");
    text.hear_until("8").await;
    waiting.say(&token("brass")).await;
    let ok: Value = serde_json::from_str(&waiting.hear().await).expect("JSON");
    assert_eq!(ok, json!({ "type": "ok", "id": 1 }));
    let mut panel = Panel::over(waiting).await;
    assert_eq!(panel.state["order"]["position"], 8);
    panel.accept(COFFEE).await;
}

#[tokio::test]
async fn whoever_says_anything_else_or_another_token_is_closed_upon() {
    let server = server().await;
    for first in [token("tin"), json!({ "type": "console", "command": "status" }).to_string()] {
        let mut station = locked(&server).await;
        station.say(&first).await;
        let error: Value = serde_json::from_str(&station.hear().await).expect("JSON");
        assert_eq!(error["type"], "error", "{first}");
        station.expect_close(TOKEN_REQUIRED).await;
    }
    let log = server.log.whole().join("\n");
    assert!(!log.contains("tin") && !log.contains("console"), "{log}");
}

#[tokio::test]
async fn with_another_token_everybody_must_come_again() {
    let server = server().await;
    let mut text = TestStation::text_with(&server, &[RIGHT]).await;
    let mut json = Panel::over(TestStation::connect(&server, &[SUBPROTOCOL, RIGHT]).await).await;
    server.home.write("token", "tin\n");
    rustix::process::kill_process(server.pid(), Signal::HUP).expect("it lives");
    text.expect_close(TOKEN_REQUIRED).await;
    while json.link.try_hear().await.is_some() {}
    let new = ("Authorization", "Bearer tin");
    crate::patience::soon("the new token being taken", async {
        while get_with(&server, "/status", &[new]).await.code != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(get_with(&server, "/status", &[RIGHT]).await.code, 401);
    Panel::over(TestStation::connect(&server, &[SUBPROTOCOL, new]).await).await;
}

#[tokio::test]
async fn the_commands_bring_it_from_its_file_and_say_when_they_have_none() {
    let server = server().await;
    for (words, said) in [
        (&["status"][..], "order  7 COFFEE"),
        (&["answer", "coffee"], "answered 7 COFFEE"),
        (&["log"], "COFFEE"),
        (&["doctor"], "events come as they happen"),
    ] {
        let run = async |words: &[&str]| {
            let output = command(&server, words).output();
            finished(within(Duration::from_secs(20), "the end", output).await)
        };
        let (code, out, errors) = run(&[words, &["--token-file", "token"]].concat()).await;
        assert!(code == 0 && out.contains(said), "{words:?}: {out}{errors}");
        let (code, out, errors) = run(words).await;
        if words == ["doctor"] {
            assert!(code == 5 && out.contains("--token-file"), "{out}");
        } else {
            assert!(code == 4 && errors.contains("token"), "{words:?}: {code} {errors}");
        }
    }
}

#[tokio::test]
async fn every_command_without_the_token_or_with_another_one_is_refused() {
    let server = server().await;
    server.home.write("wrong", "tin\n");
    for words in [
        &["status"][..],
        &["status", "--json"],
        &["answer"],
        &["order", "7"],
        &["wait"],
        &["wait", "--for", "lunch", "--timeout", "15s"],
        &["watch"],
        &["watch", "--json"],
        &["watch", "--exec", "true"],
        &["watch", "--wait", "forever"],
        &["watch", "--wire", "text"],
        &["log"],
        &["log", "--csv", "--since", "1h"],
        &["console"],
        &["console", "--wire", "text"],
    ] {
        for token in [&[][..], &["--token-file", "wrong"]] {
            let output = command(&server, &[words, token].concat()).output();
            let ended = within(Duration::from_secs(20), "the end", output).await;
            let (code, out, errors) = finished(ended);
            assert_eq!(code, 4, "{words:?} {token:?}: {out}{errors}");
            let line = errors.contains("token") && errors.lines().count() == 1;
            assert!(line && !out.contains("COFFEE"), "{words:?} {token:?}: {out}{errors}");
        }
    }
}

#[tokio::test]
async fn without_a_token_there_is_nothing_private() {
    for setup in
        [Setup::new().args(["--private"]), Setup::new().variable("CHADBURN_PRIVATE", "yes")]
    {
        let (code, errors) = setup.run_to_end().await;
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains("--private needs a token"), "{errors}");
    }
    Setup::new().variable("CHADBURN_PRIVATE", "no").start().await;
}
