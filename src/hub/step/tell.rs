//! What is known, put into messages: greetings, pushes, the roll, the snapshot.

use std::sync::Arc;
use std::time::Duration;

use chadburn_v1::{Dial, May, Message, Welcome};

use super::{Greeting, Hub};
use crate::clock::Now;
use crate::entry::{Entry, What};
use crate::file::File;
use crate::hub::{Effect, HEARTBEAT_SECONDS, Key, Snapshot};
use crate::policy::{Act, Peer, Policy};
use crate::session::Session;
use crate::telegraph::TelegraphState;
use crate::telegraph::history::Missed;
use crate::wire::{Wire, text};
use chadburn_host::log::escaped;
use live_file::writing::Health;

/// How often the roll is told at most.
const ROLL_REST: Duration = Duration::from_millis(250);

/// How much longer it rests for each station that is there: telling ten thousand of them takes time,
/// and an order, or another thousand newcomers, may be next.
const ROLL_REST_A_STATION: Duration = Duration::from_micros(100);

impl Hub {
    /// Greets a newcomer; one that was away is told first what it has missed.
    pub(super) fn greet(&self, now: Now, to: Key, greeting: &Greeting, effects: &mut Vec<Effect>) {
        let Some(station) = self.station(to) else { return };
        let session = &station.session;
        let mut messages = match session.wire {
            Wire::Text => vec![
                (None, text::CONNECTED.into()),
                (None, text::snapshot(self.telegraph.status())),
            ],
            Wire::Json => vec![(None, self.welcome(now, session, &greeting.secret))],
            Wire::Sse => Vec::new(),
        };
        let behind = greeting.known_seq.filter(|_| session.wire != Wire::Text);
        if behind.is_none() {
            messages.extend(self.present(session.wire, None));
        }
        effects.push(Effect::Greet { to, messages, behind });
    }

    /// A station that was away has been told everything up to `seen`, or there was nothing to tell.
    pub(super) fn caught_up(&self, to: Key, seen: Option<u64>, effects: &mut Vec<Effect>) {
        let Some(station) = self.station(to) else { return };
        let messages = self.present(station.session.wire, seen);
        effects.push(Effect::Greet { to, messages, behind: None });
    }

    fn welcome(&self, now: Now, session: &Session, secret: &str) -> String {
        Message::Welcome(Welcome {
            station: session.station_id,
            server: env!("CARGO_PKG_VERSION"),
            assets: &self.assets,
            dial: Dial::from(&self.dial),
            heartbeat_ms: HEARTBEAT_SECONDS * 1000,
            at: Some(now.unix_ms),
            resume: secret,
            token: self.policy.visitors.token.is_some() && !session.peer.trusted,
            may: may(&self.policy, &session.peer),
        })
        .encode()
    }

    /// The present state and what belongs to it, on this wire, with a state's number; without the
    /// state for whoever has just `seen` it.
    fn present(&self, wire: Wire, seen: Option<u64>) -> Vec<(Option<u64>, String)> {
        let mut messages = Vec::new();
        if wire != Wire::Text && seen != Some(self.telegraph.seq()) {
            messages.push((Some(self.telegraph.seq()), self.state(self.telegraph.current())));
        }
        if wire == Wire::Json {
            // The state tells the status file's health; of the others nobody would hear until
            // they change.
            for file in [File::Accept, File::Book] {
                let unwell = self.health_of(file).filter(|it| !it.is_well());
                messages.extend(unwell.map(|health| (None, source(file, health))));
            }
            let roll = self.sent_roll.as_deref().map_or_else(|| self.roll(), str::to_owned);
            messages.push((None, roll));
        }
        messages
    }

    /// The next thing that a station must be told which knows everything up to `seen`: up to which
    /// number it then knows everything, whether that was a state or a gap, and the message.
    #[must_use]
    pub fn after(&self, seen: u64) -> Option<(u64, bool, String)> {
        Some(match self.telegraph.after(seen)? {
            Missed::State(state) => (state.seq, true, self.state(state)),
            Missed::Gap { from, to } => (to, false, Message::<&str>::Gap { from, to }.encode()),
        })
    }

    /// Tells everybody the state, and text stations the status if they are to hear it.
    pub(super) fn push(&self, text: Option<&str>, effects: &mut Vec<Effect>) {
        // Published first: whoever has heard a push must find HTTP saying the same.
        let snapshot = self.snapshot();
        let json = Arc::clone(&snapshot.state);
        effects.push(Effect::Publish(snapshot));
        effects.push(Effect::Push { seq: self.telegraph.seq(), text: text.map(Arc::from), json });
    }

    /// Tells the roll, if it has changed and has rested. A `state` with a new order clears it
    /// without a word, so that an order costs one message and not two.
    pub(super) fn tell_roll(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let stations = u32::try_from(self.greeted_count).unwrap_or(u32::MAX);
        let rest = ROLL_REST + ROLL_REST_A_STATION * stations;
        let rests = self.roll_sent_at.is_some_and(|told| now.since_start < told + rest);
        if !self.roll_changed || rests || self.closing {
            return;
        }
        (self.roll_changed, self.roll_sent_at) = (false, Some(now.since_start));
        let roll: Arc<str> = self.roll().into();
        self.sent_roll = Some(Arc::clone(&roll));
        effects.push(Effect::TellRoll(roll));
    }

    fn roll(&self) -> String {
        let stations = self.stations.iter().flatten();
        let named = stations.filter_map(|station| station.session.name.as_deref());
        let order = self.telegraph.order().map(|order| order.seq);
        Message::Roll(self.roll.form(order, self.greeted_count, named)).encode()
    }

    pub(super) fn publish(&self, effects: &mut Vec<Effect>) {
        effects.push(Effect::Publish(self.snapshot()));
    }

    fn snapshot(&self) -> Snapshot {
        let state = self.telegraph.current();
        let [status_file, accept_file, book] = self.health.clone();
        Snapshot {
            seq: state.seq,
            state: self.state(state).into(),
            status: state.order.as_ref().map(|order| Arc::clone(&order.status.text)),
            bell: state.bell(),
            status_file,
            accept_file,
            book,
            closing: self.closing,
        }
    }

    fn state(&self, state: &TelegraphState) -> String {
        state.message(self.health_of(File::Status).unwrap_or(&Health::UNSETTLED))
    }

    fn health_of(&self, file: File) -> Option<&Health> {
        self.health[file as usize].as_ref()
    }
}

/// The health of this file has changed.
pub(super) fn source(file: File, health: &Health) -> String {
    Message::Source { file: file.name(), health: crate::file::health(health) }.encode()
}

/// What this peer may do has changed.
pub(super) fn allowed(policy: &Policy, peer: &Peer) -> String {
    Message::<&str>::May(may(policy, peer)).encode()
}

/// What a peer may do beside answering.
fn may(policy: &Policy, peer: &Peer) -> May {
    let may = |act| policy.judge(peer, act).is_ok();
    May { order: may(Act::Order), shutdown: may(Act::Shutdown) }
}

/// What the log says of an entry.
pub(super) fn line(entry: &Entry) -> String {
    let status = escaped(entry.status.as_deref().unwrap_or_default());
    match entry.what {
        What::Order => format!("Status changed to: {status}"),
        What::Repeat => format!("Status repeated: {status}"),
        _ => format!("Reply: {status}"),
    }
}
