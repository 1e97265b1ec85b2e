//! The bytes of handshakes and frames (RFC 6455), good and bad, as a client sends them.

use std::fmt::Write;

/// The key of the example in RFC 6455, 1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What a server makes of that key.
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The mask of every frame sent here.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame's opcode (RFC 6455, 5.2).
pub(crate) const CONTINUATION: u8 = 0x0;
/// A frame's opcode.
pub(crate) const TEXT: u8 = 0x1;
/// A frame's opcode.
pub(crate) const BINARY: u8 = 0x2;
/// A frame's opcode.
pub(crate) const CLOSE: u8 = 0x8;
/// A frame's opcode.
pub(crate) const PING: u8 = 0x9;
/// A frame's opcode.
pub(crate) const PONG: u8 = 0xa;

/// The bit that says that a frame is the last of its message.
pub(crate) const FIN: u8 = 0x80;

/// The bit that says that a payload is masked.
const MASKED: u8 = 0x80;
/// The length that says that the length follows in two bytes.
pub(crate) const MEDIUM: u8 = 0x7e;
/// The length that says that the length follows in eight bytes.
pub(crate) const LONG: u8 = 0x7f;

/// A good handshake with this Host and these further headers.
pub(crate) fn handshake(host: &str, headers: &[(&str, &str)]) -> String {
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
pub(crate) fn frame(head: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = frame_head(head, payload.len() as u64);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The head of a masked frame that says it has a payload of this length.
pub(crate) fn frame_head(head: u8, length: u64) -> Vec<u8> {
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
    frame.extend(MASK);
    frame
}

/// A masked text frame, whole.
pub(crate) fn text(text: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | TEXT, text)
}

/// A masked Close with this code.
pub(crate) fn close(code: u16) -> Vec<u8> {
    frame(FIN | CLOSE, code.to_be_bytes())
}
