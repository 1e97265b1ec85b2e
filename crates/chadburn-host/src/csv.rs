//! Tables (RFC 4180) that are fit for a terminal and for spreadsheets: whatever is in a cell is text there, and
//! never a formula.

use std::iter::from_fn;

use crate::log::one_line;

/// The rows of a table that comes from elsewhere, without their ends, and with each cell made fit. It may be no
/// table at all.
pub fn rows(table: &str) -> impl Iterator<Item = String> {
    let mut rest = table;
    from_fn(move || (!rest.is_empty()).then(|| row(&mut rest)))
}

/// The first row of the rest, which is taken off.
fn row(rest: &mut &str) -> String {
    let mut row = String::new();
    loop {
        let (text, is_last) = first_cell(rest);
        row.push_str(&cell(&text));
        if is_last {
            return row;
        }
        row.push(',');
    }
}

/// The text of the first cell of the rest, which is taken off, and whether it is the last of its row.
fn first_cell(rest: &mut &str) -> (String, bool) {
    let (mut text, mut is_quoted) = (String::new(), false);
    let mut characters = rest.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' if is_quoted && characters.next_if(|(_, next)| *next == '"').is_some() => {
                text.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' | '\n' if !is_quoted => {
                *rest = &rest[at + 1..];
                if c == '\n' && text.ends_with('\r') {
                    text.pop();
                }
                return (text, c == '\n');
            }
            c => text.push(c),
        }
    }
    *rest = "";
    (text, true)
}

/// The text as a cell: in one line, harmless to a terminal, and in quotes if it needs them.
#[must_use]
pub fn cell(text: &str) -> String {
    // Most cells are like this, and a table of a stranger's may have millions.
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return text.to_owned();
    }
    let text = defused(&one_line(text).to_string());
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// What makes a spreadsheet take a cell for a formula (OWASP, "CSV injection"), in the wide forms of
/// Chinese and Japanese keyboards too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// The text, with an apostrophe before whatever a spreadsheet would take for a formula: at its
/// beginning, and behind each `;`, which separates cells where the comma is in numbers. Spaces and
/// quotes before the formula may be taken off there.
fn defused(text: &str) -> String {
    let hot = |cell: &str| cell.trim_start_matches([' ', '"']).starts_with(FORMULA);
    let cells =
        text.split(';').map(|cell| if hot(cell) { format!("'{cell}") } else { cell.into() });
    cells.collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_foreign_table_says_is_no_formula_and_one_row_a_line() {
        for (table, fit) in [
            ("a,b\r\n1,2\r\n", &["a,b", "1,2"][..]),
            ("=1+1,\"@x\"\n", &["'=1+1,'@x"]),
            ("1;=2,\t=3", &["1;'=2,\\t=3"]),
            ("\"two\r\n=lines\",x\n", &["two\\r\\n=lines,x"]),
            ("\u{1b}[31m,\u{202e}\n", &["\\u{1b}[31m,\\u{202e}"]),
            ("\"a \"\"b\"\"\",\"c,d\"\n", &["\"a \"\"b\"\"\",\"c,d\""]),
            ("=\"a,b", &["\"'=a,b\""]),
            ("\n,\n", &["", ","]),
            ("", &[]),
        ] {
            let made: Vec<_> = rows(table).collect();
            assert_eq!(made, fit, "{table:?}");
            let again: Vec<_> = rows(&(made.join("\r\n") + "\r\n")).collect();
            assert!(table.is_empty() || again == made, "what is fit stays so: {table:?}");
        }
    }
}
