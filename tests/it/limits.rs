//! Limits for one address: what those hear who take more, and that nobody else notices.
#![cfg(target_os = "linux")]

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

use crate::http::get;
use crate::panel::{COFFEE, Panel};
use crate::patience::soon;
use crate::raw::{Raw, Response};
use crate::server::TestServer;
use crate::setup::Setup;
use testkit::frames::handshake;

/// Another address of this machine.
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

async fn limited(option: &str, most: u32) -> TestServer {
    Setup::new().args([option, &most.to_string()]).start().await
}

/// That it is a 429 for programs and people, which says when to come back.
fn assert_enough(refusal: &Response, seconds: &str) {
    assert_eq!(refusal.code, 429, "{refusal:?}");
    assert_eq!(refusal.header("retry-after"), Some(seconds), "{refusal:?}");
    assert_eq!(refusal.header("content-type"), Some("application/problem+json"), "{refusal:?}");
    assert_eq!(refusal.header("x-content-type-options"), Some("nosniff"), "{refusal:?}");
    let problem: serde_json::Value = serde_json::from_str(&refusal.body).expect("JSON");
    assert_eq!(problem["status"], 429);
    assert!(problem["detail"].as_str().expect("words").contains("your address"), "{problem}");
}

/// The answer to a handshake.
async fn knock(server: &TestServer, raw: &mut Raw) -> Response {
    raw.send(handshake(&server.authority(), &[])).await;
    raw.response().await
}

/// A connection from another address than the test's usual one.
async fn from_next_door(server: &TestServer) -> Raw {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket.bind(SocketAddr::from((NEIGHBOUR, 0))).expect("all of 127 is this machine");
    Raw::by(socket, server.address).await
}

#[tokio::test]
async fn an_address_with_all_its_connections_is_told_so_and_its_neighbour_is_not() {
    let server = limited("--max-per-address", 3).await;
    let mut panel = Panel::open(&server).await;
    let mut station = Raw::greeted(&server).await;
    let idle = Raw::connect(&server).await;
    // Unasked, at a handshake, and at a request.
    let mut unasked = Raw::connect(&server).await;
    assert_enough(&unasked.response().await, "5");
    unasked.expect_end().await;
    assert_enough(&knock(&server, &mut Raw::connect(&server).await).await, "5");
    assert_enough(&get(&server, "/status").await, "5");
    let mut neighbour = from_next_door(&server).await;
    assert_eq!(knock(&server, &mut neighbour).await.code, 101);
    neighbour.hear_greeting().await;
    // Whoever was let in has everything.
    server.home.order_by_rename("coffee");
    panel.until("the order", |state| state["order"]["position"] == COFFEE).await;
    station.expect_text("coffee").await;
    neighbour.expect_text("coffee").await;
    server.log.line_where("a word of it", |line| line.contains("127.0.0.1")).await;
    // A station's place goes with it, and so does an idle connection's.
    drop((station, idle));
    soon("two free places", async {
        while get(&server, "/livez").await.code != 200 {}
        let mut again = Raw::connect(&server).await;
        while knock(&server, &mut again).await.code != 101 {
            again = Raw::connect(&server).await;
        }
        again.hear_greeting().await;
    })
    .await;
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_so_and_goes_on_in_a_second() {
    let server = limited("--max-per-second", 4).await;
    let mut raw = Raw::connect(&server).await;
    let request = format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", server.authority());
    raw.send(request.repeat(40)).await;
    let mut refused = None;
    // The parts of a panel are no requests in this sense.
    let mut visitor = Raw::connect(&server).await;
    let part = format!("GET /static/main.js HTTP/1.1\r\nHost: {}\r\n\r\n", server.authority());
    visitor.send(part.repeat(40)).await;
    for _ in 0..40 {
        assert_eq!(visitor.response().await.code, 200);
    }
    for _ in 0..40 {
        let response = raw.response().await;
        match response.code {
            200 => {}
            _ => refused = Some(response),
        }
    }
    assert_enough(&refused.expect("forty at once are too many"), "1");
    // Handshakes count, on a connection of their own too; then one gets through.
    let mut before = 0;
    soon("the next second", async {
        let mut raw = Raw::connect(&server).await;
        loop {
            let response = knock(&server, &mut raw).await;
            if response.code == 101 {
                break raw.hear_greeting().await;
            }
            assert_enough(&response, "1");
            before += 1;
        }
    })
    .await;
    assert!(before > 0, "the first second was used up");
}

#[tokio::test]
async fn without_a_word_there_are_no_limits() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(&server).await;
    let request = format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", server.authority());
    let mut others = Vec::new();
    for _ in 0..100 {
        others.push(Raw::connect(&server).await);
    }
    for _ in 0..10 {
        raw.send(request.repeat(50)).await;
        for _ in 0..50 {
            assert_eq!(raw.response().await.code, 200);
        }
    }
}
