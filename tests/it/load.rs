//! Many clients, most of them of no use: whoever behaves is served as if he were alone.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream as TokioStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::metrics;
use crate::panel::Panel;
use crate::patience::{PATIENCE, aside, until, within};
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::{FAREWELL, GOING_AWAY, TestStation};
use testkit::frames as bytes;

/// How long an order may take to a station that behaves.
const PROMPT: Duration = Duration::from_secs(1);

/// How long ten thousand may take to get in, on a machine that has other things to do.
const RUSH: Duration = Duration::from_mins(1);

/// Whoever brings ten thousand stations has the test's descriptors to himself.
static CROWDED: Mutex<()> = Mutex::const_new(());

/// Lets this process hold thousands of connections.
fn raise_own_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .expect("a soft limit can be raised to the hard one");
}

/// Gives this order, and it is there in time.
async fn assert_prompt(server: &TestServer, station: &mut TestStation, order: &str) {
    let given = Instant::now();
    server.home.order_by_rename(order);
    within(PROMPT, "the order", station.expect(order)).await;
    assert!(given.elapsed() < PROMPT, "{:?}", given.elapsed());
}

#[tokio::test]
async fn a_hundred_stuck_readers_and_a_storm_do_not_harm_a_normal_station() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    let mut stuck = Vec::new();
    let requests = bytes::text("x".repeat(60_000)).repeat(4);
    for _ in 0..100 {
        let mut raw = Raw::narrow(&server).await;
        raw.upgrade(&server).await;
        raw.hear_greeting().await;
        stuck.push(raw);
    }
    for raw in &mut stuck {
        // As much as goes; the rest of the last frame never comes.
        while raw.stream.try_write(&requests).is_ok() {}
    }
    assert_prompt(&server, &mut text, "before").await;
    let home = Arc::clone(&server.home);
    let storm = aside(move || {
        for order in 1..=300 {
            home.order_by_rename(&order.to_string().repeat(1000));
        }
    });
    let last = "300".repeat(1000);
    let hear = async {
        text.hear_until(&last).await;
        panel.until("the last order", |state| state["order"]["status"] == last.as_str()).await;
    };
    tokio::join!(storm, hear);
    assert_prompt(&server, &mut text, "after").await;
    #[cfg(target_os = "linux")]
    assert!(server.peak_memory() < 100 << 10, "{} KiB", server.peak_memory());
    drop(stuck);
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_panel_that_does_not_read_gets_the_newest_state_at_last() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let mut slow = Panel::open(&server).await;
    let home = Arc::clone(&server.home);
    let storm = aside(move || {
        for order in 1..=300 {
            home.order_by_rename(&order.to_string().repeat(1000));
        }
    });
    let last = "300".repeat(1000);
    tokio::join!(storm, text.hear_until(&last));
    // What it missed is said in a gap, and what it hears rises strictly.
    slow.until("the last order", |state| state["order"]["status"] == last.as_str()).await;
    slow.expect_nothing_yet().await;
}

#[tokio::test]
async fn two_thousand_idle_connections_do_not_harm_a_station() {
    raise_own_limit();
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let address = server.address;
    let idle = aside(move || {
        let connect = |_| TcpStream::connect_timeout(&address, PATIENCE).expect("it connects");
        (0..2_000).map(connect).collect::<Vec<_>>()
    })
    .await;
    assert_prompt(&server, &mut station, "7").await;
    let mut late = TestStation::connect(&server, &[]).await;
    late.hear_until("7&1").await;
    drop(idle);
    assert_prompt(&server, &mut station, "8").await;
}

#[tokio::test]
async fn two_thousand_clients_that_reset_their_connections_do_no_harm() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    let address = server.address;
    let authority = server.authority();
    aside(move || {
        for number in 0..2_000 {
            let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it connects");
            let request = bytes::handshake(&authority, &[]);
            // Some leave at once, some amid their request, some after it, unread.
            let length = [0, request.len() / 2, request.len()][number % 3];
            let sent = std::io::Write::write_all(&mut stream, &request.as_bytes()[..length]);
            assert!(sent.is_ok() || sent.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))
                .expect("a socket can be told to reset");
        }
    })
    .await;
    assert_prompt(&server, &mut station, "7").await;
    let mut late = TestStation::connect(&server, &[]).await;
    late.hear_until("7&1").await;
}

#[tokio::test]
async fn five_hundred_stations_hear_an_order_and_the_farewell() {
    raise_own_limit();
    let mut server = TestServer::start().await;
    let mut stations = Vec::new();
    for _ in 0..500 {
        stations.push(TestStation::text(&server).await);
    }
    let given = Instant::now();
    server.home.order_by_rename("7");
    for station in &mut stations {
        station.expect("7").await;
    }
    assert!(given.elapsed() < PROMPT, "{:?}", given.elapsed());
    let asked = Instant::now();
    server.signal(Signal::TERM);
    for station in &mut stations {
        station.expect_farewell().await;
    }
    let limit = Duration::from_millis(1500);
    server.exits_well_within(limit).await;
    assert!(asked.elapsed() < limit, "{:?}", asked.elapsed());
}

/// As many as the contract names, or as the machine lets two processes hold.
fn ten_thousand() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(20_000);
    usize::try_from(limit).map_or(10_000, |limit| limit.saturating_sub(200).min(10_000))
}

/// The next text, which has to be this; a machine that is slow to connect so many hears pings.
async fn expect_past_pings(station: &mut Raw, text: &str) {
    loop {
        match station.frame().await.expect("a frame comes") {
            (bytes::PING, _) => {}
            (_, payload) => return assert_eq!(String::from_utf8_lossy(&payload), text),
        }
    }
}

#[tokio::test]
async fn ten_thousand_stations_hear_an_order_and_each_its_farewell_and_close() {
    let _alone = CROWDED.lock().await;
    raise_own_limit();
    let mut server = TestServer::start().await;
    let mut stations = Vec::new();
    for number in 0..ten_thousand() {
        stations.push(Raw::greeted(&server).await);
        // On a slow machine the first would be silent for too long before the last is there.
        if number % 1_000 == 999 {
            for station in &mut stations {
                station.send(bytes::frame(bytes::FIN | bytes::PONG, b"")).await;
            }
        }
    }
    server.home.order_by_rename("7");
    for station in &mut stations {
        expect_past_pings(station, "7").await;
    }
    // Some read nothing any more; they must not cost the others their farewell.
    let silent = stations.split_off(stations.len() - 10);
    let asked = Instant::now();
    server.signal(Signal::TERM);
    for station in &mut stations {
        expect_past_pings(station, FAREWELL).await;
        station.expect_close(GOING_AWAY).await;
    }
    server.exits_well_within(Duration::from_secs(5)).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    drop(silent);
}

/// One of a crowd: a connection, and whatever it has heard and not yet been asked about.
#[derive(Debug)]
struct Guest {
    stream: TokioStream,
    heard: Vec<u8>,
    /// It speaks JSON.
    json: bool,
}

impl Guest {
    /// Comes in; it has heard its whole greeting then.
    async fn comes(address: SocketAddr, json: bool) -> Self {
        let stream = TokioStream::connect(address).await.expect("nobody is refused");
        let mut guest = Self { stream, heard: Vec::new(), json };
        let protocol = [("Sec-WebSocket-Protocol", "chadburn.v1")];
        let headers = if json { &protocol[..] } else { &[] };
        let request = bytes::handshake(&address.to_string(), headers);
        guest.stream.write_all(request.as_bytes()).await.expect("the request is taken");
        guest.hears(if json { "\"type\":\"roll\"" } else { "&1" }).await;
        assert!(guest.heard.starts_with(b"HTTP/1.1 101 "));
        guest
    }

    /// Hears this order.
    async fn hears_order(&mut self, order: &str) {
        let told =
            if self.json { format!("\"status\":\"{order}\"") } else { format!("\u{1}{order}") };
        self.hears(&told).await;
    }

    async fn hears(&mut self, text: &str) {
        while !self.heard.windows(text.len()).any(|it| it == text.as_bytes()) {
            let taken = self.stream.read_buf(&mut self.heard).await.expect("nobody is dropped");
            assert!(taken > 0, "it was turned away: {}", String::from_utf8_lossy(&self.heard));
        }
    }
}

/// So many come at the same moment, every other one with JSON; the count rises as they get in.
fn crowd(address: SocketAddr, count: usize, inside: &Arc<AtomicUsize>) -> JoinSet<Guest> {
    let mut coming = JoinSet::new();
    for number in 0..count {
        let inside = Arc::clone(inside);
        coming.spawn(async move {
            let guest = Guest::comes(address, number % 2 == 0).await;
            inside.fetch_add(1, Ordering::Relaxed);
            guest
        });
    }
    coming
}

#[tokio::test]
async fn ten_thousand_that_come_back_at_once_after_a_restart_harm_nobody() {
    let _alone = CROWDED.lock().await;
    raise_own_limit();
    let (count, inside) = (ten_thousand(), Arc::new(AtomicUsize::new(0)));
    let mut server = TestServer::start().await;
    let guests = within(RUSH, "everybody", crowd(server.address, count, &inside).join_all());
    let guests = guests.await;
    server.kill().await;
    inside.store(0, Ordering::Relaxed);
    let port = server.address.port();
    let server = Setup::at(Arc::clone(&server.home)).port(port).start().await;
    let mut early = TestStation::text(&server).await;
    drop(guests);
    let guests = crowd(server.address, count, &inside);
    until("a part of them", || inside.load(Ordering::Relaxed) > count / 10).await;
    assert!(inside.load(Ordering::Relaxed) < count, "the order is to come amid the rush");
    server.home.order_by_rename("7");
    within(PROMPT, "an order amid the rush", early.expect("7")).await;
    let mut guests = within(RUSH, "everybody's return", guests.join_all()).await;
    assert_prompt(&server, &mut early, "8").await;
    let hear = async {
        for guest in &mut guests {
            guest.hears_order("8").await;
        }
    };
    within(PATIENCE, "the order", hear).await;
    // Each takes some 12 KiB while it shakes hands.
    #[cfg(target_os = "linux")]
    assert!(server.peak_memory() < 250 << 10, "{} KiB", server.peak_memory());
}

#[tokio::test]
async fn stations_that_come_and_go_leave_nothing_behind() {
    let server = TestServer::start().await;
    let mut witness = TestStation::text(&server).await;
    for _ in 0..10 {
        let mut stations = Vec::new();
        for _ in 0..20 {
            stations.push(TestStation::text(&server).await);
        }
        for (number, mut station) in stations.into_iter().enumerate() {
            if number % 2 == 0 {
                station.close(1000).await;
                station.expect_close(1000).await;
            }
        }
        witness.expect_nothing_yet().await;
    }
    // Of so many the log leaves out lines; what is counted is whole.
    metrics::expect(&server, "chadburn_stations{wire=\"text\"}", 1.0).await;
    #[cfg(target_os = "linux")]
    until("all descriptors' return", || server.descriptors() < 40).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_stations_a_server_hardly_ever_wakes() {
    let server = TestServer::start().await;
    // It has begun, and has said so.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = server.wakes();
    // Each kind of wake comes at least once in ten seconds.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let wakes = server.wakes() - before;
    assert!(wakes <= 40, "{wakes} in 20 s");
}
