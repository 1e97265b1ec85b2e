//! One station: bytes go in, what it heard goes into the ledger, and now and then it has something
//! to say. Knows no socket and reads no clock.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::judge::{Faults, Judge};
use crate::wire::{self, Ear, Wire};
use crate::{frame, handshake};

/// What all stations heard, taken together.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// What every station expects as `Sec-WebSocket-Accept`.
    accept: String,
    /// What every station says once it is let in.
    opening: Option<Vec<u8>>,
    wire: Wire,
    ear: Ear,
    /// So many of the first values are not measured.
    warm_up: u32,
    /// When the write of each value ended; number 1 comes first.
    ends: Vec<Instant>,
    /// Nanoseconds from the end of a write to the read that brought it, for each delivery that
    /// is measured.
    latencies: Vec<u64>,
    /// Stations that have the newest value.
    reached: usize,
    /// Stations whose greeting is complete.
    pub(crate) greeted: usize,
    /// Messages that were no status.
    pub(crate) others: u64,
}

impl Ledger {
    /// A ledger for stations on this wire that measures no value up to number `warm_up`, and has
    /// room for so many deliveries: none of them shall wait until memory is found.
    pub(crate) fn new(wire: Wire, warm_up: u32, deliveries: usize) -> Self {
        Self {
            accept: handshake::expected_accept(),
            opening: wire.opening(),
            wire,
            ear: Ear::new(wire),
            warm_up,
            ends: Vec::new(),
            latencies: Vec::with_capacity(deliveries),
            reached: 0,
            greeted: 0,
            others: 0,
        }
    }

    /// The wire they speak.
    pub(crate) fn wire(&self) -> Wire {
        self.wire
    }

    /// The next value was written, and its write ended at `at`.
    pub(crate) fn wrote(&mut self, at: Instant) {
        self.ends.push(at);
        self.reached = 0;
    }

    /// How many values were written.
    pub(crate) fn written(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// How many stations have the newest value.
    pub(crate) fn reached(&self) -> usize {
        self.reached
    }

    /// All latencies so far, in nanoseconds.
    pub(crate) fn latencies(&self) -> &[u64] {
        &self.latencies
    }
}

/// One station's state.
#[derive(Debug)]
pub(crate) struct Station {
    stage: Stage,
    /// Bytes of an answer or a frame that is not complete yet.
    held: Vec<u8>,
    /// Bytes that this station has to say.
    pub(crate) outgoing: Vec<u8>,
    judge: Judge,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Waits for the answer to its handshake.
    Shaking,
    /// Has heard so many messages of its greeting.
    Greeting(u8),
    /// Hears statuses.
    Listening,
}

impl Station {
    /// A station that has `request` to say.
    pub(crate) fn new(request: &[u8]) -> Self {
        Self {
            stage: Stage::Shaking,
            held: Vec::new(),
            outgoing: request.to_vec(),
            judge: Judge::default(),
        }
    }

    /// Takes in what one read(2), which returned at `at`, brought.
    pub(crate) fn take_in(&mut self, bytes: &[u8], at: Instant, ledger: &mut Ledger) -> Result<()> {
        if self.held.is_empty() {
            let used = self.digest(bytes, at, ledger)?;
            self.held.extend_from_slice(&bytes[used..]);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let used = self.digest(&held, at, ledger)?;
            held.drain(..used);
            self.held = held;
        }
        if self.held.is_empty() {
            self.held = Vec::new();
        }
        Ok(())
    }

    /// What this station's hearing was like.
    pub(crate) fn verdict(&self, written: u32) -> Faults {
        self.judge.verdict(written)
    }

    /// Works through the complete parts of `bytes`; how many bytes these were.
    fn digest(&mut self, bytes: &[u8], at: Instant, ledger: &mut Ledger) -> Result<usize> {
        let mut used = 0;
        if matches!(self.stage, Stage::Shaking) {
            let Some(length) = handshake::head_length(bytes) else {
                if bytes.len() > handshake::HEAD_LIMIT {
                    bail!("an endless answer to the handshake");
                }
                return Ok(0);
            };
            ledger.wire.check_answer(&bytes[..length], &ledger.accept)?;
            self.stage = Stage::Greeting(0);
            if let Some(opening) = &ledger.opening {
                self.outgoing.extend(frame::from_client(frame::BINARY, opening, mask(at)));
            }
            used = length;
        }
        if ledger.wire == Wire::Sse {
            while let Some((state, length)) = wire::event(&bytes[used..]) {
                used += length;
                match state {
                    Some(state) => self.hear(state, at, ledger)?,
                    None => ledger.others += 1,
                }
            }
            return Ok(used);
        }
        while let Some((frame, length)) = frame::parse(&bytes[used..])? {
            used += length;
            match frame.opcode {
                frame::TEXT | frame::BINARY => {
                    let mut rest = frame.payload;
                    loop {
                        let (message, others) = ledger.wire.first(frame.opcode, rest)?;
                        self.hear(message, at, ledger)?;
                        if others.is_empty() {
                            break;
                        }
                        rest = others;
                    }
                }
                frame::PING => {
                    ledger.others += 1;
                    let pong = frame::from_client(frame::PONG, frame.payload, mask(at));
                    self.outgoing.extend(pong);
                }
                frame::PONG => ledger.others += 1,
                _ => bail!("the server closed"),
            }
        }
        Ok(used)
    }

    fn hear(&mut self, payload: &[u8], at: Instant, ledger: &mut Ledger) -> Result<()> {
        match self.stage {
            Stage::Shaking => bail!("a message before the handshake"),
            Stage::Greeting(heard) => {
                self.stage = if ledger.ear.greeting(heard, payload)? {
                    ledger.greeted += 1;
                    Stage::Listening
                } else {
                    Stage::Greeting(heard.checked_add(1).context("an endless greeting")?)
                };
            }
            Stage::Listening => {
                let Some(value) = ledger.ear.status(payload)? else {
                    ledger.others += 1;
                    return Ok(());
                };
                let written = ledger.written();
                if let Some(number) = self.judge.hear(value, written) {
                    if number > ledger.warm_up {
                        let took = at.saturating_duration_since(ledger.ends[number as usize - 1]);
                        ledger.latencies.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
                    }
                    if number == written {
                        ledger.reached += 1;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A mask that differs from frame to frame. A browser's must be unguessable, so that no page can
/// write bytes of its choice to a proxy; on loopback there is none.
fn mask(at: Instant) -> [u8; 4] {
    at.elapsed().subsec_nanos().wrapping_mul(0x9E37_79B1).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HELLO, value};

    fn greeted() -> (Station, Ledger) {
        greeted_with_warm_up(0)
    }

    fn greeted_with_warm_up(warm_up: u32) -> (Station, Ledger) {
        let request = handshake::request("h", None);
        let mut ledger = Ledger::new(Wire::Text, warm_up, 10);
        let mut station = Station::new(&request);
        let mut bytes = handshake::answer(&request).unwrap().into_bytes();
        bytes.extend(frame::from_server(HELLO));
        bytes.extend(frame::from_server("start&1"));
        station.outgoing.clear();
        station.take_in(&bytes, Instant::now(), &mut ledger).unwrap();
        assert_eq!(ledger.greeted, 1);
        (station, ledger)
    }

    #[test]
    fn a_status_counts_wherever_the_reads_cut_it() {
        let (mut station, mut ledger) = greeted();
        let mut bytes = Vec::new();
        for number in 1..=3 {
            ledger.wrote(Instant::now());
            bytes.extend(frame::from_server(&value(number)));
        }
        for byte in bytes {
            station.take_in(&[byte], Instant::now(), &mut ledger).unwrap();
        }
        assert_eq!(station.verdict(3), Faults::default());
        assert_eq!((ledger.latencies().len(), ledger.reached()), (3, 1));
    }

    #[test]
    fn a_warm_up_is_judged_and_not_measured() {
        let (mut station, mut ledger) = greeted_with_warm_up(2);
        for number in 1..=3 {
            ledger.wrote(Instant::now());
            let bytes = frame::from_server(&value(number));
            station.take_in(&bytes, Instant::now(), &mut ledger).unwrap();
        }
        assert_eq!(station.verdict(3), Faults::default());
        assert_eq!((ledger.latencies().len(), ledger.reached()), (1, 1));
    }

    #[test]
    fn a_ping_is_answered_and_is_no_message() {
        let (mut station, mut ledger) = greeted();
        ledger.wrote(Instant::now());
        let ping = [0x80 | frame::PING, 2, b'h', b'i'];
        station.take_in(&ping, Instant::now(), &mut ledger).unwrap();
        let said = &station.outgoing;
        assert_eq!(said[..2], [0x80 | frame::PONG, 0x80 | 2]);
        assert_eq!([said[6] ^ said[2], said[7] ^ said[3]], *b"hi");
        assert_eq!((ledger.others, ledger.latencies().len()), (1, 0));
        assert_eq!(station.verdict(1).missing_last, 1);
    }

    #[test]
    fn a_repeated_status_moves_nothing() {
        let (mut station, mut ledger) = greeted();
        ledger.wrote(Instant::now());
        for _ in 0..2 {
            let bytes = frame::from_server(&value(1));
            station.take_in(&bytes, Instant::now(), &mut ledger).unwrap();
        }
        assert_eq!((ledger.reached(), ledger.latencies().len()), (1, 1));
        assert_eq!(station.verdict(1).duplicates, 1);
    }

    #[test]
    fn a_close_and_a_refusal_end_the_station() {
        let (mut station, mut ledger) = greeted();
        assert!(station.take_in(&[0x88, 0], Instant::now(), &mut ledger).is_err());
        let mut refused = Station::new(b"");
        let answer = b"HTTP/1.1 421 Misdirected Request\r\n\r\n";
        assert!(refused.take_in(answer, Instant::now(), &mut ledger).is_err());
    }
}
