//! The roll: who answered the present order, how, and how fast. A note among people: it never
//! moves the bell, a file or the pointer.

use std::sync::Arc;

use chadburn_core::Position;
use chadburn_v1::{Roll as RollMessage, RollAnswer};
use serde::Serialize;
use uuid::Uuid;

use crate::hub::frame::MESSAGE_MAX;

/// How many answers and how many names are listed; beyond, they are counted.
const LISTED: usize = 200;

/// How many bytes of the message the lists may take. What is around them has less than 200.
const ROOM: usize = MESSAGE_MAX - 256;

/// How many of these bytes are for the names at most; the answers have the rest.
const ROOM_FOR_NAMES: usize = ROOM / 3;

/// How many answers are remembered; beyond, they are counted, and one who answers twice counts
/// twice.
const REMEMBERED: usize = 1_000;

/// Who answered the present order.
#[derive(Debug, Default)]
pub(super) struct Roll {
    /// The answers, the first first.
    answers: Vec<Answered>,
    /// How many more there were.
    beyond: usize,
}

/// How a station answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct How {
    /// The position that it gave; none if it accepted the order as it stood, or gave no reply.
    pub(super) given: Option<Position>,
    /// Whether it is coming, if it said so.
    pub(super) coming: Option<bool>,
}

/// One station's answer.
#[derive(Debug)]
struct Answered {
    station: Uuid,
    name: Option<Arc<str>>,
    /// None of an `Accept&N`, which answers whichever order is present and is never said twice.
    how: Option<How>,
    /// The position its reply came to, if that is on the dial.
    position: Option<Position>,
    after_ms: u64,
}

impl Roll {
    /// Another order is present.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether this station has answered in just this way.
    pub(super) fn has(&self, station: Uuid, how: How) -> bool {
        self.answers.iter().any(|answer| answer.station == station && answer.how == Some(how))
    }

    /// Enters an answer, in the place of the station's earlier one.
    pub(super) fn enter(
        &mut self,
        station: Uuid,
        name: Option<Arc<str>>,
        how: Option<How>,
        position: Option<Position>,
        after_ms: u64,
    ) {
        let answered = Answered { station, name, how, position, after_ms };
        match self.answers.iter().position(|answer| answer.station == station) {
            Some(earlier) => self.answers[earlier] = answered,
            None if self.answers.len() < REMEMBERED => self.answers.push(answered),
            None => self.beyond += 1,
        }
    }

    /// A station is called something else now. Returns whether it stands in the roll.
    pub(super) fn rename(&mut self, station: Uuid, name: Option<&Arc<str>>) -> bool {
        let answer = self.answers.iter_mut().find(|answer| answer.station == station);
        answer.map(|answer| answer.name = name.cloned()).is_some()
    }

    /// How many answers are remembered one by one.
    pub(super) fn remembered(&self) -> usize {
        self.answers.len()
    }

    /// The roll as it is told.
    pub(super) fn form<'a>(
        &'a self,
        order: Option<u64>,
        stations: usize,
        named: impl Iterator<Item = &'a str>,
    ) -> RollMessage<&'a str> {
        let answer = |answer: &'a Answered| RollAnswer {
            station: answer.station,
            name: answer.name.as_deref(),
            position: answer.position,
            coming: answer.how.and_then(|how| how.coming),
            after_ms: answer.after_ms,
        };
        let all: Vec<_> = named.collect();
        let (named, taken) = fitting(all.iter().copied(), ROOM_FOR_NAMES);
        let (answers, _) = fitting(self.answers.iter().map(answer), ROOM - taken);
        RollMessage {
            order,
            more_answers: self.answers.len() - answers.len() + self.beyond,
            answers,
            stations,
            more_named: all.len() - named.len(),
            named,
        }
    }
}

/// The first of them, as many as are listed and fit into so many bytes of JSON, and how many bytes
/// they take.
fn fitting<T: Serialize>(all: impl Iterator<Item = T>, room: usize) -> (Vec<T>, usize) {
    let (mut listed, mut taken) = (Vec::new(), 0);
    for one in all.take(LISTED) {
        // And a comma.
        let bytes = serde_json::to_string(&one).map_or(usize::MAX, |json| json.len() + 1);
        match room.checked_sub(taken) {
            Some(left) if bytes <= left => taken += bytes,
            _ => break,
        }
        listed.push(one);
    }
    (listed, taken)
}

#[cfg(test)]
mod tests {
    use chadburn_v1::{Message, is_name};

    use super::*;

    #[test]
    fn it_fits_into_a_message_whoever_is_in_it() {
        // The longest in a message have four bytes a character, or are escaped.
        for (name, fewest) in [
            ("🔔".repeat(40), 100),
            ("\\\"".repeat(20), 150),
            ("☕\u{fe0f}".repeat(20), 100),
            ("é".into(), LISTED),
            ("x".repeat(40), LISTED),
        ] {
            assert!(is_name(&name), "{name}");
            let mut roll = Roll::default();
            let how = How { given: Position::new(24), coming: Some(false) };
            for _ in 0..2_000 {
                let name = Some(name.as_str().into());
                roll.enter(Uuid::new_v4(), name, Some(how), how.given, u64::MAX);
            }
            let named = std::iter::repeat_n(name.as_str(), 2_000);
            let told = roll.form(Some(u64::MAX), usize::MAX, named);
            assert_eq!(told.answers.len() + told.more_answers, 2_000, "{name}");
            assert_eq!(told.named.len() + told.more_named, 2_000, "{name}");
            for listed in [told.answers.len(), told.named.len()] {
                assert!((fewest..=LISTED).contains(&listed), "{listed} of {name}");
            }
            let bytes = Message::Roll(told).encode().len();
            assert!(bytes <= MESSAGE_MAX, "{bytes} with {name}");
        }
    }
}
