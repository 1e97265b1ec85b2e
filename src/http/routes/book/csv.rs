//! The bell book as a table (RFC 4180), fit for spreadsheets: what stations and other hands wrote
//! is text there, and never a formula.

use std::borrow::Cow;

use crate::calendar;
use crate::entry::Entry;

/// The first line. `at` is in milliseconds since 1970, `time` is the same for a person.
const HEADER: &str = "seq,at,time,what,status,position,name,by,who,since,after_ms,to\r\n";

/// The table of these entries.
pub(super) fn table(entries: &[Entry]) -> String {
    let mut table = HEADER.to_owned();
    for entry in entries {
        row(&mut table, entry);
    }
    table
}

fn row(table: &mut String, entry: &Entry) {
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let what = serde_json::to_value(entry.what).unwrap_or_default();
    let by = entry.by.map(|by| by.to_string());
    let cells = [
        number(Some(entry.seq)).as_deref(),
        number(Some(entry.at)).as_deref(),
        calendar::iso(entry.at).as_deref(),
        what.as_str(),
        entry.status.as_deref(),
        number(entry.position.map(|it| it.number().into())).as_deref(),
        entry.name.as_deref(),
        by.as_deref(),
        entry.who.as_deref(),
        number(entry.since).as_deref(),
        number(entry.after_ms).as_deref(),
        number(entry.to).as_deref(),
    ]
    .map(|text| cell(text.unwrap_or_default()).into_owned());
    table.push_str(&cells.join(","));
    table.push_str("\r\n");
}

/// The text as a cell, in quotes if it needs them.
fn cell(text: &str) -> Cow<'_, str> {
    let text = defused(text);
    if !text.contains([',', '"', '\r', '\n']) {
        return text;
    }
    Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
}

/// The text, with an apostrophe before it if a spreadsheet would take it for a formula (OWASP,
/// "CSV injection").
fn defused(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests;
