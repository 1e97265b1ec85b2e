//! How stations come and go: at once, or where reading needs the token only when they have given it.

use std::time::Duration;

use chadburn_v1::{Code, Message};

use super::lines::LineKind;
use super::{Greeting, Hub, Station, tell};
use crate::clock::Now;
use crate::hub::frame::close;
use crate::hub::{Effect, Key};
use crate::policy::{Act, Policy, Refusal};
use crate::session::Session;
use crate::wire::Wire;

/// How long a station has for the token that it must give first. A program has it at hand; the panel closes
/// its connection until a person has typed it.
const TOKEN_PATIENCE: Duration = Duration::from_secs(10);

/// How many wait for their token at once; whoever comes beyond takes the place of the first.
const UNPROVEN_MAX: usize = 256;

/// How many wrong tokens one connection may give.
const WRONG_TOKENS_MAX: u8 = 5;

impl Hub {
    pub(super) fn joined(
        &mut self,
        now: Now,
        key: Key,
        session: Session,
        greeting: Greeting,
        effects: &mut Vec<Effect>,
    ) {
        if self.closing {
            effects.push(Effect::Close { key, code: close::GOING_AWAY });
            return;
        }
        let may_read = self.policy.judge(&session.peer, Act::Read).is_ok();
        if !may_read && session.wire != Wire::Json {
            // HTTP has already refused these; one gets here only if the token was changed in between.
            return turn_away(key, effects);
        }
        let slot = key.slot as usize;
        if self.stations.len() <= slot {
            self.stations.resize_with(slot + 1, || None);
        }
        let (generation, wrong_tokens) = (key.generation, 0);
        self.stations[slot] = Some(Station { generation, session, greeting: None, wrong_tokens });
        if may_read {
            return self.introduce(now, key, &greeting, effects);
        }
        if let Some(station) = self.station_mut(key) {
            station.greeting = Some(Box::new(greeting));
        }
        if self.unproven.len() == UNPROVEN_MAX
            && let Some((_, first)) = self.unproven.pop_front()
        {
            turn_away(first, effects);
        }
        self.unproven.push_back((now.since_start, key));
        effects.push(token_required(key));
    }

    /// Greets a station that may read, in place of an older connection of the same station.
    fn introduce(&mut self, now: Now, key: Key, greeting: &Greeting, effects: &mut Vec<Effect>) {
        let Some(station) = self.station(key) else { return };
        let (id, wire) = (station.session.station_id, station.session.wire);
        let from = station.session.peer.address;
        self.log((LineKind::Coming, Some(from)), || format!("New Client: {id}"), effects);
        if wire == Wire::Json
            && let Some(older) = self.by_id.insert(id, key)
        {
            let message = Message::Farewell { reason: "replaced" }.encode();
            effects.push(Effect::Say { to: older, message });
            effects.push(Effect::Close { key: older, code: close::REPLACED });
        }
        self.greeted_count += 1;
        self.roll_changed = true;
        self.greet(now, key, greeting, effects);
    }

    /// Whether this station must give the token before it is greeted.
    pub(super) fn is_unproven(&self, key: Key) -> bool {
        self.station(key).is_some_and(|station| station.greeting.is_some())
    }

    /// A station that must give the token has said something else first.
    pub(super) fn spoke_too_early(key: Key, effects: &mut Vec<Effect>) {
        effects.push(token_required(key));
        turn_away(key, effects);
    }

    /// A station has given the token: its greeting is sent.
    pub(super) fn token_accepted(&mut self, now: Now, key: Key, effects: &mut Vec<Effect>) {
        let greeting = self.station_mut(key).and_then(|station| station.greeting.take());
        self.unproven.retain(|(_, other)| *other != key);
        match greeting {
            Some(greeting) => self.introduce(now, key, &greeting, effects),
            None => self.tell_permissions(key, effects),
        }
    }

    /// A station has given a wrong token. It is counted against its address too, so that reconnecting
    /// gives nobody more guesses.
    pub(super) fn token_rejected(&mut self, key: Key, effects: &mut Vec<Effect>) {
        effects.push(Effect::WrongToken(key));
        let Some(station) = self.station_mut(key) else { return };
        station.wrong_tokens = station.wrong_tokens.saturating_add(1);
        if station.greeting.is_some() || station.wrong_tokens >= WRONG_TOKENS_MAX {
            turn_away(key, effects);
        }
    }

    /// Closes the connections that have not given the token in time.
    pub(super) fn expire_unproven(&mut self, now: Now, effects: &mut Vec<Effect>) {
        while let Some(&(since, key)) = self.unproven.front()
            && now.since_start >= since + TOKEN_PATIENCE
        {
            self.unproven.pop_front();
            turn_away(key, effects);
        }
    }

    pub(super) fn left(&mut self, key: Key, effects: &mut Vec<Effect>) {
        let Some(place) = self.stations.get_mut(key.slot as usize) else { return };
        if let Some(station) = place.take_if(|station| station.generation == key.generation) {
            if station.greeting.is_some() {
                self.unproven.retain(|(_, other)| *other != key);
                return;
            }
            let id = station.session.station_id;
            if self.by_id.get(&id) == Some(&key) {
                self.by_id.remove(&id);
            }
            self.greeted_count -= 1;
            self.roll_changed = true;
            let from = station.session.peer.address;
            let line = || format!("Client {id} disconnected.");
            self.log((LineKind::Coming, Some(from)), line, effects);
        }
    }

    /// The policy has changed. Whoever gave the old token must give the new one; where reading needs
    /// it, its connection is closed.
    pub(super) fn new_policy(&mut self, policy: Policy, effects: &mut Vec<Effect>) {
        let same = policy.visitors.token == self.policy.visitors.token;
        self.policy = policy;
        if same {
            return;
        }
        for slot in 0..self.stations.len() {
            let Some(station) = &mut self.stations[slot] else { continue };
            station.session.peer.trusted = false;
            let (peer, wire) = (station.session.peer, station.session.wire);
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            let key = Key { slot, generation: station.generation };
            if self.policy.judge(&peer, Act::Read).is_err() {
                if station.greeting.is_none() {
                    turn_away(key, effects);
                }
            } else if wire == Wire::Json {
                self.tell_permissions(key, effects);
            }
        }
    }

    fn tell_permissions(&self, to: Key, effects: &mut Vec<Effect>) {
        let Some(station) = self.station(to) else { return };
        let message = tell::allowed(&self.policy, &station.session.peer);
        effects.push(Effect::Say { to, message });
    }
}

fn turn_away(key: Key, effects: &mut Vec<Effect>) {
    effects.push(Effect::Close { key, code: close::TOKEN_REQUIRED });
}

fn token_required(to: Key) -> Effect {
    let message = Refusal::TokenRequired.to_string();
    let error = Message::Error { id: None, code: Code::TokenRequired, message: &message };
    Effect::Say { to, message: error.encode() }
}
