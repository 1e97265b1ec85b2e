//! Who has a turn, and what it costs: one station after the other, each for so long and no longer.

use super::{Engine, Ports, Socket, budget};
use crate::clock::Now;
use crate::hub::{Event, Key};

/// How many of those who are gone are dropped before the next station has its turn.
const DROPS: usize = 16;

impl<S: Socket, P: Ports> Engine<S, P> {
    /// This station's socket may have something to read or take something more: it gets a turn.
    pub fn ready(&mut self, key: Key) {
        if let Some(slot) = self.slot(key).filter(|slot| !slot.in_turn_queue) {
            slot.in_turn_queue = true;
            self.turn_queue.push_back(key);
        }
    }

    /// Serves the station that has waited longest for its turn, which is bounded, and drops some of
    /// those who are gone; returns whether there is more to do that needs no further event.
    pub fn serve(&mut self, now: Now) -> bool {
        if let Some(key) = self.turn_queue.pop_front()
            && let Some(slot) = self.slot(key)
        {
            slot.in_turn_queue = false;
            (self.at_work, self.turn_left) = (Some(key), budget::A_TURN);
            self.flush(now, key);
            self.bring_up_to_date(now, key);
            self.listen(now, key);
            self.at_work = None;
        }
        for _ in 0..DROPS {
            let Some(key) = self.dead.pop() else { break };
            if let Some(slot) = self.slot(key) {
                let (wire, telegraph) = (slot.wire, slot.telegraph);
                let overfull = slot.outbox.as_ref().is_some_and(|outbox| outbox.is_overfull());
                self.tally.overfull += u64::from(overfull);
                self.tally.sockets[wire as usize] -= 1;
                self.slots[key.slot as usize] = None;
                self.free.push(key.slot);
                self.run(now, telegraph, Event::Left { key });
            }
        }
        self.is_busy()
    }

    /// Serves everybody who waits, once; returns whether there is more to do. For simulations and tests;
    /// the driver calls [`Engine::serve`].
    pub fn serve_all(&mut self, now: Now) -> bool {
        for _ in 0..self.turn_queue.len().max(1) {
            self.serve(now);
        }
        self.is_busy()
    }

    /// Whether somebody waits for a turn, or to be dropped.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.turn_queue.is_empty() || !self.dead.is_empty()
    }

    /// Takes so many units off the present turn, and off this station's budget.
    pub(super) fn charge(&mut self, key: Key, units: u32) {
        self.turn_left = self.turn_left.saturating_sub(units);
        if let Some(slot) = self.slot(key) {
            slot.budget.charge(units);
        }
    }
}
