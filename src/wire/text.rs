//! The text wire, fixed byte for byte by the original telegraph.
//!
//! These lines are also what the debug console shows on either wire.

/// The first line of the greeting.
pub const CONNECTED: &str = "Connected to EOT Server";

/// Said to whoever asked for the shutdown, before it begins.
pub const SHUTTING_DOWN: &str = "Shutting down EOT Server...";

/// Said to whoever may not ask for the shutdown.
pub const SHUTDOWN_REFUSED: &str = "Shutdown refused: only from this machine.";

/// Said to everyone when the server ends.
pub const FAREWELL: &str = "EOT Server is shutting down.";

/// Said when `Accept&N` carries an N that does not fit on a line of the accept file.
pub const BAD_ACCEPT: &str =
    "Accept refused: the state must be 1 to 64 printable ASCII characters, and not blank.";

/// The longest N of `Accept&N`, in bytes.
const ACCEPT_MAX: usize = 64;

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// `base`: the directory that the given file names start from.
    Base,
    /// `file`: the name of the status file.
    File,
    /// `status`: the present status.
    Status,
    /// `shutdown`: end the server.
    Shutdown,
    /// `Accept&N`: reply N to the present order.
    Accept(&'a str),
    /// Any other text with an `&`: the original said nothing to it.
    Nothing,
    /// Any other text: comes back.
    Echo(&'a str),
}

/// Understands a line; there is none that cannot be understood. Clients that read lines from a terminal or a
/// pipe send them with their ends, so one CR, LF or CRLF at the end belongs to no command. It does to an echo.
#[must_use]
pub fn parse(line: &str) -> Command<'_> {
    let cut = line.strip_suffix('\n').unwrap_or(line);
    let cut = cut.strip_suffix('\r').unwrap_or(cut);
    match cut {
        "base" => Command::Base,
        "file" => Command::File,
        "status" => Command::Status,
        "shutdown" => Command::Shutdown,
        _ => match cut.split_once('&') {
            Some(("Accept", rest)) => {
                Command::Accept(rest.split_once('&').map_or(rest, |(state, _)| state))
            }
            Some(_) => Command::Nothing,
            None => Command::Echo(line),
        },
    }
}

/// Whether this is an N that `Accept&N` may carry.
#[must_use]
pub fn acceptable(state: &str) -> bool {
    let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    (1..=ACCEPT_MAX).contains(&state.len())
        && state.bytes().all(printable)
        && !state.bytes().all(|byte| byte == b' ')
}

/// The second line of the greeting: a snapshot. The suffix is constant and says nothing of a reply.
#[must_use]
pub fn snapshot(status: &str) -> String {
    format!("{status}&1")
}

/// The answer to `base`.
#[must_use]
pub fn base(directory: &str) -> String {
    format!("Base Directory: {directory}")
}

/// The answer to `file`.
#[must_use]
pub fn file(name: &str) -> String {
    format!("EOT Status file: {name}")
}

/// The answer to `status`.
#[must_use]
pub fn status(status: &str) -> String {
    format!("Current Status: {status}")
}

/// The answer to `Accept&N` once it is durably in the accept file.
#[must_use]
pub fn accepted(state: &str) -> String {
    format!("Accepted state: {state}")
}

/// The answer to `Accept&N` when the accept file could not be written.
#[must_use]
pub fn not_accepted(reason: &str) -> String {
    format!("Accept failed: {reason}")
}

/// The answer to any other text.
#[must_use]
pub fn echo(text: &str) -> String {
    format!("Server echoed: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_exact() {
        assert_eq!(parse("status"), Command::Status);
        for near_miss in ["Status", "status ", " status", "\nshutdown", "Shutdown", "", "\0"] {
            assert_eq!(parse(near_miss), Command::Echo(near_miss));
        }
    }

    #[test]
    fn one_end_of_a_line_belongs_to_no_command() {
        for end in ["\r", "\n", "\r\n"] {
            let parsed = |words: &str| format!("{:?}", parse(&format!("{words}{end}")));
            for words in
                ["base", "file", "status", "shutdown", "Accept&7", "Accept&7&8", "Accept&", "x&"]
            {
                assert_eq!(parsed(words), format!("{:?}", parse(words)), "{words:?} {end:?}");
            }
            for near_miss in
                ["", "Status", "status ", "words", "shutdown\n", "shutdown\r\n", "\r", "a\nb"]
            {
                let line = format!("{near_miss}{end}");
                assert_eq!(parse(&line), Command::Echo(&line), "an echo is unchanged");
            }
        }
        for wrong in ["Accept&7\n\n", "Accept&7\r\r", "Accept&7\n\r"] {
            let Command::Accept(state) = parse(wrong) else { panic!("{wrong:?}") };
            assert!(!acceptable(state), "{wrong:?}");
        }
    }

    #[test]
    fn only_accept_with_an_ampersand_is_heard() {
        assert_eq!(parse("Accept&7"), Command::Accept("7"));
        assert_eq!(parse("Accept&7&8"), Command::Accept("7"));
        assert_eq!(parse("Accept&"), Command::Accept(""));
        for unknown in ["accept&7", "Accept &7", "x&y", "&", "shutdown&1", "status&"] {
            assert_eq!(parse(unknown), Command::Nothing, "{unknown:?}");
        }
        assert_eq!(parse("Accept"), Command::Echo("Accept"));
    }

    #[test]
    fn a_state_is_a_short_printable_line() {
        assert!(acceptable("7") && acceptable("ENGINE WORKING WRONG") && acceptable("~ !"));
        assert!(acceptable(&"x".repeat(64)));
        for state in ["", " ", "   ", "7\n", "\t7", "é", "\u{7f}", "a\0b"] {
            assert!(!acceptable(state), "{state:?}");
        }
        assert!(!acceptable(&"x".repeat(65)));
    }
}
