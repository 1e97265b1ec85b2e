//! The accept file: what gets into it, and what must not be harmed on the way.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::panel::{COFFEE, Panel};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

#[tokio::test]
async fn an_accept_is_in_the_file_before_it_is_acknowledged() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    for number in 1..=50 {
        let answer = station.ask(&format!("Accept&{number}")).await;
        assert_eq!(answer, format!("Accepted state: {number}"));
        assert_eq!(server.home.reply(), Some(format!("{number}\n")));
    }
}

#[tokio::test]
async fn an_accept_takes_what_stands_between_its_first_two_ampersands() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    for (request, state) in [
        ("Accept&7&8", "7"),
        ("Accept&7&", "7"),
        ("Accept&COFFEE", "COFFEE"),
        ("Accept& 7 ", " 7 "),
        ("Accept&~!\"#$%'()*+,-./:;<=>?@[\\]^_`{|}", "~!\"#$%'()*+,-./:;<=>?@[\\]^_`{|}"),
        ("Accept&4242", "4242"),
    ] {
        assert_eq!(station.ask(request).await, format!("Accepted state: {state}"));
        assert_eq!(server.home.reply(), Some(format!("{state}\n")));
    }
    let longest = "x".repeat(64);
    let answer = station.ask(&format!("Accept&{longest}")).await;
    assert_eq!(answer, format!("Accepted state: {longest}"));
}

#[tokio::test]
async fn a_value_that_is_no_printable_line_is_refused_in_one_line() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    let too_long = "x".repeat(65);
    let bad = [
        "",
        " ",
        "   ",
        "7\n\n",
        "7\n8",
        "\t",
        "a\tb",
        "\r",
        "é",
        "🔔",
        "\0",
        "\u{7f}",
        "\u{1b}[31m",
    ];
    for value in bad.into_iter().chain([too_long.as_str()]) {
        let line = station.ask(&format!("Accept&{value}")).await;
        assert!(line.starts_with("Accept refused:"), "{value:?}: {line:?}");
        assert!(!line.is_empty() && !line.contains(['\r', '\n']), "{value:?}: {line:?}");
        assert_eq!(station.ask("status").await, "Current Status: 6", "it was one line");
        assert_eq!(server.home.reply().as_deref(), Some("7\n"), "the file is untouched");
    }
    let line = station.ask("Accept&&8").await;
    assert!(line.starts_with("Accept refused:"), "nothing is no value: {line:?}");
}

#[tokio::test]
async fn many_stations_accepts_are_each_whole() {
    let server = TestServer::start().await;
    let mut stations = Vec::new();
    for _ in 0..16 {
        stations.push(TestStation::text(&server).await);
    }
    for round in 0..10 {
        for (number, station) in stations.iter_mut().enumerate() {
            station.say(&format!("Accept&{round}-{number}-{}", "x".repeat(number))).await;
        }
        let mut accepted = Vec::new();
        for (number, station) in stations.iter_mut().enumerate() {
            let state = format!("{round}-{number}-{}", "x".repeat(number));
            station.expect(&format!("Accepted state: {state}")).await;
            accepted.push(format!("{state}\n"));
        }
        let reply = server.home.reply().expect("there is a reply");
        assert!(accepted.contains(&reply), "{reply:?} is none of this round's");
    }
    assert_eq!(server.home.strays(), <[&str; 0]>::default());
}

#[tokio::test]
async fn the_files_mode_and_group_are_kept() {
    let setup = Setup::new();
    setup.home.write("accept.eot", "1\n");
    let accept = setup.home.accept();
    fs::set_permissions(&accept, fs::Permissions::from_mode(0o642)).expect("one's file's mode");
    // Only root may give a file to any group.
    let group = if rustix::process::geteuid().is_root() { 54_321 } else { gid_of(&accept) };
    std::os::unix::fs::chown(&accept, None, Some(group)).expect("one's file's group");
    let server = setup.start().await;
    let mut station = TestStation::text(&server).await;
    for state in ["7", "8"] {
        assert_eq!(
            station.ask(&format!("Accept&{state}")).await,
            format!("Accepted state: {state}")
        );
        let metadata = fs::metadata(&accept).expect("it is there");
        assert_eq!(metadata.mode() & 0o7777, 0o642);
        assert_eq!(metadata.gid(), group);
    }
}

fn gid_of(path: &std::path::Path) -> u32 {
    fs::metadata(path).expect("it is there").gid()
}

#[tokio::test]
async fn a_link_in_its_place_is_replaced_and_not_followed() {
    let setup = Setup::new();
    setup.home.write("victim", "precious\n");
    symlink("victim", setup.home.accept()).expect("a link can be made");
    let server = setup.start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    let kind = fs::symlink_metadata(server.home.accept()).expect("it is there").file_type();
    assert!(kind.is_file(), "the link has been replaced");
    assert_eq!(fs::read(server.home.file("victim")).expect("it is there"), b"precious\n");
    server.log.line_with("WARN").await;
}

#[tokio::test]
async fn a_dangling_link_does_not_create_its_target() {
    let setup = Setup::new();
    symlink("nowhere", setup.home.accept()).expect("a link can be made");
    let server = setup.start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    assert!(!server.home.file("nowhere").exists());
    assert_eq!(server.home.reply().as_deref(), Some("7\n"));
}

#[tokio::test]
async fn a_link_that_is_put_there_later_is_not_followed_either() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    server.home.write("victim", "precious\n");
    for state in ["7", "8"] {
        assert_eq!(
            station.ask(&format!("Accept&{state}")).await,
            format!("Accepted state: {state}")
        );
        fs::remove_file(server.home.accept()).expect("it can be removed");
        symlink("victim", server.home.accept()).expect("a link can be made");
    }
    assert_eq!(station.ask("Accept&9").await, "Accepted state: 9");
    assert_eq!(server.home.reply().as_deref(), Some("9\n"));
    assert_eq!(fs::read(server.home.file("victim")).expect("it is there"), b"precious\n");
}

#[tokio::test]
async fn a_fifo_in_its_place_blocks_nobody() {
    let setup = Setup::with_status("7\n");
    mkfifoat(CWD, setup.home.accept(), Mode::from_raw_mode(0o644)).expect("a FIFO can be made");
    let server = setup.start().await;
    let mut panel = Panel::open(&server).await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    panel.until_reply(COFFEE).await;
    assert!(fs::symlink_metadata(server.home.accept()).expect("it is there").is_file());
    server.home.order("8");
    station.expect("8").await;
}

#[tokio::test]
async fn the_first_line_names_the_address_whatever_is_in_the_place_of_the_locks() {
    let setup = Setup::with_status("7\n");
    for lock in ["accept.eot.lock", "bell-book.jsonl.lock"] {
        fs::create_dir(setup.home.file(lock)).expect("a directory can be made");
    }
    let mut server = setup.start().await;
    let address = format!("http://{}", server.authority());
    server.stop().await;
    let lines = server.log.whole();
    assert!(lines[0].contains("starts at") && lines[0].contains(&address), "{lines:?}");
    assert!(lines[1..].iter().any(|line| line.contains("cannot be locked")), "{lines:?}");
}

#[tokio::test]
async fn a_removed_file_is_made_again() {
    let server = TestServer::start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    fs::remove_file(server.home.accept()).expect("it can be removed");
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    assert_eq!(server.home.reply().as_deref(), Some("7\n"));
}
