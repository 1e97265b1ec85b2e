//! The whole server as one pure function: [`Hub::step`] takes a moment and an event, and says what
//! is to be done. It does no IO and reads no clock.

mod stores;

use std::sync::Arc;

use chadburn_core::Dial;

use self::stores::{Stores, Waiting};
use super::{Effect, Event, HEARTBEAT_SECONDS, Key, Snapshot, frame};
use crate::clock::Now;
use crate::log::escaped;
use crate::policy::{Act, Owner, Policy, Verdict};
use crate::session::{Answer, Form, Session, Want};
use crate::telegraph::{Given, Telegraph};
use crate::wire::json::{By, Code, DialForm, May, Message};
use crate::wire::{Wire, text};
use crate::writing::{File, Health, Report};

/// What the hub is told once, at its start.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The dial.
    pub dial: Dial<'static>,
    /// The directory that the given file names start from.
    pub base: String,
    /// The status file's name, as it was given.
    pub status_file: String,
    /// Which panel this server carries.
    pub assets: String,
    /// Who may do what.
    pub policy: Policy,
}

/// The server's state, without its sockets.
#[derive(Debug)]
pub struct Hub {
    /// What it was told at its start.
    facts: Facts,
    /// Order, reply and bell.
    telegraph: Telegraph,
    /// The health of the status file, once its source has settled.
    status_file: Option<Health>,
    /// The health of the accept file, once its source has settled.
    accept_file: Option<Health>,
    /// Who is connected, by place.
    stations: Vec<Option<Station>>,
    /// Replies on their way into the accept file.
    stores: Stores,
    /// Farewell has been said; nobody is greeted any more.
    closing: bool,
}

/// A connected station.
#[derive(Debug)]
struct Station {
    /// Which of the stations that have had this place.
    generation: u32,
    /// Its conversation.
    session: Session,
    /// What it waits for the answer of: whose socket it is decides about this request.
    undecided: Option<Undecided>,
}

/// What waits for the answer to "whose socket is it?".
#[derive(Debug)]
enum Undecided {
    /// A newcomer's greeting, which tells what it may do.
    Greeting,
    /// A request for the shutdown, to be answered in this form.
    Shutdown(Form),
}

impl Hub {
    /// A hub without stations.
    #[must_use]
    pub fn new(now: Now, facts: Facts) -> Self {
        let telegraph = Telegraph::new(facts.dial, now);
        Self {
            facts,
            telegraph,
            status_file: None,
            accept_file: None,
            stations: Vec::new(),
            stores: Stores::default(),
            closing: false,
        }
    }

    /// Takes an event, and appends what is to be done about it.
    pub fn step(&mut self, now: Now, event: Event<'_>, effects: &mut Vec<Effect>) {
        match event {
            Event::Joined { key, station, wire, peer } => {
                self.joined(key, Session { station, wire, peer }, effects);
            }
            Event::Heard { key, message } => self.heard(key, message, effects),
            Event::Left { key } => self.left(key, effects),
            Event::Owned { key, owner } => self.owned(key, owner, effects),
            Event::Source { file, report: Report::Written(writing) } => match file {
                File::Status => self.ordered(now, &writing.text, effects),
                File::Accept => {
                    let by = self.stores.author(&writing).map_or(By::File, By::Station);
                    self.telegraph.replied(now, &writing.text, by);
                    effects.push(Effect::Log(format!("Reply: {}", escaped(&writing.text))));
                    self.push(None, effects);
                }
            },
            Event::Source { file, report: Report::Health(health) } => {
                self.health(file, health, effects);
            }
            Event::Noted { ticket, stamp } => self.stores.noted(ticket, stamp),
            Event::Stored { ticket, result } => self.stored(ticket, &result, effects),
            Event::Shutdown => self.shutdown(effects),
        }
    }

    /// The telegraph, for whoever wants to look.
    #[must_use]
    pub fn telegraph(&self) -> &Telegraph {
        &self.telegraph
    }

    /// How many stations are in conversation.
    #[must_use]
    pub fn stations(&self) -> usize {
        self.stations.iter().flatten().count()
    }

    /// Whether farewell has been said.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// How many replies wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.stores.waiting()
    }

    fn joined(&mut self, key: Key, session: Session, effects: &mut Vec<Effect>) {
        if self.closing {
            effects.push(Effect::Close { key, code: frame::close::GOING_AWAY });
            return;
        }
        let verdict = self.facts.policy.judge(&session.peer, &Act::Shutdown);
        let ask = session.wire == Wire::Json && verdict == Verdict::AskOwner;
        let slot = key.slot as usize;
        if self.stations.len() <= slot {
            self.stations.resize_with(slot + 1, || None);
        }
        effects.push(Effect::Log(format!("New Client: {}", session.station)));
        let undecided = ask.then_some(Undecided::Greeting);
        let generation = key.generation;
        self.stations[slot] = Some(Station { generation, session, undecided });
        if ask {
            effects.extend([Effect::Hold(key), Effect::AskOwner(key)]);
        } else {
            self.greet(key, effects);
        }
    }

    fn greet(&self, to: Key, effects: &mut Vec<Effect>) {
        let Some(station) = self.station(to) else {
            return;
        };
        let messages = match station.session.wire {
            Wire::Text => vec![text::CONNECTED.into(), text::snapshot(self.telegraph.status())],
            Wire::Json => {
                let peer = &station.session.peer;
                let shutdown = self.facts.policy.judge(peer, &Act::Shutdown) == Verdict::Granted;
                let welcome = Message::Welcome {
                    station: station.session.station,
                    server: env!("CARGO_PKG_VERSION"),
                    assets: &self.facts.assets,
                    dial: DialForm::from(&self.facts.dial),
                    heartbeat_ms: HEARTBEAT_SECONDS * 1000,
                    may: May { order: false, shutdown },
                };
                let mut messages = vec![welcome.encode(), self.state()];
                // The state tells the status file's health; of the other nobody would hear until
                // it changes.
                if let Some(health) = self.accept_file.as_ref().filter(|it| !it.is_well()) {
                    messages.push(Message::Source { file: File::Accept, health }.encode());
                }
                messages
            }
        };
        effects.push(Effect::Greet { to, messages });
    }

    fn heard(&mut self, key: Key, message: &str, effects: &mut Vec<Effect>) {
        let Some(station) = self.station(key) else {
            return;
        };
        let id = station.session.station;
        effects.push(Effect::Log(format!("Message from Client {id}: {}", escaped(message))));
        match station.session.hear(message) {
            Ok((want, form)) => self.answer(key, want, form, effects),
            Err(message) => effects.push(Effect::Say { to: key, message }),
        }
    }

    fn answer(&mut self, key: Key, want: Want, form: Form, effects: &mut Vec<Effect>) {
        let mut say = |answer| say(key, &form, answer, effects);
        match want {
            Want::Nothing => say(Answer::Nothing),
            Want::Echo(words) => say(Answer::Line(&text::echo(&words))),
            Want::Base => say(Answer::Line(&text::base(&self.facts.base))),
            Want::File => say(Answer::Line(&text::file(&self.facts.status_file))),
            Want::Status => say(Answer::Line(&text::status(self.telegraph.status()))),
            Want::Shutdown => self.may_shut_down(key, form, effects),
            Want::Accept(state) if !text::acceptable(&state) => {
                say(Answer::No(Code::BadState, text::BAD_ACCEPT));
            }
            Want::Accept(text) => self.store(key, form, text, None, effects),
            Want::Answer { order, position } => {
                let Some(present) = self.telegraph.order() else {
                    return say(Answer::No(Code::NoOrder, "there is no order to answer"));
                };
                if present.seq != order {
                    return say(Answer::No(Code::Stale, stores::STALE));
                }
                let text = match position {
                    None => present.status.to_string(),
                    Some(position) if self.facts.dial.sector(position).is_some() => {
                        position.to_string()
                    }
                    Some(_) => {
                        let line = "the dial has no such position";
                        return say(Answer::No(Code::NoPosition, line));
                    }
                };
                self.store(key, form, text, Some(order), effects);
            }
        }
    }

    /// Grants or refuses the shutdown, or finds out first whose socket it is.
    fn may_shut_down(&mut self, key: Key, form: Form, effects: &mut Vec<Effect>) {
        let Some(station) = self.stations[key.slot as usize].as_mut() else {
            return;
        };
        match self.facts.policy.judge(&station.session.peer, &Act::Shutdown) {
            Verdict::Granted => {
                say(key, &form, Answer::Line(text::SHUTTING_DOWN), effects);
                effects.push(Effect::AskShutdown);
            }
            Verdict::AskOwner => {
                station.undecided = Some(Undecided::Shutdown(form));
                effects.extend([Effect::Hold(key), Effect::AskOwner(key)]);
            }
            Verdict::Refused(_) => {
                say(key, &form, Answer::No(Code::Refused, text::SHUTDOWN_REFUSED), effects);
            }
        }
    }

    fn owned(&mut self, key: Key, owner: Owner, effects: &mut Vec<Effect>) {
        let Some(station) = self.station_mut(key) else {
            return;
        };
        // Who cannot be found out now will not be asked about for ever.
        station.session.peer.owner = if owner == Owner::Unasked { Owner::Unknown } else { owner };
        match station.undecided.take() {
            None => return,
            Some(Undecided::Greeting) => self.greet(key, effects),
            Some(Undecided::Shutdown(form)) => self.may_shut_down(key, form, effects),
        }
        effects.push(Effect::Resume(key));
    }

    /// Takes a reply that is to go into the accept file.
    fn store(
        &mut self,
        key: Key,
        form: Form,
        text: String,
        order: Option<u64>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(station) = self.station(key).map(|station| station.session.station) else {
            return;
        };
        effects.push(Effect::Hold(key));
        self.stores.push(Waiting { key, station, form, text, order });
        self.next_store(effects);
    }

    /// Starts the next write of the accept file, if one is due.
    fn next_store(&mut self, effects: &mut Vec<Effect>) {
        let present = self.telegraph.order().map(|order| order.seq);
        let started = self.stores.start(present, |stale| {
            say(stale.key, &stale.form, Answer::No(Code::Stale, stores::STALE), effects);
            effects.push(Effect::Resume(stale.key));
        });
        if let Some((ticket, text)) = started {
            effects.push(Effect::Store { ticket, text });
        }
    }

    /// One write answers everybody who waited for it, as if the others had been superseded in the
    /// same instant.
    fn stored(&mut self, ticket: u64, result: &Result<(), String>, effects: &mut Vec<Effect>) {
        for Waiting { key, form, text, .. } in self.stores.finish(ticket, result.is_ok()) {
            match result {
                Ok(()) => say(key, &form, Answer::Accepted(&text), effects),
                Err(reason) => {
                    let line = text::not_accepted(reason);
                    say(key, &form, Answer::No(Code::WriteFailed, &line), effects);
                }
            }
            effects.push(Effect::Resume(key));
        }
        if let Err(reason) = result {
            effects.push(Effect::Log(text::not_accepted(&escaped(reason).to_string())));
        }
        self.next_store(effects);
    }

    fn ordered(&mut self, now: Now, status: &str, effects: &mut Vec<Effect>) {
        let given = self.telegraph.ordered(now, status);
        // Pushed first: nothing may stand between an order and the panels.
        self.push(Some(status), effects);
        effects.push(Effect::Log(match given {
            Given::Order => format!("Status changed to: {}", escaped(status)),
            Given::Repeat => format!("Status repeated: {}", escaped(status)),
        }));
    }

    fn health(&mut self, file: File, health: Health, effects: &mut Vec<Effect>) {
        let slot = match file {
            File::Status => &mut self.status_file,
            File::Accept => &mut self.accept_file,
        };
        let first = slot.is_none();
        if slot.as_ref() == Some(&health) {
            return;
        }
        let message = Message::Source { file, health: &health }.encode();
        *slot = Some(health);
        self.publish(effects);
        if !first {
            effects.push(Effect::Tell(message));
        }
    }

    fn shutdown(&mut self, effects: &mut Vec<Effect>) {
        if self.closing {
            return;
        }
        self.closing = true;
        self.publish(effects);
        let json = Message::Farewell { reason: "shutdown" }.encode();
        effects.push(Effect::Farewell { text: text::FAREWELL, json });
    }

    fn left(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let Some(place) = self.stations.get_mut(key.slot as usize) else {
            return;
        };
        if let Some(station) = place.take_if(|station| station.generation == key.generation) {
            let id = station.session.station;
            effects.push(Effect::Log(format!("Client {id} disconnected.")));
        }
    }

    /// Tells everybody the state, and text stations the status if they are to hear it.
    fn push(&self, text: Option<&str>, effects: &mut Vec<Effect>) {
        // Published first: whoever has heard a push must find HTTP saying the same.
        let snapshot = self.snapshot();
        let json = Arc::clone(&snapshot.state);
        effects.push(Effect::Publish(snapshot));
        effects.push(Effect::Push { seq: self.telegraph.seq(), text: text.map(Arc::from), json });
    }

    fn publish(&self, effects: &mut Vec<Effect>) {
        effects.push(Effect::Publish(self.snapshot()));
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state().into(),
            status: self.telegraph.order().map(|order| Arc::clone(&order.status)),
            status_file: self.status_file.clone(),
            accept_file: self.accept_file.clone(),
            closing: self.closing,
        }
    }

    fn state(&self) -> String {
        self.telegraph.state(self.status_file.as_ref().unwrap_or(&Health::UNSETTLED))
    }

    fn station(&self, key: Key) -> Option<&Station> {
        station(&self.stations, key)
    }

    fn station_mut(&mut self, key: Key) -> Option<&mut Station> {
        let place = self.stations.get_mut(key.slot as usize)?;
        place.as_mut().filter(|station| station.generation == key.generation)
    }
}

fn station(stations: &[Option<Station>], key: Key) -> Option<&Station> {
    let place = stations.get(key.slot as usize)?;
    place.as_ref().filter(|station| station.generation == key.generation)
}

fn say(to: Key, form: &Form, answer: Answer<'_>, effects: &mut Vec<Effect>) {
    effects.extend(form.put(answer).map(|message| Effect::Say { to, message }));
}

#[cfg(test)]
mod tests;
