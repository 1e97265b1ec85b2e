//! The panel's page and its parts.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::View;
use crate::http::assets::{Asset, PANEL};
use crate::http::headers::panel_policy;
use crate::http::problem::Problem;

/// What a browser may get when it asks for `/favicon.ico`, the first one there is.
const ICONS: [&str; 3] = ["static/favicon.ico", "static/favicon.svg", "static/icon.svg"];

pub(super) async fn page(State(view): State<View>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = served(view.assets.find(PANEL).await, &headers);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, panel_policy(host));
    response
}

pub(super) async fn part(
    State(view): State<View>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    served(view.assets.find(&format!("static/{path}")).await, &headers)
}

pub(super) async fn icon(State(view): State<View>, headers: HeaderMap) -> Response {
    for name in ICONS {
        if let Some(icon) = view.assets.find(name).await {
            return served(Some(icon), &headers);
        }
    }
    served(None, &headers)
}

/// The asset, or only word that it has not changed. Browsers ask each time (`no-cache`): a wall
/// panel must not show last year's dial.
fn served(asset: Option<Asset>, request: &HeaderMap) -> Response {
    let Some(asset) = asset else {
        return Problem::new(StatusCode::NOT_FOUND, "the panel has no such part").into_response();
    };
    let unchanged = is_known(request, &asset.tag);
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, asset.kind)], asset.content).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(asset.tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether `If-None-Match` names this tag. They are compared weakly, as RFC 9110 section 13.1.2
/// asks for.
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || opaque(known) == opaque(tag))
}
