//! `chadburn doctor`: each thing that is wrong here is found, and it says what to do.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::home::Home;
use crate::link::url;
use crate::patience::within;
use crate::server::TestServer;
use crate::setup::Setup;

/// Somebody who owns nothing.
const NOBODY: u32 = 65_534;

/// Its exit code and what it says.
pub(crate) async fn doctor(home: &Home, url: &str, more: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chadburn"));
    command.args(["doctor", "--url", url]).args(more).current_dir(home.path());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = within(Duration::from_secs(20), "its end", command.output()).await;
    let output = output.expect("it can be run");
    let out = String::from_utf8(output.stdout).expect("it says text");
    (output.status.code().expect("an exit code"), out)
}

/// The lines that say that something is bad.
pub(crate) fn bad(out: &str) -> Vec<&str> {
    out.lines().filter(|line| line.starts_with("bad ")).collect()
}

#[tokio::test]
async fn where_all_is_well_it_says_so() {
    let server = TestServer::start().await;
    let (code, out) = doctor(&server.home, &url(&server), &[]).await;
    assert_eq!((code, bad(&out)), (0, Vec::new()), "{out}");
    for word in ["status.eot can be read", "descriptors", "status file is well", "clocks agree"] {
        assert!(out.contains(word), "{word} in {out}");
    }
    assert!(out.contains("a station gets through") && out.contains("a page of http://"), "{out}");
}

#[tokio::test]
async fn a_missing_file_and_a_missing_server_are_found() {
    let mut server = Setup::without_status().start().await;
    let (code, out) = doctor(&server.home, &url(&server), &[]).await;
    assert_eq!(code, 5);
    let lines = bad(&out);
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].contains("status.eot: no such file") && lines[0].contains("--status-file"));
    assert!(lines[1].contains("the server's status file: "), "{out}");
    let (_, other) = doctor(&server.home, &url(&server), &["--status-file", "accept.eot"]).await;
    assert!(other.contains("accept.eot: no such file"), "{other}");
    server.stop().await;
    server.home.order("7");
    let (_, out) = doctor(&server.home, &url(&server), &["--wait", "300ms"]).await;
    assert!(bad(&out).len() == 1 && bad(&out)[0].contains("start the server"), "{out}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_found() {
    let server = TestServer::start().await;
    // Where everybody can reach it.
    let program = server.home.file("chadburn");
    std::fs::copy(env!("CARGO_BIN_EXE_chadburn"), &program).expect("it can be copied");
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(server.home.path(), mode(0o555)).expect("it is one's own");
    std::fs::set_permissions(server.home.status(), mode(0o600)).expect("it is one's own");
    let mut command = Command::new(program);
    command.args(["doctor", "--url", &url(&server)]).current_dir(server.home.path());
    let root = rustix::process::geteuid().is_root();
    if root {
        // Nothing is forbidden to root, so it is somebody else who asks.
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.kill_on_drop(true).output();
    let output = within(Duration::from_secs(20), "its end", output).await.expect("it can be run");
    std::fs::set_permissions(server.home.path(), mode(0o755)).expect("it is one's own");
    let out = String::from_utf8(output.stdout).expect("it says text");
    assert!(out.contains("takes no answers: permission denied; let the server's user"), "{out}");
    assert_eq!(out.contains("status.eot: permission denied; let the server's user read"), root);
}

#[tokio::test]
async fn too_few_descriptors_are_found() {
    let server = TestServer::start().await;
    let line = format!("ulimit -n 100 && exec {} doctor", env!("CARGO_BIN_EXE_chadburn"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(server.home.path()).env("CHADBURN_URL", url(&server));
    let output =
        within(Duration::from_secs(20), "its end", shell.kill_on_drop(true).output()).await;
    let out = String::from_utf8(output.expect("it can be run").stdout).expect("it says text");
    assert!(out.contains("only 100 descriptors") && out.contains("LimitNOFILE="), "{out}");
}

#[tokio::test]
async fn a_token_that_others_can_get_at_is_found() {
    let server = TestServer::start().await;
    server.home.write("token", "brass\n");
    let token = ["--token-file", "token"];
    let (_, out) = doctor(&server.home, &url(&server), &token).await;
    assert!(out.contains("token is nobody else's"), "{out}");
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(server.home.file("token"), mode).expect("it is one's own");
    let (code, out) = doctor(&server.home, &url(&server), &token).await;
    assert!(code == 5 && out.contains("others can read it (mode 644): chmod 600"), "{out}");
}

#[tokio::test]
async fn what_cannot_be_written_is_found_in_the_servers_own_words_and_nothing_is_left() {
    let server = TestServer::start().await;
    std::fs::create_dir(server.home.accept()).expect("a directory can be made");
    let (code, out) = doctor(&server.home, &url(&server), &[]).await;
    assert!(code == 5 && out.contains("takes no answers: is a directory"), "{out}");
    std::fs::remove_dir(server.home.accept()).expect("it can be removed");
    let (_, out) = doctor(&server.home, &url(&server), &[]).await;
    assert!(out.contains("takes answers") && out.contains("takes orders"), "{out}");
    server.home.swept().await;
    assert_eq!(server.home.reply(), None, "it was a rehearsal");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn that_changes_are_told_by_the_kernel_is_said_only_where_they_are() {
    let told = "changes are told by inotify";
    let server = TestServer::start().await;
    let (_, out) = doctor(&server.home, &url(&server), &[]).await;
    assert!(out.contains(told), "{out}");
    // The server was told to poll.
    let polling = Setup::new().args(["--watch", "poll"]).start().await;
    let (code, out) = doctor(&polling.home, &url(&polling), &[]).await;
    assert!(code == 0 && !out.contains(told), "{out}");
    assert!(out.contains("note  the server's status file is well, by poll"), "{out}");
    // The user whom doctor runs as has no watch left.
    for (limit, why) in [
        ("max_inotify_instances", "no inotify instance is left"),
        ("max_inotify_watches", "no inotify watch is left"),
    ] {
        let shell = format!("echo 0 > /proc/sys/user/{limit} && exec \"$0\" doctor --wait 300ms");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", &shell]);
        command.arg(env!("CARGO_BIN_EXE_chadburn")).env("CHADBURN_URL", "ws://127.0.0.1:9");
        command.current_dir(server.home.path()).kill_on_drop(true);
        let output = within(Duration::from_secs(20), "its end", command.output()).await;
        let output = output.expect("it can be run");
        let out = String::from_utf8(output.stdout).expect("it says text");
        assert!(out.contains(why) && !out.contains(told), "{limit}: {out}");
    }
}
