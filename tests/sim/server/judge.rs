//! What must hold after every turn of the crank, and when everybody has gone.

use chadburn::file::File;
use chadburn::hub::Wire;
use chadburn::telegraph::THE_TELEGRAPH;
use live_file::writing::Condition;

use super::Server;
use crate::book::SECOND;
use crate::clerk::MOUNT_ADVICE;
use crate::client::acts::NOTHING;
use crate::client::ask::Ask;
use crate::client::{Client, Stage, Temper};
use crate::ground::Ground;

/// How many messages a station may send at once, and then each second, before it has to wait.
const BURST: usize = 4_096;
const A_SECOND: usize = 512;

/// How many messages of a station are heard before the others have their turn.
const A_TURN: usize = 16;

/// How many bytes are read at once of one that sends many messages.
const READ: usize = 8 * 1024;

impl Server {
    /// The station that has waited longest has its turn, which has an end, and nobody is passed over.
    pub(super) fn serve(&mut self, ground: &mut Ground, clients: &mut [Client]) -> bool {
        let now = self.now(ground);
        let more = self.engine.serve(now);
        let heard = std::mem::take(&mut self.engine.ports().messages);
        ground.book.hold(heard <= A_TURN, || format!("{heard} messages were heard in one turn"));
        // What the others say meanwhile has to wait.
        ground.pass(5 * heard as u64);
        let there = clients.len();
        for client in clients.iter() {
            let mut pipe = client.line.pipe();
            let waits = client.key.is_some() && !pipe.dropped && !pipe.edge && more;
            let quiet = client.temper == Temper::Good && client.stage == Stage::Live;
            let quiet = quiet && !client.closing && !client.asks.iter().any(Ask::writes);
            let free = client.key.and_then(|key| self.engine.owed_and_kept(key)) == Some((0, 0));
            pipe.passed_over += 1;
            if !(waits && quiet && free) || pipe.upward.is_empty() {
                pipe.passed_over = 0;
            }
            let fair = pipe.passed_over <= 2 * there + 2;
            ground.book.hold(fair, || format!("a quiet station is passed over among {there}"));
        }
        self.carry_out(ground, clients);
        more
    }

    /// Patience and memory have their bounds.
    pub(super) fn judge(&mut self, ground: &Ground, clients: &[Client]) {
        let now = ground.book.now();
        let since = std::mem::replace(&mut self.judged, now);
        let mut held = 0;
        for client in clients {
            let mut pipe = client.line.pipe();
            let Some(key) = client.key.filter(|_| !pipe.dropped) else { continue };
            held += 1;
            let Some((owed, kept)) = self.engine.owed_and_kept(key) else {
                ground.book.fail(format!("the socket of {key:?} is held, its place is not"));
                continue;
            };
            if owed == 0 {
                pipe.stuck_since = None;
                // While it is owed something it is neither heard nor pinged.
                pipe.silence += now - pipe.last_sent.max(since);
            }
            let stuck = pipe.stuck_since.map_or(0, |since| now - since);
            let temper = client.temper;
            // The silence of one that asked for something begins with the answer.
            let most = if temper == Temper::Silent { 50 } else { 65 } * SECOND;
            let heard = pipe.silence < most || client.wire == Wire::Sse;
            ground.book.hold(heard, || format!("{temper:?} is silent and kept"));
            ground.book.hold(stuck < 20 * SECOND, || format!("{temper:?} is stuck and kept"));
            // One frame that has begun, the newest state, and what else is told now and then.
            let most = match client.wire {
                _ if !client.asks.is_empty() => 450 * 1024,
                Wire::Json | Wire::Sse => 16 * 1024 + 2 * self.model.state_bytes(),
                Wire::Text => 700 + 2 * self.model.state_bytes(),
            };
            ground.book.hold(owed <= most, || format!("{temper:?} is owed {owed} bytes"));
            // One that is not heard is not missed, either.
            let unheard = client.stage == Stage::New || client.asks.iter().any(Ask::writes);
            let gone = client.ended.map_or(0, |ended| now - ended);
            // One that has sent too much is not heard for a while.
            let most = if temper == Temper::Greedy { 4 } else { 2 } * SECOND;
            let kept_on = gone > most && !unheard && (pipe.reset || owed == 0);
            ground.book.hold(!kept_on, || format!("{temper:?} is gone and kept"));
            // After the farewell all of it is read, to come to the close, and nothing of it heard.
            if let Some((since, read)) = pipe.flood.filter(|_| self.closing.is_none()) {
                let time = usize::try_from((now - since) / SECOND).unwrap_or(usize::MAX);
                let most = 2 * READ + NOTHING.len() * (BURST + A_SECOND * (time + 2));
                ground.book.hold(read <= most, || format!("{read} bytes of a flood were heard"));
                ground.book.hold(kept <= 2 * READ, || format!("{kept} bytes of a flood are kept"));
            }
            ground.book.hold(kept <= 132 * 1024, || format!("{kept} bytes of {temper:?} are kept"));
        }
        clients.iter().for_each(Client::judge_signs);
        let stations = self.engine.hub(THE_TELEGRAPH).stations();
        if self.crowd.0 != stations {
            self.crowd = (stations, now);
        }
        let sockets = self.engine.sockets();
        ground.book.hold(held == sockets, || format!("{sockets} sockets for {held} stations"));
        let patience = self.closing.map_or(0, |since| now - since);
        let most = ground.weather.farewell();
        ground.book.hold(patience < most, || "the farewell takes too long".into());
    }

    /// Whether everything that there was for this station has reached it.
    #[must_use]
    pub fn owes_nothing(&self, client: &Client) -> bool {
        let owed =
            client.key.and_then(|key| self.engine.owed_and_kept(key)).map_or(0, |(owed, _)| owed);
        owed == 0 && client.line.pipe().downward.is_empty()
    }

    /// How many stations there have been for so long now.
    #[must_use]
    pub fn crowd_for(&self, now: u64, long: u64) -> Option<usize> {
        let (stations, since) = self.crowd;
        (now - since > long).then_some(stations)
    }

    /// Whether there are replies on their way into the accept file, or a disk does not answer.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.engine.hub(THE_TELEGRAPH).pending_writes() > 0 || !self.disks_answer()
    }

    /// It is known whether the accept file can be replaced, in the words of whoever has to do something.
    pub fn judge_mount(&self, ground: &Ground) {
        let Some(health) = self.accept.as_ref().filter(|_| ground.is_surveyed()) else { return };
        let mounted = ground.disk.is_mounted(File::Accept);
        let told = health.detail.contains(MOUNT_ADVICE);
        let so = told == mounted && (mounted || health.state != Condition::Unwritable);
        // What is wrong with what it says is told first.
        let so = so || ground.disk.truth[File::Accept as usize].is_ill();
        ground.book.hold(so, || format!("mounted: {mounted}, and the accept file is {health:?}"));
    }

    /// Nobody is there, and nothing is left of anybody.
    pub fn judge_empty(&self, ground: &Ground) {
        let (sockets, stations) =
            (self.engine.sockets(), self.engine.hub(THE_TELEGRAPH).stations());
        let waiting = self.engine.hub(THE_TELEGRAPH).pending_writes();
        let census = self.engine.hub(THE_TELEGRAPH).census();
        ground.book.hold(census.known == 0 && census.places <= self.most, || {
            format!("left behind: {census:?}, and there were {} at most", self.most)
        });
        ground.book.hold((sockets, stations, waiting) == (0, 0, 0), || {
            format!("left behind: {sockets} sockets, {stations} stations, {waiting} replies")
        });
    }
}
