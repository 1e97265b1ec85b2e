//! The text wire: greeting, console answers, echo, silence.

use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::{CONNECTED, TestStation};

#[tokio::test]
async fn a_newcomer_hears_two_lines() {
    let server = TestServer::with_status("7\n").await;
    let mut station = TestStation::connect(&server, &[]).await;
    station.expect(CONNECTED).await;
    station.expect("7&1").await;
    station.expect_nothing_yet().await;
}

#[tokio::test]
async fn the_greeting_without_an_order_has_only_its_suffix() {
    let server = Setup::without_status().start().await;
    let mut station = TestStation::connect(&server, &[]).await;
    station.expect(CONNECTED).await;
    station.expect("&1").await;
    assert_eq!(station.ask("status").await, "Current Status: ");
}

#[tokio::test]
async fn the_greeting_says_the_same_of_an_answered_order() {
    let server = TestServer::with_status("7\n").await;
    assert_eq!(TestStation::text(&server).await.ask("Accept&7").await, "Accepted state: 7");
    let mut station = TestStation::connect(&server, &[]).await;
    station.expect(CONNECTED).await;
    station.expect("7&1").await;
}

#[tokio::test]
async fn the_greeting_carries_the_whole_text_of_an_order() {
    let server = TestServer::with_status("build broken & late\non main, née müde\n").await;
    let mut station = TestStation::connect(&server, &[]).await;
    station.expect(CONNECTED).await;
    station.expect("build broken & late\non main, née müde&1").await;
}

#[tokio::test]
async fn the_console_tells_directory_file_and_status() {
    let server = TestServer::with_status("COFFEE\n").await;
    let mut station = TestStation::text(&server).await;
    let directory = server.home.path();
    assert_eq!(station.ask("base").await, format!("Base Directory: {}", directory.display()));
    assert_eq!(station.ask("file").await, "EOT Status file: status.eot");
    assert_eq!(station.ask("status").await, "Current Status: COFFEE");
}

#[tokio::test]
async fn the_console_names_the_status_file_as_it_was_given() {
    let setup = Setup::without_status();
    setup.home.write("deploy.status", "green\n");
    let server = setup.args(["--status-file", "././deploy.status"]).start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("file").await, "EOT Status file: ././deploy.status");
    assert_eq!(station.ask("status").await, "Current Status: green");
}

#[tokio::test]
async fn other_text_comes_back_exactly() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let four_kib = "ab\u{1f514}c".repeat(585) + "d";
    assert_eq!(four_kib.len(), 4096);
    let near_misses = ["Status", " status", "status ", "\nstatus", "BASE", "Accept", "Shutdown"];
    let texts = [
        "",
        " ",
        "\0",
        "a\0b",
        "héllo wörld 🔔 \u{202e}",
        "\u{feff}7",
        "\r\n\t",
        "<b>",
        "words\r\n",
    ];
    for text in near_misses.into_iter().chain(texts).chain([four_kib.as_str()]) {
        assert_eq!(station.ask(text).await, format!("Server echoed: {text}"));
    }
}

#[tokio::test]
async fn the_end_of_a_line_belongs_to_no_command() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    for end in ["\n", "\r", "\r\n"] {
        assert_eq!(station.ask(&format!("status{end}")).await, "Current Status: 6");
        assert_eq!(station.ask(&format!("Accept&7{end}")).await, "Accepted state: 7");
        assert_eq!(server.home.reply().as_deref(), Some("7\n"));
        // Not two of them.
        let refused = station.ask(&format!("Accept&7\n{end}")).await;
        assert!(refused.starts_with("Accept refused:"), "{refused}");
    }
}

#[tokio::test]
async fn unknown_text_with_an_ampersand_is_met_with_silence() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    for text in ["x&y", "&", "accept&7", "Accept &7", " Accept&7", "status&", "base&1", "é&"] {
        station.say(text).await;
        assert_eq!(station.ask("status").await, "Current Status: 6", "after {text:?}");
    }
    assert_eq!(server.home.reply(), None, "nothing of that was an answer");
}

#[tokio::test]
async fn each_station_hears_its_own_answers_and_no_others() {
    let server = TestServer::start().await;
    let mut one = TestStation::text(&server).await;
    let mut other = TestStation::text(&server).await;
    assert_eq!(one.ask("hello").await, "Server echoed: hello");
    assert_eq!(one.ask("status").await, "Current Status: 6");
    other.expect_nothing_yet().await;
}

#[tokio::test]
async fn replies_come_in_the_order_of_the_requests() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let numbers = 0..1000;
    let requests = numbers.clone().map(|number| match number % 100 {
        7 => format!("Accept&{number}"),
        8 => "x&y".to_owned(),
        9 => "status".to_owned(),
        _ => number.to_string(),
    });
    station.say_all(requests).await;
    for number in numbers {
        match number % 100 {
            7 => station.expect(&format!("Accepted state: {number}")).await,
            8 => {}
            9 => station.expect("Current Status: 6").await,
            _ => station.expect(&format!("Server echoed: {number}")).await,
        }
    }
}

#[tokio::test]
async fn a_reply_is_not_heard_on_the_text_wire() {
    let server = TestServer::with_status("7\n").await;
    let mut listener = TestStation::text(&server).await;
    let mut answerer = TestStation::text(&server).await;
    assert_eq!(answerer.ask("Accept&7").await, "Accepted state: 7");
    assert_eq!(listener.ask("status").await, "Current Status: 7");
    // The reply has made the whole way through the accept file's source when a panel knows it.
    crate::panel::Panel::open(&server).await.until_reply(7).await;
    listener.expect_nothing_yet().await;
    answerer.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_foreign_subprotocol_is_spoken_to_in_text() {
    let server = TestServer::start().await;
    let mut raw = crate::raw::Raw::connect(&server).await;
    let protocols = [("Sec-WebSocket-Protocol", "chat, superchat")];
    raw.send(testkit::frames::handshake(&server.authority(), &protocols)).await;
    let response = raw.response().await;
    assert_eq!(response.code, 101);
    assert_eq!(response.header("sec-websocket-protocol"), None, "it speaks neither");
    raw.hear_greeting().await;
}
