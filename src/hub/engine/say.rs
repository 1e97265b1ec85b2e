//! Everything that stations are told, in the order in which it goes out.

use std::io;

use super::slot::{Slot, Stage};
use super::{Engine, Ports, Socket, budget};
use crate::clock::Now;
use crate::hub::frame::close;
use crate::hub::outbox::SharedFrame;
use crate::hub::{Event, Key, Wire, outgoing};
use crate::telegraph::TelegraphId;
use crate::wire::text;

impl<S: Socket, P: Ports> Engine<S, P> {
    /// Does this for every greeted station of a telegraph. The hot loop of the whole program.
    pub(super) fn for_greeted(
        &mut self,
        telegraph: TelegraphId,
        mut act: impl FnMut(&mut Slot<S>) -> io::Result<()>,
    ) {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if let Some(slot) = slot
                && slot.stage == Stage::Greeted
                && slot.telegraph == telegraph
                && act(slot).is_err()
            {
                self.dead.push(slot.key(index));
            }
        }
    }

    /// Tells everybody a state: one frame for each wire that somebody speaks.
    pub(super) fn push(
        &mut self,
        telegraph: TelegraphId,
        seq: u64,
        text: Option<&str>,
        json: &str,
        seconds: u32,
    ) {
        let [_, json_sockets, sse_sockets] = self.tally.sockets;
        let text = text.map(|text| SharedFrame::from(outgoing::message(text)));
        let sse =
            (sse_sockets > 0).then(|| SharedFrame::from(outgoing::state(Wire::Sse, seq, json)));
        let json = (json_sockets > 0).then(|| SharedFrame::from(outgoing::message(json)));
        let frames = [text, json, sse];
        let mut conflated = 0;
        self.for_greeted(telegraph, |slot| match &frames[slot.wire as usize] {
            Some(frame) => {
                conflated += u64::from(slot.outbox.is_some());
                slot.push(seq, frame, seconds)
            }
            None => Ok(()),
        });
        self.tally.conflated += conflated;
    }

    /// Tells this to JSON stations and event streams.
    pub(super) fn tell(
        &mut self,
        telegraph: TelegraphId,
        name: &str,
        json: &str,
        send: impl Fn(&mut Slot<S>, &SharedFrame) -> io::Result<()>,
    ) {
        let frames = [Wire::Json, Wire::Sse]
            .map(|it| SharedFrame::from(outgoing::json_event(it, name, json)));
        self.for_greeted(telegraph, |slot| match slot.wire {
            Wire::Text => Ok(()),
            Wire::Json => send(slot, &frames[0]),
            Wire::Sse => send(slot, &frames[1]),
        });
    }

    /// Tells a station that was away what it has missed, as fast as its socket takes it and its turn
    /// lasts. Nothing of it is owed before it is its turn, and nothing of it is held against it.
    pub(super) fn bring_up_to_date(&mut self, now: Now, key: Key) {
        loop {
            let is_over = self.turn_left == 0;
            let Some(slot) = self.slot(key).filter(|slot| slot.outbox.is_none()) else { return };
            let Stage::Behind { known, seen } = slot.stage else { return };
            if is_over {
                return self.ready(key);
            }
            let (wire, telegraph) = (slot.wire, slot.telegraph);
            let Some((up_to, is_state, message)) = self.hub(telegraph).after(known) else {
                return self.run(now, telegraph, Event::CaughtUp { key, seen });
            };
            let (frame, seen) = if is_state {
                (outgoing::state(wire, up_to, &message), Some(up_to))
            } else {
                (outgoing::json_event(wire, "gap", &message), seen)
            };
            self.turn_left = self.turn_left.saturating_sub(budget::bytes(frame.len()));
            self.send(now, key, &frame.into());
            if let Some(slot) = self.slot(key) {
                slot.stage = Stage::Behind { known: up_to, seen };
            }
        }
    }

    /// Says farewell to everyone who hears of a telegraph, and closes.
    pub(super) fn farewell(&mut self, now: Now, telegraph: TelegraphId, json: &str) {
        let with_end = |wire, message: Vec<u8>| {
            SharedFrame::from(
                [message, outgoing::close(wire, Some(close::GOING_AWAY), "")].concat(),
            )
        };
        let farewells = [
            with_end(Wire::Text, outgoing::message(text::FAREWELL)),
            with_end(Wire::Json, outgoing::message(json)),
            with_end(Wire::Sse, outgoing::json_event(Wire::Sse, "farewell", json)),
        ];
        let mut left = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let is_here = |slot: &&mut Slot<S>| slot.telegraph == telegraph && !slot.is_leaving();
            let Some(slot) = slot.as_mut().filter(is_here) else {
                continue;
            };
            let key = slot.key(index);
            if slot.send(&farewells[slot.wire as usize], now.seconds()).is_err() {
                self.dead.push(key);
                continue;
            }
            let since = now.seconds();
            slot.stage = match slot.wire {
                Wire::Sse => Stage::Draining { since },
                Wire::Text | Wire::Json => Stage::CloseSent { since },
            };
            slot.held = false;
            if slot.is_done() {
                self.dead.push(key);
            }
            left.push(key);
        }
        // Held or slow stations may have sent their close long ago.
        for key in left {
            self.ready(key);
            self.run(now, telegraph, Event::Left { key });
        }
    }

    /// Sends a station something of its own.
    pub(super) fn send(&mut self, now: Now, key: Key, frame: &SharedFrame) {
        let Some(slot) = self.slot(key).filter(|slot| !slot.is_leaving()) else {
            return;
        };
        if slot.send(frame, now.seconds()).is_err() {
            self.dead.push(key);
        }
    }

    /// Ends a conversation with a close frame; the socket stays until the stage has ended.
    pub(super) fn leave(&mut self, now: Now, key: Key, stage: Stage, frame: Vec<u8>) {
        if !frame.is_empty() {
            self.send(now, key, &frame.into());
        }
        if let Some(slot) = self.slot(key) {
            let telegraph = slot.telegraph;
            // A stream of events has no close that could be answered.
            slot.stage = match slot.wire {
                Wire::Sse => Stage::Draining { since: now.seconds() },
                Wire::Text | Wire::Json => stage,
            };
            slot.finish();
            if slot.is_done() {
                self.dead.push(key);
            }
            self.run(now, telegraph, Event::Left { key });
        }
    }

    /// Sends on what a station is owed, as far as its socket takes it.
    pub(super) fn flush(&mut self, now: Now, key: Key) {
        let Some(slot) = self.slot(key) else { return };
        if slot.outbox.is_none() {
            return;
        }
        let failed = slot.flush(now.seconds()).is_err();
        if failed || slot.is_done() {
            self.dead.push(key);
        }
    }
}
