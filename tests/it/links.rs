//! Links that lead the server to what only it may read.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;

use serde_json::json;

use crate::home::Home;
use crate::http::get;
use crate::panel::{COFFEE, LUNCH, Panel, STOP};
use crate::patience::soon;
use crate::server::TestServer;
use crate::setup::Setup;

/// The server's user, and somebody else who may write its directory.
const SERVER: u32 = 54_321;
const MEMBER: u32 = 54_322;

/// What only the server may read.
const SECRET: &str = "for the server alone";

/// Says whether two users can be played here; only root can, and must.
fn two_users() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        assert!(std::env::var_os("CI").is_none(), "CI is root");
        eprintln!("SKIPPED: only root can play two users");
    }
    root
}

/// Puts a link of this user in the place of a file.
fn put_link(home: &Home, name: &str, target: &str, owner: u32) {
    let link = home.file(".link");
    symlink(target, &link).expect("a link can be made");
    lchown(&link, Some(owner), Some(owner)).expect("root gives links away");
    fs::rename(&link, home.file(name)).expect("a link can be renamed");
}

/// Waits until `/readyz` has this in it; returns all of it.
async fn readiness(server: &TestServer, words: &str) -> String {
    soon(words, async {
        loop {
            let body = get(server, "/readyz").await.body;
            if body.contains(words) {
                return body;
            }
        }
    })
    .await
}

async fn order(server: &TestServer) -> String {
    get(server, "/status?format=text").await.body
}

#[tokio::test]
async fn a_members_link_to_what_the_server_alone_may_read_is_told_to_nobody() {
    if !two_users() {
        return;
    }
    let setup = Setup::new();
    setup.home.write("secret", SECRET);
    let server = setup.user(SERVER).start().await;
    for (file, name) in [("status_file", "status.eot"), ("accept_file", "accept.eot")] {
        for target in ["secret", server.home.file("secret").to_str().expect("UTF-8")] {
            put_link(&server.home, name, target, MEMBER);
            let body = readiness(&server, &format!("user {MEMBER}")).await;
            assert!(body.contains(file) && body.contains(name), "{body}");
            fs::remove_file(server.home.file(name)).expect("it can be removed");
            readiness(&server, if file == "status_file" { "missing" } else { "\"ok\"" }).await;
        }
    }
    put_link(&server.home, "status.eot", "/proc/self/environ", SERVER);
    readiness(&server, "procfs").await;
    // One's own and root's lead on, as in a ConfigMap.
    for (owner, text) in [(SERVER, "7"), (0, "8")] {
        server.home.write("real", text);
        put_link(&server.home, "status.eot", "real", owner);
        soon("the order behind the link", async { while order(&server).await.trim() != text {} })
            .await;
    }
    for path in ["/status", "/readyz", "/bell-book"] {
        assert!(!get(&server, path).await.body.contains(SECRET), "{path}");
    }
}

#[tokio::test]
async fn a_members_link_among_the_assets_is_not_there() {
    if !two_users() {
        return;
    }
    let setup = Setup::new();
    fs::create_dir_all(setup.home.file("panel/static")).expect("directories can be made");
    setup.home.write("panel/panel.html", "<!doctype html>");
    setup.home.write("panel/static/.secret", SECRET);
    let server = setup.user(SERVER).args(["--assets", "panel"]).start().await;
    put_link(&server.home, "panel/static/own.js", ".secret", SERVER);
    put_link(&server.home, "panel/static/roots.js", ".secret", 0);
    put_link(&server.home, "panel/static/members.js", ".secret", MEMBER);
    assert_eq!(get(&server, "/static/own.js").await.body, SECRET);
    assert_eq!(get(&server, "/static/roots.js").await.body, SECRET);
    assert_eq!(get(&server, "/static/members.js").await.code, 404);
}

#[tokio::test]
async fn what_is_read_at_the_start_is_not_read_through_a_members_link() {
    if !two_users() {
        return;
    }
    let dial = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dial.example.toml");
    let dial = fs::read(dial).expect("the example is there");
    for (option, content) in [("--dial", &dial[..]), ("--token-file", b"brass\n")] {
        let setup = Setup::new().args([option, "given"]);
        setup.home.write("real", content);
        fs::set_permissions(setup.home.file("real"), fs::Permissions::from_mode(0o600))
            .expect("one's own file can be closed to all");
        put_link(&setup.home, "given", "real", MEMBER);
        let (code, said) = setup.run_to_end().await;
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(&format!("user {MEMBER}")) && said.lines().count() == 1, "{said}");
    }
}

#[tokio::test]
async fn an_order_over_the_network_is_written_where_the_link_leads() {
    for watch in ["auto", "inotify", "poll"] {
        let setup = Setup::new().args(["--allow-orders", "any", "--watch", watch]);
        fs::create_dir(setup.home.file("shared")).expect("a directory can be made");
        setup.home.write("shared/real", "6\n");
        fs::remove_file(setup.home.status()).expect("it can be removed");
        symlink("shared/real", setup.home.status()).expect("a link can be made");
        let server = setup.start().await;
        let mut panel = Panel::open(&server).await;
        for order in [COFFEE, LUNCH] {
            let said = json!({ "type": "order", "status": order.to_string() });
            assert_eq!(panel.request(said).await["type"], "ok");
            panel.until("the order", |state| state["order"]["position"] == order).await;
            assert!(fs::symlink_metadata(server.home.status()).expect("it is there").is_symlink());
            let real = fs::read_to_string(server.home.file("shared/real")).expect("it is there");
            assert_eq!(real, format!("{order}\n"));
            // Whoever writes behind the link is heard as before.
            server.home.write("shared/real", "6\n");
            panel.until("the order", |state| state["order"]["position"] == STOP).await;
        }
        let names = fs::read_dir(server.home.file("shared")).expect("it can be listed").count();
        assert_eq!(names, 1, "no temporary file is left");
    }
}

#[tokio::test]
async fn an_order_over_the_network_is_not_written_where_a_members_link_leads() {
    if !two_users() {
        return;
    }
    let setup = Setup::new().args(["--allow-orders", "any"]);
    setup.home.write("precious", "mine\n");
    let server = setup.user(SERVER).start().await;
    put_link(&server.home, "status.eot", "precious", MEMBER);
    let mut panel = Panel::open(&server).await;
    let outcome = panel.request(json!({ "type": "order", "status": "7" })).await;
    assert_eq!(outcome["code"], "write_failed", "{outcome}");
    assert!(outcome.to_string().contains(&format!("user {MEMBER}")), "{outcome}");
    assert_eq!(fs::read(server.home.file("precious")).expect("it is there"), b"mine\n");
}
