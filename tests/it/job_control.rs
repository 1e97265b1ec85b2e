//! The living view in a real shell: stopped by Ctrl-Z, in the background, and in front again.

use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::http;
use crate::link::url;
use crate::patience::{soon, until};
use crate::server::TestServer;
use crate::terminal::{Terminal, shows};

/// A shell on a terminal that is its own, in which `$C` is the program.
fn shell(server: &TestServer, words: &[&str]) -> (Child, Terminal) {
    let terminal = Terminal::open(80, 60);
    terminal.screen().shared = true;
    let mut command = Command::new("setsid");
    command.arg("--ctty").args(words).current_dir(server.home.path()).kill_on_drop(true);
    command.env("C", env!("CARGO_BIN_EXE_chadburn")).env("CHADBURN_URL", url(server));
    command.envs([("TERM", "xterm"), ("LC_ALL", "C.UTF-8"), ("PS1", ""), ("ENV", "")]);
    command.stdin(Stdio::from(terminal.far())).stdout(terminal.far()).stderr(terminal.far());
    (command.spawn().expect("there is setsid"), terminal)
}

const SHELLS: [&[&str]; 2] = [&["bash", "--norc", "--noediting", "-i"], &["sh", "-i"]];

/// Orders this, and returns when the server has told everybody.
async fn order(server: &TestServer, number: &str) {
    server.home.order(number);
    let position = format!("\"position\":{number},");
    let told = async { while !http::get(server, "/status").await.body.contains(&position) {} };
    soon("it is ordered", told).await;
}

#[tokio::test]
async fn a_view_in_the_background_leaves_the_shell_alone_and_is_there_again_in_front() {
    for words in SHELLS {
        let server = TestServer::start().await;
        let (_shell, terminal) = shell(&server, words);
        let screen = &terminal.screen;
        terminal.types("$C watch\n");
        shows(screen, &["▶  6 STOP", "  bell   [ RINGS ]"]).await;
        terminal.types("\u{1a}");
        let stopped = || terminal.screen().lines.iter().any(|line| line.contains("Stopped"));
        until("it is stopped", stopped).await;
        terminal.types("echo mine, while it is stopped\n");
        shows(screen, &["mine, while it is stopped"]).await;
        terminal.types("bg\necho mine, while it runs\n");
        shows(screen, &["mine, while it runs"]).await;
        order(&server, "7").await;
        terminal.types("echo mine, after the order\n");
        shows(screen, &["mine, after the order"]).await;
        let mine = terminal.screen().lines.clone();

        assert!(!mine.iter().any(|line| line.contains("COFFEE ◀") || line.contains("▶  7")));
        // Nothing happens any more, and yet it shows how things are.
        terminal.types("fg\n");
        shows(screen, &["▶  7 COFFEE", "  order  7 COFFEE", "  bell   [ RINGS ]"]).await;
        assert!(terminal.screen().lines.starts_with(&mine), "{:#?}", terminal.screen().lines);
        // Stopped and in front again at once; the place where it was drawn is the shell's now.
        terminal.types("\u{1a}");
        let twice =
            || terminal.screen().lines.iter().filter(|line| line.contains("Stopped")).count() == 2;
        until("it is stopped again", twice).await;
        order(&server, "8").await;
        let mine = terminal.screen().lines.clone();
        terminal.types("fg\n");
        shows(screen, &["▶  8 LUNCH", "  order  8 LUNCH"]).await;
        assert!(terminal.screen().lines.starts_with(&mine));
        terminal.types("\u{3}");
        terminal.types("echo ended by $?\n");
        shows(screen, &["ended by 130"]).await;
    }
}

#[tokio::test]
async fn a_view_that_begins_in_the_background_is_drawn_in_front() {
    for words in SHELLS {
        let server = TestServer::start().await;
        let (_shell, terminal) = shell(&server, words);
        terminal.types("$C watch & echo mine\n");
        shows(&terminal.screen, &["mine"]).await;
        server.log.line_with("New Client").await;
        order(&server, "7").await;
        assert!(!terminal.screen().said.contains("COFFEE"));
        terminal.types("fg\n");
        shows(&terminal.screen, &["mine", "▶  7 COFFEE", "  order  7 COFFEE"]).await;
    }
}
