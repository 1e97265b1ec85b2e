//! The roll: who answered the present order, how, and how fast. A note among people: it never
//! moves the bell, a file or the pointer.

use std::sync::Arc;

use chadburn_core::Position;
use chadburn_v1::{Roll as Form, RollAnswer};
use uuid::Uuid;

/// How many answers and how many names are listed; beyond, they are counted.
const LISTED: usize = 200;

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
    ) -> Form<&'a str> {
        let answer = |answer: &'a Answered| RollAnswer {
            station: answer.station,
            name: answer.name.as_deref(),
            position: answer.position,
            coming: answer.how.and_then(|how| how.coming),
            after_ms: answer.after_ms,
        };
        let mut named: Vec<_> = named.collect();
        let more_named = named.len().saturating_sub(LISTED);
        named.truncate(LISTED);
        Form {
            order,
            answers: self.answers.iter().take(LISTED).map(answer).collect(),
            more_answers: self.answers.len().saturating_sub(LISTED) + self.beyond,
            stations,
            named,
            more_named,
        }
    }
}
