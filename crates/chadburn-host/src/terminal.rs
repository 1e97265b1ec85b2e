//! What one may send to where the output goes: a view, emphasis, letters beyond ASCII.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::OnceLock;

/// What the environment says of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// It understands escape sequences: `TERM` is set, and is not `dumb`.
    able: bool,
    /// Whether words may be emphasised (`NO_COLOR`, `CLICOLOR_FORCE`), if the environment says.
    emphasis: Option<bool>,
    /// The locale names a character set that is not UTF-8.
    ascii: bool,
}

/// The one of this process.
static OURS: OnceLock<Terminal> = OnceLock::new();

impl Terminal {
    /// By these variables.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let get = |name| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.map(|value| value.to_string_lossy().into_owned())
        };
        let forced = get("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let emphasis = match get("NO_COLOR") {
            Some(_) => Some(false),
            None => forced.then_some(true),
        };
        // In the order of setlocale(3). Where nothing is said, today's terminals read UTF-8.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get);
        let utf8 = |locale: &String| {
            let set = locale.to_ascii_lowercase();
            set.contains("utf-8") || set.contains("utf8")
        };
        Self {
            able: get("TERM").is_some_and(|term| term != "dumb"),
            emphasis,
            ascii: locale.is_some_and(|locale| !utf8(&locale)),
        }
    }

    /// From now on this is how output is shaped.
    pub fn settle(self) {
        // The first word counts: there is one environment.
        let _ = OURS.set(self);
    }

    /// How output is shaped.
    pub fn ours() -> Self {
        OURS.get().copied().unwrap_or_default()
    }

    /// Whether standard output can show something that moves.
    #[must_use]
    pub fn has_view(self) -> bool {
        self.able && std::io::stdout().is_terminal()
    }

    /// The word as it is emphasised in a view, unless that is unwanted.
    #[must_use]
    pub fn loud_in_view(self, word: &str) -> String {
        if self.emphasis == Some(false) { word.to_owned() } else { reversed(word) }
    }

    /// The text in the letters that the locale has.
    #[must_use]
    pub fn letters(self, text: &str) -> Cow<'_, str> {
        if !self.ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        let letter = |c: char| match c {
            '▶' => ">".into(),
            '◀' => "<".into(),
            '…' => "...".into(),
            '–' | '—' => "-".into(),
            '‘' | '’' => "'".into(),
            '“' | '”' => "\"".into(),
            c if c.is_ascii() => c.to_string(),
            c => c.escape_unicode().to_string(),
        };
        Cow::Owned(text.chars().map(letter).collect())
    }

    /// The same for a table that programs read: in a pipe or a file it stays UTF-8.
    #[must_use]
    pub fn table_letters(self, text: &str) -> Cow<'_, str> {
        if std::io::stdout().is_terminal() { self.letters(text) } else { Cow::Borrowed(text) }
    }

    /// The same for JSON, which has letters of its own for that.
    #[must_use]
    pub fn json_letters(self, json: String) -> String {
        if !self.ascii || json.is_ascii() {
            return json;
        }
        let mut text = String::with_capacity(json.len());
        for c in json.chars() {
            if c.is_ascii() {
                text.push(c);
            } else {
                let mut units = [0; 2];
                text.extend(c.encode_utf16(&mut units).iter().map(|it| format!("\\u{it:04x}")));
            }
        }
        text
    }

    /// The same in a line, where it has to be asked for: lines go to programs too.
    #[must_use]
    pub fn loud(self, word: &str) -> String {
        if self.emphasis == Some(true) { reversed(word) } else { word.to_owned() }
    }
}

/// The word in reverse (ECMA-48, SGR: reverse and default).
fn reversed(word: &str) -> String {
    format!("\x1b[7m{word}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(variables: &[(&str, &str)]) -> Terminal {
        Terminal::new(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn a_terminal_is_what_the_environment_says() {
        for (term, able) in [("", false), ("dumb", false), ("xterm-256color", true)] {
            assert_eq!(by(&[("TERM", term)]).able, able, "{term:?}");
        }
        assert!(!by(&[]).able);
        for (variables, emphasis) in [
            (&[][..], None),
            (&[("NO_COLOR", "1")], Some(false)),
            (&[("NO_COLOR", "")], None),
            (&[("CLICOLOR_FORCE", "1")], Some(true)),
            (&[("CLICOLOR_FORCE", "0")], None),
            (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], Some(false)),
        ] {
            assert_eq!(by(variables).emphasis, emphasis, "{variables:?}");
        }
    }

    #[test]
    fn a_locale_that_is_not_utf8_gets_ascii() {
        for (variables, ascii) in [
            (&[][..], false),
            (&[("LANG", "de_DE.UTF-8")], false),
            (&[("LANG", "C.utf8")], false),
            (&[("LANG", "de_DE.ISO-8859-1")], true),
            (&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")], true),
            (&[("LC_ALL", ""), ("LC_CTYPE", "POSIX"), ("LANG", "de_DE.UTF-8")], true),
            (&[("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")], false),
        ] {
            assert_eq!(by(variables).ascii, ascii, "{variables:?}");
        }
        let plain = by(&[("LC_ALL", "C")]);
        assert_eq!(plain.letters("▶ “Grün” — …"), "> \"Gr\\u{fc}n\" - ...");
        let json = plain.json_letters("\"ü🔔\"".into());
        assert_eq!(json, "\"\\u00fc\\ud83d\\udd14\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "ü🔔");
        assert_eq!(by(&[]).letters("▶ Grün …"), "▶ Grün …");
    }
}
