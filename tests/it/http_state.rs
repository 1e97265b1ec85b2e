//! What programs are told over HTTP: the state, health, and errors that a program can read.

use serde_json::{Value, json};

use crate::http::{await_readiness, get, get_with};
use crate::panel::{COFFEE, Panel};
use crate::patience::soon;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

#[tokio::test]
async fn the_state_is_the_panels() {
    let server = TestServer::with_status("coffee\n").await;
    let mut panel = Panel::open(&server).await;
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
    let response = get(&server, "/status").await;
    assert_eq!(response.code, 200);
    assert!(response.header("content-type").is_some_and(|kind| kind == "application/json"));
    let mut state: Value = serde_json::from_str(&response.body).expect("JSON");
    // A member more or less is a matter of its being alone here.
    state["type"] = json!("state");
    assert_eq!(state, panel.state);
}

#[tokio::test]
async fn the_bare_status_is_for_scripts() {
    let server = TestServer::with_status("build broken\non main\n\n").await;
    let plain = [("Accept", "text/plain")];
    for response in
        [get_with(&server, "/status", &plain).await, get(&server, "/status?format=text").await]
    {
        assert_eq!((response.code, response.body.as_str()), (200, "build broken\non main\n"));
        assert!(response.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    }
    let server = Setup::without_status().start().await;
    assert_eq!(get_with(&server, "/status", &plain).await.code, 503, "there is no order");
    let state: Value = serde_json::from_str(&get(&server, "/status").await.body).expect("JSON");
    assert_eq!(state["order"], Value::Null);
}

#[tokio::test]
async fn an_error_is_a_problem_that_a_program_can_read() {
    let server = Setup::without_status().start().await;
    let host = server.authority();
    let foreign = [("Host", "evil.example")];
    let origin = [("Host", host.as_str()), ("Origin", "http://evil.example")];
    let responses = [
        (404, get(&server, "/nowhere").await),
        (426, get(&server, "/websocket").await),
        (503, get(&server, "/readyz").await),
        (421, get_with(&server, "/status", &foreign).await),
        (403, get_with(&server, "/status", &origin).await),
    ];
    for (code, response) in responses {
        assert_eq!(response.code, code, "{response:?}");
        let kind = response.header("content-type").unwrap_or_default();
        assert_eq!(kind, "application/problem+json", "{response:?}");
        let problem: Value = serde_json::from_str(&response.body).expect("JSON");
        assert_eq!(problem["status"], code, "RFC 9457, 3.1.2: {problem}");
    }
}

#[tokio::test]
async fn readiness_takes_both_files() {
    let server = TestServer::with_status("7\n").await;
    let mut panel = Panel::open(&server).await;
    await_readiness(&server, 200).await;
    server.home.rename_over("accept.eot", b"\xff\xff");
    panel.expect_health_of("accept", "not_utf8").await;
    await_readiness(&server, 503).await;
    let response = get(&server, "/readyz").await;
    assert!(response.body.contains("accept.eot"), "it says which one: {response:?}");
    assert_eq!(get(&server, "/livez").await.code, 200);
    assert_eq!(TestStation::text(&server).await.ask("Accept&7").await, "Accepted state: 7");
    panel.until_reply(COFFEE).await;
    await_readiness(&server, 200).await;
}

#[tokio::test]
async fn a_book_that_cannot_be_written_is_health_and_no_outage() {
    let setup = Setup::with_status("7\n");
    let book = setup.home.file("bell-book.jsonl");
    std::fs::create_dir(&book).expect("a directory can be made");
    let server = setup.start().await;
    let unwell = expect_book(&server, "unwritable").await;
    assert_ne!(unwell["detail"], "", "{unwell}");
    let mut panel = Panel::open(&server).await;
    assert_eq!(panel.hear().await["file"], "book", "a newcomer is told");
    panel.accept(COFFEE).await;
    panel.until_reply(COFFEE).await;
    assert_eq!(get(&server, "/bell-book").await.code, 503);
    std::fs::remove_dir(&book).expect("it can be removed");
    assert_eq!(expect_book(&server, "ok").await, json!({ "health": "ok", "detail": "" }));
    panel.expect_health_of("book", "ok").await;
    let entries = get(&server, "/bell-book").await.body;
    for what in ["run", "order", "reply"] {
        assert!(entries.contains(&format!("\"what\":\"{what}\"")), "nothing is lost: {entries}");
    }
}

#[tokio::test]
async fn a_directory_that_takes_no_book_is_health_and_no_outage() {
    let root = rustix::process::geteuid().is_root();
    let setup = Setup::with_status("7\n");
    std::fs::create_dir(setup.home.file("out")).expect("a directory can be made");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    std::fs::set_permissions(setup.home.file("out"), mode).expect("it can be changed");
    let setup = setup.args(["--bell-book", "out/book.jsonl"]);
    // Root may write everywhere, so that a server of root's does not show this.
    let server = if root { setup.user(54_321).start().await } else { setup.start().await };
    let unwell = expect_book(&server, "unwritable").await;
    assert!(unwell["detail"].as_str().is_some_and(|why| why.contains("permission")), "{unwell}");
    assert_eq!(TestStation::text(&server).await.ask("Accept&7").await, "Accepted state: 7");
}

/// Waits until `/readyz` says that the book is so, which does not keep it from being ready.
async fn expect_book(server: &TestServer, health: &str) -> Value {
    soon("the book's health", async {
        loop {
            let response = get(server, "/readyz").await;
            assert_eq!(response.code, 200, "{response:?}");
            let ready: Value = serde_json::from_str(&response.body).expect("JSON");
            if ready["bell_book"]["health"] == health {
                break ready["bell_book"].clone();
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_name_from_a_file_does_not_break_the_answer() {
    let setup = Setup::without_status();
    let name = "a \"quoted\"\n\u{1b}[31m name";
    let server = setup.args(["--status-file", name]).start().await;
    let response = get(&server, "/readyz").await;
    assert_eq!(response.code, 503);
    let problem: Value = serde_json::from_str(&response.body).expect("JSON");
    assert_eq!(problem["status"], 503);
    for line in server.log.whole() {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}
