//! A long life: an office's weeks. By day a few stations, an order now and then, and storms; at night
//! and on weekends hardly anybody; and at any time a mishap. Between them it is calm.

use chadburn::hub::Wire;

use super::World;
use crate::book::{MS, SECOND};
use crate::client::{Client, Temper};
use crate::rng::Rng;
use crate::weather::{Watching, Weather};

/// A day.
pub const DAY: u64 = 86_400 * SECOND;

/// An hour.
pub(super) const HOUR: u64 = 3_600 * SECOND;

/// How many steps a storm has at most.
const STORM_STEPS: u64 = 1_200;

/// What sort of long life it is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long it lasts without its end, in microseconds.
    pub length: u64,
    /// No run of the server ends before the life does, whatever befalls it.
    pub steady: bool,
    /// For how long the clock that measures has been running when it begins, in microseconds.
    pub age: u64,
}

impl Plan {
    /// The plan of a seed: one to four and a half weeks, or, for one in sixteen, a single run of more
    /// than 49.7 days, after which milliseconds do not fit into 32 bits any more.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::new(!seed);
        let steady = rng.one_in(16);
        let length = if steady { 51 * DAY + rng.below(6 * DAY) } else { rng.within(7, 31) * DAY };
        Self { length, steady, age: 0 }
    }
}

impl World {
    /// Lives a long life.
    pub(super) fn work(&mut self, plan: Plan) {
        let week = self.rng.below(7 * DAY);
        self.book.set_now(plan.age);
        (self.born, self.ground.age, self.steady) = (plan.age, plan.age, plan.steady);
        if self.steady {
            self.rules.shutdown = chadburn::policy::Reach::Never;
        }
        (self.ground.peace, self.fate) = (true, u64::MAX);
        if let Some(ledger) = &mut self.ground.ledger {
            ledger.keep_little();
        }
        while self.book.now() < plan.age + plan.length && !self.book.has_failed() {
            if self.server.is_none() {
                self.opens();
            }
            let open = is_open(week + self.book.now());
            self.people(open);
            let (least, most) = if open { (20, 600) } else { (300, 5 * 3_600) };
            let span = self.rng.within(least * SECOND, most * SECOND);
            self.rest(self.book.now() + span);
            self.judge_calm();
            match self.rng.below(if open { 20 } else { 10 }) {
                0..5 => self.storm(),
                5..7 => self.befalls(),
                _ => self.breeze(),
            }
        }
        self.conclude();
    }

    /// A server is started, perhaps another one, on a machine that may have changed.
    pub(super) fn opens(&mut self) {
        let mut weather = self.ground.weather.clone();
        weather.watching = match self.rng.below(16) {
            0 => Watching::Poll,
            1 | 2 => Watching::Deaf,
            _ => Watching::Kernel,
        };
        self.ground.turns(weather);
        self.begin();
    }

    /// Who comes to work, and who goes home.
    fn people(&mut self, open: bool) {
        let most = if open { self.rng.within(1, 5) } else { self.rng.pick(&[0, 0, 0, 1, 2]) };
        let most = usize::try_from(most).expect("it is small");
        let mut there = 0;
        for client in self.clients.iter_mut().filter(|client| !client.closing && !client.gone) {
            if client.temper != Temper::Good {
                client.bow_out();
            } else if there == most {
                match self.rng.below(8) {
                    0 => client.falls_silent(),
                    1 => client.breaks_off(),
                    _ => client.leave(),
                }
            } else {
                there += 1;
            }
        }
        for _ in there..most {
            let wire = self.rng.pick(&[Wire::Text, Wire::Json, Wire::Json, Wire::Sse]);
            self.let_in(wire, Temper::Good);
        }
        if let Some(server) = &mut self.server {
            server.wake(self.book.now());
        }
        self.go_on(SECOND);
        self.clients.iter_mut().for_each(Client::hush);
    }

    /// An order or two, as on most days, and answers.
    pub(super) fn breeze(&mut self) {
        self.ground.weather.calm = SECOND;
        let length = self.rng.within(200 * MS, 4 * SECOND);
        self.is_lively(length, u64::MAX);
    }

    /// Everything at once.
    fn storm(&mut self) {
        let length = self.rng.within(SECOND, 10 * SECOND);
        let watching = self.ground.weather.watching;
        let mut weather = Weather { watching, ..Weather::new(&mut self.rng, length) };
        if self.steady {
            weather.crashes = 0;
        }
        self.ground.turns(weather);
        self.fate = self.book.now();
        self.is_lively(length, self.stats.steps + STORM_STEPS);
        self.ground.unmount();
    }

    /// For so long, or so many steps, everybody does what he likes; then nobody does any more.
    fn is_lively(&mut self, length: u64, steps: u64) {
        let until = self.book.now() + length;
        self.ground.peace = false;
        self.clients.iter_mut().for_each(Client::rouse);
        while self.book.now() < until && self.stats.steps < steps && !self.book.has_failed() {
            self.step();
        }
        (self.ground.peace, self.fate) = (true, u64::MAX);
        self.clients.iter_mut().for_each(Client::hush);
    }
}

/// Whether it is Monday to Friday, eight to six.
fn is_open(time: u64) -> bool {
    let (day, hour) = (time / DAY % 7, time % DAY / HOUR);
    day < 5 && (8..18).contains(&hour)
}
