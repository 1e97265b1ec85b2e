//! `GET /metrics`: what is counted, for whoever scrapes it.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::View;
use crate::metrics::{OPENMETRICS, TEXT};
use chadburn_web::lists::wanted_kind;

/// In `OpenMetrics` if `Accept` prefers it, as Prometheus does, else in the older form, which browsers show too.
pub(super) async fn page(State(view): State<View>, headers: HeaderMap) -> Response {
    // A scraper that knows the draft takes the standard for it; they differ in nothing that is used here.
    let open = wanted_kind(&headers, "application/openmetrics-text", &["1.0.0", "0.0.1"]);
    let (kind, page) = if open > wanted_kind(&headers, "text/plain", &["0.0.4"]) {
        (OPENMETRICS, view.metrics.encode())
    } else {
        (TEXT, view.metrics.encode_text())
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept"),
    ];
    (headers, page).into_response()
}
