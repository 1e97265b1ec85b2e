//! Match and bell: the rule of 46 CFR 113.35-5 that the bell rings until the order is answered.
//!
//! The bell is a function of what stands in the two files and when it came there. It is stored
//! nowhere, so it cannot disagree with them.

use crate::Position;

/// What one file says, and when in the telegraph's own counting it came to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<'a> {
    /// The text, as the file has it.
    pub status: &'a str,
    /// The position that the text means on this dial, if it is on the dial.
    pub position: Option<Position>,
    /// The number under which it came; a later reading has a larger one.
    pub seq: u64,
}

/// Whether reply and order agree: the same position, or, off the dial, the same text.
#[must_use]
pub fn matches(order: &Reading<'_>, reply: &Reading<'_>) -> bool {
    match (order.position, reply.position) {
        (Some(ordered), Some(answered)) => ordered == answered,
        (None, None) => order.status == reply.status,
        _ => false,
    }
}

/// Whether the bell rings: there is an order, and no reply that matches it has come since.
#[must_use]
pub fn rings(order: Option<&Reading<'_>>, reply: Option<&Reading<'_>>) -> bool {
    match (order, reply) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(order), Some(reply)) => reply.seq <= order.seq || !matches(order, reply),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DEFAULT;

    fn at(status: &str, seq: u64) -> Reading<'_> {
        Reading { status, position: DEFAULT.find(status).map(|sector| sector.position), seq }
    }

    #[test]
    fn no_order_no_bell() {
        assert!(!rings(None, None));
        assert!(!rings(None, Some(&at("7", 1))));
    }

    #[test]
    fn it_rings_until_a_later_reply_matches() {
        let order = at("7", 5);
        assert!(rings(Some(&order), None));
        assert!(rings(Some(&order), Some(&at("7", 4))), "an earlier answer answers nothing");
        assert!(rings(Some(&order), Some(&at("7", 5))), "nor does one that is not later");
        assert!(rings(Some(&order), Some(&at("8", 6))), "the pointers differ");
        assert!(!rings(Some(&order), Some(&at("7", 6))));
    }

    #[test]
    fn a_name_and_its_number_match() {
        assert!(matches(&at("coffee", 1), &at("7", 2)));
        assert!(matches(&at("7", 1), &at("COFFEE", 2)));
    }

    #[test]
    fn off_the_dial_only_the_same_text_matches() {
        assert!(matches(&at("broken", 1), &at("broken", 2)));
        assert!(!matches(&at("broken", 1), &at("Broken", 2)));
        assert!(!matches(&at("broken", 1), &at("7", 2)));
        assert!(!matches(&at("7", 1), &at("07", 2)));
    }
}
