//! A wall that can be scripted: time in milliseconds, a lever that is moved, a host that listens.

use chadburn_core::Position;
use chadburn_core::serial::{Command, Health, Report, State};
use instrument::{Outputs, Station, WALL};

pub(crate) fn position(number: u8) -> Position {
    Position::new(number).unwrap()
}

/// One instrument on its wall, with a host that has the line open.
pub(crate) struct World {
    pub(crate) station: Station,
    /// Milliseconds since power-up.
    pub(crate) now: u64,
    /// What the lever's converter reads.
    pub(crate) raw: u16,
    /// What the pins do.
    pub(crate) pins: Outputs,
    /// Every line that the station has said and that was not asked for yet.
    pub(crate) said: Vec<String>,
}

impl World {
    /// Power-up with the lever in this detent. Nothing has happened yet.
    pub(crate) fn new(lever: u8) -> Self {
        let pins = Outputs { pulse: None, bell: false, lamp: false };
        let raw = WALL.lever_raw(i32::from(lever) * 1_000);
        Self { station: Station::new(WALL), now: 0, raw, pins, said: Vec::new() }
    }

    /// Power-up, the lever at rest, and nothing of it left to be heard.
    pub(crate) fn settled(lever: u8) -> Self {
        let mut world = Self::new(lever);
        world.run(300);
        world.said.clear();
        world
    }

    /// The same with a host, and with this reply.
    pub(crate) fn answered(lever: u8, reply: u8) -> Self {
        let mut world = Self::settled(lever);
        world.hear(&Command::Reply(position(reply)).line());
        world.run(5_000);
        world.said.clear();
        world
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += 1;
            self.pins = self.station.tick(self.now, self.raw);
            while let Some(line) = self.station.next_line(self.now) {
                self.said.push(line.text().to_owned());
            }
        }
    }

    /// Puts the lever there, in thousandths of a position.
    pub(crate) fn lever(&mut self, milli: i32) {
        self.raw = WALL.lever_raw(milli);
    }

    /// Puts the lever into a detent.
    pub(crate) fn order(&mut self, number: u8) {
        self.lever(i32::from(number) * 1_000);
    }

    /// The host says this.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.station.receive(self.now, *byte);
        }
    }

    /// The host answers.
    pub(crate) fn reply(&mut self, number: u8) {
        self.hear(&Command::Reply(position(number)).line());
    }

    /// What was said since this was asked last.
    pub(crate) fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// The states among it.
    pub(crate) fn states(&mut self) -> Vec<State> {
        let said = self.said();
        let state = |line: &String| match Report::parse(line) {
            Some(Report::State(state)) => Some(state),
            _ => None,
        };
        said.iter().filter_map(state).collect()
    }

    /// The bare orders among it.
    pub(crate) fn orders(&mut self) -> Vec<u8> {
        let said = self.said();
        let order = |line: &String| match Report::parse(line) {
            Some(Report::Order(order)) => Some(order.number()),
            _ => None,
        };
        said.iter().filter_map(order).collect()
    }

    /// The state, asked for.
    pub(crate) fn state(&mut self) -> State {
        self.hear(b"?1\n");
        self.run(1);
        *self.states().last().expect("a state was asked for")
    }
}

/// A state with everything in it but its number.
pub(crate) fn state(order: u8, reply: Option<u8>, pointer: Option<u16>, bell: bool) -> State {
    let (order, reply) = (Some(position(order)), reply.map(position));
    State { seq: 0, order, reply, pointer, errors: 0, health: Health::Ok, bell }
}
