//! What counts as a writing of the status file, and what does not.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::SystemTime;

use crate::panel::{COFFEE, Panel};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// Sets the file's times to now, as `touch` does.
fn touch(server: &TestServer) {
    let file = File::options().write(true).open(server.home.status()).expect("it can be opened");
    file.set_modified(SystemTime::now()).expect("it can be touched");
}

#[tokio::test]
async fn a_touch_repeats_the_order() {
    for watch in ["inotify", "poll"] {
        let server = Setup::with_status("7\n").args(["--watch", watch]).start().await;
        let mut text = TestStation::text(&server).await;
        let mut panel = Panel::open(&server).await;
        let (first, since) = (panel.order(), panel.state["order"]["since"].clone());
        touch(&server);
        text.expect("7").await;
        panel.expect_order(COFFEE).await;
        assert!(panel.order() > first, "{watch}: a repeat has a number of its own");
        assert_eq!(panel.state["order"]["since"], since, "{watch}: it was given when it was");
    }
}

#[tokio::test]
async fn the_same_text_written_again_repeats_the_order() {
    let server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    let since = panel.state["order"]["since"].clone();
    server.home.order_by_rename("7");
    text.expect("7").await;
    panel.expect_order(COFFEE).await;
    server.home.order_by_rename("7 ");
    text.expect("7").await;
    panel.expect_order(COFFEE).await;
    assert_eq!(panel.state["order"]["since"], since);
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn reading_the_file_is_not_a_writing() {
    let server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    for _ in 0..200 {
        std::fs::read(server.home.status()).expect("it can be read");
        std::fs::metadata(server.home.status()).expect("it can be looked at");
    }
    server.home.order("8");
    text.expect("8").await;
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn other_files_in_the_directory_are_of_no_interest() {
    let server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    for name in ["status.eot~", ".status.eot.swp", "status.eo", "xstatus.eot", "Status.eot"] {
        server.home.write(name, "8\n");
    }
    server.home.order("9");
    text.expect("9").await;
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_write_in_place_of_the_same_text_repeats_the_order() {
    let server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    for _ in 0..3 {
        let first = panel.order();
        let mut file = File::options().write(true).open(server.home.status()).expect("it is there");
        file.write_all(b"7\n").expect("it can be written");
        drop(file);
        text.expect("7").await;
        panel.expect_order(COFFEE).await;
        assert!(panel.order() > first);
    }
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_change_of_mode_or_of_links_is_not_a_writing() {
    let server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    for mode in [0o600, 0o664, 0o644] {
        fs::set_permissions(server.home.status(), fs::Permissions::from_mode(mode))
            .expect("its mode can be changed");
        fs::hard_link(server.home.status(), server.home.file("link")).expect("it can be linked");
        fs::remove_file(server.home.file("link")).expect("it can be removed");
    }
    server.home.order("8");
    text.expect("8").await;
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_file_that_was_away_and_is_back_is_not_a_writing() {
    for watch in ["inotify", "poll"] {
        let server = Setup::with_status("7\n").args(["--watch", watch]).start().await;
        let mut text = TestStation::text(&server).await;
        let mut panel = Panel::open(&server).await;
        let order = panel.order();
        fs::rename(server.home.status(), server.home.file("away")).expect("it can be renamed");
        panel.expect_health("missing").await;
        fs::rename(server.home.file("away"), server.home.status()).expect("it can be renamed");
        panel.expect_health("ok").await;
        text.expect_nothing_yet().await;
        panel.expect_nothing_yet().await;
        assert_eq!(panel.order(), order, "{watch}");
    }
}

#[tokio::test]
async fn opening_for_writing_without_writing_is_not_a_writing() {
    let server = TestServer::with_status("7\n").await;
    let mut text = TestStation::text(&server).await;
    for _ in 0..20 {
        drop(File::options().append(true).open(server.home.status()).expect("it is there"));
    }
    server.home.order("8");
    text.expect("8").await;
    text.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_status_may_hold_any_character_but_nul() {
    let server = TestServer::start().await;
    let mut text = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    for status in ["\u{1}", "\u{1b}[31mred", "<b>&amp;\"'\\", "\u{202e}rtl", "\u{10ffff}", "\u{7f}"]
    {
        server.home.order_by_rename(status);
        text.expect(status).await;
        assert_eq!(panel.expect_state().await["order"]["status"], status);
    }
}
