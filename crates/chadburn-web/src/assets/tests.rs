//! Digests.

use super::*;

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
