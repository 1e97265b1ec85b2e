//! CRC-16/CCITT-FALSE, and the seal it makes at the end of a line: `*` and four digits.

use core::fmt::Write;

use super::Line;

/// Polynomial 0x1021, initial value 0xFFFF, nothing reflected: "CRC-16/IBM-3740" of the catalogue
/// of parametrised CRC algorithms, whose check value for `123456789` is 0x29B1. It finds every
/// burst of errors of up to 16 bits.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// What a line says, and whether a seal vouches for it. None if there is one and it is broken.
pub(super) fn unseal(line: &str) -> Option<(&str, bool)> {
    let Some((text, seal)) = line.split_once('*') else {
        return Some((line, false));
    };
    let seal: &[u8; 4] = seal.as_bytes().try_into().ok()?;
    let mut crc = 0;
    for digit in seal {
        // Upper case only: otherwise one flipped bit of a digit would go unnoticed.
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        crc = crc << 4 | u16::from(value);
    }
    (crc == crc16(text.as_bytes())).then_some((text, true))
}

/// Puts the seal after what the line says so far.
pub(super) fn seal(line: &mut Line) {
    let crc = crc16(line.text().as_bytes());
    // It fits: the longest text leaves room for it.
    let _ = write!(line, "*{crc:04X}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_the_catalogue() {
        assert_eq!(crc16(b"123456789"), 0x29B1);
        assert_eq!(crc16(b""), 0xFFFF);
    }

    #[test]
    fn a_seal_is_whole_or_broken() {
        assert_eq!(unseal("E1 eot-0.1.0*D4B1"), Some(("E1 eot-0.1.0", true)));
        assert_eq!(unseal("A7"), Some(("A7", false)));
        for broken in ["A7*", "A7*D4B1", "E1 eot-0.1.0*d4b1", "E1 eot-0.1.0*D4B1*", "*", "*FFFF1"] {
            assert_eq!(unseal(broken), None, "{broken}");
        }
        assert_eq!(unseal("*FFFF"), Some(("", true)), "sealed, and says nothing");
    }
}
