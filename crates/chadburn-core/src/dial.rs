//! The dial: which positions there are, what they are called, and which text means which.
//!
//! It does not know what is ordered at the moment.

use core::fmt;
use core::num::NonZeroU8;

/// The fewest positions a dial may have: with two, every order is only "the other one".
pub const MIN_POSITIONS: usize = 3;

/// The most positions a dial may have: beyond, a sector is too narrow for a finger and a name.
pub const MAX_POSITIONS: usize = 24;

/// The number of a position, 1 to [`MAX_POSITIONS`], as it stands in the status file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(NonZeroU8);

impl Position {
    /// The position with this number, if a dial can have it.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number as usize > MAX_POSITIONS {
            return None;
        }
        match NonZeroU8::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The position that this text is the plain number of: `7`, but not `07`, `+7` or `7 `.
    #[must_use]
    pub fn from_plain_number(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.is_empty() || digits.len() > 2 || digits[0] == b'0' {
            return None;
        }
        let mut number = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            number = number * 10 + (digit - b'0');
        }
        Self::new(number)
    }

    /// The number, 1 to [`MAX_POSITIONS`].
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Position {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let out_of_range =
            || serde::de::Error::custom(format_args!("a position is 1 to {MAX_POSITIONS}"));
        Self::new(u8::deserialize(deserializer)?).ok_or_else(out_of_range)
    }
}

/// One named position of a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sector<'a> {
    /// The number that stands for it in the files.
    pub position: Position,
    /// What is engraved on it.
    pub name: &'a str,
    /// The arc it belongs to, if any: neighbouring sectors of one arc share an inscription.
    pub arc: Option<&'a str>,
}

/// A dial: a title on the maker's plate, and sectors from left to right in the order of their
/// numbers, which run from 1 without a hole. [`NO_DIAL`] has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial<'a> {
    /// What the maker's plate says.
    pub title: &'a str,
    /// The sectors; the one at index `i` has position `i + 1`.
    pub sectors: &'a [Sector<'a>],
}

impl<'a> Dial<'a> {
    /// The sector that a status text means: its plain number, or its name in any case. White space
    /// before it is ignored: `wc -l` prints it.
    #[must_use]
    pub fn find(&self, status: &str) -> Option<&'a Sector<'a>> {
        let status = status.trim_start();
        match Position::from_plain_number(status) {
            Some(position) => self.sector(position),
            None => self.sectors.iter().find(|sector| same_in_any_case(sector.name, status)),
        }
    }

    /// The sector at this position, if the dial has it.
    #[must_use]
    pub fn sector(&self, position: Position) -> Option<&'a Sector<'a>> {
        self.sectors.get(usize::from(position.number()) - 1)
    }
}

/// Whether two names differ at most in case, in any script that has one.
#[must_use]
pub fn same_in_any_case(a: &str, b: &str) -> bool {
    let fold = |c: char| c.to_lowercase();
    a.chars().flat_map(fold).eq(b.chars().flat_map(fold))
}

/// The dial on the first office's wall: eleven positions, [`STOP`](DEFAULT) at the top.
pub const DEFAULT: Dial<'static> = Dial {
    title: "CQP / Engine Order Telegraph",
    sectors: &[
        sector(1, "FULL", Some("MANDATE")),
        sector(2, "HALF", Some("MANDATE")),
        sector(3, "SLOW", Some("MANDATE")),
        sector(4, "REVERSE", Some("MANDATE")),
        sector(5, "NEXT", Some("MANDATE")),
        sector(6, "STOP", None),
        sector(7, "COFFEE", Some("SCIENCING")),
        sector(8, "LUNCH", Some("SCIENCING")),
        sector(9, "ENGINE WORKING WRONG", Some("SCIENCING")),
        sector(10, "SIWOTI", Some("SCIENCING")),
        sector(11, "BATTLE STATIONS", Some("SCIENCING")),
    ],
};

/// No dial: no text means a position, and a reply matches an order that has the same text.
pub const NO_DIAL: Dial<'static> = Dial { title: "", sectors: &[] };

const fn sector(number: u8, name: &'static str, arc: Option<&'static str>) -> Sector<'static> {
    match Position::new(number) {
        Some(position) => Sector { position, name, arc },
        None => panic!("a position of the default dial is out of range"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_of(status: &str) -> Option<u8> {
        DEFAULT.find(status).map(|sector| sector.position.number())
    }

    #[test]
    fn a_plain_number_is_a_position_and_nothing_like_it_is() {
        assert_eq!(number_of("7"), Some(7));
        assert_eq!(number_of("11"), Some(11));
        assert_eq!(number_of("      7"), Some(7));
        assert_eq!(number_of("\t \n7"), Some(7));
        for near_miss in
            ["07", "+7", "-7", " 07", " +7", "7 ", "7.0", "12", "0", "25", "256", "٧", ""]
        {
            assert_eq!(number_of(near_miss), None, "{near_miss:?}");
        }
    }

    #[test]
    fn a_name_is_a_position_in_any_case() {
        assert_eq!(number_of("coffee"), Some(7));
        assert_eq!(number_of("  Coffee"), Some(7));
        assert_eq!(number_of("Engine Working Wrong"), Some(9));
        assert_eq!(number_of("COFFEE!"), None);
        assert!(same_in_any_case("ÄRGER", "ärger"));
        assert!(!same_in_any_case("COFFEE", "COFFE"));
    }

    #[test]
    fn a_number_off_the_dial_is_no_position() {
        let three = Dial { title: "", sectors: &DEFAULT.sectors[..3] };
        assert_eq!(three.find("3").map(|s| s.name), Some("SLOW"));
        assert_eq!(three.find("4"), None);
    }

    #[test]
    fn without_a_dial_nothing_is_a_position() {
        for status in ["1", "7", "24", "STOP", "coffee", ""] {
            assert_eq!(NO_DIAL.find(status), None, "{status:?}");
        }
        assert_eq!(Position::new(1).and_then(|first| NO_DIAL.sector(first)), None);
    }

    #[test]
    fn the_default_dial_is_numbered_without_a_hole() {
        for (index, sector) in DEFAULT.sectors.iter().enumerate() {
            assert_eq!(usize::from(sector.position.number()), index + 1);
        }
        assert_eq!(DEFAULT.sectors.len(), 11);
    }
}
