//! The command line from outside: what starts a server, and what ends it in one clear line.

use std::fs;
use std::os::unix::fs::symlink;

use tokio::task::JoinSet;

use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// Starts what cannot start: one line on standard error that holds these words, and a bad end.
async fn assert_refused(setup: Setup, words: &[&str]) {
    let (code, said) = setup.run_to_end().await;
    assert!(code.is_some_and(|code| code != 0), "{words:?}: it ended with {code:?}");
    assert_eq!(said.lines().count(), 1, "{words:?}: {said:?}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

/// What `file` says on a server with these arguments, whose status file holds `green`.
async fn file_of(setup: Setup, name: &'static str) -> String {
    setup.home.write(name, "green\n");
    let server = setup.start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("status").await, "Current Status: green");
    station.ask("file").await
}

#[tokio::test]
async fn the_status_file_can_be_named_in_every_spelling() {
    let expected = "EOT Status file: deploy.status";
    let spellings = [
        vec!["serve", "deploy.status"],
        vec!["--status-file", "deploy.status"],
        vec!["--status-file=deploy.status"],
        vec!["--status_file", "deploy.status"],
        vec!["--status_file=deploy.status"],
        vec!["serve", "--status_file", "deploy.status"],
    ];
    let mut setups: Vec<_> =
        spellings.into_iter().map(|args| Setup::without_status().args(args)).collect();
    let by_variable = |value| Setup::without_status().variable("CHADBURN_STATUS_FILE", value);
    setups.push(by_variable("deploy.status"));
    // What was typed goes first.
    setups.push(by_variable("another").args(["--status-file", "deploy.status"]));
    let files: JoinSet<_> =
        setups.into_iter().map(|setup| file_of(setup, "deploy.status")).collect();
    for file in files.join_all().await {
        assert_eq!(file, expected);
    }
}

#[tokio::test]
async fn the_accept_file_can_be_named_in_every_spelling() {
    let spellings = [
        (vec!["--accept-file", "a.txt"], "a.txt"),
        (vec!["--accept_file", "a.txt"], "a.txt"),
        (vec!["--accept_file=a.txt"], "a.txt"),
        (vec![], "accept.eot"),
        (vec!["--status-file", "deploy.status"], "deploy.status.accept"),
        (vec!["serve", "deploy.status"], "deploy.status.accept"),
    ];
    let accept = |(args, name): (Vec<&'static str>, &'static str)| async move {
        let setup = Setup::new();
        setup.home.write("deploy.status", "green\n");
        let server = setup.args(args.clone()).start().await;
        let answer = TestStation::text(&server).await.ask("Accept&7").await;
        assert_eq!(answer, "Accepted state: 7", "{args:?}");
        assert_eq!(fs::read(server.home.file(name)).expect("it is there"), b"7\n", "{args:?}");
    };
    let accepts: JoinSet<()> = spellings.into_iter().map(accept).collect();
    accepts.join_all().await;
}

#[tokio::test]
async fn files_may_stand_elsewhere() {
    let setup = Setup::without_status();
    fs::create_dir(setup.home.file("in")).expect("a directory can be made");
    fs::create_dir(setup.home.file("out")).expect("a directory can be made");
    setup.home.write("in/order", "7\n");
    let accept = setup.home.file("out/reply");
    let accept = accept.to_str().expect("a path in UTF-8").to_owned();
    let server = setup.args(["--status-file", "in/order", "--accept-file", &accept]).start().await;
    let mut station = TestStation::text(&server).await;
    assert_eq!(station.ask("file").await, "EOT Status file: in/order");
    assert_eq!(station.ask("Accept&7").await, "Accepted state: 7");
    assert_eq!(fs::read(accept).expect("it is there"), b"7\n");
    server.home.write("in/order", "8\n");
    station.expect("8").await;
}

#[tokio::test]
async fn whatever_was_typed_does_not_speak_to_the_terminal() {
    for args in [
        ["--port", "\u{1b}[31m80"],
        ["--host", "\u{1b}]0;a\u{7}b"],
        ["--watch", "\u{9b}2J\u{202e}"],
        ["--frobnicate\u{1b}[31m", "x"],
        ["--status-file", "no\u{1b}[31m\nwhere/file"],
        ["--dial", "no\u{1b}[31m\nwhere"],
        ["--assets", "no\u{1b}[31m\nwhere"],
    ] {
        let (code, said) = Setup::new().args(args).run_to_end().await;
        assert!(code.is_some_and(|code| code != 0), "{args:?}");
        assert!(said.starts_with("chadburn: ") && said.contains("\\u{"), "{args:?}: {said:?}");
        let speaks = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!said.contains(speaks), "{args:?}: {said:?}");
    }
    let setup = Setup::new().variable("CHADBURN_WATCH", "\u{1b}[31m");
    assert_refused(setup, &["CHADBURN_WATCH", "\\u{1b}"]).await;
}

#[tokio::test]
async fn a_port_in_use_is_said_in_one_line() {
    let taken = TestServer::start().await;
    let port = taken.address.port();
    assert_refused(Setup::new().port(port), &[&port.to_string()]).await;
    TestStation::text(&taken).await.expect_nothing_yet().await;
}

#[tokio::test]
async fn a_missing_parent_directory_is_said_in_one_line() {
    for option in ["--status-file", "--accept-file"] {
        let setup = Setup::new().args([option, "nowhere/file"]);
        assert_refused(setup, &["nowhere"]).await;
    }
}

#[tokio::test]
async fn one_file_cannot_be_both() {
    assert_refused(Setup::new().args(["--accept-file", "status.eot"]), &["status.eot"]).await;
    assert_refused(Setup::new().args(["--accept-file", "./status.eot"]), &["status.eot"]).await;
    let setup = Setup::new();
    fs::hard_link(setup.home.status(), setup.home.accept()).expect("a link can be made");
    assert_refused(setup, &["status.eot"]).await;
    let setup = Setup::new();
    symlink("status.eot", setup.home.accept()).expect("a link can be made");
    assert_refused(setup, &["status.eot"]).await;
    let setup = Setup::without_status();
    symlink("accept.eot", setup.home.status()).expect("a link can be made");
    assert_refused(setup, &["accept.eot"]).await;
}

#[tokio::test]
async fn an_accept_file_has_one_server() {
    let mut first = TestServer::start().await;
    let home = first.home.clone();
    home.write("other.eot", "8\n");
    let second = || {
        Setup::at(home.clone()).args(["--status-file", "other.eot", "--accept-file", "accept.eot"])
    };
    assert_refused(second(), &["accept.eot"]).await;
    TestStation::text(&first).await.expect_nothing_yet().await;
    assert!(home.file("accept.eot.lock").exists());
    first.kill().await;
    assert!(home.file("accept.eot.lock").exists(), "that file stays");
    let mut second = second().start().await;
    assert_eq!(TestStation::text(&second).await.ask("Accept&7").await, "Accepted state: 7");
    second.stop().await;
    assert!(home.file("accept.eot.lock").exists(), "that file stays");
}

#[tokio::test]
async fn a_wrong_value_is_said_in_one_line() {
    for (args, word) in [
        (vec!["--port", "70000"], "70000"),
        (vec!["--port", "-1"], "-1"),
        (vec!["--port", "http"], "http"),
        (vec!["--port", ""], "port"),
        (vec!["--bind", "here"], "here"),
        (vec!["--watch", "often"], "often"),
        (vec!["--allow-shutdown", "sometimes"], "sometimes"),
        (vec!["--log-format", "xml"], "xml"),
        (vec!["--allow-origin", "panel.example"], "panel.example"),
        (vec!["--host", "a b"], "a b"),
        (vec!["--host", ""], "host"),
        (vec!["--assets", "nowhere"], "nowhere"),
        (vec!["--dial", "nowhere.toml"], "nowhere.toml"),
        (vec!["--accept-file", ""], "accept"),
        (vec!["--status-file", "."], "."),
        (vec!["--frobnicate"], "--frobnicate"),
        (vec!["serve", "one", "two"], "two"),
        (vec!["sevre"], "sevre"),
    ] {
        assert_refused(Setup::new().args(args), &[word]).await;
    }
}

#[tokio::test]
async fn a_wrong_variable_is_said_in_one_line() {
    for (name, value) in [
        ("CHADBURN_WATCH", "often"),
        ("CHADBURN_ALLOW_SHUTDOWN", "sometimes"),
        ("CHADBURN_ALLOW_ORIGIN", "http://good.example,bad"),
        ("CHADBURN_LOG_FORMAT", "xml"),
    ] {
        assert_refused(Setup::new().variable(name, value), &[name]).await;
    }
}

#[tokio::test]
async fn a_misuse_starts_nothing() {
    let setup = Setup::without_status().args(["--accept-file", "nowhere/file"]);
    let home = setup.home.clone();
    setup.run_to_end().await;
    assert_eq!(fs::read_dir(home.path()).expect("it is there").count(), 0);
}

#[tokio::test]
async fn help_and_version_are_good_ends() {
    for (option, word) in [("--help", "--status-file"), ("--version", "chadburn")] {
        let mut server = Setup::new().args([option]).launch();
        server.exits_well_within(crate::patience::PATIENCE).await;
        let said = server.log.whole();
        assert!(said.iter().any(|line| line.contains(word)), "{said:?}");
        assert!(said.len() <= 50, "{option} fits on one screen: {} lines", said.len());
    }
}
