//! Commands that are told to end: at once, with what they have started, also as the first process of a
//! container.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::commands::command;
use crate::link::url;
use crate::patience::{lasting, soon, until};
use crate::server::TestServer;

/// How long a command may take to end.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What `--exec` has started gets this long, less what two clocks may differ by.
const FIVE_SECONDS: Duration = Duration::from_millis(4_900);

/// How it ended, which has to be at once.
async fn ends(what: &str, child: &mut Child) -> ExitStatus {
    let (ended, lasted) = lasting(what, child.wait()).await;
    assert!(lasted <= AT_ONCE, "{what}: {lasted:?}");
    ended.expect("it was a child")
}

fn signal(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
    kill_process(pid, signal).expect("one's child can be signalled");
}

/// The first line that it says.
async fn first_line(child: &mut Child) -> String {
    let out = child.stdout.as_mut().expect("it is piped");
    let line = soon("a line", BufReader::new(out).lines().next_line()).await.expect("text");
    line.expect("it goes on")
}

#[tokio::test]
async fn every_command_ends_at_once_as_a_shell_expects() {
    let server = TestServer::start().await;
    // Nobody answers there, and nobody refuses.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let away = format!("ws://{}/websocket", silent.local_addr().expect("it is bound"));
    for (how, number) in [(Signal::TERM, 15), (Signal::INT, 2)] {
        for words in [
            &["watch"][..],
            &["watch", "--json"],
            &["watch", "--wire", "text"],
            &["wait"],
            &["console"],
            &["console", "--wire", "text"],
            &["order", "7", "--url", &away],
            &["status", "--url", &away],
            &["answer", "--url", &away],
            &["log", "--url", &away],
            &["doctor", "--url", &away, "--wait", "forever"],
            &["bridge", "unplugged"],
        ] {
            let mut child = command(&server, words);
            let mut child = child.stdin(Stdio::piped()).spawn().expect("it can be run");
            let pid = child.id().expect("it runs");
            // Whoever waits for a child closes its input, and that is another end.
            let _open = child.stdin.take();
            // It has caught the signal as soon as its thread for that is there.
            let threads = move || {
                let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
                let names =
                    tasks.flatten().map(|it| std::fs::read_to_string(it.path().join("comm")));
                names.flatten().any(|name| name.trim() == "signals")
            };
            until("it catches signals", threads).await;
            signal(&child, how);
            let ended = ends(&format!("{words:?}"), &mut child).await;
            // A bridge is a service, and that is a good end of one.
            let well = words[0] == "bridge" && ended.success();
            assert!(well || ended.signal() == Some(number), "{words:?}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn whoever_reads_nothing_holds_up_no_end() {
    let server = TestServer::start().await;
    let mut child = command(&server, &["watch", "--json"]).spawn().expect("it can be run");
    first_line(&mut child).await;
    // More than a pipe holds.
    for number in 0..10 {
        server.home.order_by_rename(&format!("{}{number}", "\u{1}".repeat(4_000)));
        let book = || std::fs::read_to_string(server.home.file("bell-book.jsonl"));
        let told = format!("\\u0001{number}\"");
        until("it is an order", || book().is_ok_and(|book| book.contains(&told))).await;
    }
    signal(&child, Signal::TERM);
    ends("whoever is not read", &mut child).await;
}

#[tokio::test]
async fn what_was_started_is_told_too_and_killed_after_five_seconds() {
    let server = TestServer::start().await;
    let exec = "[ $CHADBURN_EVENT = present ] || exit 0
        trap 'echo told >> told' TERM; touch begun
        sleep 300 & echo $! > deaf; wait; while :; do sleep 1; done";
    let mut child = command(&server, &["watch", "--exec", exec]).spawn().expect("it can be run");
    until("it runs", || server.home.file("deaf").exists()).await;
    let begun = Instant::now();
    signal(&child, Signal::TERM);
    until("it is told", || server.home.file("told").exists()).await;
    let (_, lasted) = lasting("its end", child.wait()).await;
    let all = begun.elapsed();
    assert!(all >= FIVE_SECONDS && lasted <= FIVE_SECONDS + AT_ONCE, "{lasted:?} of {all:?}");
    let deaf = std::fs::read_to_string(server.home.file("deaf")).expect("it is there");
    let deaf = format!("/proc/{}/stat", deaf.trim());
    let gone = || std::fs::read_to_string(&deaf).map_or(true, |stat| stat.contains(") Z "));
    until("nothing of it is left", gone).await;
}

/// Whether there is no such process any more, whose number stands in this file.
fn is_gone(file: &std::path::Path) -> bool {
    let number = std::fs::read_to_string(file).unwrap_or_default();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", number.trim()));
    !number.is_empty() && stat.map_or(true, |stat| stat.contains(") Z "))
}

#[tokio::test]
async fn what_is_left_behind_gets_five_seconds_too_and_nothing_of_it_stays() {
    let server = TestServer::start().await;
    // The shell ends when it is told, and what it has started does not.
    let deaf = r#"sh -c 'trap "" TERM; echo $$ > deaf; sleep 300; true'"#;
    for (exec, least) in [
        (format!("[ $CHADBURN_EVENT = present ] || exit 0; {deaf}; true"), FIVE_SECONDS),
        // The shell has ended long before.
        (format!("[ $CHADBURN_EVENT = present ] || exit 0; {deaf} & true"), FIVE_SECONDS),
        // Whoever ends when told holds up nothing.
        (
            "[ $CHADBURN_EVENT = present ] || exit 0; sh -c 'echo $$ > deaf; exec sleep 300' &"
                .into(),
            Duration::ZERO,
        ),
    ] {
        let mut child = command(&server, &["watch", "--exec", &exec]).spawn().expect("it is run");
        let file = server.home.file("deaf");
        let runs = || std::fs::read_to_string(&file).is_ok_and(|it| it.ends_with('\n'));
        until("it runs", runs).await;
        let begun = Instant::now();
        signal(&child, Signal::TERM);
        let (_, lasted) = lasting("its end", child.wait()).await;
        let all = begun.elapsed();
        assert!(all >= least && lasted <= least + AT_ONCE, "{exec}: {lasted:?} of {all:?}");
        until("nothing of it is left", || is_gone(&file)).await;
        std::fs::remove_file(&file).expect("it is there");
    }
}

#[tokio::test]
async fn a_command_that_ends_when_told_holds_up_nothing() {
    let server = TestServer::start().await;
    let exec = "[ $CHADBURN_EVENT = present ] && { touch begun; sleep 300; }";
    let mut child = command(&server, &["watch", "--exec", exec]).spawn().expect("it can be run");
    until("it runs", || server.home.file("begun").exists()).await;
    signal(&child, Signal::TERM);
    ends("what it has started ends", &mut child).await;
}

/// As the first process of a container: such a one has no default for any signal, and inherits the
/// orphans of all others. Where a user may not make one, nothing of it can be tried.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_first_process_of_a_container_ends_too_and_leaves_no_zombies() {
    let server = TestServer::start().await;
    for (exec, words) in [
        (None, &["watch", "--wait", "forever"][..]),
        (None, &["wait"]),
        (None, &["bridge", "unplugged"]),
        (Some("(sleep 0.1 & exit 0); echo $CHADBURN_EVENT >> ran"), &["watch"]),
    ] {
        let mut shell = Command::new("unshare");
        shell.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        if !rustix::process::geteuid().is_root() {
            shell.args(["--user", "--map-root-user"]);
        }
        shell.arg(env!("CARGO_BIN_EXE_chadburn")).args(words);
        shell.args(exec.iter().flat_map(|exec| ["--exec", exec]));
        shell.current_dir(server.home.path()).env("CHADBURN_URL", url(&server));
        let shell = shell.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut unshare = shell.expect("there is unshare");
        let pid = unshare.id().expect("it runs");
        let child_of = |pid: u32| {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            children.ok().and_then(|it| it.split_whitespace().next()?.parse::<i32>().ok())
        };
        until("the first process is there", || child_of(pid).is_some()).await;
        let first = child_of(pid).expect("it is there");
        let is = |it: &str| {
            let comm = std::fs::read_to_string(format!("/proc/{first}/comm")).unwrap_or_default();
            let tasks = std::fs::read_dir(format!("/proc/{first}/task")).into_iter().flatten();
            let names = tasks.flatten().map(|it| std::fs::read_to_string(it.path().join("comm")));
            comm.trim() == "chadburn" && names.flatten().any(|name| name.trim() == it)
        };
        until("it catches signals", || is("signals")).await;
        if exec.is_some() {
            let ran = || std::fs::read_to_string(server.home.file("ran")).unwrap_or_default();
            until("the command was run", || ran().contains("present")).await;
            server.home.order("8");
            until("the command was run again", || ran().contains("order")).await;
            let zombies = || {
                let children =
                    std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"));
                let children = children.unwrap_or_default();
                let stats = children.split_whitespace().map(|it| {
                    std::fs::read_to_string(format!("/proc/{it}/stat")).unwrap_or_default()
                });
                stats.filter(|stat| stat.contains(") Z ")).count()
            };
            let left = || {
                let children =
                    std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"));
                children.is_ok_and(|it| it.trim().is_empty()) && zombies() == 0
            };
            until("nothing is left of what was run", left).await;
        }
        kill_process(Pid::from_raw(first).expect("a number"), Signal::TERM)
            .expect("it can be told");
        ends(&format!("{words:?} as the first process"), &mut unshare).await;
    }
}
