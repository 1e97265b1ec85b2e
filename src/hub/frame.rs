//! RFC 6455 frames: bytes from a client become messages, messages become frames.
//!
//! Pure. It keeps a message only while its fragments come in, and knows neither sockets nor what
//! a message says. Extensions are never negotiated, so every reserved bit is a violation.

use std::borrow::Cow;
use std::str;

/// The largest message, in bytes, whole or in fragments.
pub const MESSAGE_MAX: usize = 65_536;

/// The largest payload of a control frame (RFC 6455, 5.5).
const CONTROL_MAX: usize = 125;

/// The longest header of a client's frame: 2 bytes, 8 of length, 4 of mask.
pub const HEADER_MAX: usize = 14;

/// The opcodes of RFC 6455, 5.2.
pub mod opcode {
    /// A further fragment of a message.
    pub const CONTINUATION: u8 = 0x0;
    /// A text message, or its first fragment.
    pub const TEXT: u8 = 0x1;
    /// A binary message, or its first fragment.
    pub const BINARY: u8 = 0x2;
    /// The end of the conversation.
    pub const CLOSE: u8 = 0x8;
    /// Are you there?
    pub const PING: u8 = 0x9;
    /// I am here.
    pub const PONG: u8 = 0xA;
}

/// The close codes of RFC 6455, 7.4.1, that this server sends.
pub mod close {
    /// The purpose is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The server goes away.
    pub const GOING_AWAY: u16 = 1001;
    /// The frames break the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// Messages of this kind are not taken.
    pub const UNSUPPORTED: u16 = 1003;
    /// A text was not UTF-8.
    pub const INVALID_TEXT: u16 = 1007;
    /// A message was too large.
    pub const TOO_LARGE: u16 = 1009;
    /// The station has connected anew; a code of our own.
    pub const REPLACED: u16 = 4001;
    /// The token is needed, and was not given; a code of our own.
    pub const TOKEN_REQUIRED: u16 = 4003;
}

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A whole text message.
    Text(Cow<'a, str>),
    /// A ping with this payload.
    Ping(&'a [u8]),
    /// A pong; any will do.
    Pong,
    /// The client closes, with this code if it gave one.
    Close(Option<u16>),
}

/// Why a connection must be closed: a code, and a reason of at most 123 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The close code.
    pub code: u16,
    /// The reason, for a person at the other end.
    pub reason: &'static str,
}

const fn broken(reason: &'static str) -> Violation {
    Violation { code: close::PROTOCOL_ERROR, reason }
}

const TOO_LARGE: Violation =
    Violation { code: close::TOO_LARGE, reason: "a message is at most 65536 bytes" };
const NOT_UTF8: Violation = Violation { code: close::INVALID_TEXT, reason: "a text is UTF-8" };
const BINARY: Violation =
    Violation { code: close::UNSUPPORTED, reason: "only text messages are taken" };

/// Takes a client's frames apart.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The fragments of a text that is not complete; boxed, because hardly anyone sends any.
    fragments: Option<Box<Fragments>>,
}

/// A text message of which the last fragment has not come.
#[derive(Debug, Default)]
struct Fragments {
    /// What has come.
    text: Vec<u8>,
    /// How many bytes of it are known to be UTF-8.
    valid: usize,
}

impl Fragments {
    /// Adds a fragment, and fails as soon as no continuation could make it UTF-8.
    fn push(&mut self, payload: &[u8]) -> Result<(), Violation> {
        self.text.extend_from_slice(payload);
        match str::from_utf8(&self.text[self.valid..]) {
            Ok(_) => self.valid = self.text.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(NOT_UTF8),
        }
        Ok(())
    }
}

/// The header of a client's frame.
struct Header {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    payload: usize,
    length: usize,
}

impl Decoder {
    /// The next message in `input`, which is unmasked in place and advanced past it. `None`: the
    /// next message is not complete; what is left in `input` must come again with more behind it.
    #[expect(clippy::mut_mut, reason = "the caller keeps what is left")]
    pub fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Incoming<'a>>, Violation> {
        loop {
            let Some(header) = self.header(input)? else {
                return Ok(None);
            };
            let end = header.length + header.payload;
            if input.len() < end {
                return Ok(None);
            }
            let (frame, rest) = std::mem::take(input).split_at_mut(end);
            *input = rest;
            let payload = &mut frame[header.length..];
            unmask(payload, header.mask);
            if let Some(incoming) = self.take(&header, payload)? {
                return Ok(Some(incoming));
            }
        }
    }

    /// Reads a header and refuses what is wrong with it before its payload has come.
    fn header(&self, input: &[u8]) -> Result<Option<Header>, Violation> {
        let [first, second, rest @ ..] = input else {
            return Ok(None);
        };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
        if first & 0x70 != 0 {
            return Err(broken("a reserved bit is set"));
        }
        if second & 0x80 == 0 {
            return Err(broken("a client's frames are masked"));
        }
        let control = opcode & 0x8 != 0;
        match (opcode, self.fragments.is_some()) {
            (opcode::CLOSE | opcode::PING | opcode::PONG, _) if !fin => {
                return Err(broken("a control frame is not fragmented"));
            }
            (opcode::CONTINUATION, false) => return Err(broken("there is nothing to continue")),
            (opcode::TEXT | opcode::BINARY, true) => {
                return Err(broken("the message before is not complete"));
            }
            (opcode::BINARY, false) => return Err(BINARY),
            (opcode::CLOSE..=opcode::PONG | opcode::CONTINUATION | opcode::TEXT, _) => {}
            _ => return Err(broken("there is no such opcode")),
        }
        let short = second & 0x7F;
        if control && usize::from(short) > CONTROL_MAX {
            return Err(broken("a control frame has at most 125 bytes"));
        }
        let size = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some((length, rest)) = rest.split_at_checked(size) else { return Ok(None) };
        let payload = match length {
            [] => u64::from(short),
            bytes => bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        if (size == 2 && payload < 126) || (size == 8 && payload < 65_536) || payload >> 63 != 0 {
            return Err(broken("a length is written in the shortest way"));
        }
        let begun = self.fragments.as_ref().map_or(0, |fragments| fragments.text.len());
        if !control && payload > (MESSAGE_MAX - begun) as u64 {
            return Err(TOO_LARGE);
        }
        let Some(mask) = rest.first_chunk::<4>() else {
            return Ok(None);
        };
        let payload = usize::try_from(payload).map_err(|_| TOO_LARGE)?;
        Ok(Some(Header { fin, opcode, mask: *mask, payload, length: 2 + size + 4 }))
    }

    /// Takes a whole frame; there is a message only when one is complete.
    fn take<'a>(
        &mut self,
        header: &Header,
        payload: &'a [u8],
    ) -> Result<Option<Incoming<'a>>, Violation> {
        Ok(match header.opcode {
            opcode::PING => Some(Incoming::Ping(payload)),
            opcode::PONG => Some(Incoming::Pong),
            opcode::CLOSE => Some(Incoming::Close(close_code(payload)?)),
            opcode::TEXT if header.fin => {
                let text = str::from_utf8(payload).map_err(|_| NOT_UTF8)?;
                Some(Incoming::Text(Cow::Borrowed(text)))
            }
            _ => {
                let fragments = self.fragments.get_or_insert_default();
                fragments.push(payload)?;
                if !header.fin {
                    return Ok(None);
                }
                let text = self.fragments.take().unwrap_or_default().text;
                let text = String::from_utf8(text).map_err(|_| NOT_UTF8)?;
                Some(Incoming::Text(Cow::Owned(text)))
            }
        })
    }
}

/// The code in a close frame's payload, if there is one, checked (RFC 6455, 5.5.1 and 7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    match payload {
        [] => Ok(None),
        [_] => Err(broken("a close code has two bytes")),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(broken("there is no such close code"));
            }
            str::from_utf8(reason).map_err(|_| NOT_UTF8)?;
            Ok(Some(code))
        }
    }
}

/// Takes the mask off (RFC 6455, 5.3); putting it on is the same.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for chunk in payload.chunks_mut(4) {
        for (byte, mask) in chunk.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
}

/// Appends one unmasked, unfragmented frame to `out`.
pub fn encode_into(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.reserve(payload.len() + 10);
    out.push(0x80 | opcode);
    let length = payload.len();
    if let Ok(short @ 0..=125) = u8::try_from(length) {
        out.push(short);
    } else if let Ok(medium) = u16::try_from(length) {
        out.push(126);
        out.extend_from_slice(&medium.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    out.extend_from_slice(payload);
}

/// One unmasked, unfragmented frame.
#[must_use]
pub fn encode(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    encode_into(&mut frame, opcode, payload);
    frame
}

/// A close frame; without a code it is the answer to one that had none.
#[must_use]
pub fn encode_close(code: Option<u16>, reason: &str) -> Vec<u8> {
    let mut payload = Vec::new();
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(reason.as_bytes());
    }
    debug_assert!(payload.len() <= CONTROL_MAX, "a reason has at most 123 bytes");
    encode(opcode::CLOSE, &payload)
}

#[cfg(test)]
mod tests;
