//! The panel's files: those in the binary, or those of a directory of one's own.
//!
//! It finds them by name and says what they are. Nothing of HTTP but content types.

mod directory;
mod travel;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use sha1::{Digest, Sha1};
use thiserror::Error;

use super::gzip;
use directory::Directory;
use travel::bare;

/// The page itself; everything else is in `static/`.
pub(super) const PANEL: &str = "panel.html";

/// How many hexadecimal digits the digest has.
pub(super) const DIGEST_LENGTH: usize = 16;

/// What stands in the page for the digest of all assets.
const DIGEST_MARK: &str = "{{assets}}";

/// The panel in the binary. A test holds this table to what is in the directory.
const EMBEDDED: &[(&str, &[u8])] = &[
    (PANEL, include_bytes!("../../panel.html")),
    ("static/asking.js", include_bytes!("../../static/asking.js")),
    ("static/bell.js", include_bytes!("../../static/bell.js")),
    ("static/board.js", include_bytes!("../../static/board.js")),
    ("static/book.js", include_bytes!("../../static/book.js")),
    ("static/chronicle.js", include_bytes!("../../static/chronicle.js")),
    ("static/console.css", include_bytes!("../../static/console.css")),
    ("static/console.js", include_bytes!("../../static/console.js")),
    ("static/day.css", include_bytes!("../../static/day.css")),
    ("static/dial.js", include_bytes!("../../static/dial.js")),
    ("static/drawers.css", include_bytes!("../../static/drawers.css")),
    ("static/face.js", include_bytes!("../../static/face.js")),
    ("static/favicon.svg", include_bytes!("../../static/favicon.svg")),
    ("static/fittings.js", include_bytes!("../../static/fittings.js")),
    ("static/geometry.js", include_bytes!("../../static/geometry.js")),
    ("static/help.js", include_bytes!("../../static/help.js")),
    ("static/holding.js", include_bytes!("../../static/holding.js")),
    ("static/icon.js", include_bytes!("../../static/icon.js")),
    ("static/idle.js", include_bytes!("../../static/idle.js")),
    ("static/instrument.css", include_bytes!("../../static/instrument.css")),
    ("static/keys.js", include_bytes!("../../static/keys.js")),
    ("static/lettering.js", include_bytes!("../../static/lettering.js")),
    ("static/light.js", include_bytes!("../../static/light.js")),
    ("static/main.js", include_bytes!("../../static/main.js")),
    ("static/memory.js", include_bytes!("../../static/memory.js")),
    ("static/names.js", include_bytes!("../../static/names.js")),
    ("static/night.css", include_bytes!("../../static/night.css")),
    ("static/no-dial.css", include_bytes!("../../static/no-dial.css")),
    ("static/notice.js", include_bytes!("../../static/notice.js")),
    ("static/orders.js", include_bytes!("../../static/orders.js")),
    ("static/panel.css", include_bytes!("../../static/panel.css")),
    ("static/people.css", include_bytes!("../../static/people.css")),
    ("static/people.js", include_bytes!("../../static/people.js")),
    ("static/places.css", include_bytes!("../../static/places.css")),
    ("static/pointers.js", include_bytes!("../../static/pointers.js")),
    ("static/protocol.js", include_bytes!("../../static/protocol.js")),
    ("static/renewal.js", include_bytes!("../../static/renewal.js")),
    ("static/ringer.js", include_bytes!("../../static/ringer.js")),
    ("static/roll.js", include_bytes!("../../static/roll.js")),
    ("static/shortcuts.js", include_bytes!("../../static/shortcuts.js")),
    ("static/socket.js", include_bytes!("../../static/socket.js")),
    ("static/special.css", include_bytes!("../../static/special.css")),
    ("static/store.js", include_bytes!("../../static/store.js")),
    ("static/strip.js", include_bytes!("../../static/strip.js")),
    ("static/svg.js", include_bytes!("../../static/svg.js")),
    ("static/swing.js", include_bytes!("../../static/swing.js")),
    ("static/unseen.js", include_bytes!("../../static/unseen.js")),
    ("static/words.js", include_bytes!("../../static/words.js")),
];

/// A directory that cannot be the panel.
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
pub(super) struct Asset {
    pub(super) content: Bytes,
    /// Its content type.
    pub(super) kind: &'static str,
    /// Its entity tag; weak, since the same bytes also travel compressed.
    pub(super) tag: String,
    /// How it travels compressed, once it has.
    packed: Arc<OnceLock<Bytes>>,
}

impl Assets {
    /// The panel in the binary.
    #[must_use]
    pub fn embedded() -> Self {
        let digest: Arc<str> = digest_of(EMBEDDED.iter().copied()).into();
        let assets = EMBEDDED
            .iter()
            .map(|(name, content)| (*name, Asset::new(name, bare(name, content), &digest)))
            .collect();
        Self { digest, store: Store::Embedded(assets) }
    }

    /// A panel of one's own: `panel.html` and `static/` in this directory, read anew each time
    /// they are asked for. The digest is that of the start: if it could change under a running
    /// panel, it and the server would not agree on which one the panel is.
    pub fn from_directory(path: &Path) -> Result<Self, NoAssets> {
        let fails = |path: &Path| {
            let path = path.to_owned();
            |error| NoAssets { path, error }
        };
        let directory = Directory::open(path).map_err(fails(path))?;
        let all = directory.all().map_err(fails(path))?;
        if !all.iter().any(|(name, _)| name == PANEL) {
            return Err(fails(&path.join(PANEL))(io::ErrorKind::NotFound.into()));
        }
        let digest = digest_of(all.iter().map(|(name, content)| (&**name, &**content))).into();
        Ok(Self { digest, store: Store::Directory(Arc::new(directory)) })
    }

    /// What tells this panel from any other.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether finding an asset may wait for a disk.
    pub(super) fn may_block(&self) -> bool {
        matches!(self.store, Store::Directory(_))
    }

    /// The asset of this name, if it is there and can be read.
    pub(super) fn find(&self, name: &str) -> Option<Asset> {
        match &self.store {
            Store::Embedded(assets) => {
                let found = assets.iter().find(|(known, _)| *known == name);
                found.map(|(_, asset)| asset.clone())
            }
            Store::Directory(directory) => {
                Some(Asset::new(name, directory.read(name)?.into(), &self.digest))
            }
        }
    }
}

impl Asset {
    fn new(name: &str, content: Bytes, digest: &str) -> Self {
        let content = match std::str::from_utf8(&content) {
            Ok(page) if name == PANEL => page.replace(DIGEST_MARK, digest).into(),
            _ => content,
        };
        let tag = format!("W/\"{}\"", digest_of([("", &*content)].into_iter()));
        Self { kind: kind(name), content, tag, packed: Arc::default() }
    }

    /// How it travels compressed, if that is known without compressing it.
    pub(super) fn packed(&self) -> Option<Bytes> {
        self.packed.get().cloned()
    }

    /// Compresses it, which takes long.
    pub(super) fn pack(&self) -> Bytes {
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
fn kind(name: &str) -> &'static str {
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
