//! Files that are mounted alone, as into a container, and limits that a shell sets.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::process::Stdio;

use tokio::process::Command;

use crate::http::get;
use crate::link::url;
use crate::panel::Panel;
use crate::patience::{soon, until};
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// The words that start a server in a mount namespace of its own, in which `host/NAME` is mounted over
/// `NAME` for each of these.
fn with_mounted(names: &[&str]) -> Vec<String> {
    let mounts = names.iter().map(|name| format!("mount --bind host/{name} {name} && "));
    let shell = format!("{} exec \"$0\" \"$@\"", mounts.collect::<String>());
    let mut way = vec!["unshare", "--mount", "--propagation", "private"];
    if !rustix::process::geteuid().is_root() {
        way.extend(["--user", "--map-root-user"]);
    }
    way.extend(["sh", "-c", &shell]);
    way.into_iter().map(str::to_owned).collect()
}

async fn readiness(server: &TestServer, words: &str) -> (u16, String) {
    soon(words, async {
        loop {
            let response = get(server, "/readyz").await;
            if response.body.contains(words) {
                return (response.code, response.body);
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_status_file_mounted_alone_says_so_when_it_is_replaced_outside() {
    // Another name keeps the old file alive, so that its number of names tells nothing.
    for other_name in [false, true] {
        for watch in ["auto", "inotify", "poll"] {
            let setup =
                Setup::new().args(["--watch", watch]).by_way_of(with_mounted(&["status.eot"]));
            fs::create_dir(setup.home.file("host")).expect("a directory can be made");
            setup.home.write("host/status.eot", "6\n");
            let server = setup.start().await;
            let mut station = TestStation::text(&server).await;
            server.home.write("host/status.eot", "7\n");
            station.expect("7").await;
            if other_name {
                let old = server.home.file("host/status.eot");
                fs::hard_link(old, server.home.file("host/old")).expect("a link can be made");
            }
            server.home.rename_over("host/status.eot", "8\n");
            let (code, body) = readiness(&server, "mount the directory, not the file").await;
            assert!(code == 503 && body.contains("status.eot"), "{body}");
        }
    }
}

#[tokio::test]
async fn an_accept_file_mounted_alone_is_unwell_from_the_start_and_is_never_written() {
    let setup = Setup::with_status("7\n").by_way_of(with_mounted(&["accept.eot"]));
    fs::create_dir(setup.home.file("host")).expect("a directory can be made");
    setup.home.write("host/accept.eot", "6\n");
    setup.home.write("accept.eot", "");
    let server = setup.start().await;
    let words = "mounted alone and cannot be replaced; mount the directory, not the file";
    let (code, body) = readiness(&server, words).await;
    assert!(code == 503 && body.contains("accept.eot"), "{body}");
    let mut station = TestStation::text(&server).await;
    let line = station.ask("Accept&7").await;
    assert!(line.starts_with("Accept failed:") && line.contains(words), "{line:?}");
    let reply = fs::read(server.home.file("host/accept.eot")).expect("it is there");
    assert_eq!(reply, b"6\n", "it is whole");
    assert_eq!(server.home.strays(), ["host"]);
}

#[tokio::test]
async fn an_order_over_the_network_into_a_file_mounted_alone_is_refused() {
    let setup =
        Setup::new().args(["--allow-orders", "any"]).by_way_of(with_mounted(&["status.eot"]));
    fs::create_dir(setup.home.file("host")).expect("a directory can be made");
    setup.home.write("host/status.eot", "6\n");
    let server = setup.start().await;
    let mut panel = Panel::open(&server).await;
    let order = serde_json::json!({ "type": "order", "status": "7" });
    let outcome = panel.request(order).await;
    assert_eq!(outcome["code"], "write_failed", "{outcome}");
    assert!(outcome.to_string().contains("mount the directory, not the file"), "{outcome}");
    let status = fs::read(server.home.file("host/status.eot")).expect("it is there");
    assert_eq!(status, b"6\n");
}

#[tokio::test]
async fn a_bell_book_mounted_alone_says_so_when_it_is_replaced_outside() {
    let setup = Setup::new().by_way_of(with_mounted(&["bell-book.jsonl"]));
    fs::create_dir(setup.home.file("host")).expect("a directory can be made");
    for name in ["host/bell-book.jsonl", "bell-book.jsonl"] {
        setup.home.write(name, "");
    }
    let server = setup.start().await;
    let book = server.home.file("host/bell-book.jsonl");
    until("the run in the book", || fs::metadata(&book).is_ok_and(|it| it.len() > 0)).await;
    fs::rename(&book, server.home.file("host/old")).expect("it can be renamed");
    server.home.write("host/bell-book.jsonl", "");
    fs::remove_file(server.home.file("host/old")).expect("it can be removed");
    let words = "bell-book.jsonl cannot be written: it is mounted alone and was replaced outside; \
                 mount the directory, not the file";
    readiness(&server, words).await;
}

#[tokio::test]
async fn a_token_mounted_alone_and_replaced_outside_is_not_taken_for_read_again() {
    let setup = Setup::new().args(["--token-file", "token"]).by_way_of(with_mounted(&["token"]));
    fs::create_dir(setup.home.file("host")).expect("a directory can be made");
    for name in ["host/token", "token"] {
        setup.home.write(name, "brass\n");
    }
    let server = setup.start().await;
    server.home.rename_over("host/token", "copper\n");
    server.signal(rustix::process::Signal::HUP);
    let line = soon("the warning", server.log.line_with("the old token stays")).await;
    assert!(line.contains("replaced outside; mount the directory, not the file"), "{line}");
}

#[tokio::test]
async fn a_mounted_directory_that_was_removed_outside_is_said_of_both_files() {
    let shell = "mount --bind host/telegraph box && exec \"$0\" \"$@\"";
    let mut way = with_mounted(&[]);
    *way.last_mut().expect("a script") = shell.to_owned();
    let setup = Setup::without_status().args(["--status-file", "box/status.eot"]).by_way_of(way);
    let host = |name: &str| setup.home.file("host/telegraph").join(name);
    fs::create_dir_all(host("")).expect("directories can be made");
    fs::create_dir(setup.home.file("box")).expect("a directory can be made");
    setup.home.write("host/telegraph/status.eot", "6\n");
    let server = setup.start().await;
    for again in [false, true] {
        let directory = server.home.file("host/telegraph");
        if again {
            fs::create_dir(&directory).expect("a directory can be made");
            server.home.write("host/telegraph/status.eot", "7\n");
        } else {
            fs::remove_dir_all(&directory).expect("it can be removed");
        }
        let words = "its directory is mounted and was removed outside";
        let (code, _) = readiness(&server, &format!("status.eot cannot be read: {words}")).await;
        assert_eq!(code, 503);
    }
    readiness(&server, "accept.eot cannot be read: its directory is mounted and was").await;
}

#[tokio::test]
async fn a_limit_on_the_size_of_files_is_an_error_of_a_write() {
    // Of dash: 512 bytes.
    let shell = "ulimit -f 1 && exec \"$0\" \"$@\"";
    let server = Setup::new().by_way_of(["sh", "-c", shell]).start().await;
    let mut station = TestStation::text(&server).await;
    for order in ["7", "8", "9", "10", "11", "1", "2", "3", "4", "5"] {
        server.home.order_by_rename(order);
        station.expect(order).await;
    }
    readiness(&server, "bell-book.jsonl cannot be written: file too large").await;
    assert_eq!(station.ask("Accept&5").await, "Accepted state: 5");
}

#[tokio::test]
async fn a_limit_on_the_size_of_files_kills_no_command() {
    let server = Setup::new().start().await;
    let url = url(&server);
    let run = async |words: &[&str], out: Stdio| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 0 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_chadburn")]);
        command.args(words).env("CHADBURN_URL", &url).current_dir(server.home.path());
        command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().expect("it can be run");
        soon("its end", child.wait_with_output()).await.expect("it ends")
    };
    for words in [&["--help"][..], &["completions", "bash"], &["status"], &["log"], &["watch"]] {
        let out = File::create(server.home.file("out")).expect("a file can be made");
        let output = run(words, out.into()).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|it| it > 0), "{words:?}: {:?}", output.status);
        assert!(said.starts_with("chadburn: ") && said.lines().count() == 1, "{words:?}: {said}");
    }
    let output = run(&["doctor"], Stdio::piped()).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("takes no answers: file too large"), "{said}");
}
