//! Lines of the text wire, and what `Accept&N` carries.

use chadburn::wire::text::{Command, acceptable, parse};

use crate::status;

/// Every line is one command, and what it carries is what stood there.
pub(crate) fn enter(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else { return };
    match parse(line) {
        Command::Base => assert_eq!(line, "base"),
        Command::File => assert_eq!(line, "file"),
        Command::Status => assert_eq!(line, "status"),
        Command::Shutdown => assert_eq!(line, "shutdown"),
        Command::Accept(state) => {
            let rest = line.strip_prefix("Accept&").expect("it begins so");
            assert_eq!(rest.split('&').next(), Some(state));
        }
        Command::Nothing => assert!(line.contains('&') && !line.starts_with("Accept&")),
        Command::Echo(echo) => {
            assert_eq!(echo, line);
            assert!(!line.contains('&'));
        }
    }
}

/// What is acceptable stands on one line of the accept file, and is read back from it.
pub(crate) fn accept(bytes: &[u8]) {
    let Ok(state) = std::str::from_utf8(bytes) else { return };
    let plain = (1..=64).contains(&bytes.len()) && bytes.iter().all(|b| (b' '..=b'~').contains(b));
    assert_eq!(acceptable(state), plain && !state.trim().is_empty());
    if acceptable(state) {
        assert_eq!(
            status::read(format!("{state}\n").as_bytes()).as_deref(),
            Some(state.trim_end())
        );
    }
}
