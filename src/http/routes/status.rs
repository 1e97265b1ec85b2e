//! `GET /status`: what the telegraph says, for programs that do not keep a line open.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::View;
use crate::http::problem::Problem;
use crate::http::query;

/// How it can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The `state` message of the JSON wire.
    Json,
    /// The bare status.
    Text,
}

pub(super) async fn status(State(view): State<View>, uri: Uri, headers: HeaderMap) -> Response {
    let form = match query::value(&uri, "format") {
        None => preferred(&headers),
        Some("json") => Form::Json,
        Some("text") => Form::Text,
        Some(_) => {
            let problem = "format is json or text";
            return Problem::new(StatusCode::BAD_REQUEST, problem).into_response();
        }
    };
    let snapshot = view.snapshot();
    let said = match form {
        Form::Json => Some(&snapshot.state).filter(|state| !state.is_empty()),
        Form::Text => snapshot.status.as_ref(),
    };
    let Some(said) = said else {
        return Problem::not_now("there is no order yet").into_response();
    };
    let kind = match form {
        Form::Json => "application/json",
        Form::Text => "text/plain; charset=utf-8",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept"),
    ];
    (headers, format!("{said}\n")).into_response()
}

/// The form that `Accept` prefers; JSON when it prefers none.
fn preferred(headers: &HeaderMap) -> Form {
    let quality = |kind| quality(headers, kind);
    if quality("text/plain") > quality("application/json") { Form::Text } else { Form::Json }
}

/// How much this kind is wanted, by what `Accept` says; nothing at all if it says nothing.
pub(super) fn quality(headers: &HeaderMap, kind: &str) -> f32 {
    let (family, _) = kind.split_once('/').unwrap_or((kind, ""));
    let mut best = (0, 0.0);
    for range in headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let mut parameters = range.split(';').map(str::trim);
        let range = parameters.next().unwrap_or_default().to_ascii_lowercase();
        // The more exact range decides (RFC 9110, 12.5.1).
        let exactness = match range.as_str() {
            range if range == kind => 3,
            range if range.strip_suffix("/*") == Some(family) => 2,
            "*/*" => 1,
            _ => continue,
        };
        let quality = parameters.find_map(|it| it.strip_prefix("q=")?.parse().ok());
        if exactness > best.0 {
            best = (exactness, quality.unwrap_or(1.0));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_what_accept_prefers() {
        for (accept, form) in [
            ("*/*", Form::Json),
            ("text/plain", Form::Text),
            ("Text/Plain;charset=utf-8", Form::Text),
            ("text/*", Form::Text),
            ("application/json, text/plain", Form::Json),
            ("application/json;q=0.5, text/plain", Form::Text),
            ("text/plain;q=0, */*", Form::Json),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form::Json),
            ("image/png", Form::Json),
            ("", Form::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(preferred(&headers), form, "{accept}");
        }
        assert_eq!(preferred(&HeaderMap::new()), Form::Json);
    }
}
