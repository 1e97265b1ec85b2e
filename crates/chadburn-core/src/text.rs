//! What a text says, whichever system it was written on.

/// A text without what systems put around it: byte order marks before it, and after it white space
/// and Ctrl-Z (0x1A, with which DOS ends a file).
#[must_use]
pub fn bare(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_end_matches(|c: char| c.is_whitespace() || c == '\x1A')
}

/// The lines of the [`bare`] text, without the carriage returns before its line feeds. Joined by
/// line feeds they are a status; of a status they leave nothing out.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = bare(text).split('\n').peekable();
    core::iter::from_fn(move || {
        let line = lines.next()?;
        Some(if lines.peek().is_some() { line.trim_end_matches('\r') } else { line })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn status(text: &str) -> String {
        lines(text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_a_system_puts_around_a_text_is_cut_off() {
        for text in [
            "7",
            "7\n",
            "7\r\n",
            "7\r",
            "7\x1A",
            "7\r\n\x1A",
            "7\x1A\r\n",
            "7 \x1A \x1A\n",
            "7\u{2003}\u{A0}\n",
            "\u{feff}7",
            "\u{feff}\u{feff}7\r\n\x1A",
        ] {
            assert_eq!(bare(text), "7", "{text:?}");
            assert_eq!(status(text), "7", "{text:?}");
        }
        for nothing in ["", "\n", "\u{feff}", "\u{feff}\u{feff}\r\n", "\x1A", " \x1A\r\n"] {
            assert_eq!(status(nothing), "", "{nothing:?}");
        }
    }

    #[test]
    fn what_stands_inside_stays() {
        for text in ["  7", "\t7", "a\x1Ab", "a\u{feff}b", " \u{feff}7", "a \nb", "50 %\r100 %"] {
            assert_eq!(status(text), text, "{text:?}");
        }
    }

    #[test]
    fn lines_of_another_system_become_lines_of_this_one() {
        assert_eq!(status("two\r\nlines\r\n"), "two\nlines");
        assert_eq!(status("two\r\r\n\r\nlines"), "two\n\nlines");
    }

    #[test]
    fn a_status_is_read_as_itself() {
        for text in ["\u{feff}\u{feff}\u{feff}a\r\r\r\nb\r\x1A \x1A", "\r\n\u{feff}x\r\r\n \x1A"] {
            let once = status(text);
            assert_eq!(status(&once), once, "{text:?}");
        }
    }
}
