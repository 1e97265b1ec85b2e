//! `GET /bell-book`: what happened, as one JSON array or as a table for a spreadsheet.

mod body;
mod csv;
mod permits;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chadburn_v1::json_line;

use self::body::body;
use self::permits::Permits;
use super::View;
use crate::book::{LIMIT, LIMIT_MAX, Reader, Times};
use crate::calendar;
use crate::entry::Entry;
use chadburn_web::Caller;
use chadburn_web::Control;
use chadburn_web::gzip;
use chadburn_web::lists::wanted_kind;
use chadburn_web::problem::Problem;

/// The book, and who reads it.
#[derive(Clone)]
pub(super) struct BookView {
    book: Reader,
    permits: Permits,
}

impl BookView {
    pub(super) fn new(book: Reader) -> Self {
        Self { book, permits: Permits::new() }
    }
}

/// How it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One array, an entry in each line.
    Json,
    /// A table.
    Csv,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    /// Only what came after this number; the newest without it.
    since: Option<u64>,
    /// Only what is of these times, UTC in milliseconds.
    from: Option<u64>,
    to: Option<u64>,
    /// How many entries at most.
    limit: usize,
    /// In which form; as `Accept` prefers without it.
    form: Option<Form>,
}

pub(super) async fn book(
    State(view): State<View>,
    Extension(caller): Extension<Caller>,
    Extension(control): Extension<Arc<Control>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    let wish = wish(uri.query().unwrap_or_default(), now)
        .map_err(|why| Problem::new(StatusCode::BAD_REQUEST, why))?;
    let Some(BookView { book, permits }) = &view.book else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "this server keeps no bell book"));
    };
    let Some(permit) = permits.acquire(caller.address).await else {
        return Err(Problem::not_now("too many read the bell book"));
    };
    let form = wish.form.unwrap_or_else(|| preferred(&headers));
    let entries = match wish {
        Wish { from: None, to: None, since, limit, .. } => book.query(since, limit).await,
        Wish { from, to, since, limit, .. } => {
            book.query_times(Times { from, to, now }, since, limit).await
        }
    };
    let entries = entries.map_err(|error| Problem::not_now(error.to_string()))?;
    let is_taken = gzip::is_taken(&headers);
    let work = move || {
        let text = match form {
            Form::Json => json(&entries),
            Form::Csv => csv::table(&entries),
        };
        if is_taken { gzip::quick(text.as_bytes()) } else { Bytes::from(text) }
    };
    let text = view.workers.run(work).await?;
    let kind = match form {
        Form::Json => "application/json",
        Form::Csv => "text/csv; charset=utf-8; header=present",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept"),
    ];
    permit.begins(control);
    let mut response = (headers, body(text, permit)).into_response();
    gzip::label(response.headers_mut(), is_taken);
    if form == Form::Csv {
        let name = HeaderValue::from_static("attachment; filename=\"bell-book.csv\"");
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// What a query asks for now, or what is wrong with it. What it has beyond that is for others.
fn wish(query: &str, now: u64) -> Result<Wish, String> {
    let mut wish = Wish { since: None, from: None, to: None, limit: LIMIT, form: None };
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "since" => {
                let why = "since is the number of an entry: digits alone";
                wish.since = Some(number(value).ok_or(why)?);
            }
            "from" => wish.from = Some(moment(name, value, now)?),
            "to" => wish.to = Some(moment(name, value, now)?),
            "limit" => {
                let limit = number(value).and_then(|limit| usize::try_from(limit).ok());
                let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
                wish.limit = limit.ok_or_else(|| format!("limit is 1 to {LIMIT_MAX}"))?;
            }
            "format" => {
                wish.form = Some(match value {
                    "json" => Form::Json,
                    "csv" => Form::Csv,
                    _ => return Err("format is json or csv".to_owned()),
                });
            }
            _ => {}
        }
    }
    Ok(wish)
}

/// A moment, UTC in milliseconds: as a number of them, as a date, or as how long ago it is.
fn moment(name: &str, value: &str, now: u64) -> Result<u64, String> {
    let value = value.replace("%3A", ":").replace("%3a", ":");
    number(&value)
        .or_else(|| calendar::moment(&value))
        .or_else(|| {
            let ago = calendar::span(&value)?.as_millis();
            Some(now.saturating_sub(u64::try_from(ago).unwrap_or(u64::MAX)))
        })
        .ok_or_else(|| {
            format!(
                "{name} is milliseconds since 1970, a date like 2026-11-29T18:00Z, or 2h ago as 2h"
            )
        })
}

/// A number in digits; a sign is none.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The form that `Accept` prefers; JSON when it prefers none.
fn preferred(headers: &HeaderMap) -> Form {
    let wanted = |kind| wanted_kind(headers, kind, &[]);
    if wanted("text/csv") > wanted("application/json") { Form::Csv } else { Form::Json }
}

/// One array; each entry has a line of its own, so that `less` and `diff` are of use.
fn json(entries: &[Entry]) -> String {
    let lines: Vec<_> = entries
        .iter()
        .filter_map(|entry| serde_json::to_string(entry).ok().map(json_line))
        .collect();
    format!("[{}]\n", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_understood_or_what_is_wrong_with_it_is_said() {
        const NOW: u64 = 7_200_000;
        let wish = |query: &str| wish(query, NOW);
        let plain = Wish { since: None, from: None, to: None, limit: 1_000, form: None };
        assert_eq!(wish(""), Ok(plain));
        for (value, at) in [
            ("0", 0),
            ("1500", 1_500),
            ("1h", 3_600_000),
            ("1500ms", NOW - 1_500),
            ("999999d", 0),
            ("1970-01-01T00:00:01Z", 1_000),
            ("1970-01-01T00%3A01Z", 60_000),
            ("1970-01-02", 86_400_000),
        ] {
            let from = Wish { from: Some(at), ..plain };
            assert_eq!(wish(&format!("from={value}")), Ok(from), "{value}");
            let both = Wish { to: Some(at), ..from };
            assert_eq!(wish(&format!("from={value}&to={value}")), Ok(both), "{value}");
        }
        for wrong in ["to", "to=", "to=-1", "to=1x", "to=2026-13-01", "to=tomorrow", "to=1e300"] {
            assert!(wish(wrong).unwrap_err().starts_with("to is "), "{wrong}");
        }
        assert_eq!(wish("x=1&&sinces=2&limits"), Ok(plain));
        assert_eq!(wish("since=0"), Ok(Wish { since: Some(0), ..plain }));
        let all = Wish { since: Some(7), limit: 10_000, form: Some(Form::Csv), ..plain };
        assert_eq!(wish("limit=10000&format=csv&since=7"), Ok(all));
        for wrong in [
            "since",
            "since=",
            "since=-1",
            "since=+1",
            "since=1.0",
            "since=18446744073709551616",
            "since=%31",
            "since=1&since=x",
        ] {
            assert!(wish(wrong).unwrap_err().starts_with("since"), "{wrong}");
        }
        for wrong in ["limit=0", "limit=10001", "limit=", "limit=ten", "limit=99999999999999999999"]
        {
            assert_eq!(wish(wrong).unwrap_err(), "limit is 1 to 10000", "{wrong}");
        }
        for wrong in ["format", "format=", "format=xml", "format=CSV"] {
            assert_eq!(wish(wrong).unwrap_err(), "format is json or csv", "{wrong}");
        }
    }

    #[test]
    fn the_form_is_what_accept_prefers() {
        for (accept, form) in [
            ("text/csv", Form::Csv),
            ("text/csv, application/json;q=0.9", Form::Csv),
            ("text/*", Form::Csv),
            ("text/csv, application/json", Form::Json),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Form::Json),
            ("*/*", Form::Json),
            ("image/png", Form::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(preferred(&headers), form, "{accept}");
        }
        assert_eq!(preferred(&HeaderMap::new()), Form::Json);
    }
}
