//! What bytes say, written anew.

use live_file::writing::Condition;

use crate::truth::Sight;

/// Larger files are not opened, in bytes.
pub(super) const LARGEST: usize = 8_192;

/// The status in these bytes, by the words of the design: UTF-8, at most 4,096 bytes, without NUL,
/// byte order marks, white space and Ctrl-Z at its end, and carriage returns before line feeds.
pub(super) fn read(bytes: &[u8]) -> Sight {
    if bytes.len() > LARGEST {
        return Sight::Fault(Condition::TooLarge);
    }
    let Ok(text) = String::from_utf8(bytes.to_vec()) else {
        return Sight::Fault(Condition::NotUtf8);
    };
    let mut text = text.replace("\r\n", "\n");
    while text.starts_with('\u{feff}') {
        text.remove(0);
    }
    while text.ends_with(|c: char| c == '\x1A' || c.is_whitespace()) {
        text.pop();
    }
    match text.as_str() {
        "" => Sight::Fault(Condition::Empty),
        text if text.len() > 4_096 => Sight::Fault(Condition::TooLarge),
        text if text.contains('\0') => Sight::Fault(Condition::NotText),
        text => Sight::Text(text.to_owned()),
    }
}
