//! MQTT 3.1.1, as much of it as a bench needs: nothing acknowledged, whole packets, one topic. Knows neither
//! socket nor meaning.

use anyhow::{Context, Result, bail, ensure};

/// What stations ask for in their handshake (MQTT 3.1.1, section 6).
pub(crate) const SUBPROTOCOL: &str = "mqtt";
/// The topic of the status.
const TOPIC: &str = "status";
/// A packet of more than this is none that a bench would cause.
const LENGTH_LIMIT: usize = 1024 * 1024;

/// A packet as it came from the broker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// "You are connected."
    ConnAck,
    /// "You are subscribed."
    SubAck,
    /// A message on the topic.
    Publish(&'a [u8]),
}

/// "I am here", with a clean session, no name, and no need of a sign of life.
pub(crate) fn connect() -> Vec<u8> {
    // Protocol name, level 4, clean session, keep-alive 0, and a client identifier of no bytes.
    packet(0x10, &[0, 4, b'M', b'Q', b'T', b'T', 4, 0b10, 0, 0, 0, 0])
}

/// "I want to hear the topic", and acknowledge nothing.
pub(crate) fn subscribe() -> Vec<u8> {
    let mut body = vec![0, 1];
    push_topic(&mut body);
    body.push(0);
    packet(0x82, &body)
}

/// A message on the topic that nobody acknowledges, and that the broker retains for those who come
/// later.
pub(crate) fn publish(payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    push_topic(&mut body);
    body.extend_from_slice(payload);
    packet(0x31, &body)
}

/// The first packet of what a broker sent, and its length; `None` while it is incomplete.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Packet<'_>, usize)>> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let Some((length, digits)) = remaining_length(rest)? else {
        return Ok(None);
    };
    ensure!(length <= LENGTH_LIMIT, "a packet of {length} bytes");
    let Some(body) = rest.get(digits..digits + length) else {
        return Ok(None);
    };
    let packet = match (first, body) {
        (0x20, [_, 0]) => Packet::ConnAck,
        (0x90, [_, _, 0]) => Packet::SubAck,
        // With or without the mark of a retained message.
        (0x30 | 0x31, body) => Packet::Publish(payload(body)?),
        _ => bail!("the broker said {first:#04x} {body:02x?}"),
    };
    Ok(Some((packet, 1 + digits + length)))
}

fn payload(body: &[u8]) -> Result<&[u8]> {
    let length = body.first_chunk().context("a message without a topic")?;
    body.get(2 + usize::from(u16::from_be_bytes(*length))..).context("half a topic")
}

/// Seven bits a byte, the lowest first, at most four of them (section 2.2.3); how many bytes it is.
fn remaining_length(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut length = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((length, index + 1)));
        }
    }
    ensure!(bytes.len() < 4, "an endless length");
    Ok(None)
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut left = body.len();
    loop {
        let more = left >> 7;
        let digit = u8::try_from(left & 0x7F).unwrap_or_default();
        packet.push(if more == 0 { digit } else { digit | 0x80 });
        if more == 0 {
            break;
        }
        left = more;
    }
    packet.extend_from_slice(body);
    packet
}

fn push_topic(body: &mut Vec<u8>) {
    let length = u16::try_from(TOPIC.len()).unwrap_or_default();
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(TOPIC.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_those_of_the_standard() {
        assert_eq!(connect(), b"\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0");
        assert_eq!(subscribe(), b"\x82\x0b\0\x01\0\x06status\0");
        assert_eq!(publish(b"m000001"), b"\x31\x0f\0\x06statusm000001");
    }

    #[test]
    fn a_message_is_incomplete_until_its_last_byte() {
        for length in [0, 1, 119, 120, 16_375, 16_376] {
            let text = vec![b'x'; length];
            let bytes = publish(&text);
            for cut in [0, 1, 2, bytes.len() - 1] {
                assert_eq!(parse(&bytes[..cut]).unwrap(), None, "{length}, {cut}");
            }
            assert_eq!(parse(&bytes).unwrap(), Some((Packet::Publish(&text), bytes.len())));
        }
    }

    #[test]
    fn a_second_packet_in_the_same_bytes_is_left_for_later() {
        let bytes = b"\x20\x02\0\0\x90\x03\0\x01\0";
        assert_eq!(parse(bytes).unwrap(), Some((Packet::ConnAck, 4)));
        assert_eq!(parse(&bytes[4..]).unwrap(), Some((Packet::SubAck, 5)));
    }

    #[test]
    fn refusals_and_nonsense_are_errors() {
        for bytes in [
            &[0x20, 2, 0, 5][..],                  // not authorised
            &[0x90, 3, 0, 1, 0x80],                // no such subscription
            &[0x30, 1, 0],                         // half a topic's length
            &[0x30, 3, 0, 9, b'x'],                // half a topic
            &[0x32, 5, 0, 1, b't', 0, 1],          // at QoS 1, which nobody asked for
            &[0xD0, 0],                            // an answer to a ping that nobody sent
            &[0x30, 0xFF, 0xFF, 0xFF, 0x7F],       // more than anyone wrote
            &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], // a length without an end
        ] {
            assert!(parse(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
