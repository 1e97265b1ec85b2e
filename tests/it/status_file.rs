//! The status file in every state a file can be in: the last good order stays, the health says what
//! is wrong, and it heals by itself.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::http::{await_readiness, get};
use crate::panel::{COFFEE, LUNCH, Panel};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// The most memory that a server may ever have had, whatever its status file is, in KiB.
#[cfg(target_os = "linux")]
const BOUND: u64 = 64 << 10;

/// A server with COFFEE, somebody who listens, and a panel.
async fn scene(watch: &str) -> (TestServer, TestStation, Panel) {
    let server = Setup::with_status("7\n").args(["--watch", watch]).start().await;
    let text = TestStation::text(&server).await;
    let panel = Panel::open(&server).await;
    (server, text, panel)
}

/// With this done to the status file, its health becomes this, and the order stays; with it undone,
/// LUNCH arrives.
async fn assert_heals(health: &str, spoil: impl Fn(&TestServer)) {
    tokio::join!(
        Box::pin(assert_heals_when("inotify", health, &spoil)),
        Box::pin(assert_heals_when("poll", health, &spoil)),
    );
}

async fn assert_heals_when(watch: &str, health: &str, spoil: impl Fn(&TestServer)) {
    let (server, mut text, mut panel) = scene(watch).await;
    spoil(&server);
    let message = panel.expect_health(health).await;
    let detail = message["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("status.eot"), "it says which file it is: {message}");
    assert_eq!(text.ask("status").await, "Current Status: 7", "the last good status stays");
    await_readiness(&server, 503).await;
    assert_eq!(get(&server, "/livez").await.code, 200);
    let newcomer = Panel::open(&server).await;
    assert_eq!(newcomer.state["order"]["position"], COFFEE);
    assert_eq!(newcomer.state["source"]["health"], health);
    let path = server.home.status();
    if path.is_dir() {
        fs::remove_dir(&path).expect("it can be removed");
    }
    server.home.order_by_rename("8");
    // The healing and the order may come in either order, or in one message.
    panel.until("the order", |state| state["order"]["position"] == LUNCH).await;
    text.expect("8").await;
    text.expect_nothing_yet().await;
    await_readiness(&server, 200).await;
    let late = Panel::open(&server).await;
    assert_eq!(late.state["source"]["health"], "ok");
    assert_eq!(late.state["source"]["detail"], "");
    #[cfg(target_os = "linux")]
    assert!(server.peak_memory() < BOUND, "{} KiB", server.peak_memory());
}

#[tokio::test]
async fn a_file_that_is_missing_at_the_start_may_be_made_later() {
    for watch in ["inotify", "poll"] {
        let server = Setup::without_status().args(["--watch", watch]).start().await;
        let mut text = TestStation::text(&server).await;
        let mut panel = Panel::open(&server).await;
        assert_eq!(panel.state["source"]["health"], "missing");
        await_readiness(&server, 503).await;
        server.home.order("7");
        text.expect("7").await;
        panel.until("the order", |state| state["order"]["position"] == COFFEE).await;
        await_readiness(&server, 200).await;
    }
}

#[tokio::test]
async fn a_missing_file_heals() {
    assert_heals("missing", |server| {
        fs::remove_file(server.home.status()).expect("it can be removed");
    })
    .await;
}

#[tokio::test]
async fn an_empty_file_heals() {
    tokio::join!(
        assert_heals("empty", |server| server.home.write("status.eot", "")),
        assert_heals("empty", |server| server.home.rename_over("status.eot", " \r\n\t\n")),
        assert_heals("empty", |server| server.home.rename_over("status.eot", "\u{feff}\n")),
    );
}

#[tokio::test]
async fn a_file_that_is_not_utf8_heals() {
    assert_heals("not_utf8", |server| server.home.rename_over("status.eot", b"\xff\x80 7\n")).await;
}

#[tokio::test]
async fn a_file_with_a_nul_heals() {
    assert_heals("not_text", |server| {
        server.home.rename_over("status.eot", b"main is\0broken");
    })
    .await;
}

#[tokio::test]
async fn utf16_is_named() {
    for bytes in [&b"\xff\xfe7\0\n\0"[..], b"\xfe\xff\x007\x00\n", b"7\0\r\0\n\0"] {
        let (server, text, mut panel) = scene("auto").await;
        server.home.rename_over("status.eot", bytes);
        let message = panel.expect_health("not_utf8").await;
        let detail = message["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("UTF-16"), "{message}");
        drop(text);
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_heals() {
    assert_heals("too_large", |server| {
        server.home.rename_over("status.eot", "x".repeat(4097));
    })
    .await;
}

#[tokio::test]
async fn a_file_of_256_mib_heals() {
    assert_heals("too_large", |server| {
        let file = File::create(server.home.file("huge")).expect("it can be made");
        file.set_len(256 << 20).expect("it can be sparse");
        fs::rename(server.home.file("huge"), server.home.status()).expect("it can be renamed");
    })
    .await;
}

#[tokio::test]
async fn a_directory_heals() {
    assert_heals("not_a_file", |server| {
        fs::remove_file(server.home.status()).expect("it can be removed");
        fs::create_dir(server.home.status()).expect("it can be made");
    })
    .await;
}

#[tokio::test]
async fn a_fifo_heals() {
    assert_heals("not_a_file", |server| {
        let fifo = server.home.file("fifo");
        mkfifoat(CWD, &fifo, Mode::from_raw_mode(0o644)).expect("it can be made");
        fs::rename(fifo, server.home.status()).expect("it can be renamed");
    })
    .await;
}

#[tokio::test]
async fn an_endless_device_heals() {
    assert_heals("not_a_file", |server| {
        let link = server.home.file("link");
        symlink("/dev/zero", &link).expect("a link can be made");
        fs::rename(link, server.home.status()).expect("it can be renamed");
    })
    .await;
}

#[tokio::test]
async fn a_socket_heals() {
    assert_heals("not_a_file", |server| {
        fs::remove_file(server.home.status()).expect("it can be removed");
        std::os::unix::net::UnixListener::bind(server.home.status()).expect("it can be bound");
    })
    .await;
}

#[tokio::test]
async fn a_link_to_nowhere_and_one_to_itself_heal() {
    let link_to = |target: &'static str| {
        move |server: &TestServer| {
            let link = server.home.file("link");
            symlink(target, &link).expect("a link can be made");
            fs::rename(link, server.home.status()).expect("it can be renamed");
        }
    };
    tokio::join!(
        assert_heals("missing", link_to("nowhere")),
        assert_heals("unreadable", link_to("status.eot")),
    );
}

#[tokio::test]
async fn strange_files_at_the_start_do_not_prevent_it() {
    let setup = Setup::without_status();
    mkfifoat(CWD, setup.home.status(), Mode::from_raw_mode(0o644)).expect("it can be made");
    let server = setup.start().await;
    let mut panel = Panel::open(&server).await;
    assert_eq!(panel.state["source"]["health"], "not_a_file");
    server.home.order_by_rename("7");
    panel.until("the order", |state| state["order"]["position"] == COFFEE).await;
    let setup = Setup::without_status();
    symlink("/dev/zero", setup.home.status()).expect("a link can be made");
    let server = setup.start().await;
    assert_eq!(Panel::open(&server).await.state["source"]["health"], "not_a_file");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_unreadable_file_heals() {
    let root = rustix::process::geteuid().is_root();
    // Root can read everything, so that a server of root's does not show this.
    let setup = Setup::with_status("7\n");
    let setup = if root { setup.user(54_321) } else { setup };
    let server = setup.start().await;
    let mut panel = Panel::open(&server).await;
    let mode = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(server.home.status(), permissions).expect("it can be changed");
    };
    mode(0o000);
    panel.expect_health("unreadable").await;
    await_readiness(&server, 503).await;
    mode(0o644);
    panel.expect_health("ok").await;
    await_readiness(&server, 200).await;
    fs::write(server.home.status(), "8\n").expect("it can be written");
    panel.until("the order", |state| state["order"]["position"] == LUNCH).await;
}
