//! The bell book as a table (RFC 4180), fit for spreadsheets: what stations and other hands wrote
//! is text there, and never a formula.

use std::borrow::Cow;
use std::fmt::Write;

use crate::entry::Entry;
use crate::wire::json::By;

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
    let by = entry.by.map(|by| match by {
        By::File => "file".to_owned(),
        By::Station(id) => id.to_string(),
    });
    let cells = [
        number(Some(entry.seq)).as_deref(),
        number(Some(entry.at)).as_deref(),
        time(entry.at).as_deref(),
        what.as_str(),
        entry.status.as_deref(),
        number(entry.position.map(u64::from)).as_deref(),
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

/// The last moment with a year of four digits: UTC in milliseconds since 1970.
const YEAR_9999_ENDS: u64 = 253_402_300_799_999;

/// This moment (UTC, in milliseconds since 1970) in ISO 8601, if its year has four digits.
fn time(at: u64) -> Option<String> {
    if at > YEAR_9999_ENDS {
        return None;
    }
    let (days, ms) = (at / 86_400_000, at % 86_400_000);
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years are
    // counted from the first of March, so that the leap day is a year's last, and in eras of 400
    // years, which have 146,097 days each.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let mut text = String::new();
    write!(text, "{year:04}-{month:02}-{day:02}").ok()?;
    write!(text, "T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", ms % 1_000).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests;
