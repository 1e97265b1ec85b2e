//! What happened, as the bell book has it.

use std::fmt::Write;
use std::time::Duration;

use chadburn_client::{Failure, Page, Position, Settings, get};
use serde::Deserialize;

use super::{CommandError, print_line, redirect_text, seconds, shown, write_line};
use crate::calendar;
use crate::cli::Since;
use chadburn_host::csv;
use chadburn_host::log::escaped;
use chadburn_host::terminal::Terminal;

/// The most entries that a server tells at once.
const MOST: usize = 10_000;

/// What a line says of an entry.
#[derive(Debug, Deserialize)]
struct BookEntry {
    seq: u64,
    at: u64,
    what: String,
    status: Option<String>,
    position: Option<Position>,
    name: Option<String>,
    who: Option<String>,
    after_ms: Option<u64>,
    to: Option<u64>,
    more: Option<u64>,
}

pub(super) async fn run(
    settings: &Settings,
    since: Option<Since>,
    csv: bool,
) -> Result<(), CommandError> {
    // How long ago something was is for the server's clock to say.
    let part = match since {
        Some(Since::Ago(ago)) => format!("&from={}ms", ago.as_millis()),
        Some(Since::Seq(seq)) => format!("&since={seq}"),
        None => String::new(),
    };
    if csv {
        let page = book(settings, &format!("{part}&format=csv")).await?;
        // Whoever answers there may have defused no cell.
        for row in csv::rows(&page.body) {
            write_line(&format!("{}\r", Terminal::ours().table_letters(&row)))?;
        }
        return Ok(());
    }
    for entry in entries(&book(settings, &part).await?)? {
        print_line(&line(&entry))?;
    }
    Ok(())
}

async fn book(settings: &Settings, part: &str) -> Result<Page, CommandError> {
    let page = get(settings, &format!("bell-book?limit={MOST}{part}")).await?;
    match page.status {
        200 => Ok(page),
        404 => Err(CommandError::NoResult("this server keeps no bell book".into())),
        status => {
            let why = match page.problem() {
                Some(detail) => format!("it answers with {status}, {}", escaped(&detail)),
                None if (300..400).contains(&status) => {
                    format!("it answers with {status} and {}", redirect_text(&page))
                }
                None => format!("it answers with {status}"),
            };
            let url = "the server".into();
            Err(Failure::Refused { url, status: Some(status), why }.into())
        }
    }
}

fn entries(page: &Page) -> Result<Vec<BookEntry>, CommandError> {
    if page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        let what =
            "a web page came in place of the bell book: a sign-in, a portal or another server";
        return Err(CommandError::NoResult(what.into()));
    }
    serde_json::from_str(&page.body)
        // The error may have a text of the server's in it, however long.
        .map_err(|error| escaped(&error.to_string()).to_string())
        .map_err(|why| CommandError::NoResult(format!("the bell book cannot be read: {why}")))
}

fn line(entry: &BookEntry) -> String {
    let mut line = calendar::iso(entry.at).unwrap_or_else(|| entry.at.to_string());
    line.push_str("  ");
    line.push_str(&escaped(&entry.what).to_string());
    if let Some(status) = &entry.status {
        line.push_str("  ");
        line.push_str(&shown(status, entry.position, entry.name.as_deref()));
    }
    if let Some(who) = &entry.who {
        let _ = write!(line, " by {}", escaped(who));
    }
    if let Some(ms) = entry.after_ms {
        let _ = write!(line, " after {} s", seconds(Duration::from_millis(ms)));
    }
    if let (Some(to), "hole") = (entry.to, entry.what.as_str()) {
        let _ = write!(line, "  from {} to {to}", entry.seq);
    }
    if let Some(more) = entry.more {
        let _ = write!(line, ", and {more} more that are not written one by one");
    }
    line
}
