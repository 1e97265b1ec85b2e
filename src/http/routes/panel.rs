//! The panel's page and its parts.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chadburn_web::problem::Problem;

use super::View;

/// What a browser may get when it asks for `/favicon.ico`, the first one there is.
const ICONS: [&str; 3] = ["static/favicon.ico", "static/favicon.svg", "static/icon.svg"];

pub(super) async fn page(
    State(view): State<View>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    view.panel.page(&headers).await?.ok_or_else(no_such_part)
}

pub(super) async fn part(
    State(view): State<View>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    view.panel.part(&path, &headers).await?.ok_or_else(no_such_part)
}

pub(super) async fn icon(
    State(view): State<View>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    for name in ICONS {
        if let Some(icon) = view.panel.file(name, &headers).await? {
            return Ok(icon);
        }
    }
    Err(no_such_part())
}

fn no_such_part() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "the panel has no such part")
}
