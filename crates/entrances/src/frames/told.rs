//! What a client has told, taken apart the slow and obvious way: whole frames, one after the other.

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The messages, each as one line.
    pub(super) messages: Vec<String>,
    /// Every byte belongs to a message that is whole and as it should be.
    pub(super) is_clean: bool,
}

/// Takes these bytes apart, up to the first that cannot be right.
pub(super) fn told(mut bytes: &[u8]) -> Told {
    let mut told = Told::default();
    let mut text: Option<Vec<u8>> = None;
    while let Some((first, payload, rest)) = frame(bytes) {
        bytes = rest;
        let control = first & 8 != 0;
        if first & 0x70 != 0 || (control && (first & 0x80 == 0 || payload.len() > 125)) {
            return told;
        }
        match (first & 15, &mut text) {
            (1, open @ None) => *open = Some(payload),
            (0, Some(begun)) => begun.extend(payload),
            (8, _) => told.messages.push(match payload[..] {
                [] => "close None".into(),
                [high, low, ..] => format!("close {:?}", Some(u16::from_be_bytes([high, low]))),
                [_] => return told,
            }),
            (9, _) => told.messages.push(format!("ping {}", payload.escape_ascii())),
            (10, _) => told.messages.push("pong".into()),
            _ => return told,
        }
        if !control
            && first & 0x80 != 0
            && let Some(whole) = text.take()
        {
            match String::from_utf8(whole) {
                Ok(whole) if whole.len() <= 65_536 => told.messages.push(format!("text {whole}")),
                _ => return told,
            }
        }
    }
    // Codes and reasons of closes are judged elsewhere.
    let closes = told.messages.iter().any(|message| message.starts_with("close Some"));
    told.is_clean = bytes.is_empty() && text.is_none() && !closes;
    told
}

/// First byte, unmasked payload and what follows, if a whole frame is there whose length is written
/// in the shortest way.
fn frame(bytes: &[u8]) -> Option<(u8, Vec<u8>, &[u8])> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (length, from) = match second.checked_sub(128)? {
        126 => (usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])), 4),
        127 => return None,
        short => (usize::from(short), 2),
    };
    if from == 4 && length < 126 {
        return None;
    }
    let (mask, rest) = bytes.get(from..)?.split_first_chunk::<4>()?;
    let (payload, rest) = rest.split_at_checked(length)?;
    let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    Some((first, payload.collect(), rest))
}
