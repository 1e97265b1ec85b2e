//! The system's errors in people's words. It knows no file and nobody's reason.

use std::io;

/// An error in the middle of a sentence: in lower case and without its number.
#[must_use]
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_fits_into_a_sentence() {
        let denied = io::Error::from_raw_os_error(rustix::io::Errno::ACCESS.raw_os_error());
        assert_eq!(plain(&denied), "permission denied");
        assert_eq!(plain(&io::Error::other("Äh (no number)")), "äh (no number)");
        assert_eq!(plain(&io::Error::other("")), "");
    }
}
