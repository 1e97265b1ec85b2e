//! The panel's page and its parts.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::View;
use crate::http::headers::panel_policy;
use crate::http::panel::PANEL;
use chadburn_web::assets::{Asset, DIGEST_LENGTH};
use chadburn_web::gzip;
use chadburn_web::lists::members;
use chadburn_web::problem::Problem;

/// What a browser may get when it asks for `/favicon.ico`, the first one there is.
const ICONS: [&str; 3] = ["static/favicon.ico", "static/favicon.svg", "static/icon.svg"];

/// Kept for a year (RFC 9111 knows no longer), and never asked for again: under its digest it is the same for ever.
const KEPT: &str = "public, max-age=31536000, immutable";

/// Asked for each time: a wall panel must not show last year's dial.
const ASKED: &str = "no-cache";

pub(super) async fn page(
    State(view): State<View>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = served(&view, find(&view, PANEL).await?, &headers, ASKED).await?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, panel_policy(host));
    Ok(response)
}

pub(super) async fn part(
    State(view): State<View>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // The page names its parts with the panel's digest. One of another panel is not here: two halves
    // of different panels would make none.
    let (digest, name) = path.split_once('/').filter(|(it, _)| is_digest(it)).unzip();
    if digest.is_some_and(|digest| digest != view.assets.digest()) {
        return served(&view, None, &headers, ASKED).await;
    }
    let kept = if digest.is_some() { KEPT } else { ASKED };
    let name = format!("static/{}", name.unwrap_or(&path));
    served(&view, find(&view, &name).await?, &headers, kept).await
}

pub(super) async fn icon(
    State(view): State<View>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    for name in ICONS {
        if let Some(icon) = find(&view, name).await? {
            return served(&view, Some(icon), &headers, ASKED).await;
        }
    }
    served(&view, None, &headers, ASKED).await
}

/// The asset of this name, if there is one.
async fn find(view: &View, name: &str) -> Result<Option<Asset>, Problem> {
    if !view.assets.may_block() {
        return Ok(view.assets.find(name));
    }
    let (assets, name) = (view.assets.clone(), name.to_owned());
    view.readers.run(move || assets.find(&name)).await
}

/// The asset, or only word that it has not changed; and how long browsers may keep it.
async fn served(
    view: &View,
    asset: Option<Asset>,
    request: &HeaderMap,
    kept: &'static str,
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
    // What stands in a directory of one's own is worked on.
    let kept = if view.assets.may_block() { "no-store" } else { kept };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    if let Ok(tag) = HeaderValue::try_from(asset.tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Whether this is how a panel's digest is written; no folder of a panel is called so.
fn is_digest(name: &str) -> bool {
    name.len() == DIGEST_LENGTH
        && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `If-None-Match` names this tag. They are compared weakly, as RFC 9110 section 13.1.2
/// asks for.
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    members(request, &header::IF_NONE_MATCH)
        .any(|known| known == "*" || opaque(known) == opaque(tag))
}
