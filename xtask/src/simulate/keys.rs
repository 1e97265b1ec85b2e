//! Keys, found in the bytes that a terminal sends.

/// What a key means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The lever, one position to the left.
    Left,
    /// And to the right.
    Right,
    /// Take the order.
    Answer,
    /// Unplug the board, or plug it in.
    Plug,
    /// Enough.
    Quit,
}

/// Bytes on their way to a key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// An escape sequence that has begun: how many of its bytes have come.
    begun: usize,
}

impl Keys {
    /// Takes a byte, and gives the key that it completes.
    pub(super) fn push(&mut self, byte: u8) -> Option<Key> {
        match (self.begun, byte) {
            (_, 0x1B) => self.begun = 1,
            // `ESC [`, or `ESC O` where the keypad is in its other mode.
            (1, b'[' | b'O') => self.begun = 2,
            (2, last) => {
                self.begun = 0;
                return match last {
                    b'D' => Some(Key::Left),
                    b'C' => Some(Key::Right),
                    _ => None,
                };
            }
            (_, last) => {
                self.begun = 0;
                return match last {
                    b'h' => Some(Key::Left),
                    b'l' => Some(Key::Right),
                    b'a' | b'\r' => Some(Key::Answer),
                    b'u' => Some(Key::Plug),
                    // Ctrl-C and Ctrl-D are keys like others on a raw terminal.
                    b'q' | 0x03 | 0x04 => Some(Key::Quit),
                    _ => None,
                };
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_and_letters_are_keys_and_the_rest_is_not() {
        let mut keys = Keys::default();
        let mut press =
            |bytes: &[u8]| -> Vec<_> { bytes.iter().filter_map(|byte| keys.push(*byte)).collect() };
        assert_eq!(press(b"\x1b[D\x1b[C\x1bOC"), [Key::Left, Key::Right, Key::Right]);
        assert_eq!(press(b"\x1b[A\x1b[B z\n"), []);
        assert_eq!(press(b"a\r"), [Key::Answer, Key::Answer]);
        assert_eq!(press(b"\x1b\x1b[Cu"), [Key::Right, Key::Plug]);
        assert_eq!(press(b"\x03q"), [Key::Quit, Key::Quit]);
    }
}
