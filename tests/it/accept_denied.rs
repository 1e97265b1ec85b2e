//! An accept file that cannot be written: an error to whoever answered, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::http::{await_readiness, get};
use crate::panel::{COFFEE, Panel};
use crate::patience::within;
use crate::setup::Setup;
use crate::station::TestStation;

#[tokio::test]
async fn a_directory_in_its_place_is_an_error_that_passes() {
    let setup = Setup::with_status("7\n");
    fs::create_dir(setup.home.accept()).expect("a directory can be made");
    let server = setup.start().await;
    let mut station = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    let line = station.ask("Accept&7").await;
    assert!(line.starts_with("Accept failed:") && !line.contains('\n'), "{line:?}");
    let outcome = panel.answer(COFFEE).await;
    assert_eq!((&outcome["type"], &outcome["code"]), (&"error".into(), &"write_failed".into()));
    assert_eq!(station.ask("status").await, "Current Status: 7");
    assert!(fs::metadata(server.home.accept()).expect("it is there").is_dir());
    assert_eq!(server.home.strays(), <[&str; 0]>::default(), "a failed write leaves nothing");
    fs::remove_dir(server.home.accept()).expect("it can be removed");
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    panel.until_reply(COFFEE).await;
}

/// The words that start a server with its accept file on a full little disk of its own, which nobody
/// else sees and which ends with the server.
#[cfg(target_os = "linux")]
fn with_a_little_disk() -> Vec<String> {
    let shell = "mount -t tmpfs -o size=24k,mode=755 tmpfs disk && exec \"$0\" \"$@\"";
    let mut way = vec!["unshare", "--mount"];
    if !rustix::process::geteuid().is_root() {
        way.extend(["--user", "--map-root-user"]);
    }
    way.extend(["sh", "-c", shell]);
    way.into_iter().map(str::to_owned).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_an_error_that_passes() {
    let setup = Setup::with_status("7\n");
    fs::create_dir(setup.home.file("disk")).expect("a directory can be made");
    let setup = setup.args(["--accept-file", "disk/accept.eot"]).by_way_of(with_a_little_disk());
    let server = setup.start().await;
    // The disk, as the server sees it.
    let disk = format!(
        "/proc/{}/root{}",
        server.pid().as_raw_nonzero(),
        server.home.file("disk").canonicalize().expect("it is there").display()
    );
    let file = |name: &str| std::path::Path::new(&disk).join(name);
    assert_ne!(
        rustix::fs::statfs(&disk).expect("a disk can be asked").f_type,
        rustix::fs::statfs(server.home.path()).expect("a disk can be asked").f_type,
        "the server has its own disk"
    );
    let mut station = TestStation::text(&server).await;
    let mut panel = Panel::open(&server).await;
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    panel.until_reply(COFFEE).await;

    // Two sizes, so that the last bytes are taken as well.
    let full = fs::write(file("ballast"), vec![0; 1 << 20]).expect_err("it is a little disk");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    // It is looked at every few seconds, and said before anybody answers.
    let said = within(Duration::from_secs(20), "that it is said", async {
        loop {
            let body = get(&server, "/readyz").await.body;
            if body.contains("accept.eot cannot be written: no space left on device") {
                return get(&server, "/readyz").await.code;
            }
        }
    });
    assert_eq!(said.await, 503);
    for _ in 0..3 {
        let line = station.ask("Accept&8").await;
        assert!(line.starts_with("Accept failed:") && !line.contains('\n'), "{line:?}");
        assert_eq!(station.ask("status").await, "Current Status: 7", "the connection lives");
    }
    let outcome = panel.answer(8).await;
    assert_eq!((&outcome["type"], &outcome["code"]), (&"error".into(), &"write_failed".into()));
    assert_eq!(fs::read(file("accept.eot")).expect("it is there"), b"7\n", "the old reply stays");
    let entries = fs::read_dir(&disk).expect("it can be listed").count();
    assert_eq!(
        entries, 5,
        "the reply, the book, their locks and the ballast, and no stray temp file"
    );

    fs::remove_file(file("ballast")).expect("it can be removed");
    assert_eq!(station.ask("Accept&8").await, "Accepted state: 8");
    assert_eq!(fs::read(file("accept.eot")).expect("it is there"), b"8\n");
    panel.until_reply(8).await;
}

#[tokio::test]
async fn a_directory_that_may_not_be_written_is_an_error_that_passes() {
    let root = rustix::process::geteuid().is_root();
    let setup = Setup::with_status("7\n");
    fs::create_dir(setup.home.file("out")).expect("a directory can be made");
    let setup = setup.args(["--accept-file", "out/accept.eot"]);
    // Root may write everywhere, so that a server of root's does not show this.
    let server = if root { setup.user(54_321).start().await } else { setup.start().await };
    let mode = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(server.home.file("out"), permissions).expect("it can be changed");
    };
    let mut station = TestStation::text(&server).await;
    mode(0o555);
    let line = station.ask("Accept&7").await;
    assert!(line.starts_with("Accept failed:") && !line.contains('\n'), "{line:?}");
    mode(0o755);
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    mode(0o555);
    let line = station.ask("Accept&8").await;
    assert!(line.starts_with("Accept failed:"), "{line:?}");
    await_readiness(&server, 503).await;
    assert!(get(&server, "/readyz").await.body.contains("unwritable"), "it says why");
    let reply = fs::read(server.home.file("out/accept.eot")).expect("it is there");
    assert_eq!(reply, b"7\n", "the old reply stays");
    mode(0o755);
    assert_eq!(station.ask("Accept&8").await, "Accepted state: 8");
    await_readiness(&server, 200).await;
}

#[tokio::test]
async fn an_accept_file_that_cannot_be_written_is_said_before_anybody_answers() {
    let root = rustix::process::geteuid().is_root();
    let setup = Setup::with_status("7\n").args(["--accept-file", "out/accept.eot"]);
    fs::create_dir(setup.home.file("out")).expect("a directory can be made");
    let out = setup.home.file("out");
    let mode = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(&out, permissions).expect("it can be changed");
    };
    mode(0o555);
    let server = if root { setup.user(54_321).start().await } else { setup.start().await };
    await_readiness(&server, 503).await;
    let body = get(&server, "/readyz").await.body;
    assert!(body.contains("accept.eot cannot be written: permission denied"), "{body}");
    mode(0o755);
    // It is tried again every few seconds.
    within(Duration::from_secs(20), "that it heals", async {
        while get(&server, "/readyz").await.code != 200 {}
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_file_in_a_sticky_directory_is_said_before_anybody_answers() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "CI is root");
        eprintln!("SKIPPED: only root has files that are somebody else's");
        return;
    }
    // Somebody, root without the right to do so, and one who is root only among those who are nobody outside.
    let without = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"];
    let among = ["unshare", "--user", "--map-root-user"];
    for way in [&[][..], &without, &among] {
        let setup = Setup::with_status("7\n").args(["--accept-file", "out/box/accept.eot"]);
        fs::create_dir_all(setup.home.file("out/box")).expect("directories can be made");
        setup.home.write("out/box/accept.eot", "6\n");
        let sticky = fs::Permissions::from_mode(0o1777);
        fs::set_permissions(setup.home.file("out/box"), sticky).expect("it can be changed");
        for name in ["out/box", "out/box/accept.eot"] {
            std::os::unix::fs::chown(setup.home.file(name), Some(54_322), Some(54_322))
                .expect("root gives files away");
        }
        let server = if way.is_empty() {
            setup.user(54_321).start().await
        } else {
            setup.by_way_of(way.to_vec()).start().await
        };
        await_readiness(&server, 503).await;
        let words =
            "accept.eot cannot be written: its directory is sticky, and the file belongs to user ";
        let body = get(&server, "/readyz").await.body;
        assert!(body.contains(words), "{way:?}: {body}");
        let line = TestStation::text(&server).await.ask("Accept&7").await;
        assert!(line.contains(words), "{way:?}: {line}");
    }
}
