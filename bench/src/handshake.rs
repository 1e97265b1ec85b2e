//! The opening handshake of RFC 6455, as text, for both sides. Knows no socket and keeps no bytes.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// What RFC 6455, section 1.3, has every server append to the client's key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The 16 bytes of every station's key. A key proves that the server speaks WebSocket and that no
/// cache answered; a constant one is enough on loopback, and its answer is computed once.
const NONCE: &[u8; 16] = b"chadburn-bench-1";

/// A head longer than this is no handshake of ours.
pub(crate) const HEAD_LIMIT: usize = 8 * 1024;

/// A station's request, for `host` ("127.0.0.1:1873") and perhaps a subprotocol.
pub(crate) fn request(host: &str, subprotocol: Option<&str>) -> Vec<u8> {
    let protocol =
        subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    format!(
        "GET /websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n{protocol}\r\n",
        STANDARD.encode(NONCE)
    )
    .into_bytes()
}

/// A reader's request for events.
pub(crate) fn request_for_events(host: &str) -> Vec<u8> {
    format!("GET /events HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n")
        .into_bytes()
}

/// Whether the head of an answer has events behind it.
pub(crate) fn check_answer_with_events(head: &[u8]) -> Result<()> {
    let kind = header(head, "content-type").unwrap_or_default();
    ensure!(
        head.starts_with(b"HTTP/1.1 200") && kind.starts_with("text/event-stream"),
        "no events, but {}",
        String::from_utf8_lossy(head)
    );
    Ok(())
}

/// What the server must say to [`request`]'s key.
pub(crate) fn expected_accept() -> String {
    accept_for(&STANDARD.encode(NONCE))
}

/// The server's whole answer to a request's head.
pub(crate) fn answer(head: &[u8]) -> Result<String> {
    let key = header(head, "sec-websocket-key").context("a request without a key")?;
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept_for(key)
    ))
}

/// Holds the head of a server's answer to what was asked.
pub(crate) fn check_answer(head: &[u8], accept: &str, subprotocol: Option<&str>) -> Result<()> {
    let first = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    ensure!(
        first.starts_with(b"HTTP/1.1 101"),
        "the server answered {}",
        String::from_utf8_lossy(first)
    );
    ensure!(header(head, "sec-websocket-accept") == Some(accept), "a wrong Sec-WebSocket-Accept");
    ensure!(header(head, "sec-websocket-protocol") == subprotocol, "a wrong subprotocol");
    Ok(())
}

/// The length of a complete head at the front of `bytes`, its empty line included.
pub(crate) fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn accept_for(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// The value of the header with this name in lower case.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    std::str::from_utf8(head).ok()?.split("\r\n").skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_answered_as_the_rfc_says() {
        assert_eq!(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn both_sides_understand_each_other() {
        let asked = request("127.0.0.1:1", None);
        assert_eq!(head_length(&asked), Some(asked.len()));
        assert_eq!(head_length(&asked[..asked.len() - 1]), None);
        let answered = answer(&asked).unwrap();
        check_answer(answered.as_bytes(), &expected_accept(), None).unwrap();
    }

    #[test]
    fn an_answer_that_was_not_asked_for_is_refused() {
        let accept = expected_accept();
        let answered = answer(&request("h", None)).unwrap();
        assert!(check_answer(answered.as_bytes(), &accept, Some("chadburn.v1")).is_err());
        assert!(check_answer(answered.as_bytes(), "other", None).is_err());
        assert!(check_answer(b"HTTP/1.1 421 Misdirected\r\n\r\n", &accept, None).is_err());
        assert!(answer(b"GET / HTTP/1.1\r\n\r\n").is_err());
    }
}
