//! A page and its files as answers: compressed for those who take it so, and kept by browsers as long as
//! they stay the same.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Asset, Assets, DIGEST_LENGTH};
use crate::gzip;
use crate::headers::page_policy;
use crate::lists::members;
use crate::problem::Problem;
use crate::workers::Workers;

/// How many read files from the disk, which may be slow or dead.
const READERS: usize = 4;

/// Kept for a year (RFC 9111 knows no longer), and never asked for again: under its digest it is the same for ever.
const KEPT: &str = "public, max-age=31536000, immutable";

/// Asked for each time: a wall panel must not show last year's dial.
const ASKED: &str = "no-cache";

/// Answers requests for a page and its files. An answer is `None` where there is no such file.
#[derive(Clone, Debug)]
pub struct AssetService {
    assets: Assets,
    scripts: &'static str,
    /// Compress.
    workers: Workers,
    /// Read files.
    readers: Workers,
}

impl AssetService {
    /// Answers with these assets; what takes long is done by these workers. `scripts` are the scripts that
    /// stand in the page itself, as its Content-Security-Policy names them: `'sha256-…'`, or nothing.
    #[must_use]
    pub fn new(assets: Assets, scripts: &'static str, workers: Workers) -> Self {
        Self { assets, scripts, workers, readers: Workers::new(READERS) }
    }

    /// The page itself, for a request with these headers, of which `Host` was judged.
    ///
    /// # Errors
    /// A [`Problem`] where the workers have too much to do or the disk does not answer; so below.
    pub async fn page(&self, request: &HeaderMap) -> Result<Option<Response>, Problem> {
        let host = request.get(header::HOST).and_then(|host| host.to_str().ok());
        let policy = page_policy(host.unwrap_or_default(), self.scripts);
        let mut page = self.file(self.assets.page, request).await?;
        if let Some(page) = &mut page {
            page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        Ok(page)
    }

    /// What stands under this path in `static/`. A page names its parts with its digest before them, and
    /// browsers keep these for ever; one of another digest is not here, since halves of two pages make none.
    pub async fn part(&self, path: &str, request: &HeaderMap) -> Result<Option<Response>, Problem> {
        let (digest, name) = path.split_once('/').filter(|(it, _)| is_digest(it)).unzip();
        if digest.is_some_and(|digest| digest != self.assets.digest()) {
            return Ok(None);
        }
        let kept = if digest.is_some() { KEPT } else { ASKED };
        self.answer(&format!("static/{}", name.unwrap_or(path)), request, kept).await
    }

    /// The file of this name, which browsers ask for each time.
    pub async fn file(&self, name: &str, request: &HeaderMap) -> Result<Option<Response>, Problem> {
        self.answer(name, request, ASKED).await
    }

    async fn find(&self, name: &str) -> Result<Option<Asset>, Problem> {
        if !self.assets.may_block() {
            return Ok(self.assets.find(name));
        }
        let (assets, name) = (self.assets.clone(), name.to_owned());
        self.readers.run(move || assets.find(&name)).await
    }

    /// The asset, or only word that it has not changed; and how long browsers may keep it.
    async fn answer(
        &self,
        name: &str,
        request: &HeaderMap,
        kept: &'static str,
    ) -> Result<Option<Response>, Problem> {
        let Some(asset) = self.find(name).await? else { return Ok(None) };
        let unchanged = is_known(request, &asset.tag);
        let worth = gzip::is_worth_it(asset.kind, asset.content.len());
        let packed = if unchanged || !worth || !gzip::is_taken(request) {
            None
        } else if let Some(packed) = asset.packed() {
            Some(packed)
        } else {
            let asset = asset.clone();
            Some(self.workers.run(move || asset.pack()).await?)
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
        let kept = if self.assets.may_block() { "no-store" } else { kept };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        if let Ok(tag) = HeaderValue::try_from(asset.tag) {
            headers.insert(header::ETAG, tag);
        }
        Ok(Some(response))
    }
}

/// Whether this is how a page's digest is written; no folder of a page is called so.
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
