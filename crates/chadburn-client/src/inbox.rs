//! Received events that the caller has not read yet: bounded and in order. The oldest are dropped, and
//! reported as [`Event::Lagged`].

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Failure;

/// What a link reports to its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<M> {
    /// The link is up, for the first time or again: the other side has greeted.
    Up,
    /// The connection is lost and will be retried; the text says why.
    Down(String),
    /// A message.
    Message(M),
    /// A message that cannot be understood as the type that was asked for.
    Unreadable {
        /// The message.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// So many events were dropped here, because they were not read in time.
    Lagged(u64),
    /// There will be no more attempts. The last event.
    Failed(Failure),
}

/// The queue of events. When it is full, the oldest is dropped: a slow reader wants the present state,
/// not the past.
#[derive(Debug)]
pub(crate) struct Inbox<M> {
    queue: Mutex<Queue<M>>,
}

#[derive(Debug)]
struct Queue<M> {
    /// Each event with its size in bytes.
    events: VecDeque<(usize, Event<M>)>,
    /// The most events.
    capacity: usize,
    /// The size of all events together, in bytes.
    bytes: usize,
    /// The limit for `bytes`; one event alone may exceed it.
    byte_limit: usize,
    /// The size of a message, in bytes.
    message_size: fn(&M) -> usize,
    /// How many events were dropped before the first one in the queue.
    dropped: u64,
    /// No more events will come.
    ended: bool,
    /// The task waiting in `poll`.
    waker: Option<Waker>,
}

impl<M> Inbox<M> {
    /// An inbox for `capacity` events of at most `byte_limit` bytes together, and at least for one.
    pub(crate) fn new(capacity: usize, byte_limit: usize, message_size: fn(&M) -> usize) -> Self {
        let (events, capacity, bytes) = (VecDeque::new(), capacity.max(1), 0);
        let (dropped, ended, waker) = (0, false, None);
        let queue =
            Queue { events, capacity, bytes, byte_limit, message_size, dropped, ended, waker };
        Self { queue: Mutex::new(queue) }
    }

    /// Adds an event, dropping the oldest ones if it does not fit.
    pub(crate) fn put(&self, event: Event<M>) {
        let mut queue = self.queue();
        let bytes = queue.size_of(&event);
        while queue.events.len() >= queue.capacity
            || (queue.bytes.saturating_add(bytes) > queue.byte_limit && !queue.events.is_empty())
        {
            queue.pop();
            queue.dropped += 1;
        }
        queue.bytes = queue.bytes.saturating_add(bytes);
        queue.events.push_back((bytes, event));
        queue.wake();
    }

    /// Ends the queue, after this event if there is one.
    pub(crate) fn end(&self, last: Option<Event<M>>) {
        if let Some(last) = last {
            self.put(last);
        }
        let mut queue = self.queue();
        queue.ended = true;
        queue.wake();
    }

    /// The next event, if there is one now.
    pub(crate) fn take(&self) -> Option<Event<M>> {
        self.queue().next()
    }

    /// The next event; `None` once nothing more will come.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Option<Event<M>>> {
        let mut queue = self.queue();
        match queue.next() {
            Some(event) => Poll::Ready(Some(event)),
            None if queue.ended => Poll::Ready(None),
            None => {
                queue.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<M>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Queue<M> {
    fn next(&mut self) -> Option<Event<M>> {
        match std::mem::take(&mut self.dropped) {
            0 => self.pop(),
            dropped => Some(Event::Lagged(dropped)),
        }
    }

    fn pop(&mut self) -> Option<Event<M>> {
        let (bytes, event) = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Some(event)
    }

    /// The size of an event's content, in bytes.
    fn size_of(&self, event: &Event<M>) -> usize {
        match event {
            Event::Message(message) => (self.message_size)(message),
            Event::Unreadable { text, why } => text.len().saturating_add(why.len()),
            Event::Down(why) => why.len(),
            Event::Up | Event::Lagged(_) | Event::Failed(_) => 0,
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Room for three numbers.
    fn numbers() -> Inbox<i32> {
        Inbox::new(3, usize::MAX, |_| 4)
    }

    #[test]
    fn bytes_are_bounded_too_and_the_newest_is_kept_whatever_it_weighs() {
        let inbox = Inbox::new(100, 10, String::len);
        for text in ["four", "five!", "4444"] {
            inbox.put(Event::Message(text.to_owned()));
        }
        assert_eq!(inbox.take(), Some(Event::Lagged(1)));
        assert_eq!(inbox.take(), Some(Event::Message("five!".into())));
        inbox.put(Event::Message("more than there is room for".into()));
        assert_eq!(inbox.take(), Some(Event::Lagged(1)));
        assert!(matches!(inbox.take(), Some(Event::Message(_))));
        inbox.put(Event::Down("why".into()));
        inbox.put(Event::Unreadable { text: "12345".into(), why: "ab".into() });
        assert!(matches!(inbox.take(), Some(Event::Down(_))), "what was taken weighs no more");
    }

    #[test]
    fn a_slow_reader_is_told_how_much_it_missed_and_gets_the_newest() {
        let inbox = numbers();
        for number in 1..=5 {
            inbox.put(Event::Message(number));
        }
        assert_eq!(inbox.take(), Some(Event::Lagged(2)));
        for number in 3..=5 {
            assert_eq!(inbox.take(), Some(Event::Message(number)));
        }
        assert_eq!(inbox.take(), None);
        inbox.put(Event::Message(6));
        assert_eq!(inbox.take(), Some(Event::Message(6)), "the notice comes once");
    }

    #[test]
    fn what_came_before_the_end_is_still_there() {
        let inbox = numbers();
        let context = Context::from_waker(Waker::noop());
        inbox.put(Event::Message(1));
        inbox.end(Some(Event::Down("enough".into())));
        assert_eq!(inbox.poll(&context), Poll::Ready(Some(Event::Message(1))));
        assert_eq!(inbox.poll(&context), Poll::Ready(Some(Event::Down("enough".into()))));
        assert_eq!(inbox.poll(&context), Poll::Ready(None));
    }
}
