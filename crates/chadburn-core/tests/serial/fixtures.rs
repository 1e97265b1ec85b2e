//! The fixtures, which board and bridge are held to as well.

use chadburn_core::serial::{Command, Health, Report};

const FIXTURES: &str = include_str!("../../../../tests/fixtures/serial.v1.txt");

/// Who says it, the line, and what it means.
fn fixtures() -> impl Iterator<Item = [&'static str; 3]> {
    FIXTURES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let mut cells = line.split('|').map(str::trim);
        std::array::from_fn(|_| cells.next().expect("three cells"))
    })
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn meaning_of_report(report: &Report<'_>) -> String {
    match report {
        Report::Order(position) => format!("order {position}"),
        Report::Hello { version, name } => format!("hello {version} {name}"),
        Report::State(state) => format!(
            "state {} {} {} {} {} {} {}",
            state.seq,
            or_dash(state.order),
            or_dash(state.reply),
            or_dash(state.pointer),
            state.errors,
            if state.health == Health::Ok { "ok" } else { "fault" },
            if state.bell { "ring" } else { "quiet" },
        ),
    }
}

fn meaning_of_command(command: Command) -> String {
    match command {
        Command::Reply(position) => format!("reply {position}"),
        Command::Hello(version) => format!("hello {version}"),
        Command::KeepAlive => "keep-alive".to_owned(),
    }
}

#[test]
fn every_fixture_means_what_it_says_and_is_written_that_way() {
    let mut counted = 0;
    for [who, line, meaning] in fixtures() {
        let (found, written) = match who {
            "board" => {
                let report = Report::parse(line);
                let written = report.map(|report| report.line().expect("it was said"));
                (report.map(|report| meaning_of_report(&report)), written)
            }
            "host" => {
                let command = Command::parse(line);
                (command.map(meaning_of_command), command.map(|command| command.line()))
            }
            other => panic!("who is {other:?}?"),
        };
        let only = meaning.strip_prefix("= ");
        assert_eq!(found.as_deref().unwrap_or("nothing"), only.unwrap_or(meaning), "{line}");
        if only.is_some() {
            let written = written.expect("it means something");
            assert_eq!(written.text(), line);
            assert_eq!(*written, *format!("{line}\r\n").as_bytes());
        }
        counted += 1;
    }
    assert!(counted > 60, "only {counted} fixtures were found");
}

#[test]
fn what_cannot_be_said_is_not_written() {
    for name in ["", "two words", "a*b", "a-name-of-twenty-five-byte", "naïve"] {
        assert_eq!(Report::Hello { version: 1, name }.line(), None, "{name}");
    }
    assert_eq!(Report::Hello { version: 0, name: "eot" }.line(), None);
}
