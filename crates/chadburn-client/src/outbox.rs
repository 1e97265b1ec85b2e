//! What waits to be sent: bounded and in order.
//!
//! The first of it is *in hand* while it is being sent, and leaves only when it has been sent.

use std::collections::VecDeque;

/// What happens to a message for which the outbox has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Full {
    /// Whoever sends it waits until there is room.
    #[default]
    Wait,
    /// It is taken, and the oldest one is dropped and counted.
    DropOldest,
}

/// The waiting messages, or whatever stands for them.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    waiting: VecDeque<T>,
    /// How many may wait, the one in hand included.
    capacity: usize,
    full: Full,
    /// Whether the first one is being sent.
    in_hand: bool,
    /// How many were dropped.
    dropped: u64,
}

impl<T> Outbox<T> {
    /// An outbox for `most` messages, at least one.
    pub(crate) fn new(capacity: usize, full: Full) -> Self {
        Self {
            waiting: VecDeque::new(),
            capacity: capacity.max(1),
            full,
            in_hand: false,
            dropped: 0,
        }
    }

    /// Takes a message and gives back the one that was dropped for it; refuses if it has to wait.
    /// What is in hand is never dropped, since part of it may be under way.
    pub(crate) fn put(&mut self, message: T) -> Result<Option<T>, T> {
        let mut dropped = None;
        if !self.has_room() {
            if self.full == Full::Wait {
                return Err(message);
            }
            self.dropped += 1;
            dropped = self.waiting.remove(usize::from(self.in_hand));
            if dropped.is_none() {
                // The only place is taken by what is in hand: the newcomer is the oldest that can go.
                return Ok(Some(message));
            }
        }
        self.waiting.push_back(message);
        Ok(dropped)
    }

    /// The next message, which is in hand from now on.
    pub(crate) fn next(&mut self) -> Option<&mut T> {
        self.in_hand = !self.waiting.is_empty();
        self.waiting.front_mut()
    }

    /// What is in hand, if anything is.
    pub(crate) fn in_hand(&mut self) -> Option<&mut T> {
        if self.in_hand { self.waiting.front_mut() } else { None }
    }

    /// What was in hand is done with.
    pub(crate) fn done(&mut self) -> Option<T> {
        if std::mem::take(&mut self.in_hand) { self.waiting.pop_front() } else { None }
    }

    /// What was in hand is not, and stays the first.
    pub(crate) fn put_back(&mut self) {
        self.in_hand = false;
    }

    /// Everything, the first first.
    pub(crate) fn empty(&mut self) -> impl Iterator<Item = T> {
        self.in_hand = false;
        self.waiting.drain(..)
    }

    /// Whether one more is taken without dropping another.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < self.capacity
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leaves_only_when_it_was_sent() {
        let mut outbox = Outbox::new(3, Full::Wait);
        assert_eq!((outbox.put(1), outbox.put(2)), (Ok(None), Ok(None)));
        assert_eq!(outbox.next(), Some(&mut 1));
        outbox.put_back();
        assert_eq!((outbox.done(), outbox.next()), (None, Some(&mut 1)), "the order is kept");
        assert_eq!(outbox.done(), Some(1));
        assert_eq!((outbox.next().copied(), outbox.done()), (Some(2), Some(2)));
        assert_eq!(outbox.next(), None);
    }

    #[test]
    fn a_full_outbox_makes_the_sender_wait_or_drops_the_oldest_and_counts() {
        let mut patient = Outbox::new(1, Full::Wait);
        assert_eq!((patient.put(1), patient.put(2)), (Ok(None), Err(2)));
        let mut hasty = Outbox::new(2, Full::DropOldest);
        assert_eq!((hasty.put(1), hasty.put(2), hasty.put(3)), (Ok(None), Ok(None), Ok(Some(1))));
        assert_eq!((hasty.dropped(), hasty.len()), (1, 2));
    }

    #[test]
    fn what_is_under_way_is_never_dropped() {
        let mut outbox = Outbox::new(2, Full::DropOldest);
        assert_eq!((outbox.put(1), outbox.put(2)), (Ok(None), Ok(None)));
        assert_eq!(outbox.next(), Some(&mut 1));
        assert_eq!(outbox.put(3), Ok(Some(2)));
        assert_eq!((outbox.done(), outbox.next()), (Some(1), Some(&mut 3)));
        let mut single = Outbox::new(1, Full::DropOldest);
        assert_eq!(
            (single.put(1), single.next().copied(), single.put(2)),
            (Ok(None), Some(1), Ok(Some(2)))
        );
        assert_eq!((single.done(), single.dropped()), (Some(1), 1));
    }
}
