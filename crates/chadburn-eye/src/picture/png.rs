//! What a PNG says of itself, and the part of it that is decoded.
//!
//! Pure. It reads chunks (W3C PNG, third edition, 5.3) and decodes nothing.

use chadburn_sight::image::Size;

use super::BadPicture;

/// The bytes with which each begins.
pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What pixels need. Whatever else there is may be compressed, so that a few bytes become gigabytes, and shows nothing.
const NEEDED: [&[u8]; 5] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"];

/// Length, type and checksum of a chunk, in bytes.
const AROUND: usize = 12;

/// The size that the header says, and the chunks that pixels need; an error if the file is not whole.
pub(super) fn judged(bytes: &[u8]) -> Result<(Size, Vec<u8>), BadPicture> {
    let mut rest = bytes.strip_prefix(SIGNATURE).ok_or(BadPicture::Unknown)?;
    let mut needed = SIGNATURE.to_vec();
    let mut size = None;
    loop {
        let length = rest.first_chunk::<4>().ok_or(BadPicture::Truncated)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let whole = length.saturating_add(AROUND);
        let chunk = rest.get(..whole).ok_or(BadPicture::Truncated)?;
        let (name, content) = (&chunk[4..8], &chunk[8..8 + length]);
        match (name, size) {
            (b"IHDR", None) => size = Some(header(content)?),
            // A second header would undo what was checked.
            (b"IHDR", Some(_)) | (_, None) => return Err(BadPicture::Malformed),
            _ => {}
        }
        if NEEDED.contains(&name) {
            needed.extend_from_slice(chunk);
        }
        if name == b"IEND" {
            return size.map(|size| (size, needed)).ok_or(BadPicture::Malformed);
        }
        rest = &rest[whole..];
    }
}

fn header(content: &[u8]) -> Result<Size, BadPicture> {
    let [w3, w2, w1, w0, h3, h2, h1, h0, _, _, _, _, _] = content else {
        return Err(BadPicture::Malformed);
    };
    let width = u32::from_be_bytes([*w3, *w2, *w1, *w0]);
    super::size(width, u32::from_be_bytes([*h3, *h2, *h1, *h0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[..], name, content, b"\0\0\0\0"].concat()
    }

    fn png(width: u32, height: u32, more: &[u8]) -> Vec<u8> {
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        let header = chunk(b"IHDR", &header);
        [SIGNATURE, &header, more, &chunk(b"IDAT", b"pixels"), &chunk(b"IEND", b"")].concat()
    }

    #[test]
    fn only_what_pixels_need_is_decoded() {
        let more = [chunk(b"zTXt", b"a bomb"), chunk(b"iCCP", b"another")].concat();
        let (size, needed) = judged(&png(640, 480, &more)).unwrap();
        assert_eq!((size.width(), size.height()), (640, 480));
        assert_eq!(needed, png(640, 480, b""));
    }

    #[test]
    fn what_is_not_whole_or_too_large_is_refused() {
        let whole = png(64, 48, b"");
        for cut in 0..whole.len() {
            let why = judged(&whole[..cut]).unwrap_err();
            assert!(matches!(why, BadPicture::Truncated | BadPicture::Unknown), "{cut}: {why}");
        }
        let (width, height) = (50_000, 50_000);
        let why = BadPicture::TooManyPixels { width, height };
        assert_eq!(judged(&png(width, height, b"")).unwrap_err(), why);
        assert_eq!(judged(&png(0, 9, b"")).unwrap_err(), BadPicture::Malformed);
        let twice = [&png(8, 8, b"")[..33], &png(9_999, 9_999, b"")[8..]].concat();
        assert!(judged(&twice).is_err());
        let endless = [SIGNATURE, b"\xff\xff\xff\xffIHDR"].concat();
        assert_eq!(judged(&endless).unwrap_err(), BadPicture::Truncated);
    }
}
