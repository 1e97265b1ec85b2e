//! What the hub wants of the other rooms, done or handed on, and held against what it may want.

use std::net::Ipv4Addr;

use chadburn::file::File;
use chadburn::hub::{self, Event};
use chadburn::policy::{Peer, Reach};
use chadburn::session::Want as Request;
use chadburn_core::Position;
use uuid::Uuid;

use super::{Input, Server};
use crate::book::MS;
use crate::clerk::Store;
use crate::client::ask::{Ask, Asker, How, Reply, TOKEN, Want, ordered};
use crate::client::{Client, Words};
use crate::faults::Fault;
use crate::ground::Ground;
use crate::rng::Rng;

impl Server {
    /// Does what the hub asked the other rooms for.
    pub(super) fn carry_out(&mut self, ground: &mut Ground, clients: &mut [Client]) {
        let office = std::mem::take(self.engine.ports());
        let now = ground.book.now();
        let before = self.heard.len();
        self.heard.extend(office.heard);
        for (file, ticket, text, refused, heard) in office.stores {
            let store = self.store(ground, clients, (file, ticket, text), before + heard);
            if refused {
                ground.book.count(Fault::Away);
            }
            ground.clerks[file as usize].take(store, refused);
        }
        for (file, ticket) in office.abandoned {
            ground.clerks[file as usize].abandon(ticket);
        }
        for entry in office.recorded {
            if let Err(what) = self.model.recorded(&entry) {
                ground.book.fail(format!("bell book: {what}"));
            }
            if let Some(ledger) = &mut ground.ledger {
                ledger.record(entry);
            }
        }
        ground.book.hold(self.model.is_recorded(), || "something is not recorded".into());
        for snapshot in office.published {
            let state = serde_json::from_str(&snapshot.state).expect("a state is JSON");
            if let Err(what) = self.model.check(&state) {
                ground.book.fail(format!("snapshot: {what}"));
            }
            let so = state["seq"] == self.model.seq()
                && snapshot.status.as_deref().unwrap_or_default() == self.model.status()
                && self.model.is_latest_health(&state["source"])
                && snapshot.closing == self.closing.is_some();
            ground.book.hold(so, || format!("snapshot: {snapshot:?}"));
            self.accept = snapshot.accept_file;
        }
        for (ticket, outcome) in office.responded {
            self.responded(ground, ticket, &outcome);
        }
        if office.shutdown {
            self.later.push((now + self.rng.below(5 * MS), Event::Shutdown));
        }
        for client in clients {
            client.nudge();
        }
        if !ground.told.is_empty() {
            self.wake(now);
        }
    }

    /// A text goes into a file: for whom, and whether it may.
    fn store(
        &self,
        ground: &Ground,
        clients: &[Client],
        (file, ticket, text): (File, u64, String),
        heard: usize,
    ) -> Store {
        let present = self.model.orders.last().map(|order| order.seq);
        let asked = clients.iter().flat_map(|client| &client.asks);
        let asked = asked.chain(self.callers.iter().map(|(_, ask)| ask));
        let asks: Vec<&Ask> =
            asked.filter(|ask| ask.text(file).is_some() && ask.may_be_stored(present)).collect();
        let waiting: Vec<String> =
            asks.iter().filter_map(|ask| Some(ask.text(file)?.into())).collect();
        let author = |ask: &&Ask| (ask.by.station, ask.by.who.clone());
        let by: Vec<_> =
            asks.iter().filter(|ask| ask.text(file) == Some(&text)).map(author).collect();
        let askers = asks.iter().map(|ask| ask.by.station).collect();
        ground.book.hold(!by.is_empty(), || format!("{text:?} is stored for nobody"));
        let heard = &self.heard[..heard];
        if let Some(index) = heard.iter().rposition(|heard| *heard == text) {
            let later = heard[index + 1..].iter().find(|later| waiting.contains(later));
            ground.book.hold(later.is_none(), || {
                format!("{text:?} is stored, although {later:?} was asked for later")
            });
        }
        ground.book.note(|| format!("{file}: store {ticket} {text:?} for {by:?}"));
        Store {
            ticket,
            text,
            by,
            askers,
            waiting,
            start: ground.book.now(),
            abandoned: false,
            end: None,
        }
    }

    /// Before the hub hears that a reply is stored: those who waited for it may stand in the roll.
    pub(super) fn foresee(&self, ground: &Ground, event: &Event<'_>) {
        let Event::Stored { file: File::Accept, ticket, result: Ok(()) } = event else { return };
        let store = ground.clerks[File::Accept as usize].stores.last();
        let present = self.model.orders.last().map(|order| order.seq);
        if let Some(store) = store.filter(|it| it.ticket == *ticket) {
            let claims = store.askers.iter().map(|station| (present, *station));
            self.model.claims.borrow_mut().extend(claims);
        }
    }

    /// Somebody asks over HTTP.
    pub fn call(&mut self, ground: &Ground) {
        self.ticket += 1;
        let (ticket, now) = (self.ticket, ground.book.now());
        let rng = &mut self.rng.split();
        let view = self.view(ground);
        let sign = format!("http.{ticket}");
        let (want, request) = match rng.below(3) {
            0 => (Want::Accept(sign.clone()), Request::Accept(sign)),
            1 => {
                let status = Words::status(rng, &sign);
                (Want::Order(ordered(&status)), Request::Order(status))
            }
            _ => {
                let (_, want) = Words::answer(rng, None, &view);
                let (Want::Answer { how, .. } | Want::Note(how)) = want else { return };
                let How { order, position, coming } = how;
                let position = position.and_then(|it| Position::new(u8::try_from(it).ok()?));
                (want, Request::Answer { order: Some(order), position, coming })
            }
        };
        let peer = peer(rng);
        let token = rng.pick(&[Some(TOKEN), Some(TOKEN), Some("open barley"), None]);
        let right = token == Some(TOKEN);
        let token = token.map(str::to_owned);
        let who = rng.one_in(3).then_some("curl");
        let by = Asker {
            station: Uuid::from_u128(u128::from(rng.next()) << 64 | u128::from(ticket)),
            who: who.map(Into::into),
            trusted: right || !self.rules.token,
            may_shut_down: false,
            may_order: may(self.rules.orders, &peer),
        };
        let station = by.station;
        let ask = Ask { id: None, want, sent: now, half: false, console: false, by, again: false };
        if let Some(how) = ask.how() {
            self.model.claims.borrow_mut().insert((Some(how.order), station));
        }
        ground.book.note(|| format!("{ticket} asks over HTTP: {ask:?}"));
        self.callers.push((ticket, ask));
        let ask =
            hub::Ask { peer, token, who: who.map(Into::into), want: request, station_id: station };
        self.put(now, Input::Event(Event::Asked { ticket, ask: Box::new(ask) }));
    }

    fn responded(&mut self, ground: &Ground, ticket: u64, outcome: &hub::Outcome) {
        let Some(index) = self.callers.iter().position(|(caller, _)| *caller == ticket) else {
            return ground.book.fail(format!("nobody waits for {ticket}, and hears {outcome:?}"));
        };
        let (_, ask) = self.callers.remove(index);
        let code = outcome.as_ref().map_err(|(code, _)| {
            let code = serde_json::to_value(code).expect("a code is plain");
            code.as_str().unwrap_or_default().to_owned()
        });
        let reply = code.as_ref().map_or_else(|code| Reply::Error(code), |()| Reply::Ok);
        if let Err(what) = ask.answered(reply, &self.view(ground)) {
            ground.book.fail(format!("HTTP: {what}"));
        }
    }

    /// Requests over HTTP that have waited for longer than this.
    pub fn waiting_callers(&self, now: u64, long: u64) -> usize {
        self.callers.iter().filter(|(_, ask)| now - ask.sent > long).count()
    }
}

/// Root or the server's own user on this machine, or somebody at one of a few addresses.
#[must_use]
pub fn peer(rng: &mut Rng) -> Peer {
    let elsewhere = Ipv4Addr::new(192, 0, 2, rng.pick(&[1, 1, 2, 3]));
    let local = rng.one_in(3);
    let address = if local || rng.one_in(3) { Ipv4Addr::LOCALHOST } else { elsewhere };
    Peer { local, ..Peer::at(address.into()) }
}

/// Whether this peer may do what is allowed from there.
#[must_use]
pub fn may(reach: Reach, peer: &Peer) -> bool {
    reach == Reach::Any || reach == Reach::Local && peer.local
}
