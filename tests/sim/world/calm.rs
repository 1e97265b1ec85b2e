//! How calm is passed: a second at a time, without leaving anything out that could be told.
//!
//! What this assumes, and why it may. A second of the server's clock is calm if at its beginning
//! nobody (hand, clerk, keeper, kernel, station) has anything to do before its end, no file has been
//! touched nor looked at in vain for three seconds, and what stands in them has been told. Then (1) all ten ticks of that
//! second are run in a row at its beginning: a tick knows whole seconds only and all ten are of the
//! same one, so pings, beats and ends of patience come in the second in which they must, only earlier
//! in it, and a roll that rests comes a second later at most; (2) all looks of that second are taken
//! by the rule in a row, each at its own time, and each sees what the last look saw on the disk:
//! nobody has touched it, and the time that passes within a look matters only if somebody does; that
//! a look opened the file is told at once; (3) turns of the crank and wakings of threads that would
//! find nothing to do are left out. Whatever else happens in that second, such as a station that
//! reads a ping and answers it, is lived step by step, and so is everything in a second that is not
//! calm. No tick and no look is left out, so that whatever counts them, or the time, counts to the
//! end. `full` passes time without any of this, and a test compares the two. While there is no
//! server nothing of it can happen, and time passes at once.

use super::World;
use crate::book::{MS, SECOND};

impl World {
    /// Time passes to this moment, in which nobody does anything of his own accord; or until a server
    /// has ended that was asked to.
    pub(super) fn rest(&mut self, until: u64) {
        let there = self.server.is_some();
        while self.book.now() < until && !self.book.has_failed() {
            let now = self.book.now();
            let Some(server) = &self.server else {
                if there {
                    return;
                }
                self.go_to(until);
                self.stats.absent += self.book.now() - now;
                return;
            };
            let begin = server.whole_second(now);
            let end = begin + SECOND;
            self.go_to(begin.min(until));
            if end <= until && !self.full && self.is_calm(end) {
                if let Some(server) = &mut self.server {
                    server.forestall(&mut self.ground, &mut self.clients, end);
                }
                self.stats.calm += SECOND;
            }
            self.go_to(end.min(until));
        }
    }

    /// Whether nothing but ticks and looks is due before this moment, and looks will bring nothing.
    fn is_calm(&self, end: u64) -> bool {
        // Whoever has just left or said something is still to be heard.
        let heard = self.clients.iter().all(|client| !client.line.pipe().edge);
        heard
            && self.next_but_the_server() >= end
            && self.server.as_ref().is_some_and(|server| server.rests(&self.ground, end))
    }

    /// It has been calm for long: whatever must have happened has, and old things are forgotten.
    pub(super) fn judge_calm(&mut self) {
        let is_busy = |it: &Self| {
            let server = it.server.as_ref();
            server.is_some_and(|it| it.is_busy() || it.closing.is_some())
                || it.ground.has_stored_since(4 * SECOND)
        };
        for _ in 0..10 {
            if is_busy(self) {
                self.rest(self.book.now() + 8 * SECOND + MS);
            }
        }
        let Some(server) = &mut self.server else { return };
        server.forget();
        for truth in &mut self.ground.disk.truth {
            truth.judge_standing();
            truth.forget();
        }
        if self.clients.iter().all(|client| client.gone) {
            self.server.iter().for_each(|server| server.judge_empty(&self.ground));
        }
        self.judge_peace();
    }
}

#[cfg(test)]
mod tests;
