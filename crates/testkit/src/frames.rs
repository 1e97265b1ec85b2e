//! The bytes of handshakes and frames (RFC 6455), good and bad, as a client sends them.

use std::fmt::Write;

/// The key of the example in RFC 6455, 1.3.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What a server makes of that key.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The mask of frames whose mask does not matter.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame's opcode (RFC 6455, 5.2).
pub const CONTINUATION: u8 = 0x0;
/// A frame's opcode.
pub const TEXT: u8 = 0x1;
/// A frame's opcode.
pub const BINARY: u8 = 0x2;
/// A frame's opcode.
pub const CLOSE: u8 = 0x8;
/// A frame's opcode.
pub const PING: u8 = 0x9;
/// A frame's opcode.
pub const PONG: u8 = 0xa;

/// The bit that says that a frame is the last of its message.
pub const FIN: u8 = 0x80;

/// The bit that says that a payload is masked.
const MASKED: u8 = 0x80;
/// The length that says that the length follows in two bytes.
pub const MEDIUM: u8 = 0x7e;
/// The length that says that the length follows in eight bytes.
pub const LONG: u8 = 0x7f;

/// A good handshake with this Host and these further headers.
#[must_use]
pub fn handshake(host: &str, headers: &[(&str, &str)]) -> String {
    let mut request = format!(
        "GET /websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
    );
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    request + "\r\n"
}

/// A masked frame. `head` is its first byte: FIN, reserved bits and opcode.
#[must_use]
pub fn frame(head: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    masked(MASK, head, payload.as_ref())
}

/// The same with this mask.
#[must_use]
pub fn masked(mask: [u8; 4], head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head_with(mask, head, payload.len() as u64);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The head of a masked frame that says it has a payload of this length.
#[must_use]
pub fn frame_head(head: u8, length: u64) -> Vec<u8> {
    head_with(MASK, head, length)
}

fn head_with(mask: [u8; 4], head: u8, length: u64) -> Vec<u8> {
    let mut frame = vec![head];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..MEDIUM), _) => frame.push(MASKED | short),
        (_, Ok(medium)) => {
            frame.push(MASKED | MEDIUM);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(MASKED | LONG);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(mask);
    frame
}

/// A masked text frame, whole.
#[must_use]
pub fn text(text: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | TEXT, text)
}

/// A masked Close with this code.
#[must_use]
pub fn close(code: u16) -> Vec<u8> {
    frame(FIN | CLOSE, code.to_be_bytes())
}

/// Takes the server's first frame out of what has come, if it is there whole: its opcode and payload.
///
/// # Errors
///
/// No server may send this: a frame that is masked, is one of several, or has a reserved bit.
pub fn next(received: &mut Vec<u8>) -> Result<Option<(u8, Vec<u8>)>, String> {
    let [first, second, ..] = received[..] else { return Ok(None) };
    if first & 0xF0 != FIN || second & MASKED != 0 {
        return Err(format!("no server's frame begins with {first:02x} {second:02x}"));
    }
    let (start, length): (usize, usize) = match second {
        MEDIUM if received.len() < 4 => return Ok(None),
        MEDIUM => (4, usize::from(u16::from_be_bytes([received[2], received[3]]))),
        LONG if received.len() < 10 => return Ok(None),
        LONG => {
            let length = received[2..10].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            (10, usize::try_from(length).map_err(|_| "a frame without end")?)
        }
        short => (2, usize::from(short)),
    };
    let Some(end) = start.checked_add(length).filter(|end| *end <= received.len()) else {
        return Ok(None);
    };
    let payload = received[start..end].to_vec();
    received.drain(..end);
    Ok(Some((first & 0x0F, payload)))
}
