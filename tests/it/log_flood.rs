//! Whatever a stranger does ten thousand times, the log says a few times, and how often it was.

use std::sync::Arc;

use serde_json::json;

use crate::http::get_with;
use crate::panel::{COFFEE, Panel};
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// How many lines one cause may write at once.
const BURST: usize = 200;

/// How often each thing is done.
const OFTEN: usize = 500;

/// How many lines of the log have these words.
fn lines(server: &mut TestServer, words: &str) -> usize {
    server.log.count(words)
}

#[tokio::test]
async fn what_stations_say_does_not_fill_it() {
    let mut server = TestServer::with_status("7\n").await;
    let name = "n".repeat(60_000);
    for message in [
        json!({ "type": "name", "name": name }),
        json!({ "type": "token", "value": "wrong" }),
        json!({ "type": "order", "status": "8" }),
        json!({ "type": "answer", "order": 1, "position": 7 }),
        json!(["garbage"]),
    ] {
        let mut panel = Panel::open(&server).await;
        for _ in 0..OFTEN / 5 {
            panel.link.say(&message.to_string()).await;
        }
        panel.request(json!({ "type": "answer", "order": 1, "position": 7 })).await;
    }
    let mut text = TestStation::text(&server).await;
    text.say_all((0..OFTEN).map(|number| format!("hello {number}"))).await;
    text.hear_until(&format!("Server echoed: hello {}", OFTEN - 1)).await;
    drop(text);
    server.log.line_with(" more messages from 127.0.0.1").await;
    let count = lines(&mut server, "Message from Client");
    assert!((BURST / 2..BURST + 60).contains(&count), "{count}");
}

#[tokio::test]
async fn who_comes_and_goes_or_knocks_in_vain_does_not_fill_it() {
    let mut server = TestServer::with_status("7\n").await;
    for _ in 0..BURST {
        drop(TestStation::text(&server).await);
    }
    for _ in 0..BURST {
        let host = get_with(&server, "/status", &[("Host", "evil.example")]).await;
        assert_eq!(host.code, 421);
        let mut raw = Raw::connect(&server).await;
        raw.send("GET /websocket HTTP/1.1\r\nbad\r\n\r\n").await;
        raw.rest().await;
    }
    for _ in 0..BURST / 4 {
        let mut raw = Raw::greeted(&server).await;
        raw.send([0xFF; 8]).await;
        raw.rest().await;
    }
    server.log.line_with(" more that came or went from 127.0.0.1").await;
    let count = lines(&mut server, "New Client") + lines(&mut server, "disconnected.");
    assert!((BURST / 2..BURST + 120).contains(&count), "{count}");
    let whole = server.log.count("");
    assert!(whole < 3 * BURST, "{whole} lines");
}

#[tokio::test]
async fn replies_and_writings_do_not_fill_it() {
    let mut server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    for number in 0..BURST + 100 {
        text.say(&format!("Accept&mind {number}")).await;
        text.hear_until(&format!("Accepted state: mind {number}")).await;
    }
    let mut panel = Panel::open(&server).await;
    panel.accept(COFFEE).await;
    server.log.line_with(" more orders and replies from 127.0.0.1").await;
    let count = lines(&mut server, "Reply: ");
    assert!((BURST / 2..BURST + 120).contains(&count), "{count}");
}

#[tokio::test]
async fn two_servers_in_one_directory_have_one_book() {
    let setup = Setup::with_status("7\n");
    let home = Arc::clone(&setup.home);
    let mut first = setup.start().await;
    home.write("other.eot", "8\n");
    let args = ["--accept-file", "other-accept.eot", "--status_file", "other.eot"];
    let second = Setup::at(Arc::clone(&home)).args(args).start().await;
    let why = "bell-book.jsonl is written by another server: give this one its own with";
    second.log.line_with(why).await;
    let ready = get_with(&second, "/readyz", &[]).await;
    assert!(ready.body.contains(why) && ready.body.contains("unwritable"), "{ready:?}");
    assert_eq!(get_with(&second, "/bell-book", &[]).await.code, 503, "it is not this one's");
    // The first may be started again, and has its book.
    first.stop().await;
    let first = Setup::at(Arc::clone(&home)).start().await;
    let book = get_with(&first, "/bell-book", &[]).await;
    assert_eq!(book.code, 200);
    assert!(!book.body.contains("LUNCH"), "{}", book.body);
}
