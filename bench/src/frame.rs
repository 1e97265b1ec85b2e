//! RFC 6455 frames, as much of them as a bench needs: whole messages, no fragments, no extensions.
//! Knows neither socket nor meaning.

use anyhow::{Result, bail, ensure};

/// A text message.
pub(crate) const TEXT: u8 = 0x1;
/// A message of bytes.
pub(crate) const BINARY: u8 = 0x2;
/// The end of the connection.
pub(crate) const CLOSE: u8 = 0x8;
/// "Are you there?"
pub(crate) const PING: u8 = 0x9;
/// The answer to a ping, with the ping's payload.
pub(crate) const PONG: u8 = 0xA;

/// A server's message of more than this is none that a bench would cause.
const PAYLOAD_LIMIT: u64 = 1024 * 1024;

/// One frame as it came from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// What kind of frame: [`TEXT`], [`BINARY`], [`CLOSE`], [`PING`] or
    /// [`PONG`].
    pub(crate) opcode: u8,
    /// What it carries.
    pub(crate) payload: &'a [u8],
}

/// The first frame of what a server sent, and its length; `None` while it is incomplete.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let opcode = first & 0x0F;
    ensure!(first & 0xF0 == 0x80, "a fragment or a reserved bit: {first:#04x}");
    ensure!(second & 0x80 == 0, "the server masked a frame");
    if !matches!(opcode, TEXT | BINARY | CLOSE | PING | PONG) {
        bail!("a frame with opcode {opcode:#x}");
    }
    let (length, start) = match second & 0x7F {
        0x7E => match rest.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        0x7F => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Ok(None),
        },
        short => (u64::from(short), 2),
    };
    ensure!(opcode < CLOSE || length <= 125, "a control frame of {length} bytes");
    ensure!(length <= PAYLOAD_LIMIT, "a message of {length} bytes");
    let end = start + usize::try_from(length)?;
    Ok(bytes.get(start..end).map(|payload| (Frame { opcode, payload }, end)))
}

/// A server's text frame.
pub(crate) fn from_server(text: &str) -> Vec<u8> {
    let mut frame = head(TEXT, text.len(), 0);
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// A client's frame, masked as RFC 6455, section 5.3, demands.
pub(crate) fn from_client(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = head(opcode, payload.len(), 0x80);
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn head(opcode: u8, length: usize, mask_bit: u8) -> Vec<u8> {
    let mut head = vec![0x80 | opcode];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => head.push(mask_bit | short),
        (_, Ok(middle)) => {
            head.push(mask_bit | 0x7E);
            head.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            head.push(mask_bit | 0x7F);
            head.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_incomplete_until_its_last_byte() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let text = "x".repeat(length);
            let bytes = from_server(&text);
            for cut in [0, 1, 2, 3, bytes.len() - 1] {
                assert_eq!(parse(&bytes[..cut.min(bytes.len() - 1)]).unwrap(), None);
            }
            let whole = (Frame { opcode: TEXT, payload: text.as_bytes() }, bytes.len());
            assert_eq!(parse(&bytes).unwrap(), Some(whole));
        }
    }

    #[test]
    fn a_second_frame_in_the_same_bytes_is_left_for_later() {
        let mut bytes = from_server("m000001");
        let first = bytes.len();
        bytes.extend(from_server("m000002"));
        let (frame, used) = parse(&bytes).unwrap().unwrap();
        assert_eq!((frame.payload, used), (&b"m000001"[..], first));
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        for bytes in [
            &[0x01, 0][..],                       // the first fragment of a message
            &[0x80, 0],                           // a continuation
            &[0xC1, 0],                           // a compressed message nobody agreed to
            &[0x81, 0x80],                        // masked
            &[0x83, 0],                           // what no RFC defines
            &[0x89, 126, 0, 126],                 // a control frame that is too long
            &[0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0], // more than anyone wrote
        ] {
            assert!(parse(bytes).is_err(), "{bytes:02x?}");
        }
    }

    #[test]
    fn a_masked_frame_unmasks_to_what_was_said() {
        let frame = from_client(PONG, b"hello", [1, 2, 3, 4]);
        assert_eq!(frame[..6], [0x8A, 0x85, 1, 2, 3, 4]);
        let said: Vec<u8> =
            frame[6..].iter().zip([1, 2, 3, 4, 1]).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!(said, b"hello");
    }
}
