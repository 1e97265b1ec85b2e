//! `GET /metrics`: what is counted, for whoever scrapes it.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::View;
use crate::metrics::CONTENT_TYPE;

pub(super) async fn page(State(view): State<View>) -> Response {
    let headers = [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    (headers, view.metrics.encode()).into_response()
}
