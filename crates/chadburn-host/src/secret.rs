//! A text that can be compared and not read.

use std::fmt;

use subtle::ConstantTimeEq;

/// A text that somebody must know. It is never shown, and how long a comparison takes tells
/// nothing of it but its length.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// A secret, unless it is empty: everybody knows nothing.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.into()))
    }

    /// Whether this is it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_compared_and_not_shown() {
        let secret = Secret::new("brass").unwrap();
        assert!(secret.is("brass"));
        for other in ["", "bras", "brass ", "Brass", "brasz", "brass\0"] {
            assert!(!secret.is(other), "{other:?}");
        }
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(secret, secret.clone());
        assert_eq!(Secret::new(""), None);
    }
}
