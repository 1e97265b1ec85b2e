//! Mounts that hang: a directory reached through a FUSE server that is stopped, and goes on later.
//!
//! The tests write below the mount, where nothing ever hangs.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::http::get;
use crate::panel::{COFFEE, LUNCH, Panel};
use crate::patience::within;
use crate::raw::Response;
use crate::server::{TestServer, listening_at};
use crate::setup::Setup;
use crate::station::TestStation;

/// Longer than it takes until a hang is told, three times over: a start waits for several disks.
const PATIENCE: Duration = Duration::from_secs(40);

/// What is said of a file whose disk does not answer.
const NO_ANSWER: &str = ": no answer for ";

/// Starts the server in a mount namespace where `far` is mounted over `near` by a FUSE server of its
/// own, which ends with the server.
const SHELL: &str = "setpriv --pdeathsig KILL bindfs -f far near </dev/null >/dev/null 2>&1 & \
    echo $! > fuse.pid; until mountpoint -q near; do sleep 0.05; done; \
    [ ! -e frozen ] || kill -STOP $!; exec \"$0\" \"$@\"";

/// The server's disk at `near`.
struct Disk(Pid);

impl Disk {
    fn of(server: &TestServer) -> Self {
        let pid = fs::read_to_string(server.home.file("fuse.pid")).expect("it was mounted");
        let pid = pid.trim().parse().ok().and_then(Pid::from_raw);
        Self(pid.expect("a process id"))
    }

    fn hangs(&self) {
        self.signal(Signal::STOP);
    }

    fn answers(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.0, signal).expect("the FUSE server is there");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may have ended with the server.
        let _ = kill_process(self.0, Signal::KILL);
    }
}

/// The words that run this shell in a mount namespace of its own.
fn way(shell: &str) -> Vec<&str> {
    let mut way = vec!["unshare", "--mount", "--propagation", "private"];
    if !rustix::process::geteuid().is_root() {
        way.extend(["--user", "--map-root-user"]);
    }
    way.extend(["sh", "-c", shell]);
    way
}

/// A server with these files, of which those in `near` are on the disk that can hang.
fn setup(status: &str, accept: &str, book: &str) -> Setup {
    let args = ["--status-file", status, "--accept-file", accept, "--bell-book", book];
    let setup = Setup::without_status().args(args).by_way_of(way(SHELL));
    for directory in ["far", "near"] {
        fs::create_dir(setup.home.file(directory)).expect("a directory can be made");
    }
    setup.home.write(&status.replace("near", "far"), "6\n");
    setup
}

/// What `/readyz` says as soon as it has these words.
async fn readiness(server: &TestServer, words: &str) -> Response {
    within(PATIENCE, words, async {
        loop {
            let response = get(server, "/readyz").await;
            if response.body.contains(words) {
                return response;
            }
        }
    })
    .await
}

async fn is_ready(server: &TestServer) {
    within(PATIENCE, "readiness", async { while get(server, "/readyz").await.code != 200 {} })
        .await;
}

/// For how many seconds a file's disk has not answered, as the panel is told.
async fn told(panel: &mut Panel, file: &str) -> u64 {
    let said = panel.hear_until(file, |message| {
        let detail = message["detail"].as_str().unwrap_or_default();
        message["type"] == "source" && message["file"] == file && detail.contains(NO_ANSWER)
    });
    let message = said.await;
    let detail = message["detail"].as_str().unwrap_or_default();
    let seconds = detail.split(NO_ANSWER).nth(1).and_then(|it| it.strip_suffix(" s"));
    seconds.and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{detail}"))
}

#[tokio::test]
async fn a_status_file_whose_disk_hangs_is_unwell_and_answers_and_book_go_on() {
    for watch in ["auto", "inotify"] {
        let setup = setup("near/status.eot", "accept.eot", "book.jsonl").args(["--watch", watch]);
        let server = setup.start().await;
        let disk = Disk::of(&server);
        let mut panel = Panel::open(&server).await;
        disk.hangs();
        server.home.write("far/status.eot", "7\n");
        let response = readiness(&server, "status.eot: no answer for ").await;
        assert_eq!(response.code, 503);
        let first = told(&mut panel, "status").await;
        assert!((5..8).contains(&first), "{first} s");
        assert!(told(&mut panel, "status").await > first, "it grows");
        let metrics = get(&server, "/metrics").await.body;
        let unwell = |line: &&str| line.contains("source_healthy{file=\"status\"");
        assert!(metrics.lines().find(unwell).is_some_and(|line| line.ends_with(" 0")), "{metrics}");
        let mut station = TestStation::text(&server).await;
        assert_eq!(station.ask("Accept&6").await, "Accepted state: 6");
        within(PATIENCE, "the reply in the book", async {
            while !get(&server, "/bell-book").await.body.contains("\"reply\"") {}
        })
        .await;
        disk.answers();
        station.expect("7").await;
        is_ready(&server).await;
        server.home.write("far/status.eot", "8\n");
        station.expect("8").await;
    }
}

#[tokio::test]
async fn an_answer_whose_disk_hangs_fails_in_time_and_is_not_seen_later() {
    let server = setup("status.eot", "near/accept.eot", "book.jsonl").start().await;
    let disk = Disk::of(&server);
    let (mut station, mut other) =
        (TestStation::text(&server).await, TestStation::text(&server).await);
    disk.hangs();
    station.say("Accept&7").await;
    server.home.order("8");
    other.expect("8").await;
    readiness(&server, "accept.eot: no answer for ").await;
    station.expect("8").await;
    for line in [station.hear().await, other.ask("Accept&9").await] {
        assert!(line.starts_with("Accept failed: accept.eot: no answer for "), "{line}");
    }
    disk.answers();
    is_ready(&server).await;
    assert!(!server.home.file("far/accept.eot").exists(), "what failed is not carried out");
    assert_eq!(other.ask("Accept&10").await, "Accepted state: 10");
    let reply = fs::read(server.home.file("far/accept.eot")).expect("it is there");
    assert_eq!(reply, b"10\n");
}

#[tokio::test]
async fn a_bell_book_whose_disk_hangs_holds_up_nothing_and_has_everything_afterwards() {
    let server = setup("status.eot", "accept.eot", "near/book.jsonl").start().await;
    let disk = Disk::of(&server);
    let mut panel = Panel::open(&server).await;
    disk.hangs();
    server.home.order("7");
    panel.until("the order", |state| state["order"]["position"] == COFFEE).await;
    let response = readiness(&server, "book.jsonl: no answer for ").await;
    assert_eq!(response.code, 200, "nobody is turned away for that");
    told(&mut panel, "book").await;
    let book = get(&server, "/bell-book").await;
    assert_eq!(book.code, 503, "{}", book.body);
    server.home.order("8");
    panel.until("the order", |state| state["order"]["position"] == LUNCH).await;
    panel.accept(LUNCH).await;
    disk.answers();
    let book = within(PATIENCE, "the book", async {
        loop {
            let book = get(&server, "/bell-book").await;
            if book.code == 200 && book.body.contains("\"reply\"") {
                return book.body;
            }
        }
    })
    .await;
    for status in ["\"7\"", "\"8\"", "\"reply\""] {
        assert!(book.contains(status), "{status} in {book}");
    }
}

#[tokio::test]
async fn a_server_starts_on_a_disk_that_hangs_and_is_well_when_it_answers() {
    let setup = setup("near/status.eot", "near/accept.eot", "near/book.jsonl");
    setup.home.write("frozen", "");
    let mut server = setup.launch();
    server.address = within(PATIENCE, "a start", async {
        loop {
            if let Some(address) = server.log.whole().iter().find_map(|line| listening_at(line)) {
                return address;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let disk = Disk::of(&server);
    let body = readiness(&server, "status.eot: no answer for ").await.body;
    readiness(&server, "accept.eot: no answer for ").await;
    readiness(&server, "book.jsonl: no answer for ").await;
    assert!(body.contains("\"ready\":false"), "{body}");
    let mut station = TestStation::text(&server).await;
    disk.answers();
    station.expect("6").await;
    is_ready(&server).await;
    assert_eq!(station.ask("Accept&6").await, "Accepted state: 6");
    let reply = fs::read(server.home.file("far/accept.eot")).expect("it is there");
    assert_eq!(reply, b"6\n");
    // It is recorded when it has been read back.
    within(PATIENCE, "the reply in the book", async {
        while !get(&server, "/bell-book").await.body.contains("\"reply\"") {}
    })
    .await;
}

#[tokio::test]
async fn a_server_ends_in_time_although_its_disk_hangs() {
    for told_before in [false, true] {
        let setup = setup("near/status.eot", "near/accept.eot", "near/book.jsonl");
        let mut server = setup.start().await;
        let disk = Disk::of(&server);
        disk.hangs();
        if told_before {
            readiness(&server, NO_ANSWER).await;
        } else {
            let mut station = TestStation::text(&server).await;
            station.say("Accept&7").await;
        }
        server.signal(Signal::INT);
        server.exits_well_within(Duration::from_secs(5)).await;
        drop(disk);
    }
}

/// A look at one of the files hangs: the one in `near`, or the one that is a link there. The other is told
/// of within a second all the same, and the end comes in time.
async fn neighbour_is_not_held_up(status: &str, accept: &str, link: Option<&str>) {
    let setup = setup(status, accept, "book.jsonl").args(["--watch", "inotify"]);
    if let Some(name) = link {
        setup.home.write(&format!("far/{name}"), "6\n");
        // In a directory with the other file, so that one watcher takes the hints of both.
        let _ = fs::remove_file(setup.home.file(name));
        symlink(format!("near/{name}"), setup.home.file(name)).expect("a link can be made");
    }
    let mut server = setup.start().await;
    let disk = Disk::of(&server);
    let mut panel = Panel::open(&server).await;
    disk.hangs();
    if let Some(name) = link {
        // A hint, of which the look is made by the watcher.
        symlink(format!("near/{name}"), server.home.file("new")).expect("a link can be made");
        fs::rename(server.home.file("new"), server.home.file(name)).expect("it can be renamed");
    }
    let hung = if link == Some("accept.eot") || accept.contains('/') { "accept" } else { "status" };
    readiness(&server, &format!("{hung}.eot: no answer for ")).await;
    let mut fastest = Duration::MAX;
    for text in ["11", "12", "10"] {
        let (file, seen) = if hung == "accept" { (status, "order") } else { (accept, "reply") };
        let begun = Instant::now();
        server.home.rename_over(file, format!("{text}\n"));
        panel.until(seen, |state| state[seen]["status"] == text).await;
        fastest = fastest.min(begun.elapsed());
    }
    assert!(
        fastest < Duration::from_secs(1),
        "{hung} hangs, and the other is told after {fastest:?}"
    );
    server.signal(Signal::INT);
    server.exits_well_within(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_look_that_hangs_holds_up_no_neighbour_wherever_that_is() {
    tokio::join!(
        neighbour_is_not_held_up("status.eot", "near/accept.eot", None),
        neighbour_is_not_held_up("near/status.eot", "accept.eot", None),
    );
    tokio::join!(
        neighbour_is_not_held_up("status.eot", "accept.eot", Some("accept.eot")),
        neighbour_is_not_held_up("status.eot", "accept.eot", Some("status.eot")),
    );
}

#[tokio::test]
async fn what_was_to_be_used_and_hangs_is_one_line_and_no_start() {
    let start = async |option: &str, file: &str, says: &str, code: i32| {
        let setup = setup("status.eot", "accept.eot", "book.jsonl").args([option, file]);
        setup.home.write("frozen", "");
        fs::create_dir(setup.home.file("panel")).expect("a directory can be made");
        setup.home.write("panel/panel.html", "<p>");
        symlink("../near", setup.home.file("panel/static")).expect("a link can be made");
        let mut server = setup.launch();
        let exit = server.exit_within(PATIENCE).await.code();
        let disk = Disk::of(&server);
        let said = server.errors.whole();
        let found =
            said.iter().filter(|line| line.contains(says) && line.ends_with(": no answer for 5 s"));
        assert_eq!((exit, found.count()), (Some(code), 1), "{said:?}");
        drop(disk);
    };
    tokio::join!(
        start("--token-file", "near/token", "chadburn: token file ", 2),
        start("--dial", "near/dial.toml", "chadburn: dial near/dial.toml", 2),
        start("--assets", "near", "chadburn: assets: ", 2),
        start("--assets", "panel", "chadburn: assets: ", 1),
    );
}

#[tokio::test]
async fn a_token_whose_disk_hangs_stays_and_the_new_one_counts_when_it_answers() {
    let setup = setup("near/status.eot", "accept.eot", "book.jsonl");
    setup.home.write("far/token", "brass\n");
    let server = setup.args(["--token-file", "near/token"]).start().await;
    let disk = Disk::of(&server);
    let mut panel = Panel::open(&server).await;
    disk.hangs();
    server.home.rename_over("far/token", "copper\n");
    let asks = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let mut station = TestStation::text_with(&server, &[("Authorization", &bearer)]).await;
        station.ask("Accept&7").await
    };
    // Longer than two who wait for the disk, one after the other.
    while told(&mut panel, "status").await < 12 {
        server.signal(Signal::HUP);
        assert_eq!(asks("brass").await, "Accepted state: 7");
    }
    let stays = "the old token stays: token file ";
    assert_eq!(server.log.count(stays), 1, "{:?}", server.log.whole());
    disk.answers();
    within(PATIENCE, "the new token", async {
        while Box::pin(asks("copper")).await != "Accepted state: 7" {}
    })
    .await;
    assert_eq!(server.log.count(stays), 1, "{:?}", server.log.whole());
    assert_ne!(asks("brass").await, "Accepted state: 7");
}

#[tokio::test]
async fn doctor_says_it_too() {
    let home = setup("near/status.eot", "accept.eot", "book.jsonl").home;
    home.write("frozen", "");
    let words = "exec \"$0\" doctor --status-file near/status.eot --url ws://127.0.0.1:9";
    let shell = SHELL.replace("exec \"$0\" \"$@\"", words);
    let mut doctor = Setup::at(home).by_way_of(way(&shell)).launch();
    let code = doctor.exit_within(PATIENCE).await.code();
    let disk = Disk::of(&doctor);
    let said = doctor.log.whole();
    let found = said.iter().filter(|line| line.contains("near/status.eot: no answer for 5 s"));
    assert_eq!((code, found.count()), (Some(5), 1), "{said:?}");
    assert!(said.iter().any(|line| line.contains("descriptors")), "{said:?}");
    drop(disk);
}

#[tokio::test]
async fn a_bridge_says_it_too_and_ends_in_time() {
    let home = setup("status.eot", "near/accept.eot", "book.jsonl").home;
    home.write("frozen", "");
    let words =
        "exec \"$0\" bridge no-device --status-file status.eot --accept-file near/accept.eot";
    let shell = SHELL.replace("exec \"$0\" \"$@\"", words);
    let mut bridge = Setup::at(home).by_way_of(way(&shell)).launch();
    let says = async |words: &str| {
        within(PATIENCE, words, async {
            while bridge.log.count(words) == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    };
    says("accept.eot: no answer for 5 s").await;
    let disk = Disk::of(&bridge);
    disk.answers();
    says("accept.eot answers again").await;
    disk.hangs();
    bridge.signal(Signal::TERM);
    bridge.exits_well_within(Duration::from_secs(5)).await;
}
