//! `GET /status`: what the telegraph says, for programs that do not keep a line open.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::View;
use chadburn_web::lists::wanted_kind;
use chadburn_web::problem::Problem;
use chadburn_web::query;

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
    let wanted = |kind| wanted_kind(headers, kind, &[]);
    if wanted("text/plain") > wanted("application/json") { Form::Text } else { Form::Json }
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
