//! What a camera sends, and the address of one.

use bytes::Bytes;
use chadburn_eye::picture::jpeg::Splitter;
use chadburn_eye::picture::{BadPicture, Picture};
use chadburn_eye::source::address::Address;
use chadburn_sight::image::Size;

/// Larger pictures are not decoded here: noise would take hours.
const MAX_DECODED: usize = 1 << 18;

/// The same pictures are found however the stream is cut into pieces, and each is one.
pub(crate) fn stream(bytes: &[u8]) {
    let whole = found(bytes, bytes.len().max(1));
    for piece in [1, 64] {
        assert_eq!(found(bytes, piece), whole, "in pieces of {piece}");
    }
    for (picture, size) in whole.into_iter().flatten() {
        assert!(picture.starts_with(&[0xff, 0xd8, 0xff]) && picture.ends_with(&[0xff, 0xd9]));
        let again = Picture::new(picture.clone());
        assert!(again.is_ok_and(|it| it.bytes == picture && it.size == size));
    }
}

fn found(bytes: &[u8], piece: usize) -> Vec<Result<(Bytes, Size), BadPicture>> {
    let (mut splitter, mut found) = (Splitter::default(), Vec::new());
    for piece in bytes.chunks(piece) {
        splitter.push(piece);
        found.extend(std::iter::from_fn(|| splitter.next()));
    }
    found
}

/// A picture has the size that its header says, or says in one line what is wrong with it.
pub(crate) fn picture(bytes: &[u8]) {
    let said = |why: BadPicture| {
        let why = why.to_string();
        assert!(!why.is_empty() && why.len() < 400 && !why.contains('\n'), "{why:?}");
    };
    match Picture::new(Bytes::copy_from_slice(bytes)) {
        Ok(picture) if picture.size.pixels() <= MAX_DECODED => match picture.decode() {
            Ok(pixels) => assert_eq!(pixels.size(), picture.size),
            Err(why) => said(why),
        },
        Ok(_) => {}
        Err(why) => said(why),
    }
}

/// An address is one, or none; either way nothing of it is shown that stands before an `@` or behind a `?`.
pub(crate) fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let shown = match Address::parse(text) {
        Ok(address) => format!("{address} {address:?}"),
        Err(why) => why.to_string(),
    };
    assert!(!shown.contains(char::is_control), "{shown:?}");
    let Some((scheme, rest)) = text.split_once("://").filter(|_| !text.starts_with("exec:")) else {
        return;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let secrets = authority.rsplit_once('@').map(|(user, _)| user).into_iter();
    let query = rest.split_once('?').map(|(_, query)| query);
    for secret in secrets.chain(query).filter(|secret| secret.len() > 3 && scheme.len() < 6) {
        // What stands in both places is shown for the other one.
        let elsewhere = text.matches(secret).count() > 1 || shown.starts_with("--source: ");
        assert!(elsewhere || !shown.contains(secret), "{secret:?} is in {shown:?}");
    }
}
