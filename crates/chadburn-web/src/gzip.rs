//! Answers that travel compressed, for those who take them so.
//!
//! Compressing takes long, so whoever calls this does it aside. Short answers are not worth it.

use std::io::Read;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use flate2::Compression;
use flate2::read::GzEncoder;

use crate::lists::wanted_coding;

/// Shorter answers travel as they are: a packet has room for some 1,400 bytes, whatever is in it.
const LEAST: usize = 512;

/// Whether whoever asks with these headers takes gzip (RFC 9110, 12.5.3).
#[must_use]
pub fn is_taken(headers: &HeaderMap) -> bool {
    wanted_coding(headers, &["gzip", "x-gzip"]) > 0.0
}

/// Whether an answer of this kind and length is worth it: pictures and fonts are compressed already.
#[must_use]
pub fn is_worth_it(kind: &str, length: usize) -> bool {
    let is_picture = kind.starts_with("image/") && kind != "image/svg+xml";
    length >= LEAST && !is_picture && !kind.starts_with("font/")
}

/// This, as small as it gets: for what is compressed once and travels often.
#[must_use]
pub fn small(content: &[u8]) -> Bytes {
    compressed(content, Compression::best())
}

/// This, compressed in a hurry: for what travels once.
#[must_use]
pub fn quick(content: &[u8]) -> Bytes {
    compressed(content, Compression::fast())
}

fn compressed(content: &[u8], level: Compression) -> Bytes {
    let mut packed = Vec::with_capacity(content.len() / 4);
    // Reading from memory does not fail.
    let _ = GzEncoder::new(content, level).read_to_end(&mut packed);
    packed.into()
}

/// What the head says of an answer that could travel compressed, and of one that does.
pub fn label(headers: &mut HeaderMap, packed: bool) {
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for (accept, taken) in [
            ("gzip", true),
            ("GZip;q=0.1, br", true),
            ("br, gzip", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("*, gzip;q=0", false),
            ("*;q=0", false),
            ("br", false),
            ("gzip;q=0.0", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
            assert_eq!(is_taken(&headers), taken, "{accept}");
        }
        assert!(!is_taken(&HeaderMap::new()));
    }

    #[test]
    fn what_comes_out_is_what_went_in() {
        let text = "the same again and again ".repeat(1_000);
        for packed in [small(text.as_bytes()), quick(text.as_bytes())] {
            let mut out = String::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut out).unwrap();
            assert!(out == text && packed.len() < text.len() / 20);
        }
    }

    #[test]
    fn what_is_short_or_compressed_already_travels_as_it_is() {
        assert!(is_worth_it("text/css", 512) && is_worth_it("image/svg+xml", 5_000));
        assert!(!is_worth_it("text/css", 511) && !is_worth_it("image/png", 5_000));
        assert!(!is_worth_it("font/woff2", 5_000));
    }
}
