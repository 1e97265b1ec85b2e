//! What the bytes of the status file and of the accept file say.
//!
//! A pure function; where the bytes come from is not known here.

use chadburn_core::text::lines;
use live_file::format::{Format, Refused};
use live_file::writing::Condition;

/// How both files are read: a status has at most 4,096 bytes, and its file twice as many, which leaves room for
/// trailing white space.
pub const FORMAT: Format = Format { max_file: 8 * 1024, max_text: 4_096, parse };

/// The status in a file's bytes: without byte order marks, carriage returns before line feeds, and
/// white space and Ctrl-Z at its end.
fn parse(bytes: &[u8]) -> Result<String, Refused> {
    // It begins as UTF-16 does, with a NUL behind that, which no text has.
    if bytes.starts_with(b"\xFF\xFE\0\0") || bytes.starts_with(b"\0\0\xFE\xFF") {
        return Err(Refused::new(Condition::NotUtf8, "is UTF-32, not UTF-8"));
    }
    let marked = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    if marked || is_utf16(bytes) {
        return Err(Refused::new(Condition::NotUtf8, "is UTF-16, not UTF-8"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Refused::not_utf8())?;
    let text = lines(text).collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        Err(Refused::empty())
    } else if text.len() as u64 > FORMAT.max_text {
        Err(Refused::too_large(FORMAT.max_text))
    } else if text.contains('\0') {
        Err(Refused::new(Condition::NotText, "has a NUL in it and is no text"))
    } else {
        Ok(text)
    }
}

/// Whether these are UTF-16 without its mark. Of Latin letters, digits and line ends every second byte is NUL, and
/// of the characters of a text most are such, and at least two; of other alphabets it is their number, which is a control
/// character in UTF-8, and a text has none at every second place. What has neither (Han) is told as no UTF-8.
fn is_utf16(bytes: &[u8]) -> bool {
    let halves = |from: usize| bytes.iter().skip(from).step_by(2).copied();
    let nuls = |from: usize| halves(from).filter(|byte| *byte == 0).count();
    let (big, little) = (nuls(0), nuls(1));
    // `echo` leaves a line end of one byte behind it.
    let is_pairs = bytes.len().is_multiple_of(2) || bytes.ends_with(b"\n");
    let is_latin = is_pairs
        && (big == 0 || little == 0)
        && big + little >= 2
        && (big + little) * 4 > bytes.len();
    let is_number = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let is_alphabet = |from| {
        bytes.len() >= 6
            && bytes.len().is_multiple_of(2)
            && halves(from).all(is_number)
            && halves(from).any(|byte| byte != 0)
            && !halves(1 - from).all(is_number)
    };
    is_latin || is_alphabet(0) || is_alphabet(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_without_byte_order_mark_and_trailing_white_space() {
        assert_eq!(parse(b"7"), Ok("7".into()));
        assert_eq!(parse(b"7 \r\n\t\n"), Ok("7".into()));
        assert_eq!(parse(b" 7\n8\n"), Ok(" 7\n8".into()));
        assert_eq!(parse(b"\xEF\xBB\xBFcaf\xC3\xA9\n"), Ok("café".into()));
        assert_eq!(parse("7\u{2003}\u{A0}".as_bytes()), Ok("7".into()));
    }

    #[test]
    fn what_another_system_puts_around_a_status_is_cut_off() {
        assert_eq!(parse(b"\xEF\xBB\xBF\xEF\xBB\xBF7\r\n\x1A"), Ok("7".into()));
        assert_eq!(parse(b"two\r\nlines\r\n"), Ok("two\nlines".into()));
        assert_eq!(parse(b"      7\n"), Ok("      7".into()));
        assert_eq!(parse(b"\x1A\r\n").unwrap_err().condition, Condition::Empty);
        let longest = [&[b'x'; 4_096][..], b"\r\n\x1A"].concat();
        assert_eq!(parse(&longest).unwrap().len(), 4_096);
    }

    #[test]
    fn bytes_that_are_no_status_are_named() {
        let condition = |bytes: &[u8]| parse(bytes).unwrap_err().condition;
        for empty in [&b""[..], b"\n", b" \r\n\t", b"\xEF\xBB\xBF", b"\xEF\xBB\xBF\n"] {
            assert_eq!(condition(empty), Condition::Empty, "{empty:?}");
        }
        assert_eq!(condition(b"caf\xE9"), Condition::NotUtf8);
        assert_eq!(parse(b"caf\xE9").unwrap_err().reason, "is not UTF-8");
        let unmarked = |text: &str| -> (Vec<u8>, Vec<u8>) {
            let units = || text.encode_utf16();
            (
                units().flat_map(u16::to_le_bytes).collect(),
                units().flat_map(u16::to_be_bytes).collect(),
            )
        };
        let mut utf16 = vec![b"\xFF\xFE7\0\n\0".to_vec(), b"\xFE\xFF\x007\0\n".to_vec()];
        for text in [
            "7\r\n",
            "main is broken",
            "Grüße aus Łódź",
            "→ 7\n",
            "привет",
            "שלום",
            "привет\r\nмир",
        ] {
            let (little, big) = unmarked(text);
            utf16.extend([little, big]);
        }
        // A line end of one byte behind it, as `echo` leaves it.
        utf16.push(b"m\0a\0i\0n\0\n".to_vec());
        for bytes in utf16 {
            let wrong = parse(&bytes).unwrap_err();
            assert_eq!(
                (wrong.condition, &*wrong.reason),
                (Condition::NotUtf8, "is UTF-16, not UTF-8")
            );
        }
        for bytes in [&b"\xFF\xFE\0\x007\0\0\0"[..], b"\0\0\xFE\xFF\0\0\x007"] {
            let wrong = parse(bytes).unwrap_err();
            let told = (wrong.condition, &*wrong.reason);
            assert_eq!(told, (Condition::NotUtf8, "is UTF-32, not UTF-8"));
        }
        assert_eq!(parse(&[1; 2_000]).unwrap().len(), 2_000, "control characters are a text");
        for nul in [
            &b"\0"[..],
            b"7\0",
            b"\x007",
            b"main is\0broken",
            b"main is broken!\0",
            b"abc\0",
            b"a\0bc",
            b"ab\0c",
            b"\0abc",
            b"abc\0def\0",
            b"ab\0d\0",
            b"7\n\0\0\0\0",
            &[0; 512],
            b"7\0\0\08\0\0\0",
        ] {
            let wrong = parse(nul).unwrap_err();
            let told = (wrong.condition, &*wrong.reason);
            assert_eq!(told, (Condition::NotText, "has a NUL in it and is no text"), "{nul:?}");
        }
    }

    #[test]
    fn a_status_has_at_most_4096_bytes_and_its_file_8192() {
        assert_eq!(parse(&[b'x'; 4_096]).unwrap().len(), 4_096);
        assert_eq!(parse(&[b'x'; 4_097]).unwrap_err().condition, Condition::TooLarge);
        let mut padded = vec![b' '; 8_192];
        padded[0] = b'7';
        assert_eq!(parse(&padded), Ok("7".into()));
        assert_eq!((FORMAT.max_text, FORMAT.max_file), (4_096, 8_192));
    }
}
