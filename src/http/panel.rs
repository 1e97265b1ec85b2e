//! The panel in the binary, and one of a directory of one's own.

use std::path::Path;

use chadburn_web::assets::{Assets, NoAssets};

/// The page itself; everything else is in `static/`.
pub(super) const PANEL: &str = "panel.html";

/// The one script that stands in the panel's page itself, as browsers know it by SHA-256; a test of the
/// panel holds it to that. A page of one's own may have it too.
pub(super) const SCRIPT: &str = "'sha256-Oc4XS2qcVq/jqLERFEEl9DLY/WpUBrsrvbB+G+ijnPo='";

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
    ("static/first-paint.js", include_bytes!("../../static/first-paint.js")),
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

/// The panel in the binary.
#[must_use]
pub fn embedded() -> Assets {
    Assets::embedded(PANEL, EMBEDDED)
}

/// A panel of one's own: `panel.html` and `static/` in this directory.
pub fn from_directory(path: &Path) -> Result<Assets, NoAssets> {
    Assets::from_directory(PANEL, path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chadburn_web::assets::content_type;

    use super::*;

    /// Every file below this directory, as a name relative to it.
    fn listing(root: &Path, folder: &str) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            // The panel's own tests stand beside it and are no part of it.
            if entry.file_type().unwrap().is_dir() {
                names.extend(listing(root, &name));
            } else if !name.contains(".test.") {
                names.push(name);
            }
        }
        names
    }

    #[test]
    fn the_table_is_what_is_in_the_directory() {
        let mut expected = listing(Path::new(env!("CARGO_MANIFEST_DIR")), "static");
        expected.push(PANEL.to_owned());
        expected.sort();
        let mut table: Vec<_> = EMBEDDED.iter().map(|(name, _)| (*name).to_owned()).collect();
        table.sort();
        assert_eq!(table, expected, "src/http/panel.rs lists the panel's files");
    }

    #[test]
    fn every_embedded_file_has_a_type_that_browsers_take() {
        for (name, _) in EMBEDDED {
            assert_ne!(content_type(name), "application/octet-stream", "{name}");
        }
    }
}
