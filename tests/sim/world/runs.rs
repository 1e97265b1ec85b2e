//! Runs of the server: how one begins on what the one before has left, and how it ends.

use super::World;
use crate::book::{MS, SECOND};
use crate::faults::Fault;
use crate::ledger::Found;
use crate::server::Server;

/// The numbers of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// The one before the first.
    base: u64,
    /// The last, once the run is over.
    last: u64,
    /// The wall clock is behind them, or has gone back since the run began.
    pub(super) back: bool,
}

impl World {
    /// A run begins.
    pub(super) fn begin(&mut self) {
        let unix_ms = self.ground.disk.unix_ms();
        let ledger = self.ground.ledger.as_mut();
        let found = ledger.map_or_else(Found::default, |ledger| ledger.open(unix_ms));
        let (last, clean) = (found.last, found.clean);
        let (past, rng) = (std::mem::take(&mut self.past), self.rng.split());
        let server = Server::start(&mut self.ground, rng, self.rules, past, found);
        let base = server.model.seq();
        self.book.note(|| format!("a run begins at {base}"));
        self.book.hold(last.is_none_or(|last| base > last), || {
            format!("this run's numbers begin at {base}, and {last:?} is in the bell book")
        });
        // Of a run that came after a clean end and has left nothing in the book, nobody can know,
        // nor of any where none is kept: then all depends on the clock.
        let left = |before: &Before| {
            last.is_some_and(|last| last >= before.base && (!clean || last == before.last))
        };
        let before = self.before.filter(|before| !before.back || left(before));
        self.book.hold(before.is_none_or(|before| base >= before.last), || {
            format!("this run's numbers begin at {base}, and the one before had {before:?}")
        });
        // A run that is ahead of the clock leaves the next one no better.
        self.before = Some(Before { base, last: base, back: base > self.ground.disk.unix_ms() });
        self.server = Some(server);
        self.stats.runs += 1;
        self.ground.survey();
        if self.ground.ledger.is_some() {
            self.ground.tell_of_the_book(true);
        }
    }

    /// The server is gone, and everything it knew; as it should, or because it died.
    pub(super) fn stop(&mut self, well: bool) {
        let Some(server) = self.server.take() else { return };
        if let Some(before) = &mut self.before {
            before.last = server.model.seq();
        }
        let (orders, replies) = server.model.counted();
        self.stats.told += orders;
        self.stats.replies += replies;
        if server.over {
            let view = server.view(&self.ground);
            self.clients.iter_mut().for_each(|client| client.hear_the_end(&view));
        }
        self.judge_farewell(&server);
        self.past = server.model.into_past();
        for client in std::mem::take(&mut self.clients) {
            self.remember(&client);
        }
        for clerk in &mut self.ground.clerks {
            clerk.die();
        }
        if let Some(ledger) = &mut self.ground.ledger {
            if well { ledger.finish() } else { ledger.crash() }
        }
        if !well {
            self.book.count(Fault::Crash);
        }
        self.ground.told.clear();
        for truth in &mut self.ground.disk.truth {
            truth.watched(None, false);
        }
        self.ground.disk.forget_authors();
        self.fate = self.fate.min(u64::MAX - SECOND).max(self.book.now()) + 50 * MS;
        if self.ground.peace {
            self.fate = u64::MAX;
        }
    }
}
