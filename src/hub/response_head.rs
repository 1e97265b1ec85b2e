//! What goes out on a connection before the first frame: the answer to its handshake, which HTTP
//! has kept back so that it and the greeting are one packet.
//!
//! It knows no socket, only something that can be written to.

use std::io::{self, ErrorKind, IoSlice, Write};

/// The bytes that have not gone yet; hardly ever any.
#[derive(Debug)]
pub(super) struct ResponseHead(Vec<u8>);

impl ResponseHead {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Writes head and bytes with one call; returns how many of `bytes` were taken. While the head
    /// itself is not all sent, that is `WouldBlock`: a peer that takes less than it was offered has no
    /// more room, and its socket becomes writable when it has.
    pub(super) fn write(&mut self, out: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return out.write(bytes);
        }
        let sent = out.write_vectored(&[IoSlice::new(&self.0), IoSlice::new(bytes)])?;
        match sent.checked_sub(self.0.len()) {
            // A write of nothing means that the connection is over.
            None | Some(0) if sent == 0 => Err(ErrorKind::WriteZero.into()),
            None | Some(0) => {
                self.0.drain(..sent);
                Err(ErrorKind::WouldBlock.into())
            }
            Some(behind) => {
                self.0 = Vec::new();
                Ok(behind)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes with each write, then none.
    struct Narrow {
        room: Vec<usize>,
        taken: Vec<u8>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let room = self.room.pop().ok_or(ErrorKind::WouldBlock)?;
            let all = slices.iter().flat_map(|slice| slice.iter()).take(room);
            let before = self.taken.len();
            self.taken.extend(all);
            Ok(self.taken.len() - before)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What goes out, and how often it is written, when each write takes so much.
    fn sent(mut room: Vec<usize>) -> (String, usize) {
        room.reverse();
        let mut out = Narrow { room, taken: Vec::new() };
        let mut head = ResponseHead::new(b"101 ".to_vec());
        let (mut frame, mut writes) = (&b"greeting"[..], 0);
        while !frame.is_empty() {
            writes += 1;
            match head.write(&mut out, frame) {
                Ok(sent) => frame = &frame[sent..],
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        (String::from_utf8(out.taken).unwrap(), writes)
    }

    #[test]
    fn opening_and_greeting_are_one_write() {
        assert_eq!(sent(vec![100]), ("101 greeting".into(), 1));
    }

    #[test]
    fn every_byte_goes_once_and_in_order_however_little_is_taken() {
        for room in [vec![1; 12], vec![2, 2, 100], vec![4, 8], vec![5, 100], vec![3, 2, 7]] {
            assert_eq!(sent(room).0, "101 greeting");
        }
    }

    #[test]
    fn a_peer_that_takes_nothing_at_all_is_an_error() {
        let mut out = Narrow { room: vec![0], taken: Vec::new() };
        let error = ResponseHead::new(b"101 ".to_vec()).write(&mut out, b"greeting").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
    }
}
