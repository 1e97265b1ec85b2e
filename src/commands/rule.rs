//! What has happened, from one state to the next, and when nobody has answered. Time is given to it.

use std::time::Duration;

use chadburn_client::{Order, State};
use tokio::time::Instant;

/// An event of a watched telegraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatchEvent {
    /// The state when the link came up.
    Present,
    /// There is an order.
    Order,
    /// The same order once more.
    Repeat,
    /// There is a reply.
    Reply,
    /// Nobody has answered for so long.
    Unanswered(Duration),
}

impl WatchEvent {
    /// Its name, for a person and for `CHADBURN_EVENT`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Order => "order",
            Self::Repeat => "repeat",
            Self::Reply => "reply",
            Self::Unanswered(_) => "unanswered",
        }
    }
}

/// What a watcher knows of a telegraph, and when to report that nobody has answered.
#[derive(Debug)]
pub(super) struct WatchState {
    /// After how long without an answer to say so.
    unanswered_after: Option<Duration>,
    /// The last state.
    last: Option<State>,
    /// Since when the present order has been without an answer, and when to say so next.
    waiting: Option<UnansweredOrder>,
}

/// An order that nobody has answered.
#[derive(Clone, Copy, Debug)]
struct UnansweredOrder {
    /// UTC in milliseconds, by the server's clock.
    since: u64,
    /// When to say so next; never if that is too far away to be told.
    due: Option<Instant>,
}

/// Now, here and by the server's clock (UTC in milliseconds).
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    pub(super) here: Instant,
    pub(super) there: u64,
}

impl WatchState {
    pub(super) fn new(unanswered_after: Option<Duration>) -> Self {
        Self { unanswered_after, last: None, waiting: None }
    }

    /// The last state.
    pub(super) fn last(&self) -> Option<&State> {
        self.last.as_ref()
    }

    /// When `tick` has something to say, if it will have.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.and_then(|waiting| waiting.due)
    }

    /// Takes a state, and says what has happened since the last one.
    pub(super) fn state(&mut self, now: Clocks, state: &State) -> Option<WatchEvent> {
        let what = match &self.last {
            None => Some(WatchEvent::Present),
            Some(last) => difference(last, state),
        };
        let order = state.order.as_ref();
        // Whatever somebody has answered, somebody has heard the bell.
        let replied = state.reply.as_ref().map(|it| it.seq) > order.map(|order| order.seq);
        let answered = replied || !state.bell;
        let anew = matches!(what, Some(WatchEvent::Present | WatchEvent::Order));
        self.waiting = match (self.unanswered_after, self.waiting) {
            (None, _) => None,
            _ if answered => None,
            (Some(_), Some(waiting)) if !anew => Some(waiting),
            (Some(unanswered_after), _) => {
                let since = order.map_or(now.there, |order| ringing_since(state, order));
                let waited = Duration::from_millis(now.there.saturating_sub(since));
                let due = now.here.checked_add(unanswered_after.saturating_sub(waited));
                Some(UnansweredOrder { since, due })
            }
        };
        self.last = Some(state.clone());
        what
    }

    /// Says that nobody has answered, if it is time to.
    pub(super) fn tick(&mut self, now: Clocks) -> Option<WatchEvent> {
        let waiting = self.waiting.as_mut()?;
        let due = waiting.due.filter(|due| *due <= now.here)?;
        waiting.due = self
            .unanswered_after
            .and_then(|unanswered_after| due.max(now.here).checked_add(unanswered_after));
        let waited = Duration::from_millis(now.there.saturating_sub(waiting.since));
        Some(WatchEvent::Unanswered(waited))
    }
}

/// Since when the bell has rung for this order of a state in which it rings: UTC in milliseconds, by
/// the server's clock. Repeats do not begin anew, unless it was answered before; a reply to the repeat
/// itself, which is not what was ordered, changes nothing.
pub(super) fn ringing_since(state: &State, order: &Order) -> u64 {
    match &state.reply {
        Some(reply) if reply.seq < order.seq && reply.at >= order.since => state.at.max(reply.at),
        _ => order.since,
    }
}

/// A server that was restarted gives the same order a new number. If nobody needs to answer it, that
/// is no news.
fn difference(last: &State, state: &State) -> Option<WatchEvent> {
    let number = |state: &State| state.order.as_ref().map(|order| order.seq);
    let reply = |state: &State| state.reply.as_ref().map(|reply| reply.seq);
    if let Some(order) = &state.order
        && number(last) != number(state)
    {
        return match &last.order {
            Some(before) if before.status == order.status => {
                state.bell.then_some(WatchEvent::Repeat)
            }
            _ => Some(WatchEvent::Order),
        };
    }
    (reply(last) != reply(state)).then_some(WatchEvent::Reply)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// So long after the beginning, where the order of the tests is given.
    fn after(start: Instant, span: Duration) -> Clocks {
        let there = 1_000_000 + u64::try_from(span.as_millis()).unwrap();
        Clocks { here: start + span, there }
    }

    fn state(order: Option<(u64, &str)>, reply: Option<(u64, &str)>, bell: bool) -> State {
        let seq = order.map(|it| it.0).max(reply.map(|it| it.0)).unwrap_or(1);
        let order = order.map(|(seq, status)| {
            json!({"status": status, "position": null, "name": null, "seq": seq, "since": 1_000_000})
        });
        let reply = reply.map(|(seq, status)| {
            json!({"status": status, "position": null, "name": null, "seq": seq, "by": "file",
                "who": null, "at": 999_999})
        });
        serde_json::from_value(json!({"seq": seq, "at": 1_000_000, "order": order, "reply": reply,
            "bell": bell, "source": {"health": "ok", "detail": "", "watch": "poll"}}))
        .unwrap()
    }

    #[test]
    fn each_difference_is_told_once() {
        let (mut rule, now) = (WatchState::new(None), after(Instant::now(), Duration::ZERO));
        let story = [
            (state(None, None, false), Some(WatchEvent::Present)),
            (state(Some((2, "a")), None, true), Some(WatchEvent::Order)),
            (state(Some((2, "a")), None, true), None),
            (state(Some((3, "a")), None, true), Some(WatchEvent::Repeat)),
            (state(Some((3, "a")), Some((4, "b")), true), Some(WatchEvent::Reply)),
            (state(Some((3, "a")), Some((5, "a")), false), Some(WatchEvent::Reply)),
            (state(Some((6, "c")), Some((5, "a")), true), Some(WatchEvent::Order)),
        ];
        for (state, what) in story {
            assert_eq!(rule.state(now, &state), what, "{state:?}");
        }
        assert_eq!(rule.due(), None);
    }

    #[test]
    fn an_answered_order_that_a_restart_has_renumbered_is_no_news() {
        let (mut rule, now) = (WatchState::new(None), after(Instant::now(), Duration::ZERO));
        rule.state(now, &state(Some((2, "a")), Some((3, "a")), false));
        assert_eq!(rule.state(now, &state(Some((12, "a")), Some((13, "a")), false)), None);
        let rings = state(Some((22, "a")), Some((21, "a")), true);
        assert_eq!(rule.state(now, &rings), Some(WatchEvent::Repeat));
    }

    #[test]
    fn what_nobody_answers_is_told_again_and_again_until_the_first_reply() {
        let (mut rule, start) = (WatchState::new(Some(MINUTE)), Instant::now());
        let at = |minutes: f32| after(start, MINUTE.mul_f32(minutes));
        rule.state(at(0.0), &state(Some((2, "a")), None, true));
        assert_eq!(rule.tick(at(0.5)), None);
        assert_eq!(rule.due(), Some(start + MINUTE));
        // A repeat does not begin to wait anew.
        rule.state(at(0.5), &state(Some((3, "a")), None, true));
        assert_eq!(rule.tick(at(1.0)), Some(WatchEvent::Unanswered(MINUTE)));
        assert_eq!(rule.tick(at(1.0)), None);
        assert_eq!(rule.tick(at(2.0)), Some(WatchEvent::Unanswered(2 * MINUTE)));
        // A reply that does not match is one: somebody is there.
        rule.state(at(2.0), &state(Some((3, "a")), Some((4, "b")), true));
        assert_eq!((rule.due(), rule.tick(at(9.0))), (None, None));
        // Another order begins to wait anew.
        let mut other = state(Some((5, "c")), Some((4, "b")), true);
        other.at = at(9.0).there;
        if let Some(order) = &mut other.order {
            order.since = other.at;
        }
        rule.state(at(9.0), &other);
        assert_eq!(rule.due(), Some(start + 10 * MINUTE));
    }

    #[test]
    fn it_counts_from_the_order_and_not_from_when_one_began_to_look() {
        let (mut rule, start) = (WatchState::new(Some(MINUTE)), Instant::now());
        rule.state(after(start, MINUTE * 3 / 4), &state(Some((2, "a")), None, true));
        assert_eq!(rule.due(), Some(start + MINUTE));
        assert_eq!(rule.tick(after(start, MINUTE)), Some(WatchEvent::Unanswered(MINUTE)));
        let mut late = WatchState::new(Some(MINUTE));
        late.state(after(start, 10 * MINUTE), &state(Some((2, "a")), None, true));
        let now = after(start, 10 * MINUTE);
        assert_eq!(late.tick(now), Some(WatchEvent::Unanswered(10 * MINUTE)), "it is late already");
        assert_eq!(late.due(), Some(start + 11 * MINUTE));
    }

    #[test]
    fn neither_a_patience_for_ever_nor_a_time_from_elsewhere_is_too_much() {
        let (mut rule, start) = (WatchState::new(Some(Duration::MAX)), Instant::now());
        let mut strange = state(Some((2, "a")), None, true);
        strange.at = u64::MAX;
        rule.state(after(start, Duration::ZERO), &strange);
        assert_eq!(rule.due(), None);
        let mut rule = WatchState::new(Some(MINUTE));
        if let Some(order) = &mut strange.order {
            order.since = u64::MAX;
        }
        rule.state(after(start, Duration::ZERO), &strange);
        assert_eq!(rule.tick(after(start, MINUTE)), Some(WatchEvent::Unanswered(Duration::ZERO)));
    }

    #[test]
    fn a_reply_to_an_earlier_order_is_no_answer() {
        let (mut rule, start) = (WatchState::new(Some(MINUTE)), Instant::now());
        let now = after(start, Duration::ZERO);
        rule.state(now, &state(Some((5, "c")), Some((4, "b")), true));
        assert_eq!(rule.due(), Some(start + MINUTE));
    }
}
