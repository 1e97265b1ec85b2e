//! The log (a first piece of it).
use std::fmt;
/// This text without anything that could forge a line or drive a terminal.
pub fn escaped(text: &str) -> impl fmt::Display + '_ {
    text.chars().take(200).flat_map(char::escape_debug).collect::<String>()
}
