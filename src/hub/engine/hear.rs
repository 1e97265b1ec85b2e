//! Everything that stations say: read, taken apart into messages, and handed to the hub.

use std::io::ErrorKind;

use super::slot::Stage;
use super::{Engine, Ports, READ_SIZE, Socket, budget};
use crate::clock::Now;
use crate::hub::frame::{self, Incoming, opcode};
use crate::hub::{Event, Key, Wire, outgoing};

/// How much is read at once of a station of which no more than that is kept: most messages are
/// shorter, and of one that sends many at a time no more than this waits in memory.
const FIRST_READ: usize = 8 * 1024;

impl<S: Socket, P: Ports> Engine<S, P> {
    /// Hears a station out, as far as it may be heard now, its turn lasts and its budget goes.
    pub(super) fn listen(&mut self, now: Now, key: Key) {
        self.digest(now, key, None);
        let mut scratch = std::mem::take(&mut self.scratch);
        loop {
            let is_over = self.turn_left == 0;
            // Whoever has used up its budget has its next turn when it has been given something back.
            let Some(slot) = self.slot(key).filter(|slot| slot.may_be_heard_now()) else { break };
            if is_over {
                self.ready(key);
                break;
            }
            let most = slot.kept.len().clamp(FIRST_READ, READ_SIZE);
            match slot.socket.read(&mut scratch[..most]) {
                // It may still read. One that does not resets the connection when something is sent.
                Ok(0) if slot.wire == Wire::Sse => {
                    if !std::mem::replace(&mut slot.input_ended, true) {
                        self.send(now, key, &outgoing::ping(Wire::Sse).into());
                    } else if slot.socket.is_cut() {
                        self.dead.push(key);
                    }
                    break;
                }
                Ok(0) => {
                    self.dead.push(key);
                    break;
                }
                Ok(length) => {
                    slot.last_heard = now.seconds();
                    self.charge(key, budget::bytes(length));
                    self.digest(now, key, Some(&mut scratch[..length]));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.dead.push(key);
                    break;
                }
            }
        }
        self.scratch = scratch;
    }

    /// Takes apart what has come from a station, after what was kept of it before, until there is
    /// no whole message left, the station may not be heard or its turn is over; keeps the rest.
    pub(super) fn digest(&mut self, now: Now, key: Key, fresh: Option<&mut [u8]>) {
        let Some(slot) = self.slot(key) else { return };
        let since = now.seconds();
        let mut kept = std::mem::take(&mut slot.kept);
        let fresh = fresh.unwrap_or_default();
        let is_fresh = kept.is_empty();
        if !is_fresh {
            kept.extend_from_slice(fresh);
        }
        let kept_length = kept.len();
        let mut input = if is_fresh { fresh } else { &mut kept[..] };
        while self.turn_left > 0
            && let Some(slot) = self.slot(key).filter(|slot| slot.may_be_heard_now())
        {
            if slot.wire == Wire::Sse {
                // Whatever it says, nobody asked.
                return;
            }
            if let Stage::ClosingOnError { .. } = slot.stage {
                // Its frames make no sense any more, but its answer to our close mostly does.
                if input.first() == Some(&(0x80 | opcode::CLOSE)) {
                    self.dead.push(key);
                }
                return;
            }
            let (closing, telegraph) = (slot.is_leaving(), slot.telegraph);
            match slot.decoder.next(&mut input) {
                Ok(None) => break,
                Ok(Some(Incoming::Close(_))) | Err(_) if closing => {
                    self.dead.push(key);
                    return;
                }
                Ok(Some(_)) if closing => {}
                Ok(Some(Incoming::Text(message))) => {
                    self.charge(key, 1);
                    self.run(now, telegraph, Event::Heard { key, message: &message });
                    if self.slot(key).is_some_and(|slot| slot.held) {
                        self.charge(key, budget::telling(self.sockets()));
                    }
                }
                Ok(Some(Incoming::Ping(payload))) => {
                    self.charge(key, 1);
                    self.send(now, key, &frame::encode(opcode::PONG, payload).into());
                }
                Ok(Some(Incoming::Pong)) => {}
                Ok(Some(Incoming::Close(code))) => {
                    let answer = frame::encode_close(code, "");
                    return self.leave(now, key, Stage::Draining { since }, answer);
                }
                Err(violation) => {
                    self.tally.violations += 1;
                    let end = frame::encode_close(Some(violation.code), violation.reason);
                    return self.leave(now, key, Stage::ClosingOnError { since }, end);
                }
            }
        }
        let rest = input.len();
        if let Some(slot) = self.slot(key) {
            // What nothing was taken of stays where it is: it may come byte by byte.
            slot.kept = if rest == kept_length { kept } else { input.to_vec() };
        }
    }
}
