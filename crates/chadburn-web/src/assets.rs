//! A page's files: those in the binary, or those of a directory of one's own.
//!
//! It finds them by name and says what they are. Nothing of HTTP but content types.

mod answer;
mod directory;
mod routes;
mod travel;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use sha1::{Digest, Sha1};
use thiserror::Error;

use crate::gzip;
pub use answer::AssetService;
use directory::Directory;
pub use routes::routes;
use travel::bare;

/// How many hexadecimal digits the digest has.
const DIGEST_LENGTH: usize = 16;

/// What stands in the page for the digest of all assets.
const DIGEST_MARK: &str = "{{assets}}";

/// A directory that cannot be the page.
#[derive(Debug, Error)]
#[error("assets: {}: {error}", path.display())]
pub struct NoAssets {
    /// The directory, or the file in it that is at fault.
    path: PathBuf,
    /// What the operating system says.
    error: io::Error,
}

/// All there is.
#[derive(Clone, Debug)]
pub struct Assets {
    /// The name of the page itself; everything else is in `static/`.
    page: &'static str,
    digest: Arc<str>,
    store: Store,
}

#[derive(Clone, Debug)]
enum Store {
    Embedded(Arc<[(&'static str, Asset)]>),
    Directory(Arc<Directory>),
}

/// One of them.
#[derive(Clone, Debug)]
struct Asset {
    /// Its bytes, as they travel uncompressed.
    content: Bytes,
    /// Its content type.
    kind: &'static str,
    /// Its entity tag; weak, since the same bytes also travel compressed.
    tag: String,
    /// How it travels compressed, once it has.
    packed: Arc<OnceLock<Bytes>>,
}

impl Assets {
    /// A page in the binary: these files by their names, of which `page` is the page itself.
    #[must_use]
    pub fn embedded(page: &'static str, files: &[(&'static str, &'static [u8])]) -> Self {
        let digest: Arc<str> = digest_of(files.iter().copied()).into();
        let assets = files
            .iter()
            .map(|(name, content)| (*name, Asset::new(name, bare(name, content), page, &digest)))
            .collect();
        Self { page, digest, store: Store::Embedded(assets) }
    }

    /// A page of one's own: `page` and `static/` in this directory, read anew each time they are
    /// asked for. The digest is that of the start: if it could change under a running page, it and
    /// the server would not agree on which one the page is.
    pub fn from_directory(page: &'static str, path: &Path) -> Result<Self, NoAssets> {
        let fails = |path: &Path| {
            let path = path.to_owned();
            |error| NoAssets { path, error }
        };
        let directory = Directory::open(path).map_err(fails(path))?;
        let all = directory.all(page).map_err(fails(path))?;
        if !all.iter().any(|(name, _)| name == page) {
            return Err(fails(&path.join(page))(io::ErrorKind::NotFound.into()));
        }
        let digest = digest_of(all.iter().map(|(name, content)| (&**name, &**content))).into();
        Ok(Self { page, digest, store: Store::Directory(Arc::new(directory)) })
    }

    /// What tells this page from any other.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether finding an asset may wait for a disk.
    fn may_block(&self) -> bool {
        matches!(self.store, Store::Directory(_))
    }

    /// The asset of this name, if it is there and can be read.
    fn find(&self, name: &str) -> Option<Asset> {
        match &self.store {
            Store::Embedded(assets) => {
                let found = assets.iter().find(|(known, _)| *known == name);
                found.map(|(_, asset)| asset.clone())
            }
            Store::Directory(directory) => {
                let content = directory.read(name)?.into();
                Some(Asset::new(name, content, self.page, &self.digest))
            }
        }
    }
}

impl Asset {
    fn new(name: &str, content: Bytes, page: &str, digest: &str) -> Self {
        let content = match std::str::from_utf8(&content) {
            Ok(text) if name == page => text.replace(DIGEST_MARK, digest).into(),
            _ => content,
        };
        let tag = format!("W/\"{}\"", digest_of([("", &*content)].into_iter()));
        Self { kind: content_type(name), content, tag, packed: Arc::default() }
    }

    /// How it travels compressed, if that is known without compressing it.
    fn packed(&self) -> Option<Bytes> {
        self.packed.get().cloned()
    }

    /// Compresses it, which takes long.
    fn pack(&self) -> Bytes {
        self.packed.get_or_init(|| gzip::small(&self.content)).clone()
    }
}

/// Sixteen hexadecimal digits for names and contents, whatever the order they come in.
fn digest_of<'a>(assets: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut each: Vec<[u8; 20]> = assets
        .map(|(name, content)| {
            let hash = Sha1::new().chain_update(name).chain_update([0]).chain_update(content);
            hash.finalize().into()
        })
        .collect();
    each.sort_unstable();
    let hash: [u8; 20] = Sha1::new().chain_update(each.concat()).finalize().into();
    let number = hash[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:0DIGEST_LENGTH$x}")
}

/// The content type, by the name's ending. Scripts and styles must have theirs: with `nosniff`
/// browsers take nothing else for one.
#[must_use]
pub fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "jpg" | "jpeg" => "image/jpeg",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
