//! Lines of the text wire, and what `Accept&N` carries.

use chadburn::wire::text::{Command, acceptable, parse};

use crate::status;

/// Every line is one command, and what it carries is what stood there.
pub(crate) fn enter(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else { return };
    let is = |word: &str| ["", "\r", "\n", "\r\n"].iter().any(|end| line == format!("{word}{end}"));
    match parse(line) {
        Command::Base => assert!(is("base")),
        Command::File => assert!(is("file")),
        Command::Status => assert!(is("status")),
        Command::Shutdown => assert!(is("shutdown")),
        Command::Accept(state) => {
            let rest = line.strip_prefix("Accept&").expect("it begins so");
            let first = rest.split('&').next().expect("there is always a first");
            let end = first.strip_prefix(state).expect("it is what stands there");
            assert!(["", "\r", "\n", "\r\n"].contains(&end), "{line:?}");
            assert!(
                !(end.is_empty() && rest == first && state.ends_with(['\r', '\n'])),
                "{line:?}"
            );
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
