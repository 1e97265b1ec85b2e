//! The table of embedded files, and digests.

use std::fs;
use std::path::Path;

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
    assert_eq!(table, expected, "src/http/assets.rs lists the panel's files");
}

#[test]
fn every_embedded_file_has_a_type_that_browsers_take() {
    for (name, _) in EMBEDDED {
        assert_ne!(kind(name), "application/octet-stream", "{name}");
    }
}

#[test]
fn a_digest_tells_names_and_contents_apart_and_no_order() {
    let digest = |assets: &[(&str, &[u8])]| digest_of(assets.iter().copied());
    let one = digest(&[("a", b"1"), ("b", b"2")]);
    assert_eq!(one.len(), 16);
    assert_eq!(one, digest(&[("b", b"2"), ("a", b"1")]));
    assert_ne!(one, digest(&[("a", b"2"), ("b", b"1")]));
    assert_ne!(one, digest(&[("a", b"1"), ("b", b"3")]));
    assert_ne!(digest(&[("ab", b"c")]), digest(&[("a", b"bc")]));
}
