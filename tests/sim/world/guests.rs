//! Who comes: new stations, stations that were here before, in this run or an earlier one, and
//! twins of those who are here.

use chadburn::hub::Wire;

use super::World;
use crate::client::{Client, Temper};
use crate::faults::Fault;
use crate::rng::Rng;
use crate::server::{Input, may, peer};
use crate::socket;

/// How many of those who have gone are remembered.
const REMEMBERED: usize = 12;

/// Somebody who was here before.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    /// The secret it was told; an event stream is told none.
    secret: Option<String>,
    /// The last state that it has heard.
    last: Option<u64>,
}

impl World {
    /// A station has gone, and may come back.
    pub(super) fn remember(&mut self, client: &Client) {
        if client.wire != Wire::Text && client.key.is_some() {
            self.guests.push(Guest::of(client));
            if self.guests.len() > REMEMBERED {
                let out = self.rng.index(self.guests.len());
                self.guests.swap_remove(out);
            }
        }
    }

    /// Somebody connects.
    pub(super) fn connect(&mut self) {
        if self.server.is_none() {
            return;
        }
        let wire = self.rng.pick(&[Wire::Text, Wire::Text, Wire::Json, Wire::Json, Wire::Sse]);
        let tempers = [
            Temper::Good,
            Temper::Good,
            Temper::Good,
            Temper::Slow,
            Temper::Stuck,
            Temper::Silent,
            Temper::Rude,
            Temper::Greedy,
        ];
        let temper = match self.rng.pick(&tempers) {
            // Nobody says anything on a stream of events.
            Temper::Silent | Temper::Rude if wire == Wire::Sse => Temper::Good,
            // What a flood says means nothing on the text wire alone: in JSON everything is answered.
            Temper::Greedy if wire != Wire::Text => Temper::Good,
            temper => temper,
        };
        self.let_in(wire, temper);
    }

    /// Somebody who speaks this language and behaves in this way connects.
    pub(super) fn let_in(&mut self, wire: Wire, temper: Temper) {
        match temper {
            Temper::Stuck => self.book.count(Fault::Stuck),
            Temper::Silent => self.book.count(Fault::Silent),
            Temper::Good | Temper::Slow | Temper::Rude | Temper::Greedy => {}
        }
        let room = Client::room(&mut self.rng, temper);
        let (station, line) = socket::connect(self.rng.split(), &self.book, room);
        let peer = peer(&mut self.rng);
        let mut client = Client::new(self.rng.split(), &self.book, station, wire, temper, peer);
        client.may_shut_down = may(self.rules.shutdown, &peer);
        client.may_order = may(self.rules.orders, &peer);
        client.trusted = !self.rules.token;
        self.serial += 1;
        client.serial = self.serial;
        if wire != Wire::Text
            && let Some(guest) = self.guest()
        {
            let secret = guest.secret.filter(|_| wire == Wire::Json && !self.rng.one_in(6));
            client.comes_back(secret, since(&mut self.rng, guest.last));
        }
        let Client { id, wire, since, again, .. } = client;
        self.book.note(|| {
            format!("{id} comes: {wire:?} {temper:?} {peer:?} again: {again} since {since:?}")
        });
        let serial = self.serial;
        self.clients.push(client);
        self.stats.stations += 1;
        self.stats.returns += u64::from(since.is_some());
        if let Some(server) = &mut self.server {
            server.put(self.book.now(), Input::Join(serial, line));
        }
    }

    /// Somebody who was here before, or is here.
    fn guest(&mut self) -> Option<Guest> {
        if self.rng.one_in(5) {
            let there: Vec<_> = self.clients.iter().filter(|it| it.wire == Wire::Json).collect();
            return (!there.is_empty()).then(|| Guest::of(there[self.rng.index(there.len())]));
        }
        if self.guests.is_empty() || self.rng.one_in(3) {
            return None;
        }
        let index = self.rng.index(self.guests.len());
        Some(self.guests.swap_remove(index))
    }
}

impl Guest {
    fn of(client: &Client) -> Self {
        let secret = (client.wire == Wire::Json).then(|| client.secret.clone());
        Self { secret, last: client.heard().track.last }
    }
}

/// What somebody who comes back says that it knows: mostly what it does know.
fn since(rng: &mut Rng, last: Option<u64>) -> Option<u64> {
    match rng.below(12) {
        0 => None,
        1 => last.map(|last| last.saturating_sub(rng.below(20))),
        2 => last.map(|last| last.saturating_sub(rng.below(20_000))),
        3 => last.map(|last| last.saturating_add(1 + rng.below(50))),
        4 => Some(rng.pick(&[0, 17, (1 << 53) - 1, u64::MAX])),
        _ => last,
    }
}
