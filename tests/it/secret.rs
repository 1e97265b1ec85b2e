//! A token file that others can write, replace or read, and what becomes of it when the server is
//! told to read it again.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use rustix::process::Signal;
use serde_json::json;

use crate::panel::Panel;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// Somebody who is neither root nor the server's user.
const MEMBER: u32 = 54_322;

fn mode(setup: &Setup, name: &str, mode: u32) {
    let mode = fs::Permissions::from_mode(mode);
    fs::set_permissions(setup.home.file(name), mode).expect("one's own mode");
}

#[tokio::test]
async fn a_token_that_others_can_get_at_is_refused_at_the_start() {
    let root = rustix::process::geteuid().is_root();
    for (what, file, directory, words) in [
        ("read", 0o644, 0o755, "others can read it (mode 644): chmod 600"),
        ("written by the group", 0o620, 0o755, "others can write it (mode 620): chmod 600"),
        ("written by all", 0o602, 0o755, "others can write it (mode 602): chmod 600"),
        ("replaced", 0o600, 0o777, "others can replace it, because they can write "),
        ("somebody else's", 0o600, 0o755, "it belongs to user 54322, who can change it"),
    ] {
        let setup = Setup::new().args(["--token-file", "token"]);
        setup.home.write("token", "brass\n");
        mode(&setup, "token", file);
        mode(&setup, "", directory);
        if what == "somebody else's" {
            if !root {
                assert!(std::env::var_os("CI").is_none(), "CI is root");
                eprintln!("SKIPPED: only root gives a file away");
                continue;
            }
            chown(setup.home.file("token"), Some(MEMBER), None).expect("root gives files away");
        }
        let (code, said) = setup.run_to_end().await;
        assert_eq!(code, Some(2), "{what}: {said}");
        assert!(said.contains(words) && said.lines().count() == 1, "{what}: {said}");
    }
}

#[tokio::test]
async fn on_sighup_the_old_token_stays_if_others_can_get_at_the_new_one() {
    let setup = Setup::new().args(["--token-file", "token"]);
    setup.home.write("token", "brass\n");
    let mut server = setup.start().await;
    for mode in [0o644, 0o620, 0o602] {
        let draft = server.home.file("draft");
        fs::write(&draft, "evil\n").expect("a draft can be written");
        fs::set_permissions(&draft, fs::Permissions::from_mode(mode)).expect("one's own mode");
        fs::rename(&draft, server.home.file("token")).expect("it can be renamed");
        server.signal(Signal::HUP);
        let line = server.log.line_with(&format!("(mode {mode:o})")).await;
        assert!(line.contains("the old token stays"), "{line}");
        assert_eq!(token(&server, "evil").await, "bad_token");
        assert_eq!(token(&server, "brass").await, serde_json::Value::Null);
    }
    server.stop().await;
}

/// What is said to whoever gives this token.
async fn token(server: &TestServer, value: &str) -> serde_json::Value {
    let mut panel = Panel::open(server).await;
    panel.request(json!({ "type": "token", "value": value })).await["code"].clone()
}

#[tokio::test]
async fn the_token_moved_into_a_files_place_is_told_to_nobody() {
    let setup = Setup::new().args(["--token-file", "token"]);
    setup.home.write("token", "brass\n");
    let server = setup.start().await;
    let mut station = TestStation::text(&server).await;
    fs::rename(server.home.file("token"), server.home.status()).expect("it can be renamed");
    server.log.line_with("a secret of this process's own").await;
    assert_eq!(station.ask("status").await, "Current Status: 6");
}

#[tokio::test]
async fn the_lock_is_the_servers_alone() {
    let setup = Setup::new();
    setup.home.write("accept.eot.lock", "");
    mode(&setup, "accept.eot.lock", 0o666);
    let server = setup.start().await;
    let lock = fs::metadata(server.home.file("accept.eot.lock")).expect("it is there");
    assert_eq!(lock.mode() & 0o777, 0o600);
}
