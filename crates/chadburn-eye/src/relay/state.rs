//! The rule and whoever waits for it: all connections share one, each looks at it for as long as one event takes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::rule::{Effect, Event, Next, Role, Rule};
use crate::wire::ObjectId;

/// What all connections share.
#[derive(Debug)]
pub(super) struct State {
    shared: Mutex<Shared>,
    start: Instant,
}

#[derive(Debug)]
struct Shared {
    rule: Rule,
    signals: HashMap<u64, Arc<Signals>>,
    /// The key of the next connection.
    next_key: u64,
    /// Kept for the next event.
    effects: Vec<Effect>,
}

/// What one connection waits for.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// There is something to take.
    pub(super) woken: Notify,
    /// It is closed.
    pub(super) closed: Notify,
}

impl State {
    /// Nobody is there yet; the first object gets this number.
    pub(super) fn new(first: ObjectId) -> Self {
        let shared = Shared {
            rule: Rule::new(first),
            signals: HashMap::new(),
            next_key: 0,
            effects: Vec::new(),
        };
        Self { shared: Mutex::new(shared), start: Instant::now() }
    }

    /// A new connection.
    pub(super) fn join(&self, role: Role) -> (u64, Arc<Signals>) {
        let signals = Arc::new(Signals::default());
        let mut shared = self.shared();
        let key = shared.next_key;
        shared.next_key += 1;
        shared.signals.insert(key, signals.clone());
        shared.happen(self.start, Event::Joined(key, role));
        (key, signals)
    }

    /// Something happens.
    pub(super) fn happen(&self, event: Event<'_>) {
        let mut shared = self.shared();
        shared.happen(self.start, event);
        if let Event::Left(key) = event {
            shared.signals.remove(&key);
        }
    }

    /// What this connection is to send next.
    pub(super) fn take(&self, key: u64) -> Next {
        self.shared().rule.take(key)
    }

    /// Looks at the rule.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Rule) -> T) -> T {
        look(&self.shared().rule)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // A panic in one turn must not end all others.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn happen(&mut self, start: Instant, event: Event<'_>) {
        self.rule.step(start.elapsed(), event, &mut self.effects);
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Wake(key) => {
                    if let Some(it) = self.signals.get(&key) {
                        it.woken.notify_one();
                    }
                }
                Effect::Close(key) => {
                    if let Some(it) = self.signals.get(&key) {
                        it.closed.notify_one();
                    }
                }
                Effect::Log(true, line) => tracing::warn!("{line}"),
                Effect::Log(false, line) => tracing::info!("{line}"),
            }
        }
    }
}
