//! The panel's page and its parts.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::View;
use crate::http::assets::{Asset, PANEL};
use crate::http::gzip;
use crate::http::headers::panel_policy;
use crate::http::problem::Problem;

/// What a browser may get when it asks for `/favicon.ico`, the first one there is.
const ICONS: [&str; 3] = ["static/favicon.ico", "static/favicon.svg", "static/icon.svg"];

pub(super) async fn page(
    State(view): State<View>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = served(&view, find(&view, PANEL).await?, &headers).await?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, panel_policy(host));
    Ok(response)
}

pub(super) async fn part(
    State(view): State<View>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    served(&view, find(&view, &format!("static/{path}")).await?, &headers).await
}

pub(super) async fn icon(
    State(view): State<View>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    for name in ICONS {
        if let Some(icon) = find(&view, name).await? {
            return served(&view, Some(icon), &headers).await;
        }
    }
    served(&view, None, &headers).await
}

/// The asset of this name, if there is one.
async fn find(view: &View, name: &str) -> Result<Option<Asset>, Problem> {
    if !view.assets.may_block() {
        return Ok(view.assets.find(name));
    }
    let (assets, name) = (view.assets.clone(), name.to_owned());
    view.readers.run(move || assets.find(&name)).await
}

/// The asset, or only word that it has not changed. Browsers ask each time (`no-cache`): a wall
/// panel must not show last year's dial.
async fn served(
    view: &View,
    asset: Option<Asset>,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let Some(asset) = asset else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "the panel has no such part"));
    };
    let unchanged = is_known(request, &asset.tag);
    let worth = gzip::is_worth_it(asset.kind, asset.content.len());
    let packed = if unchanged || !worth || !gzip::is_taken(request) {
        None
    } else if let Some(packed) = asset.packed() {
        Some(packed)
    } else {
        let asset = asset.clone();
        Some(view.workers.run(move || asset.pack()).await?)
    };
    let is_packed = packed.is_some();
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, asset.kind)], packed.unwrap_or(asset.content)).into_response()
    };
    let headers = response.headers_mut();
    if worth {
        gzip::label(headers, is_packed);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(asset.tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
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
