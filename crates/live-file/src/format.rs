//! What the bytes of a watched file mean.

use crate::writing::Condition;

/// How a watched file is read. The default is [`Format::UTF8`].
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// No file of more bytes than this is read.
    pub max_file: u64,
    /// The most bytes that a text may have: what is said of a file that is too large. At most `max_file`, which
    /// has room for whatever `parse` cuts off.
    pub max_text: u64,
    /// The text in all of a file's bytes, or why there is none. It is called on the watch's threads, and must not
    /// wait for anything.
    pub parse: fn(&[u8]) -> Result<String, Refused>,
}

/// Why bytes are no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, for a program. [`Condition::Empty`] also covers a file that somebody has emptied to
    /// write it anew, so it is told only when it has lasted for 100 ms.
    pub condition: Condition,
    /// What is wrong, for a person: the rest of the sentence that begins with the file's name.
    pub reason: String,
}

impl Format {
    /// UTF-8, word for word, of 1 byte to 1 MiB.
    pub const UTF8: Self = Self { max_file: 1 << 20, max_text: 1 << 20, parse: utf8 };

    /// The same with another limit, in bytes.
    #[must_use]
    pub const fn utf8(max: u64) -> Self {
        Self { max_file: max, max_text: max, parse: utf8 }
    }
}

impl Default for Format {
    fn default() -> Self {
        Self::UTF8
    }
}

impl Refused {
    /// The file `reason`, such as "is not UTF-8".
    #[must_use]
    pub fn new(condition: Condition, reason: &str) -> Self {
        Self { condition, reason: reason.to_owned() }
    }

    /// It has nothing in it.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Condition::Empty, "is empty")
    }

    /// It is not UTF-8.
    #[must_use]
    pub fn not_utf8() -> Self {
        Self::new(Condition::NotUtf8, "is not UTF-8")
    }

    /// It has more bytes than this.
    #[must_use]
    pub fn too_large(max_text: u64) -> Self {
        Self::new(Condition::TooLarge, &format!("is larger than {max_text} bytes"))
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Refused> {
    match std::str::from_utf8(bytes) {
        Ok("") => Err(Refused::empty()),
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Refused::not_utf8()),
    }
}

#[cfg(test)]
pub(crate) use tests::LINE;

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of at most 4,096 bytes, in a file of at most 8,192.
    pub(crate) const LINE: Format = Format { max_file: 8_192, max_text: 4_096, parse: line };

    fn line(bytes: &[u8]) -> Result<String, Refused> {
        let text = std::str::from_utf8(bytes).map_err(|_| Refused::not_utf8())?.trim_end();
        match text.len() {
            0 => Err(Refused::empty()),
            4_097.. => Err(Refused::too_large(4_096)),
            _ => Ok(text.to_owned()),
        }
    }

    #[test]
    fn utf8_is_taken_word_for_word_and_nothing_else() {
        let parse = Format::default().parse;
        for text in ["7", "7\n", " \r\n", "\u{feff}\0", "\u{e9}"] {
            assert_eq!(parse(text.as_bytes()).as_deref(), Ok(text));
        }
        assert_eq!(parse(b""), Err(Refused::empty()));
        assert_eq!(parse(b"caf\xE9"), Err(Refused::not_utf8()));
    }
}
