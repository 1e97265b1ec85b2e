//! What one station is owed: frames that its socket has not taken.
//!
//! It exists only while something is owed. Frames go out in order and whole; a `state` or a `roll`
//! of which nothing is sent yet is replaced by a newer one, and JSON stations and event streams are
//! told of the gap between states. It knows no socket.

use std::collections::VecDeque;
use std::sync::Arc;

use chadburn_v1::Message;

use super::outgoing;
use crate::wire::Wire;

/// A frame, shared by all who are owed it.
pub type SharedFrame = Arc<[u8]>;

/// The most bytes a station may be owed before it is given up, beside one answer.
pub const OWED_MAX: usize = 64 * 1024;

/// Frames a station is owed.
#[derive(Debug, Default)]
pub struct Outbox {
    /// What is owed, in order.
    items: VecDeque<QueuedFrame>,
    /// How many bytes of the first item are sent.
    sent: usize,
    /// How many bytes are owed in all.
    owed: usize,
    /// More was to be owed than may be.
    overfull: bool,
}

/// One frame that is owed.
#[derive(Debug)]
struct QueuedFrame {
    /// The frame.
    frame: SharedFrame,
    /// What a newer one of its kind does to it.
    kind: FrameKind,
}

/// What a newer frame of the same kind does to one of which nothing is sent yet.
#[derive(Clone, Copy, Debug)]
enum FrameKind {
    /// Is never replaced.
    Plain,
    /// Is replaced by a newer roll.
    Roll,
    /// Is replaced by a newer state, before which a gap is told.
    State {
        /// The state's number.
        seq: u64,
        /// The numbers of the first and the last state that were left out before it.
        gap: Option<(u64, u64)>,
    },
}

impl Outbox {
    /// Queues this frame, of which `sent` bytes are sent already.
    pub fn push_partly_sent(&mut self, frame: SharedFrame, sent: usize) {
        debug_assert!(self.items.is_empty(), "a frame begins only when none is before it");
        self.owed = frame.len() - sent;
        self.sent = sent;
        self.items.push_back(QueuedFrame { frame, kind: FrameKind::Plain });
    }

    /// Queues this frame as it is. Returns whether the station may still be owed that much.
    #[must_use]
    pub fn push(&mut self, frame: SharedFrame) -> bool {
        let within = self.owed == 0 || self.owed + frame.len() <= OWED_MAX;
        self.owed += frame.len();
        self.items.push_back(QueuedFrame { frame, kind: FrameKind::Plain });
        self.overfull |= !within;
        within
    }

    /// Queues this state, in place of an older one of which nothing is sent yet.
    pub fn push_state(&mut self, wire: Wire, seq: u64, frame: SharedFrame) {
        let older = self.take_unsent(|kind| matches!(kind, FrameKind::State { .. }));
        let gap = match older {
            Some(FrameKind::State { seq, gap }) if wire != Wire::Text => {
                Some((gap.map_or(seq, |(from, _)| from), seq))
            }
            _ => None,
        };
        self.owed += frame.len();
        self.items.push_back(QueuedFrame { frame, kind: FrameKind::State { seq, gap } });
    }

    /// Queues this roll, in place of an older one of which nothing is sent yet.
    pub fn push_roll(&mut self, frame: SharedFrame) {
        self.take_unsent(|kind| matches!(kind, FrameKind::Roll));
        self.owed += frame.len();
        self.items.push_back(QueuedFrame { frame, kind: FrameKind::Roll });
    }

    /// Takes out the one frame of this kind of which nothing is sent yet, if there is one.
    fn take_unsent(&mut self, wanted: impl Fn(&FrameKind) -> bool) -> Option<FrameKind> {
        let first_unsent = usize::from(self.sent > 0);
        let index = (first_unsent..self.items.len()).find(|&i| wanted(&self.items[i].kind))?;
        let item = self.items.remove(index)?;
        self.owed -= item.frame.len();
        Some(item.kind)
    }

    /// The bytes to send next, if any. From here on the first frame is not replaced any more, and has
    /// its gap in front of it.
    pub fn next_bytes(&mut self, wire: Wire) -> Option<&[u8]> {
        let item = self.items.front_mut()?;
        if let FrameKind::State { gap: Some((from, to)), .. } = item.kind {
            let gap = Message::<&str>::Gap { from, to }.encode();
            let mut bytes = outgoing::json_event(wire, "gap", &gap);
            self.owed += bytes.len();
            bytes.extend_from_slice(&item.frame);
            item.frame = bytes.into();
        }
        item.kind = FrameKind::Plain;
        Some(&item.frame[self.sent..])
    }

    /// The socket took this many of the bytes that `next_bytes` gave.
    pub fn consume(&mut self, bytes: usize) {
        self.sent += bytes;
        self.owed -= bytes;
        if self.items.front().is_some_and(|item| item.frame.len() == self.sent) {
            self.items.pop_front();
            self.sent = 0;
        }
    }

    /// Whether nothing is owed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many bytes are owed.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.owed
    }

    /// Whether more was to be owed than may be.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.overfull
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::frame::{self, opcode};

    fn frame(text: &str) -> SharedFrame {
        frame::encode(opcode::TEXT, text.as_bytes()).into()
    }

    /// Everything that goes out, as texts.
    fn drain(outbox: &mut Outbox, chunk: usize) -> Vec<String> {
        let mut bytes = Vec::new();
        while let Some(next) = outbox.next_bytes(Wire::Json) {
            let taken = next.len().min(chunk);
            bytes.extend_from_slice(&next[..taken]);
            outbox.consume(taken);
        }
        assert!(outbox.is_empty() && outbox.owed() == 0);
        let mut texts = Vec::new();
        while let [0x81, length, rest @ ..] = bytes.as_slice() {
            let (text, rest) = rest.split_at(usize::from(*length));
            texts.push(String::from_utf8(text.to_vec()).unwrap());
            bytes = rest.to_vec();
        }
        assert!(bytes.is_empty());
        texts
    }

    #[test]
    fn answers_go_out_whole_and_in_order_whatever_the_socket_takes() {
        for chunk in [1, 2, 5, 100] {
            let mut outbox = Outbox::default();
            assert!(outbox.push(frame("one")) && outbox.push(frame("two")));
            assert_eq!(drain(&mut outbox, chunk), ["one", "two"]);
        }
    }

    #[test]
    fn only_the_newest_state_goes_out_and_the_gap_is_told() {
        let mut outbox = Outbox::default();
        assert!(outbox.push(frame("ok")));
        for seq in 5..9 {
            outbox.push_state(Wire::Json, seq, frame(&format!("state {seq}")));
        }
        let gap = r#"{"type":"gap","from":5,"to":7}"#;
        assert_eq!(drain(&mut outbox, 3), ["ok", gap, "state 8"]);
    }

    #[test]
    fn only_the_newest_roll_goes_out() {
        let mut outbox = Outbox::default();
        for number in 0..3 {
            outbox.push_roll(frame(&format!("roll {number}")));
            outbox.push_state(Wire::Text, number, frame(&format!("state {number}")));
        }
        assert_eq!(drain(&mut outbox, 3), ["roll 2", "state 2"]);
    }

    #[test]
    fn the_text_wire_hears_the_newest_without_a_gap() {
        let mut outbox = Outbox::default();
        for seq in 5..9 {
            outbox.push_state(Wire::Text, seq, frame(&seq.to_string()));
        }
        assert_eq!(drain(&mut outbox, 100), ["8"]);
    }

    #[test]
    fn a_state_that_has_begun_to_go_goes_whole() {
        let mut outbox = Outbox::default();
        outbox.push_partly_sent(frame("state 1"), 3);
        outbox.push_state(Wire::Json, 2, frame("state 2"));
        assert_eq!(outbox.next_bytes(Wire::Json).unwrap().len(), 9 - 3);
        outbox.consume(6);
        outbox.next_bytes(Wire::Json).unwrap();
        outbox.push_state(Wire::Json, 3, frame("state 3"));
        assert_eq!(drain(&mut outbox, 4), ["state 2", "state 3"], "2 was already on its way");
    }

    #[test]
    fn a_station_that_takes_nothing_is_given_up_but_one_answer_may_always_be_owed() {
        let mut outbox = Outbox::default();
        assert!(outbox.push(vec![0; 2 * OWED_MAX].into()));
        assert!(!outbox.is_overfull());
        assert!(!outbox.push(frame("one more")));
        assert!(outbox.is_overfull());
        let mut outbox = Outbox::default();
        assert!((0..OWED_MAX / 1024).all(|_| outbox.push(vec![0; 1024].into())));
        assert!(!outbox.push(vec![0; 1].into()));
    }
}
