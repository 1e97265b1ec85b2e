//! The crank and the sources in a calm second: what they would do in the course of it, in a row.
//! Why that is the same stands in `world/calm.rs`.

use chadburn::hub::Census;
use chadburn::hub::engine::{PARTS, Tally};
use chadburn::telegraph::THE_TELEGRAPH;

use super::Server;
use crate::book::SECOND;
use crate::clerk::Clerk;
use crate::client::Client;
use crate::ground::Ground;

impl Server {
    /// The first moment from this one on at which a whole number of seconds has passed by its clock.
    #[must_use]
    pub fn whole_second(&self, now: u64) -> u64 {
        self.start + (now - self.start).div_ceil(SECOND) * SECOND
    }

    /// Whether nothing waits here, and nothing but ticks and looks is due before this moment.
    #[must_use]
    pub fn rests(&self, ground: &Ground, end: u64) -> bool {
        !self.woken
            && self.closing.is_none()
            && self.disks_answer()
            && !ground.clerks.iter().any(Clerk::is_busy)
            && self.later.iter().all(|(due, _)| *due >= end)
            && self.sources.iter().all(|it| it.as_ref().is_some_and(|it| it.rests(ground)))
    }

    /// Does at the beginning of a calm second, in a row, what is to be done regularly until its end.
    pub fn forestall(&mut self, ground: &mut Ground, clients: &mut [Client], end: u64) {
        let now = self.now(ground);
        // Without stations the crank turns once a second.
        let ticks = if self.engine.sockets() > 0 { PARTS } else { 1 };
        for _ in 0..ticks {
            ground.book.ticked();
            self.engine.tick(now);
        }
        let hurry = self.engine.serve_all(now);
        (self.next_tick, self.due) = (end, end);
        self.carry_out(ground, clients);
        if hurry {
            self.wake(ground.book.now());
        }
        for source in self.sources.iter_mut().flatten() {
            source.forestall(ground, end);
        }
        self.judge(ground, clients);
    }

    /// How many there are of everything, to be compared.
    #[must_use]
    pub fn account(&self) -> (Census, Tally, (u64, u64)) {
        let hub = self.engine.hub(THE_TELEGRAPH);
        (hub.census(), self.engine.tally().clone(), self.model.counted())
    }

    /// Nobody waits for anything: what was asked for is not asked for later.
    pub fn forget(&mut self) {
        if !self.is_busy() && self.callers.is_empty() {
            self.heard.clear();
        }
    }
}
