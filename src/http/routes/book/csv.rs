//! The bell book as a table (RFC 4180), fit for spreadsheets: what stations and other hands wrote
//! is text there, and never a formula. An entry is one line.

use crate::calendar;
use crate::entry::Entry;
use chadburn_host::csv::cell;

/// The first line. `at` is in milliseconds since 1970, `time` is the same for a person.
const HEADER: &str = "seq,at,time,what,status,position,name,by,who,since,after_ms,to,more\r\n";

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
        number(entry.more).as_deref(),
    ]
    .map(|text| cell(text.unwrap_or_default()));
    table.push_str(&cells.join(","));
    table.push_str("\r\n");
}

#[cfg(test)]
mod tests;
