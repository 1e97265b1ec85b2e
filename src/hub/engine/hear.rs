//! Everything that stations say: read, taken apart into messages, and handed to the hub.

use std::io::ErrorKind;

use super::slot::Stage;
use super::{Engine, Ports, Socket};
use crate::clock::Now;
use crate::hub::frame::{self, Incoming, opcode};
use crate::hub::{Event, Key, Wire};

/// How many times a station is read from before the others have their turn.
const READS_A_TURN: usize = 4;

impl<S: Socket, P: Ports> Engine<S, P> {
    /// Hears a station out, as far as it may be heard now.
    pub(super) fn listen(&mut self, now: Now, key: Key) {
        self.digest(now, key, None);
        let mut scratch = std::mem::take(&mut self.scratch);
        for turn in 0.. {
            let Some(slot) = self.slot(key).filter(|slot| slot.may_be_heard()) else {
                break;
            };
            if turn == READS_A_TURN {
                self.unheard.push(key);
                break;
            }
            match slot.socket.read(&mut scratch) {
                Ok(0) => {
                    self.dead.push(key);
                    break;
                }
                Ok(length) => {
                    slot.heard = now.seconds();
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
    /// no whole message left or the station may not be heard; keeps the rest.
    pub(super) fn digest(&mut self, now: Now, key: Key, fresh: Option<&mut [u8]>) {
        let Some(slot) = self.slot(key) else { return };
        let since = now.seconds();
        let mut kept = std::mem::take(&mut slot.kept);
        let mut input: &mut [u8] = match fresh {
            Some(fresh) if kept.is_empty() => fresh,
            Some(fresh) => {
                kept.extend_from_slice(fresh);
                &mut kept
            }
            None => &mut kept,
        };
        while let Some(slot) = self.slot(key).filter(|slot| slot.may_be_heard()) {
            if slot.wire == Wire::Sse {
                // Whatever it says, nobody asked.
                return;
            }
            if let Stage::Refused { .. } = slot.stage {
                // Its frames make no sense any more, but its answer to our close mostly does.
                if input.first() == Some(&(0x80 | opcode::CLOSE)) {
                    self.dead.push(key);
                }
                return;
            }
            let closing = slot.is_leaving();
            match slot.decoder.next(&mut input) {
                Ok(None) => break,
                Ok(Some(Incoming::Close(_))) | Err(_) if closing => {
                    self.dead.push(key);
                    return;
                }
                Ok(Some(_)) if closing => {}
                Ok(Some(Incoming::Text(message))) => {
                    self.run(now, Event::Heard { key, message: &message });
                }
                Ok(Some(Incoming::Ping(payload))) => {
                    self.send(now, key, &frame::encode(opcode::PONG, payload).into());
                }
                Ok(Some(Incoming::Pong)) => {}
                Ok(Some(Incoming::Close(code))) => {
                    let answer = frame::encode_close(code, "");
                    return self.leave(now, key, Stage::Answered { since }, answer);
                }
                Err(violation) => {
                    self.tally.violations += 1;
                    let end = frame::encode_close(Some(violation.code), violation.reason);
                    return self.leave(now, key, Stage::Refused { since }, end);
                }
            }
        }
        if let Some(slot) = self.slot(key) {
            slot.kept = input.to_vec();
        }
    }
}
