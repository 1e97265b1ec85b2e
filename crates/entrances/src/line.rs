//! The serial line, at either end.

use chadburn_core::serial::{Command, Heard, LineReader, MAX_LINE, Report};

/// Lines are found wherever they are, and what is understood can be said again.
pub(crate) fn enter(bytes: &[u8]) {
    let mut reader = LineReader::<MAX_LINE>::new();
    let mut heard = Vec::new();
    for byte in bytes {
        match reader.push(*byte) {
            Some(Heard::Line(line)) => {
                understood(line);
                heard.push(Some(line.to_owned()));
            }
            Some(Heard::Garbage) => heard.push(None),
            None => {}
        }
    }
    let whole = bytes.iter().rposition(|byte| is_end(*byte)).map_or(0, |last| last + 1);
    let lines = bytes[..whole].split(|byte| is_end(*byte)).filter(|line| !line.is_empty());
    let expected: Vec<_> = lines
        .map(|line| {
            let printable = line.iter().all(|byte| (b' '..=b'~').contains(byte));
            (line.len() <= MAX_LINE && printable).then(|| String::from_utf8_lossy(line).into())
        })
        .collect();
    assert_eq!(heard, expected);
    assert_eq!(reader.is_within(), whole < bytes.len());
    assert_eq!(reader.abandon(), whole < bytes.len());
    assert!(!reader.is_within());
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn understood(line: &str) {
    if let Some(report) = Report::parse(line) {
        let again = report.line().expect("what was heard can be said");
        assert_eq!(Report::parse(again.text()), Some(report), "{line:?}");
    }
    if let Some(command) = Command::parse(line) {
        assert_eq!(Command::parse(command.line().text()), Some(command), "{line:?}");
        assert!(Report::parse(line).is_none(), "{line:?} comes from one end");
    }
}
