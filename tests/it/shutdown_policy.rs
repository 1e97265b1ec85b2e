//! Who may say `shutdown`: root and the server's own user at this machine, unless told otherwise.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::panel::{Panel, SUBPROTOCOL};
use crate::patience::soon;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// The answer to whoever may not.
const REFUSED: &str = "Shutdown refused: only from this machine.";

/// The answer to whoever may.
const GRANTED: &str = "Shutting down EOT Server...";

/// The user nobody, on most systems.
const NOBODY: u32 = 65_534;

/// A user that nothing else runs as.
const SOMEBODY: u32 = 54_321;

/// Whether the test may become other users. A machine on which it may not cannot show these cases,
/// and says so.
fn is_root(case: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        assert!(std::env::var_os("CI").is_none(), "{case}: a CI run has to be root's");
        eprintln!("not shown, because only root can: {case}");
    }
    root
}

/// A connection whose socket belongs to this user, as if one of its programs had opened it.
async fn connection_of(user: u32, server: &TestServer) -> TcpStream {
    let stream = soon("the connection", TcpStream::connect(server.address)).await;
    let stream = stream.expect("the server can be connected to");
    std::os::unix::fs::fchown(&stream, Some(user), Some(user)).expect("root gives sockets away");
    stream
}

async fn text_of(user: u32, server: &TestServer) -> TestStation {
    let mut station = TestStation::over(connection_of(user, server).await, &[]).await;
    station.hear_until("6&1").await;
    station
}

#[tokio::test]
async fn never_means_never() {
    let server = Setup::new().args(["--allow-shutdown", "never"]).start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("shutdown").await, REFUSED);
    station.expect_nothing_yet().await;
    let mut panel = Panel::open(&server).await;
    let outcome =
        panel.request(serde_json::json!({ "type": "console", "command": "shutdown" })).await;
    assert_eq!(outcome["code"], "refused");
    assert_eq!(outcome["message"], REFUSED);
    panel.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_request_that_was_forwarded_is_not_from_this_machine() {
    let server = TestServer::start().await;
    for header in [
        ("X-Forwarded-For", "192.0.2.7"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=192.0.2.7"),
        ("Via", "1.1 proxy"),
        ("X-Real-IP", "192.0.2.7"),
        ("CF-Connecting-IP", "192.0.2.7"),
        ("True-Client-IP", "192.0.2.7"),
        // What passes the name on that it was asked for, and says nothing else.
        ("Host", "203.0.113.7:8080"),
        ("Host", "eot"),
        ("Host", "evil.local:1873"),
    ] {
        let mut station = TestStation::text_with(&server, &[header]).await;
        assert_eq!(station.ask("shutdown").await, REFUSED, "{header:?}");
        let link = TestStation::connect(&server, &[SUBPROTOCOL, header]).await;
        let panel = Panel::over(link).await;
        assert_eq!(panel.welcome["may"]["shutdown"], false, "{header:?}");
    }
}

#[tokio::test]
async fn a_page_of_another_name_is_not_of_this_machine() {
    // Whoever is on the same network can point such a name at 127.0.0.1, in root's browser.
    let server = TestServer::start().await;
    let page = [SUBPROTOCOL, ("Host", "evil.local:1873"), ("Origin", "http://evil.local:1873")];
    let panel = Panel::over(TestStation::connect(&server, &page).await).await;
    assert_eq!(panel.welcome["may"]["shutdown"], false);
    let own = format!("http://localhost:{}", server.address.port());
    let host = own.strip_prefix("http://").expect("it begins so");
    let page = [SUBPROTOCOL, ("Host", host), ("Origin", &own)];
    let panel = Panel::over(TestStation::connect(&server, &page).await).await;
    assert_eq!(panel.welcome["may"]["shutdown"], cfg!(target_os = "linux"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nobody_without_a_number_in_the_servers_user_namespace_is_its_own_user() {
    if !is_root("a server in a user namespace") {
        return;
    }
    // Without a map every user is shown by one number, the server's own included.
    let server = Setup::new().by_way_of(["unshare", "--user"]).start().await;
    for user in [0, NOBODY, SOMEBODY] {
        let mut station = text_of(user, &server).await;
        assert_eq!(station.ask("shutdown").await, REFUSED, "user {user}");
    }
    // With one in which all have a number, nobody is a user like any other.
    let mut server = Setup::new().user(NOBODY).start().await;
    let mut station = text_of(NOBODY, &server).await;
    assert_eq!(station.ask("shutdown").await, GRANTED);
    station.expect_farewell().await;
    server.exits_well_within(Duration::from_millis(1500)).await;
}

#[tokio::test]
async fn any_means_the_forwarded_as_well() {
    let mut server = Setup::new().args(["--allow-shutdown", "any"]).start().await;
    let forwarded = [("X-Forwarded-For", "192.0.2.7")];
    let mut station = TestStation::text_with(&server, &forwarded).await;
    assert_eq!(station.ask("shutdown").await, GRANTED);
    station.expect_farewell().await;
    server.exits_well_within(Duration::from_millis(1500)).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_users_connection_is_refused() {
    if !is_root("another user's shutdown") {
        return;
    }
    let server = TestServer::start().await;
    let mut station = text_of(NOBODY, &server).await;
    assert_eq!(station.ask("shutdown").await, REFUSED);
    assert_eq!(station.ask("shutdown").await, REFUSED, "asking twice does not help");
    station.expect_nothing_yet().await;
    let stream = connection_of(NOBODY, &server).await;
    let panel = Panel::over(TestStation::over(stream, &[SUBPROTOCOL]).await).await;
    assert_eq!(panel.welcome["may"]["shutdown"], false);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_of_another_user_obeys_that_user_and_root() {
    if !is_root("a server of another user") {
        return;
    }
    for (user, may) in [(NOBODY, false), (SOMEBODY, true), (0, true)] {
        let mut server = Setup::new().user(SOMEBODY).start().await;
        let mut station = text_of(user, &server).await;
        let answer = station.ask("shutdown").await;
        assert_eq!(answer, if may { GRANTED } else { REFUSED }, "user {user}");
        if may {
            station.expect_farewell().await;
            server.exits_well_within(Duration::from_millis(1500)).await;
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_over_ipv6_is_known_as_well() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("not shown, because this machine has no IPv6: a connection over IPv6");
        return;
    }
    let mut server = Setup::new().args(["--bind", "::1"]).start().await;
    assert!(server.address.is_ipv6());
    if is_root("another user's shutdown over IPv6") {
        let mut station = text_of(NOBODY, &server).await;
        assert_eq!(station.ask("shutdown").await, REFUSED);
    }
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("shutdown").await, GRANTED);
    station.expect_farewell().await;
    server.exits_well_within(Duration::from_secs(5)).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_its_sender_has_left_is_not_roots() {
    if !is_root("a closing connection of another user") {
        return;
    }
    // A closing socket is shown as root's. Who says the word and leaves must not profit from it.
    let server = TestServer::start().await;
    for _ in 0..20 {
        let mut station = text_of(NOBODY, &server).await;
        station.say("shutdown").await;
        drop(station);
    }
    let mut station = TestStation::text(&server).await;
    station.expect_nothing_yet().await;
    assert_eq!(server.log.count("Stopping Status Watcher"), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_ipv4_client_of_an_ipv6_listener_is_known_as_well() {
    // As on `--bind ::`, where IPv4 clients come as ::ffff:127.0.0.1.
    let mut server = Setup::new().args(["--bind", "::ffff:127.0.0.1"]).start().await;
    server.address = (std::net::Ipv4Addr::LOCALHOST, server.address.port()).into();
    if is_root("another user's shutdown over mapped IPv4") {
        let mut station = text_of(NOBODY, &server).await;
        assert_eq!(station.ask("shutdown").await, REFUSED);
    }
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("shutdown").await, GRANTED);
    station.expect_farewell().await;
    server.exits_well_within(Duration::from_secs(5)).await;
}
