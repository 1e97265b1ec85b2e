//! What may be shown to a terminal: JSON in which no character acts upon it or forges a line.

use std::fmt::Write;

use chadburn_core::characters;

/// Whether a terminal, or whoever reads lines, could take this character for more than text:
/// controls (C0, DEL, C1), characters that turn the direction of writing (UAX #9), and those that
/// end a line or a paragraph (UAX #14).
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same JSON in one line, with each such character, and each that nobody would see, as `\u` and its
/// number. Between values only white space can be one, and becomes a space.
#[must_use]
pub fn json_line(json: String) -> String {
    // Most texts have none, and are not copied.
    let none = |c: char| !json.contains(c);
    if json.is_ascii() && none('\u{7f}') && none('\n') && none('\r') && none('\t') {
        return json;
    }
    let mut line = String::with_capacity(json.len());
    for (c, seen) in characters(&json) {
        match c {
            '\t' | '\n' | '\r' => line.push(' '),
            c if !seen => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // A String takes whatever is written.
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning_and_loses_every_character_that_acts() {
        let all: String = (0..0x1_0000).filter_map(char::from_u32).collect();
        let json = serde_json::to_string_pretty(&[&all, "中 é 🔔"]).expect("texts are JSON");
        let line = json_line(json);
        assert!(!line.chars().any(acts));
        assert_eq!(serde_json::from_str::<Vec<String>>(&line).expect("JSON"), [&all, "中 é 🔔"]);
        for c in
            ["\u{0}", "\u{1b}", "\u{7f}", "\u{85}", "\u{9b}", "\u{61c}", "\u{2028}", "\u{2029}"]
        {
            assert!(c.chars().all(acts), "{c:?}");
        }
        for c in ["\u{200e}", "\u{200f}", "\u{202a}", "\u{202e}", "\u{2066}", "\u{2069}", "\n"] {
            assert!(c.chars().all(acts), "{c:?}");
        }
        assert!(!"é中🔔\u{200d}\u{fe0f}\u{a0} \\".chars().any(acts));
    }
}
