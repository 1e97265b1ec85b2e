//! The living view of `chadburn watch`, on a terminal of the test's own.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::link::url;
use crate::patience::until;
use crate::server::TestServer;
use crate::terminal::{Terminal, shows};

/// `chadburn watch` on a terminal.
struct Watch {
    child: Child,
    terminal: Terminal,
}

impl Watch {
    fn resize(&self, columns: u16, rows: u16) {
        self.terminal.resize(columns, rows);
        // The kernel tells those whose terminal it is; this one is nobody's.
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
        kill_process(pid, Signal::WINCH).expect("one's child can be signalled");
    }
}

/// `chadburn watch` with these words on a terminal of this size, which is its standard error too if
/// it has more to say there.
fn watch(server: &TestServer, columns: u16, rows: u16, words: &[&str]) -> Watch {
    watch_in(server, columns, rows, words, &[("TERM", "xterm"), ("LC_ALL", "C.UTF-8")])
}

/// The same in this environment.
fn watch_in(
    server: &TestServer,
    columns: u16,
    rows: u16,
    words: &[&str],
    variables: &[(&str, &str)],
) -> Watch {
    let terminal = Terminal::open(columns, rows);
    // Where there is no view, there are lines, which begin and end as they like.
    let has_view = words.is_empty() && variables.contains(&("TERM", "xterm"));
    terminal.screen().shared = !has_view;
    let mut command = Command::new(env!("CARGO_BIN_EXE_chadburn"));
    command.args(["watch", "--name", "Zoë", "--wait", "20s", "--url", &url(server)]);
    let errors = if words.is_empty() { Stdio::null() } else { terminal.far().into() };
    for name in ["TERM", "NO_COLOR", "CLICOLOR_FORCE", "LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).current_dir(server.home.path());
    command.args(words).stdin(Stdio::null()).stdout(terminal.far()).stderr(errors);
    let child = command.kill_on_drop(true).spawn().expect("it can be run");
    Watch { child, terminal }
}

#[tokio::test]
async fn the_view_lives() {
    let mut server = TestServer::start().await;
    let watch = watch(&server, 80, 24, &[]);
    let screen = &watch.terminal.screen;
    let link = format!("  link   {}", url(&server));
    shows(screen, &["▶  6 STOP", "  order  6 STOP", "  reply  none", "  bell   [ RINGS ]", &link])
        .await;
    shows(screen, &["  roll   0 answered, 0 coming, 0 not, 1 here", "         Zoë"]).await;
    server.home.order("7");
    shows(screen, &["   6 STOP", "▶  7 COFFEE", "  order  7 COFFEE", "  bell   [ RINGS ]"]).await;
    server.home.write("accept.eot", "7\n");
    shows(screen, &["▶  7 COFFEE ◀", "  reply  7 COFFEE by file", "  bell   is quiet"]).await;
    server.home.order("main is broken \u{1b}[31m");
    shows(screen, &["   7 COFFEE ◀", "  order  main is broken \\u{1b}[31m"]).await;
    let height = watch.terminal.screen().lines.len();
    std::fs::remove_file(server.home.status()).expect("it is there");
    shows(screen, &["  file   status.eot does not exist"]).await;
    server.home.order("7");
    let lines = || watch.terminal.screen().lines.clone();
    let well = || lines().len() == height && !lines().iter().any(|it| it.starts_with("  file"));
    until("nothing of the trouble is left", well).await;
    assert_eq!(lines().iter().filter(|it| **it == link).count(), 1, "{:#?}", lines());
    server.kill().await;
    let away = || watch.terminal.screen().lines.clone();
    until("it is away", || away().iter().any(|it| it.starts_with("  link   [ AWAY ] "))).await;
    assert_eq!(away().len(), height, "it is drawn in its own place");
}

#[tokio::test]
async fn a_small_terminal_shows_what_matters() {
    let server = TestServer::start().await;
    let watch = watch(&server, 24, 10, &[]);
    let screen = &watch.terminal.screen;
    shows(screen, &["▶  6 STOP", "  order  6 STOP", "  bell   [ RINGS ]"]).await;
    server.home.order("a status that is longer than this terminal is wide");
    shows(screen, &["  order  a status that i"]).await;
    let lines = watch.terminal.screen().lines.clone();
    assert!(lines.len() <= 10 && !lines.iter().any(|it| it.contains("COFFEE")), "{lines:#?}");
    // With still less room the bell and the order stay, and it is drawn anew at once.
    watch.resize(20, 4);
    let lines = || watch.terminal.screen().lines.clone();
    let small = ["  order  a status th", "  reply  none", "  bell   [ RINGS ]"];
    until("it fits", || lines().iter().take(3).eq(small.iter())).await;
    watch.resize(60, 24);
    shows(screen, &["   7 COFFEE", "  order  a status that is longer than this terminal is wide"])
        .await;
}

#[tokio::test]
async fn what_a_command_says_does_not_spoil_the_view() {
    let server = TestServer::start().await;
    let watch = watch(&server, 80, 24, &["--exec", "echo rang >&2"]);
    let lines = || watch.terminal.screen().lines.clone();
    until("the command has run", || lines().iter().any(|it| it == "rang")).await;
    let is_present = |line: &String| line.ends_with("present 6 STOP, the bell rings");
    until("the view stands", || lines().iter().any(is_present)).await;
}

#[tokio::test]
async fn a_terminal_that_understands_no_escape_sequences_gets_none() {
    let server = TestServer::start().await;
    for term in [None, Some(("TERM", "")), Some(("TERM", "dumb"))] {
        let watch = watch_in(&server, 80, 24, &[], term.as_slice());
        let said = || watch.terminal.screen().said.clone();
        for line in [" link up ", " present 6 STOP, the bell rings"] {
            until("it is told in lines", || said().contains(line)).await;
        }
        assert!(!said().contains('\u{1b}'), "{:?}", said());
    }
}

#[tokio::test]
async fn emphasis_and_letters_are_what_the_environment_allows() {
    let server = TestServer::start().await;
    let plain =
        watch_in(&server, 80, 24, &[], &[("TERM", "xterm"), ("NO_COLOR", "1"), ("LC_ALL", "C")]);
    shows(
        &plain.terminal.screen,
        &[">  6 STOP", "  order  6 STOP", "  bell    RINGS", "         Zo\\u{eb}"],
    )
    .await;
    assert!(plain.terminal.screen().said.is_ascii());
    let forced = [("TERM", "dumb"), ("CLICOLOR_FORCE", "1")];
    let forced = watch_in(&server, 80, 24, &[], &forced);
    let said = || forced.terminal.screen().said.clone();
    until("it is told", || said().contains("the bell \u{1b}[7mrings\u{1b}[0m")).await;
}

#[tokio::test]
async fn a_terminal_that_is_held_holds_up_no_command() {
    let server = TestServer::start().await;
    let exec = "echo $CHADBURN_EVENT $CHADBURN_NAME >> ran";
    let watch = watch(&server, 80, 24, &["--unanswered-after", "500ms", "--exec", exec]);
    let ran = || std::fs::read_to_string(server.home.file("ran")).unwrap_or_default();
    until("it runs", || ran().contains("present STOP")).await;
    // As Ctrl-S does, and then Ctrl-Q.
    watch.terminal.types("\x13");
    server.home.order("8");
    until("the order is told of", || ran().contains("order LUNCH")).await;
    until("that nobody answers, too", || ran().contains("unanswered LUNCH")).await;
    let said = || watch.terminal.screen().said.clone();
    assert!(!said().contains("LUNCH"), "the terminal is held");
    watch.terminal.types("\x11");
    until("it goes on", || said().contains("unanswered 8 LUNCH")).await;
}

#[tokio::test]
async fn what_a_shell_says_while_the_view_is_stopped_stays() {
    let server = TestServer::start().await;
    let watch = watch(&server, 80, 40, &[]);
    shows(&watch.terminal.screen, &["▶  6 STOP", "         Zoë"]).await;
    let pid = watch.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
    kill_process(pid, Signal::STOP).expect("one's child can be signalled");
    watch.terminal.screen().keeps_lines = true;
    rustix::io::write(watch.terminal.far(), b"$ a shell's own line\r\n").expect("it is taken");
    shows(&watch.terminal.screen, &["$ a shell's own line"]).await;
    server.home.order("7");
    kill_process(pid, Signal::CONT).expect("one's child can be signalled");
    shows(&watch.terminal.screen, &["$ a shell's own line", "▶  7 COFFEE", "  order  7 COFFEE"])
        .await;
    server.home.order("8");
    shows(&watch.terminal.screen, &["$ a shell's own line", "▶  8 LUNCH", "  order  8 LUNCH"])
        .await;
}
