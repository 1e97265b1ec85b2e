//! What the log writes, and that it makes nobody wait.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::*;

fn logged(format: Format, filter: Option<&str>, say: impl FnOnce()) -> String {
    logged_by(Flood::start("counted"), format, filter, say)
}

fn logged_with(flood: Flood, say: impl FnOnce()) -> String {
    logged_by(flood, Format::Human, None, say)
}

fn logged_by(flood: Flood, format: Format, filter: Option<&str>, say: impl FnOnce()) -> String {
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let guard = Guard { queue: Queue::start(writer, Flood::start("counted")).unwrap() };
    let subscriber = subscriber(format, filter, &guard.queue, flood).unwrap();
    let default = subscriber.set_default();
    say();
    drop(default);
    drop(guard);
    let mut text = String::new();
    reader.set_nonblocking(true).unwrap();
    // Whatever the thread still holds open, everything was written when the guard was gone.
    let _ = reader.read_to_string(&mut text);
    text
}

#[test]
fn people_read_time_level_message_and_facts() {
    let text = logged(Format::Human, None, || {
        tracing::info!("New Client: 1");
        tracing::warn!(port = 1873, "port in use");
        tracing::debug!("not this");
    });
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].ends_with(" INFO New Client: 1"), "{text}");
    assert!(lines[0].starts_with("20"), "{text}");
    assert!(lines[1].ends_with(" WARN port in use port=1873"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn programs_read_objects() {
    let text = logged(Format::Json, None, || {
        tracing::info!(port = 1873, "listening");
    });
    let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(line["message"], "listening");
    assert_eq!(line["port"], 1873);
    assert_eq!(line["level"], "INFO");
}

#[test]
fn a_filter_is_heard_and_a_wrong_one_is_named() {
    let text = logged(Format::Human, Some("warn,chadburn=debug"), || {
        tracing::debug!("this");
    });
    assert!(text.contains("DEBUG this"), "{text}");
    let queue = Queue::start(std::io::sink(), Flood::start("counted")).unwrap();
    let wrong = subscriber(Format::Human, Some("chadburn=loud"), &queue, Flood::start("counted"))
        .err()
        .expect("an error");
    assert!(wrong.to_string().starts_with("CHADBURN_LOG: "), "{wrong}");
}

#[test]
fn a_line_that_is_read_late_is_not_lost() {
    let (mut reader, writer) = UnixStream::pair().unwrap();
    let queue = Queue::start(writer, Flood::start("counted")).unwrap();
    let lines: Vec<_> = (0..1000).map(|line| format!("{line}\n")).collect();
    for line in &lines {
        queue.put(line.as_bytes());
    }
    let all = lines.concat();
    let mut text = vec![0; all.len()];
    reader.read_exact(&mut text).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), all);
}

/// The process of the next test, for which this is run by its name.
#[test]
#[ignore = "is run by another test, in a process of its own"]
fn talks_into_a_pipe_and_exits() {
    let guard = start(Format::Human, None, "counted").unwrap();
    for _ in 0..20_000 {
        tracing::info!("a line that nobody will ever read, and a long one at that");
    }
    drop(guard);
    std::process::exit(42);
}

#[test]
fn a_process_whose_output_nobody_reads_still_exits() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "log::tests::talks_into_a_pipe_and_exits"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if begun.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("the process hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(code, Some(42));
}

#[test]
fn a_closed_log_hurts_nobody() {
    let (reader, writer) = UnixStream::pair().unwrap();
    drop(reader);
    let queue = Queue::start(writer, Flood::start("counted")).unwrap();
    let guard = Guard { queue: queue.clone() };
    for _ in 0..10_000 {
        queue.put(b"into the void\n");
    }
    let begun = Instant::now();
    drop(guard);
    assert!(begun.elapsed() < Duration::from_millis(200), "the thread lives and ends in time");
}

#[test]
fn a_place_in_the_code_that_storms_does_not_fill_the_log() {
    let text = logged(Format::Human, None, || {
        for _ in 0..10_000 {
            tracing::warn!("a storm");
        }
        tracing::info!("another place");
    });
    let lines = text.lines().filter(|line| line.contains("a storm")).count();
    assert!((200..300).contains(&lines), "{lines}");
    assert!(text.contains("another place"), "{lines}");
}

#[test]
fn what_was_left_out_is_told_when_it_is_over() {
    let flood = Flood::start("counted");
    let text = logged_with(flood.clone(), || {
        (0..1_000).for_each(|_| tracing::warn!("a storm"));
        let begun = Instant::now();
        while flood.is_silent() && begun.elapsed() < Duration::from_mins(1) {
            flood.report();
            std::thread::yield_now();
        }
    });
    assert!(text.contains("lines like these were left out more="), "{text:.300}");
}

#[test]
fn a_foreign_text_can_neither_forge_a_line_nor_ring_a_terminal() {
    assert_eq!(escaped("Käse, 中 \"7\"").to_string(), "Käse, 中 \"7\"");
    assert_eq!(escaped("a\r\nb\t\0").to_string(), "a\\r\\nb\\t\\u{0}");
    assert_eq!(escaped("\u{1b}[2J\u{7f}\u{9b}").to_string(), "\\u{1b}[2J\\u{7f}\\u{9b}");
    assert_eq!(
        escaped("STOP\u{200b}\u{3164}\u{e0041}").to_string(),
        "STOP\\u{200b}\\u{3164}\\u{e0041}"
    );
    assert_eq!(escaped("\u{202e}\\").to_string(), "\\u{202e}\\\\");
    assert_eq!(escaped(&"é".repeat(200)).to_string(), "é".repeat(200));
    assert_eq!(escaped(&"é".repeat(201)).to_string(), format!("{}…", "é".repeat(200)));
    let long = format!("\u{1b}{}", "é".repeat(300));
    assert_eq!(escaped_whole(&long).to_string(), format!("\\u{{1b}}{}", "é".repeat(300)));
    assert_eq!(
        one_line("\\u{9b}\u{9b}\u{85}\u{2029}").to_string(),
        "\\u{9b}\\u{9b}\\u{85}\\u{2029}"
    );
}

/// The fixture's texts as a line shows them, by what the panel shows: there the number stands in angles,
/// and a line may end.
#[test]
fn each_character_that_nobody_sees_is_shown_by_its_number() {
    let examples = include_str!("../../../../tests/fixtures/unseen.json");
    let examples: serde_json::Value = serde_json::from_str(examples).unwrap();
    let texts = |part: &str| examples[part].as_array().unwrap().clone();
    let by_number = |c: char| c.escape_default().to_string();
    for pair in texts("shown") {
        let mut line = String::new();
        for (at, part) in pair[1].as_str().unwrap().split(['⟨', '⟩']).enumerate() {
            let number = part.strip_prefix("U+").filter(|_| at % 2 == 1);
            let number = number.map(|it| u32::from_str_radix(it, 16).unwrap());
            match number.and_then(char::from_u32) {
                Some(c) => line.push_str(&by_number(c)),
                None => line
                    .push_str(&part.replace('\t', "\\t").replace('\r', "\\r").replace('\n', "\\n")),
            }
        }
        let text = pair[0].as_str().unwrap();
        assert_eq!((escaped(text).to_string(), one_line(text).to_string()), (line.clone(), line));
    }
    for name in texts("names") {
        let name = name.as_str().unwrap();
        assert_eq!((&*escaped(name).to_string(), &*one_line(name).to_string()), (name, name));
    }
    for text in texts("unfit") {
        let text = text.as_str().unwrap();
        for shown in [escaped(text).to_string(), one_line(text).to_string()] {
            assert_eq!(chadburn_core::unseen(&shown), None, "{text:?}: {shown:?}");
            assert_eq!(shown == text, chadburn_core::unseen(text).is_none(), "{text:?}: {shown:?}");
        }
    }
    let code = |end: &serde_json::Value| u32::from_str_radix(end.as_str().unwrap(), 16).unwrap();
    for range in texts("ignorable").iter().chain(&texts("others")) {
        for c in (code(&range[0])..=code(&range[1])).filter_map(char::from_u32) {
            assert_eq!(escaped(c.encode_utf8(&mut [0; 4])).to_string(), by_number(c));
        }
    }
}

#[test]
fn whatever_gets_into_a_line_unescaped_acts_upon_no_terminal() {
    let evil = "a\u{1b}[2J\u{9b}m\u{202e}\u{7f}\nINFO forged";
    for format in [Format::Human, Format::Json] {
        let text = logged(format, None, || tracing::info!(evil, "{evil}"));
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.chars().any(chadburn_v1::acts), "{text}");
        if format == Format::Json {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line["message"].as_str().unwrap().ends_with("\u{202e}\u{7f}\nINFO forged"));
        }
    }
}
