//! The end of a life: peace, in which everything must have been told, and an end that leaves
//! nothing behind.

use chadburn::file::File;
use chadburn::hub::{Event, Wire};

use super::World;
use crate::book::SECOND;
use crate::client::{Client, Stage, Temper};
use crate::server::{Input, Server};
use crate::truth::Sight;

impl World {
    /// Who was greeted and reads has heard one farewell, and the close.
    pub(super) fn judge_farewell(&self, server: &Server) {
        if !server.over {
            return;
        }
        for client in &self.clients {
            let reads = client.temper == Temper::Good && client.key.is_some();
            if reads && !client.closing && !client.gone {
                let Client { id, stage, .. } = client;
                self.book.hold(*stage == Stage::Closed, || format!("{id} is left {stage:?}"));
            }
        }
    }

    /// Nobody has written for long: everybody knows what stands there, and every request is
    /// answered.
    pub(super) fn judge_peace(&self) {
        let Some(server) = &self.server else { return };
        if let Sight::Text(text) = self.ground.disk.truth[File::Status as usize].now() {
            let status = server.model.status();
            self.book.hold(status == text, || format!("{text:?} stands there, not {status:?}"));
        }
        server.judge_mount(&self.ground);
        let callers = server.waiting_callers(self.book.now(), 7 * SECOND);
        let closing = server.closing.is_some();
        self.book.hold(callers == 0 || closing, || format!("{callers} wait over HTTP"));
        let crowd = server.crowd_for(self.book.now(), 2 * SECOND);
        let order = server.model.orders.last().map(|order| order.seq);
        for client in &self.clients {
            let good = match client.temper {
                Temper::Good => true,
                Temper::Slow => server.owes_nothing(client),
                Temper::Stuck | Temper::Silent | Temper::Rude | Temper::Greedy => false,
            };
            let there = client.replaced.is_none() && client.key.is_some();
            if !good || client.closing || client.gone || closing || !there {
                continue;
            }
            let Client { id, wire, .. } = client;
            let heard = client.heard();
            let status = server.model.status();
            let latest = heard.status == status
                && (*wire == Wire::Text || heard.track.last == Some(server.model.seq()));
            self.book.hold(latest, || format!("{id} does not know {status:?}, but {heard:?}"));
            if client.temper == Temper::Good && *wire == Wire::Json && client.replaced.is_none() {
                crowd.inspect(|&stations| client.judge_roll(stations, order));
            }
            if client.temper == Temper::Good {
                let asks = &client.asks;
                let late = |sent: u64| self.book.now() - sent > 7 * SECOND;
                let none = asks.iter().all(|ask| !late(ask.sent));
                self.book.hold(none, || format!("{id} waits for the answers to {asks:?}"));
            }
        }
    }

    /// Everybody goes, in either order.
    pub(super) fn end(&mut self) {
        let Some(server) = &mut self.server else { return };
        if self.rng.one_in(2) {
            for _ in 0..=self.rng.below(2) {
                server.put(self.book.now(), Input::Event(Event::Shutdown));
            }
            self.connect();
            self.go_on(self.ground.weather.farewell() + SECOND);
            self.book.hold(self.server.is_none(), || "it has not ended".into());
            return;
        }
        self.clients.iter_mut().for_each(Client::bow_out);
        self.go_on(60 * SECOND);
        if let Some(server) = &self.server {
            server.judge_empty(&self.ground);
        }
    }
}
