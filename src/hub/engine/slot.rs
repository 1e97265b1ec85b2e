//! One station's socket, and how far its conversation has come.

use std::io::{self, ErrorKind};

use super::budget::Budget;
use super::{LINGER_SECONDS, PING_SECONDS, SILENCE_SECONDS, STUCK_SECONDS, Socket};
use crate::hub::frame::Decoder;
use crate::hub::outbox::{Outbox, SharedFrame};
use crate::hub::{HEARTBEAT_SECONDS, Key, Wire};
use crate::telegraph::TelegraphId;

/// The engine's side of one station. What hardly any station needs at a time is behind a pointer.
#[derive(Debug)]
pub(super) struct Slot<S> {
    /// The connection.
    pub(super) socket: S,
    /// The telegraph that it hears of.
    pub(super) telegraph: TelegraphId,
    /// Which of the stations that have had this place.
    pub(super) generation: u32,
    /// The language it speaks.
    pub(super) wire: Wire,
    /// How far its conversation has come.
    pub(super) stage: Stage,
    /// What it asked for is not answered yet; it is not heard until then.
    pub(super) held: bool,
    /// It waits for its turn.
    pub(super) in_turn_queue: bool,
    /// An event stream's client has shut down its sending side; it may still read.
    pub(super) input_ended: bool,
    /// What it has made us do lately.
    pub(super) budget: Budget,
    /// Takes its frames apart.
    pub(super) decoder: Decoder,
    /// Input not yet processed: an incomplete message, or what came while it was held.
    pub(super) kept: Vec<u8>,
    /// What its socket has not taken.
    pub(super) outbox: Option<Box<Outbox>>,
    /// When it was last heard, in seconds.
    pub(super) last_heard: u32,
    /// When its socket last took something that was owed, in seconds.
    last_taken: u32,
    /// Since when the outbox has not been empty, in seconds.
    owed_since: u32,
    /// When it was last pinged, in seconds.
    last_ping: u32,
    /// When it last heard a beat, in seconds.
    last_beat: u32,
}

/// How far a conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has not been greeted.
    Arriving,
    /// It is being brought up to date, and knows everything up to `known`; the last state that it
    /// was told was `seen`.
    Behind { known: u64, seen: Option<u64> },
    /// It hears pushes.
    Greeted,
    /// We have sent our close; the peer's is awaited, since then, in seconds.
    CloseSent { since: u32 },
    /// The same after a protocol error: of what comes only a close frame is looked for.
    ClosingOnError { since: u32 },
    /// Nothing more is awaited: what is still in the outbox is sent, then the socket is dropped. After
    /// the peer's close, or at the end of an event stream, which has no close.
    Draining { since: u32 },
}

impl<S: Socket> Slot<S> {
    pub(super) fn new(
        socket: S,
        telegraph: TelegraphId,
        generation: u32,
        wire: Wire,
        now: u32,
    ) -> Self {
        Self {
            socket,
            telegraph,
            generation,
            wire,
            stage: Stage::Arriving,
            held: false,
            in_turn_queue: false,
            input_ended: false,
            budget: Budget::default(),
            decoder: Decoder::default(),
            kept: Vec::new(),
            outbox: None,
            last_heard: now,
            last_taken: now,
            owed_since: now,
            last_ping: now,
            last_beat: now,
        }
    }

    pub(super) fn key(&self, index: usize) -> Key {
        let slot = u32::try_from(index).expect("descriptors end long before places do");
        Key { slot, generation: self.generation }
    }

    /// Its conversation is over; only the connection is not.
    pub(super) fn is_leaving(&self) -> bool {
        !matches!(self.stage, Stage::Arriving | Stage::Behind { .. } | Stage::Greeted)
    }

    /// Nothing more is to be sent or awaited.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Draining { .. }) && self.outbox.is_none()
    }

    /// Whether its input may be taken up. One who does not take our answers is not asked for more
    /// questions; that bounds what it can be owed.
    pub(super) fn may_be_heard(&self) -> bool {
        match self.stage {
            Stage::Arriving | Stage::Behind { .. } | Stage::Greeted => {
                !self.held && self.outbox.is_none()
            }
            Stage::CloseSent { .. } | Stage::ClosingOnError { .. } => true,
            Stage::Draining { .. } => false,
        }
    }

    /// The same, and it has not used up its budget.
    pub(super) fn may_be_heard_now(&self) -> bool {
        self.may_be_heard() && !self.budget.is_used_up()
    }

    /// Sends this, or owes it.
    pub(super) fn send(&mut self, frame: &SharedFrame, now: u32) -> io::Result<()> {
        match &mut self.outbox {
            None => self.write(frame, now),
            Some(outbox) => {
                let bearable = outbox.push(frame.clone());
                if bearable { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
            }
        }
    }

    /// Sends this state, or owes it in place of an older one.
    pub(super) fn push(&mut self, seq: u64, frame: &SharedFrame, now: u32) -> io::Result<()> {
        match &mut self.outbox {
            None => self.write(frame, now),
            Some(outbox) => {
                outbox.push_state(self.wire, seq, frame.clone());
                Ok(())
            }
        }
    }

    /// Sends this roll, or owes it in place of an older one.
    pub(super) fn tell_roll(&mut self, frame: &SharedFrame, now: u32) -> io::Result<()> {
        match &mut self.outbox {
            None => self.write(frame, now),
            Some(outbox) => {
                outbox.push_roll(frame.clone());
                Ok(())
            }
        }
    }

    /// Sends on what is owed.
    pub(super) fn flush(&mut self, now: u32) -> io::Result<()> {
        let Some(outbox) = &mut self.outbox else {
            return Ok(());
        };
        while let Some(bytes) = outbox.next_bytes(self.wire) {
            let taken = write(&mut self.socket, bytes)?;
            if taken == 0 {
                return Ok(());
            }
            outbox.consume(taken);
            self.last_taken = now;
        }
        self.outbox = None;
        // While its outbox was full we did not read it; that time does not count as silence.
        self.last_heard = now.min(self.last_heard + (now - self.owed_since));
        self.finish();
        Ok(())
    }

    /// Ends our side of a connection whose frames made no sense, once the close frame is out. The
    /// other side stays open, because unread input would make the kernel take back what was sent.
    pub(super) fn finish(&mut self) {
        if matches!(self.stage, Stage::ClosingOnError { .. }) && self.outbox.is_none() {
            self.socket.finish();
        }
    }

    /// So many seconds, until now, are not held against it.
    pub(super) fn excuse(&mut self, seconds: u32, now: u32) {
        let excuse = |since: &mut u32| *since = now.min(*since + seconds);
        for since in [&mut self.last_heard, &mut self.last_taken, &mut self.owed_since] {
            excuse(since);
        }
        if let Stage::CloseSent { since }
        | Stage::ClosingOnError { since }
        | Stage::Draining { since } = &mut self.stage
        {
            excuse(since);
        }
    }

    /// Whether it has been waited for long enough.
    pub(super) fn timed_out(&self, now: u32) -> bool {
        let stuck = self.outbox.is_some() && now - self.last_taken >= STUCK_SECONDS;
        stuck
            || match self.stage {
                Stage::CloseSent { since }
                | Stage::ClosingOnError { since }
                | Stage::Draining { since } => now - since >= LINGER_SECONDS,
                // Nobody says anything on a stream of events.
                _ if self.wire == Wire::Sse => false,
                _ => self.may_be_heard() && now - self.last_heard >= SILENCE_SECONDS,
            }
    }

    /// Whether a beat is due; notes it as done.
    pub(super) fn beat_is_due(&mut self, now: u32) -> bool {
        let free = self.stage == Stage::Greeted && self.outbox.is_none();
        let due = free && self.wire == Wire::Json && now - self.last_beat >= HEARTBEAT_SECONDS;
        if due {
            self.last_beat = now;
        }
        due
    }

    /// Whether a ping is due; notes it as done.
    pub(super) fn ping_is_due(&mut self, now: u32) -> bool {
        let free = !self.is_leaving() && self.outbox.is_none();
        let due = free && now - self.last_ping >= PING_SECONDS;
        if due {
            self.last_ping = now;
        }
        due
    }

    /// Writes a frame while nothing else is owed; what the socket does not take is owed.
    fn write(&mut self, frame: &SharedFrame, now: u32) -> io::Result<()> {
        let mut sent = 0;
        while sent < frame.len() {
            match write(&mut self.socket, &frame[sent..])? {
                0 => {
                    let outbox = self.outbox.insert(Box::default());
                    outbox.push_partly_sent(frame.clone(), sent);
                    (self.last_taken, self.owed_since) = (now, now);
                    break;
                }
                taken => sent += taken,
            }
        }
        Ok(())
    }
}

/// How many bytes the socket takes; 0 when it would block.
fn write(socket: &mut impl Socket, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match socket.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(taken) => return Ok(taken),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
