//! What is only printed: help, completions and what becomes of them in real shells, and what happens
//! when it cannot be printed.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::commands::{done, finished};
use crate::home::Home;
use crate::link::url;
use crate::patience::{soon, within};
use crate::server::TestServer;

#[tokio::test]
async fn every_help_fits_one_screen_and_every_shell_is_completed() {
    let server = TestServer::start().await;
    // Those that go to a server, and those that do not.
    let client_commands =
        ["status", "answer", "order", "watch", "wait", "log", "console", "doctor"];
    for verb in client_commands.into_iter().chain(["serve", "bridge", "completions", ""]) {
        let words: Vec<_> = [verb, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let help = done(&server, &words).await;
        // A change is looked at: `chadburn VERB --help > tests/fixtures/help/VERB.txt`.
        let name = if verb.is_empty() { "chadburn" } else { verb };
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/help");
        let known = std::fs::read_to_string(folder.join(format!("{name}.txt")));
        assert_eq!(known.ok().as_deref(), Some(help.as_str()), "chadburn {verb} --help");
        assert!(help.lines().count() <= 40, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        let is_client_command = client_commands.contains(&verb);
        assert!(
            !is_client_command || help.contains("--url") && help.contains("xit codes"),
            "{help}"
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = done(&server, &["completions", shell]).await;
        assert!(script.contains("unanswered-after"), "{shell}");
    }
}

#[tokio::test]
async fn a_real_bash_completes_commands_options_and_their_words() {
    let script = "source <(\"$0\" completions bash)
        while read -ra COMP_WORDS; do
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            [ \"${COMP_WORDS[COMP_CWORD]}\" = _ ] && COMP_WORDS[COMP_CWORD]=
            COMPREPLY=()
            _chadburn chadburn \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"
            echo \"${COMPREPLY[*]}\"
        done";
    // A word that is still to be typed is an underscore here.
    let cases = [
        ("chadburn wat", "watch"),
        ("chadburn watch --un", "--unanswered-after"),
        ("chadburn watch --wire _", "json text"),
        ("chadburn --watch _", "auto inotify poll"),
        ("chadburn serve --allow-orders _", "never local any"),
        ("chadburn answer --not", "--not-coming"),
        ("chadburn doctor --status-file sta", "status.eot"),
    ];
    let home = Home::new();
    home.order("6");
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, env!("CARGO_BIN_EXE_chadburn")]).current_dir(home.path());
    let mut bash = bash.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let bash = bash.as_mut().expect("there is a bash");
    let mut typed = bash.stdin.take().expect("it is piped");
    let mut lines = BufReader::new(bash.stdout.take().expect("it is piped")).lines();
    for (line, completed) in cases {
        typed.write_all(format!("{line}\n").as_bytes()).await.expect("it listens");
        let said = soon("what completes it", lines.next_line()).await.expect("text");
        assert_eq!(said.as_deref().map(str::trim_end), Some(completed), "{line}");
    }
}

#[tokio::test]
async fn what_cannot_be_printed_is_an_error_and_a_closed_pipe_is_none() {
    let server = TestServer::start().await;
    let program = env!("CARGO_BIN_EXE_chadburn");
    for words in [
        "completions bash",
        "--help",
        "--version",
        "watch --help",
        "status",
        "log",
        "log --csv",
        "doctor",
        "watch",
    ] {
        let run = |line: String| {
            let mut shell = Command::new("bash");
            shell.args(["-c", &line]).env("CHADBURN_URL", url(&server)).stdin(Stdio::null());
            shell.current_dir(server.home.path()).kill_on_drop(true);
            async move { finished(within(Duration::from_secs(20), "the end", shell.output()).await) }
        };
        let (code, _, errors) = run(format!("{program} {words} > /dev/full")).await;
        assert_eq!(code, 1, "{words}: {errors}");
        assert!(errors.to_lowercase().contains("no space left"), "{words}: {errors}");
        // Nobody reads the pipe any more before anything is written into it.
        let closed = format!("exec 3> >(exec true); wait $!; {program} {words} >&3");
        assert_eq!(run(closed).await, (0, String::new(), String::new()), "{words}");
    }
}

#[tokio::test]
async fn names_with_spaces_and_quotes_are_completed_in_the_real_shells() {
    let home = Home::new();
    for name in ["it's a \"status\".eot", "it is.eot"] {
        home.write(name, "6\n");
    }
    let program = env!("CARGO_BIN_EXE_chadburn");
    let bash = format!(
        "source <({program} completions bash)
        for option in '--status-file' '--dial' '--token-file'; do
            COMP_WORDS=(chadburn serve $option it); COMP_CWORD=3; COMPREPLY=()
            _chadburn chadburn it $option
            printf '%s|' \"${{COMPREPLY[@]}}\"; echo
        done"
    );
    let fish = format!(
        "{program} completions fish | source
        complete -C 'chadburn serve --status-file it' | string join '|'"
    );
    // Only at a terminal is anything completed, so zsh has one of its own.
    let zsh = r#"
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "autoload -Uz compinit && compinit -u -D; source <($PROGRAM completions zsh)"
        zpty -w shell 'chadburn() { print -r -- GOT:${(qq)@}:; }; print be""gun'
        zpty -r -m shell line '*begun*'
        zpty -n -w shell $'chadburn serve --status-file "it is\t\n'
        zpty -r -m shell line '*GOT:*:*'
        print -r -- $line
        zpty -n -w shell $'chadburn serve --status-file it\\\'s\t\n'
        zpty -r -m shell line '*GOT:*:*'
        print -r -- $line"#;
    for (shell, script, whole) in [
        ("bash", bash, "it is.eot|"),
        ("fish", fish, "it is.eot"),
        ("zsh", zsh.into(), "GOT:'serve' '--status-file' 'it is.eot':"),
        ("zsh", zsh.into(), r#"GOT:'serve' '--status-file' 'it'\''s a "status".eot':"#),
    ] {
        let mut command = Command::new(shell);
        command.args(["-c", &script]).env("PROGRAM", program);
        command.current_dir(home.path()).stdin(Stdio::null());
        let output = command.env("TERM", "dumb").kill_on_drop(true).output();
        let (_, out, errors) = finished(within(Duration::from_secs(20), shell, output).await);
        assert!(out.contains(whole), "{shell}: {out:?} {errors:?}");
        if shell == "bash" {
            for line in out.lines() {
                let mut names: Vec<_> = line.split_terminator('|').collect();
                names.sort_unstable();
                assert_eq!(names, ["it is.eot", "it's a \"status\".eot"], "{out}");
            }
            assert_eq!(out.lines().count(), 3);
        }
    }
}
