//! The whole instrument: samples and bytes in, pointer, bell, lamp and lines out. It does not know
//! what board it runs on.

use chadburn_core::Position;
use chadburn_core::bell::{self, Reading as Said};
use chadburn_core::serial::{
    Command, HOST_LOST_AFTER_MS, Health, Heard, Line, LineReader, MAX_LINE, PARTIAL_LINE_MS,
    Report, STATE_EVERY_MS, State, VERSION,
};

use crate::{Bell, Calibration, Lamp, Lever, NAME, Pointer, Reading};

/// What the board's pins do at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// The servo's pulse in microseconds; none leaves it without power.
    pub pulse: Option<u16>,
    /// Whether the bell's hammer is driven.
    pub bell: bool,
    /// Whether the lamp is lit.
    pub lamp: bool,
}

/// The instrument on the wall.
#[derive(Debug)]
pub struct Station {
    /// Where its positions are.
    calibration: Calibration,
    /// The lever, which gives orders.
    lever: Lever,
    /// The pointer, which shows the reply.
    pointer: Pointer,
    /// The bell.
    bell: Bell,
    /// The order and the moment it was given, in this station's own counting.
    order: Option<(Position, u64)>,
    /// The reply and the moment it came.
    reply: Option<(Position, u64)>,
    /// The latest moment that was given to an order or a reply.
    moment: u64,
    /// Whether the lever can be believed.
    health: Health,
    /// The host's lines.
    reader: LineReader<MAX_LINE>,
    /// When the latest byte came, in milliseconds since power-up.
    heard: u64,
    /// When the latest line that was understood came; none before the first.
    host: Option<u64>,
    /// How many lines were dropped.
    errors: u16,
    /// What there is to say.
    due: Due,
    /// The number of the latest state.
    seq: u32,
    /// When it was said, in milliseconds since power-up.
    said: u64,
}

/// What there is to say. Each is said with what is true when its turn comes, so nothing queues.
#[derive(Debug)]
struct Due {
    hello: bool,
    order: bool,
    state: bool,
}

impl Station {
    /// An instrument that has just got its power.
    #[must_use]
    pub const fn new(calibration: Calibration) -> Self {
        Self {
            calibration,
            lever: Lever::new(calibration),
            pointer: Pointer::new(),
            bell: Bell::new(),
            order: None,
            reply: None,
            moment: 0,
            health: Health::Ok,
            reader: LineReader::new(),
            heard: 0,
            host: None,
            errors: 0,
            due: Due { hello: true, order: false, state: true },
            seq: 0,
            said: 0,
        }
    }

    /// Somebody has opened the line: whatever was said before went nowhere.
    pub fn opened(&mut self) {
        self.reader.abandon();
        self.introduce();
    }

    /// Takes one byte from the host.
    pub fn receive(&mut self, now: u64, byte: u8) {
        self.heard = now;
        let Some(heard) = self.reader.push(byte) else { return };
        let command = match heard {
            Heard::Line(line) => match Command::parse(line) {
                Some(command) => Some(command),
                // A terminal that echoes sends our own words back; that is nobody's mistake.
                None if Report::parse(line).is_some() => return,
                None => None,
            },
            Heard::Garbage => None,
        };
        match command.filter(|command| self.can(*command)) {
            Some(command) => self.obey(now, command),
            // No reason to say anything: two ends that complain of each other would never stop.
            None => self.errors = self.errors.saturating_add(1),
        }
    }

    /// Lets everything happen that happens by now. To be called every millisecond or so with the
    /// lever's converter, 0 to 4095.
    pub fn tick(&mut self, now: u64, lever: u16) -> Outputs {
        if self.reader.is_within() && now.saturating_sub(self.heard) >= PARTIAL_LINE_MS {
            self.reader.abandon();
            self.errors = self.errors.saturating_add(1);
        }
        self.feel(now, lever);
        let moved = self.pointer.moves();
        self.pointer.advance(now);
        self.due.state |= moved && !self.pointer.moves();
        self.due.state |= now.saturating_sub(self.said) >= STATE_EVERY_MS;
        Outputs {
            pulse: self.pointer.milli().map(|milli| self.calibration.pulse(milli)),
            bell: self.bell.strikes(now, self.rings()),
            lamp: self.lamp(now).is_lit(now),
        }
    }

    /// The next line to say, if there is one. To be asked when it can be sent.
    pub fn next_line(&mut self, now: u64) -> Option<Line> {
        let due = &mut self.due;
        if core::mem::take(&mut due.hello) {
            return Report::Hello { version: VERSION, name: NAME }.line();
        }
        if core::mem::take(&mut due.order)
            && let Some((order, _)) = self.order
        {
            return Report::Order(order).line();
        }
        if core::mem::take(&mut due.state) {
            self.seq = self.seq.wrapping_add(1);
            self.said = now;
            return Report::State(self.state()).line();
        }
        None
    }

    /// What the lamp says.
    #[must_use]
    pub fn lamp(&self, now: u64) -> Lamp {
        let word = self.host.is_some_and(|word| now.saturating_sub(word) < HOST_LOST_AFTER_MS);
        if self.health == Health::Fault {
            Lamp::Fault
        } else if !word {
            Lamp::NoHost
        } else if self.rings() {
            Lamp::Unanswered
        } else {
            Lamp::Well
        }
    }

    /// Whether this instrument can do that: a reply may be on another dial than this one.
    fn can(&self, command: Command) -> bool {
        match command {
            Command::Reply(position) => position.number() <= self.calibration.positions,
            Command::Hello(_) | Command::KeepAlive => true,
        }
    }

    fn obey(&mut self, now: u64, command: Command) {
        self.host = Some(now);
        match command {
            Command::Reply(position) => {
                self.moment += 1;
                self.reply = Some((position, self.moment));
                self.pointer.turn_to(now, position);
                self.due.state = true;
            }
            Command::Hello(_) => self.introduce(),
            Command::KeepAlive => {}
        }
    }

    fn introduce(&mut self) {
        self.due = Due { hello: true, order: true, state: true };
    }

    fn feel(&mut self, now: u64, lever: u16) {
        let Some(reading) = self.lever.sample(now, lever) else { return };
        let health = match reading {
            Reading::At(_) => Health::Ok,
            Reading::OutOfRange => Health::Fault,
        };
        self.due.state |= health != self.health;
        self.health = health;
        let Reading::At(position) = reading else { return };
        match self.order {
            Some((order, _)) if order == position => return,
            Some(_) => self.moment += 1,
            // What the lever says at power-up was said before every reply, so that an answered
            // order stays answered when the board is plugged in again.
            None => {}
        }
        let moment = if self.order.is_none() { 0 } else { self.moment };
        self.order = Some((position, moment));
        self.due.order = true;
        self.due.state = true;
    }

    /// Whether the bell has a reason to ring. Before the first word of a host it has none: nobody
    /// there could answer, and the lamp says so.
    fn rings(&self) -> bool {
        let said = |(position, seq)| Said { status: "", position: Some(position), seq };
        let (order, reply) = (self.order.map(said), self.reply.map(said));
        self.host.is_some() && bell::rings(order.as_ref(), reply.as_ref())
    }

    fn state(&self) -> State {
        State {
            seq: self.seq,
            order: self.order.map(|(position, _)| position),
            reply: self.reply.map(|(position, _)| position),
            pointer: self.pointer.milli().and_then(|milli| u16::try_from((milli + 5) / 10).ok()),
            errors: self.errors,
            health: self.health,
            bell: self.rings(),
        }
    }
}
