//! Carries out what the hub decides, on stations whose sockets are handed in.
//!
//! Generic over the socket, so that a simulator runs the very same lines on sockets of its own. It
//! opens nothing, waits for nothing and reads no clock.

mod budget;
mod hear;
mod ports;
mod say;
mod slot;
mod turns;

use std::cell::LazyCell;
use std::collections::VecDeque;

use chadburn_v1::Message;

pub use self::ports::{Arrival, Ports, Socket, Tally};
use self::slot::{Slot, Stage};
use super::frame::close;
use super::outbox::SharedFrame;
use super::{Effect, Event, Hub, Key, Wire, outgoing};
use crate::clock::Now;
use crate::telegraph::TelegraphId;

/// How often a station is pinged, in seconds.
const PING_SECONDS: u32 = 15;

/// After how many seconds without a word, or a pong, a station is gone.
pub const SILENCE_SECONDS: u32 = 40;

/// After how many seconds of taking nothing that it is owed a station is gone.
const STUCK_SECONDS: u32 = 15;

/// After so many seconds between two ticks the loop has stood still: somebody stopped the process or
/// the machine it runs on.
const STANDSTILL_SECONDS: u32 = 3;

/// For how many seconds a close frame waits for its answer; less than a shutdown may last, so that the
/// book still gets its last line.
const LINGER_SECONDS: u32 = 3;

/// In how many parts the stations are looked after, so that a sweep never holds up a push: a tick
/// looks after one part, and ten ticks make a second.
pub const PARTS: usize = 10;

/// How much is read at once at most.
const READ_SIZE: usize = 64 * 1024;

/// The hubs of all telegraphs, with their stations' sockets.
#[derive(Debug)]
pub struct Engine<S, P> {
    /// One `Hub` for each telegraph, by its id.
    hubs: Vec<Hub>,
    /// Where effects go that are not for stations.
    ports: P,
    /// The stations, by place.
    slots: Vec<Option<Slot<S>>>,
    /// Places that are free.
    free: Vec<u32>,
    /// The generation of the next station.
    generation: u32,
    /// Stations that may have something to be read, or can take something more; they have their
    /// turns in this order. Each is in it once at most.
    turn_queue: VecDeque<Key>,
    /// Whose turn it is.
    at_work: Option<Key>,
    /// How much of its turn is left, in units of its budget.
    turn_left: u32,
    /// Stations whose sockets are to be dropped.
    dead: Vec<Key>,
    /// Reused, so that each event need not allocate.
    effects: Vec<Effect>,
    /// What sockets are read into; one for all.
    scratch: Box<[u8]>,
    /// Which part of the stations is looked after next.
    next_part: usize,
    /// When the last tick was, in seconds.
    last_tick: u32,
    /// What is counted of stations.
    tally: Tally,
}

impl<S: Socket, P: Ports> Engine<S, P> {
    /// An engine with one telegraph, the first, and without stations.
    pub fn new(hub: Hub, ports: P) -> Self {
        Self {
            hubs: vec![hub],
            ports,
            slots: Vec::new(),
            free: Vec::new(),
            generation: 0,
            turn_queue: VecDeque::new(),
            at_work: None,
            turn_left: 0,
            dead: Vec::new(),
            effects: Vec::new(),
            scratch: vec![0; READ_SIZE].into(),
            next_part: 0,
            last_tick: 0,
            tally: Tally::default(),
        }
    }

    /// Takes in another telegraph, and says which it is.
    pub fn open(&mut self, hub: Hub) -> TelegraphId {
        let id = u16::try_from(self.hubs.len()).expect("no more than 65,536 telegraphs");
        self.hubs.push(hub);
        TelegraphId(id)
    }

    /// Takes in a station, which is greeted. Call [`Engine::serve`] afterwards, until it returns false: it
    /// serves whoever became ready, and drops whoever is gone.
    pub fn admit(&mut self, now: Now, socket: S, arrival: Arrival) -> Key {
        let Arrival { telegraph, unread, wire, peer, secret, known_seq } = arrival;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("descriptors end long before places do")
        });
        self.generation = self.generation.wrapping_add(1);
        let key = Key { slot, generation: self.generation };
        self.slots[slot as usize] =
            Some(Slot::new(socket, telegraph, key.generation, wire, now.seconds()));
        self.tally.sockets[wire as usize] += 1;
        self.run(now, telegraph, Event::Joined { key, secret, known_seq, wire, peer });
        if let Some(slot) = self.slot(key) {
            slot.kept = unread;
        }
        self.ready(key);
        key
    }

    /// Something happened to one telegraph. Call [`Engine::serve`] afterwards, until it returns false.
    ///
    /// # Panics
    ///
    /// If there is no such telegraph.
    pub fn run(&mut self, now: Now, telegraph: TelegraphId, event: Event<'_>) {
        let mut effects = std::mem::take(&mut self.effects);
        self.hubs[usize::from(telegraph.0)].step(now, event, &mut effects);
        for effect in effects.drain(..) {
            self.carry_out(now, telegraph, effect);
        }
        self.effects = effects;
    }

    /// Something happened to all of them, which is made anew for each.
    pub fn run_all(&mut self, now: Now, event: impl Fn() -> Event<'static>) {
        for telegraph in self.telegraphs() {
            self.run(now, telegraph, event());
        }
    }

    /// Which telegraphs there are.
    fn telegraphs(&self) -> impl Iterator<Item = TelegraphId> + use<S, P> {
        let many = u16::try_from(self.hubs.len()).expect("no more than 65,536 telegraphs");
        (0..many).map(TelegraphId)
    }

    /// Whether every telegraph has said farewell, and nothing is left to be done.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.sockets() == 0
            && self.hubs.iter().all(|hub| hub.is_closing() && hub.pending_writes() == 0)
    }

    /// Looks after a part of the stations: pings, beats, and timeouts. To be called
    /// [`PARTS`] times a second.
    pub fn tick(&mut self, now: Now) {
        let seconds = now.seconds();
        let stood = seconds.saturating_sub(self.last_tick);
        self.last_tick = seconds;
        if stood >= STANDSTILL_SECONDS {
            // While we stood still nobody was pinged or read: that time counts against nobody.
            self.slots.iter_mut().flatten().for_each(|slot| slot.excuse(stood, seconds));
        }
        // Most ticks find nothing to say, so frames are made for the first that hears them.
        let pings = [Wire::Text, Wire::Json, Wire::Sse]
            .map(|wire| LazyCell::new(move || SharedFrame::from(outgoing::ping(wire))));
        let beat = LazyCell::new(|| {
            SharedFrame::from(outgoing::message(
                &Message::<&str>::Beat { at: now.unix_ms }.encode(),
            ))
        });
        for (index, slot) in self.slots.iter_mut().enumerate().skip(self.next_part).step_by(PARTS) {
            let Some(slot) = slot else { continue };
            if slot.budget.credit() && !slot.in_turn_queue {
                slot.in_turn_queue = true;
                self.turn_queue.push_back(slot.key(index));
            }
            let frame = if slot.timed_out(seconds) {
                let counter = match slot.outbox {
                    Some(_) => &mut self.tally.stuck,
                    None => &mut self.tally.silent,
                };
                *counter += u64::from(!slot.is_leaving());
                self.dead.push(slot.key(index));
                continue;
            } else if slot.beat_is_due(seconds) {
                &*beat
            } else if slot.ping_is_due(seconds) {
                &pings[slot.wire as usize]
            } else {
                continue;
            };
            if slot.send(frame, seconds).is_err() {
                self.dead.push(slot.key(index));
            }
        }
        self.next_part = (self.next_part + 1) % PARTS;
        self.run_all(now, || Event::Tick);
    }

    /// This station is gone, whatever its socket says.
    pub fn give_up(&mut self, key: Key) {
        self.dead.push(key);
    }

    /// Restores the engine after a panic, and drops the station that was being served.
    pub fn recover(&mut self) {
        self.dead.extend(self.at_work.take());
        // `listen` had taken it.
        if self.scratch.is_empty() {
            self.scratch = vec![0; READ_SIZE].into();
        }
    }

    /// What is counted of stations.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many sockets are held.
    #[must_use]
    pub fn sockets(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The hub of this telegraph.
    ///
    /// # Panics
    ///
    /// If there is no such telegraph.
    #[must_use]
    pub fn hub(&self, telegraph: TelegraphId) -> &Hub {
        &self.hubs[usize::from(telegraph.0)]
    }

    /// Where effects go that are not for stations.
    pub fn ports(&mut self) -> &mut P {
        &mut self.ports
    }

    /// How many bytes this station is owed, and how many of its input are kept unprocessed.
    #[must_use]
    pub fn owed_and_kept(&self, key: Key) -> Option<(usize, usize)> {
        let slot = self.slots.get(key.slot as usize)?.as_ref()?;
        let owed = slot.outbox.as_ref().map_or(0, |outbox| outbox.owed());
        (slot.generation == key.generation).then_some((owed, slot.kept.len()))
    }

    /// This station's socket.
    pub fn socket(&mut self, key: Key) -> Option<&mut S> {
        self.slot(key).map(|slot| &mut slot.socket)
    }

    fn carry_out(&mut self, now: Now, telegraph: TelegraphId, effect: Effect) {
        let seconds = now.seconds();
        match effect {
            Effect::Say { to, message } => self.send(now, to, &outgoing::message(&message).into()),
            Effect::Greet { to, messages, behind } => {
                let Some(wire) = self.slot(to).map(|slot| slot.wire) else { return };
                let frames: Vec<_> = messages
                    .iter()
                    .map(|(seq, message)| match seq {
                        Some(seq) => outgoing::state(wire, *seq, message),
                        None => outgoing::message(message),
                    })
                    .collect();
                if !frames.is_empty() {
                    self.send(now, to, &frames.concat().into());
                }
                if let Some(slot) = self.slot(to).filter(|slot| !slot.is_leaving()) {
                    slot.stage = match behind {
                        Some(known) => Stage::Behind { known, seen: None },
                        None => Stage::Greeted,
                    };
                }
                if behind.is_some() {
                    self.ready(to);
                }
            }
            Effect::Push { seq, text, json } => {
                self.push(telegraph, seq, text.as_deref(), &json, seconds);
            }
            Effect::TellHealth(json) => {
                self.tell(telegraph, "source", &json, |slot, frame| slot.send(frame, seconds));
            }
            Effect::TellRoll(json) => {
                self.tell(telegraph, "roll", &json, |slot, frame| match slot.wire {
                    Wire::Sse => Ok(()),
                    _ => slot.tell_roll(frame, seconds),
                });
            }
            Effect::Farewell(json) => self.farewell(now, telegraph, &json),
            Effect::WrongToken(key) => {
                if let Some(slot) = self.slot(key) {
                    slot.socket.wrong_token();
                }
            }
            Effect::Close { key, code } => {
                let Some(wire) = self.slot(key).map(|slot| slot.wire) else { return };
                self.tally.replaced += u64::from(code == close::REPLACED);
                let end = outgoing::close(wire, Some(code), "");
                self.leave(now, key, Stage::CloseSent { since: seconds }, end);
            }
            Effect::Hold(key) => {
                if let Some(slot) = self.slot(key) {
                    slot.held = true;
                }
            }
            Effect::Resume(key) => {
                if let Some(slot) = self.slot(key) {
                    slot.held = false;
                    slot.last_heard = seconds;
                    self.ready(key);
                }
            }
            Effect::Store { file, ticket, text } => {
                if let Err(reason) = self.ports.store(telegraph, file, ticket, text) {
                    self.run(now, telegraph, Event::Stored { file, ticket, result: Err(reason) });
                }
            }
            Effect::Abandon { file, ticket } => self.ports.abandon(telegraph, file, ticket),
            Effect::Record(entry) => self.ports.record(telegraph, entry),
            Effect::Respond { ticket, outcome } => self.ports.respond(ticket, outcome),
            Effect::Publish(snapshot) => self.ports.publish(telegraph, snapshot),
            Effect::Log(line) => self.ports.log(&line),
            Effect::AskShutdown => self.ports.ask_shutdown(),
        }
    }

    fn slot(&mut self, key: Key) -> Option<&mut Slot<S>> {
        let slot = self.slots.get_mut(key.slot as usize)?.as_mut()?;
        (slot.generation == key.generation).then_some(slot)
    }
}

#[cfg(test)]
pub(super) mod tests;
