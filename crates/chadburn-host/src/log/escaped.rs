//! What came over the network, or from whoever typed it, made fit for a terminal.

use std::fmt::{self, Write};

use chadburn_core::characters;

/// The most characters of a foreign text that a log line shows.
const LONGEST: usize = 200;

/// Shows a foreign text in a log line: each character that nobody would see escaped, controls and those
/// that turn the direction of writing among them, so that nobody can forge a line, speak to the
/// reader's terminal or pass for somebody else, and no more than 200 characters of it.
#[must_use]
pub fn escaped(text: &str) -> impl fmt::Display {
    Escaped { text, longest: LONGEST, backslash: "\\\\" }
}

/// The same, however long it is: for what whoever started the server has typed, on standard error.
#[must_use]
pub fn escaped_whole(text: &str) -> impl fmt::Display {
    Escaped { text, longest: usize::MAX, backslash: "\\\\" }
}

/// A line of ours as it may leave: of whatever got into it nothing acts upon a terminal or forges a
/// line. What is escaped already stays as it is.
#[must_use]
pub fn one_line(line: &str) -> impl fmt::Display {
    Escaped { text: line, longest: usize::MAX, backslash: "\\" }
}

struct Escaped<'a> {
    text: &'a str,
    longest: usize,
    /// How a backslash is shown.
    backslash: &'static str,
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = characters(self.text);
        for (c, seen) in characters.by_ref().take(self.longest) {
            match c {
                '\\' => f.write_str(self.backslash)?,
                c if !seen => write!(f, "{}", c.escape_default())?,
                c => f.write_char(c)?,
            }
        }
        if characters.next().is_some() {
            f.write_char('…')?;
        }
        Ok(())
    }
}
