//! A station of the text wire, as small as can be, which blocks.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use anyhow::{Result, bail, ensure};

use super::office::Office;

/// What asks for a WebSocket; the key is the one of RFC 6455, 1.3.
const HANDSHAKE: &str = "GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A station.
#[derive(Debug)]
pub(super) struct Peer {
    /// Its connection.
    pub(super) stream: TcpStream,
    unread: Vec<u8>,
}

impl Peer {
    /// A station after its handshake, which may name a subprotocol.
    pub(super) fn join(office: &Office, json: bool) -> Result<Self> {
        let mut peer = Self { stream: office.call()?, unread: Vec::new() };
        let protocol = if json { "Sec-WebSocket-Protocol: chadburn.v1\r\n" } else { "" };
        write!(peer.stream, "{HANDSHAKE}{protocol}\r\n")?;
        let end = loop {
            if let Some(end) = peer.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            peer.read()?;
        };
        let head: Vec<_> = peer.unread.drain(..end + 4).collect();
        ensure!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        Ok(peer)
    }

    /// Sends a frame with this first byte.
    pub(super) fn send(&mut self, first: u8, payload: &[u8]) -> Result<()> {
        let mut frame = vec![first];
        if let Ok(short @ 0..=125) = u8::try_from(payload.len()) {
            frame.push(0x80 | short);
        } else {
            // 126, which says that two bytes follow, and masked.
            frame.push(0xFE);
            frame.extend(u16::try_from(payload.len())?.to_be_bytes());
        }
        // A mask of zeros is one too, and what is behind it stays as it is.
        frame.extend([0; 4]);
        frame.extend(payload);
        self.stream.write_all(&frame)?;
        Ok(())
    }

    /// Sends a text.
    pub(super) fn say(&mut self, text: &str) -> Result<()> {
        self.send(0x81, text.as_bytes())
    }

    /// The next text; pings are answered meanwhile. `None` at the end.
    pub(super) fn hear(&mut self) -> Result<Option<String>> {
        loop {
            let Some((first, payload)) = self.frame()? else { return Ok(None) };
            match first {
                0x81 => return Ok(Some(String::from_utf8(payload)?)),
                0x89 => self.send(0x8A, &payload)?,
                0x8A => {}
                0x88 => return Ok(None),
                _ => bail!("a frame begins with {first:#x}"),
            }
        }
    }

    /// Hears texts until one is this.
    pub(super) fn hear_until(&mut self, text: &str) -> Result<()> {
        while let Some(heard) = self.hear()? {
            if heard == text {
                return Ok(());
            }
        }
        bail!("the connection ended before {text:?}")
    }

    fn frame(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        loop {
            if let [first, length, rest @ ..] = &self.unread[..] {
                let (size, length) = match (length, rest) {
                    (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
                    (126, _) => (4, usize::MAX - 4),
                    (127, _) => bail!("a frame of more than 64 KiB"),
                    (short, _) => (2, usize::from(*short)),
                };
                if self.unread.len() >= size + length {
                    let first = *first;
                    let frame: Vec<_> = self.unread.drain(..size + length).collect();
                    return Ok(Some((first, frame[size..].to_vec())));
                }
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }

    /// Reads something; false at the end.
    fn read(&mut self) -> Result<bool> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(length) => {
                self.unread.extend_from_slice(&buffer[..length]);
                Ok(length > 0)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
