//! What has happened, from one state to the next, and when nobody has answered. Time is given to it.

use std::time::Duration;

use chadburn_client::State;
use tokio::time::Instant;

/// Something that one may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// This is how things were when one began to look.
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

impl What {
    /// As it is said.
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

/// What is known so far.
#[derive(Debug)]
pub(super) struct Rule {
    /// After how long without an answer to say so.
    patience: Option<Duration>,
    /// The last state.
    last: Option<State>,
    /// When the present order was first seen to be without an answer, and when to say so next.
    waiting: Option<(Instant, Instant)>,
}

impl Rule {
    pub(super) fn new(patience: Option<Duration>) -> Self {
        Self { patience, last: None, waiting: None }
    }

    /// The last state.
    pub(super) fn last(&self) -> Option<&State> {
        self.last.as_ref()
    }

    /// When `tick` has something to say, if it will have.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.map(|(_, due)| due)
    }

    /// Takes a state, and says what has happened since the last one.
    pub(super) fn state(&mut self, now: Instant, state: &State) -> Option<What> {
        let what = match &self.last {
            None => Some(What::Present),
            Some(last) => difference(last, state),
        };
        let order = state.order.as_ref().map(|order| order.seq);
        // Whatever somebody has answered, somebody has heard the bell.
        let answered = state.reply.as_ref().map(|it| it.seq) > order || !state.bell;
        let anew = matches!(what, Some(What::Present | What::Order));
        self.waiting = match (self.patience, self.waiting) {
            (None, _) => None,
            _ if answered => None,
            (Some(_), Some(waiting)) if !anew => Some(waiting),
            (Some(patience), _) => Some((now, now + patience)),
        };
        self.last = Some(state.clone());
        what
    }

    /// Says that nobody has answered, if it is time to.
    pub(super) fn tick(&mut self, now: Instant) -> Option<What> {
        let (since, due) = self.waiting.as_mut().filter(|(_, due)| *due <= now).map(|it| *it)?;
        self.waiting = self.patience.map(|patience| (since, due.max(now) + patience));
        Some(What::Unanswered(now.duration_since(since)))
    }
}

/// A server that was restarted gives the same order a new number. If nobody needs to answer it, that
/// is no news.
fn difference(last: &State, state: &State) -> Option<What> {
    let number = |state: &State| state.order.as_ref().map(|order| order.seq);
    let reply = |state: &State| state.reply.as_ref().map(|reply| reply.seq);
    if let Some(order) = &state.order
        && number(last) != number(state)
    {
        return match &last.order {
            Some(before) if before.status == order.status => state.bell.then_some(What::Repeat),
            _ => Some(What::Order),
        };
    }
    (reply(last) != reply(state)).then_some(What::Reply)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn state(order: Option<(u64, &str)>, reply: Option<(u64, &str)>, bell: bool) -> State {
        let seq = order.map(|it| it.0).max(reply.map(|it| it.0)).unwrap_or(1);
        let order = order.map(|(seq, status)| {
            json!({"status": status, "position": null, "name": null, "seq": seq, "since": seq})
        });
        let reply = reply.map(|(seq, status)| {
            json!({"status": status, "position": null, "name": null, "seq": seq, "by": "file",
                "who": null, "at": seq})
        });
        serde_json::from_value(json!({"seq": seq, "at": seq, "order": order, "reply": reply,
            "bell": bell, "source": {"health": "ok", "detail": "", "watch": "poll"}}))
        .unwrap()
    }

    #[test]
    fn each_difference_is_told_once() {
        let (mut rule, now) = (Rule::new(None), Instant::now());
        let story = [
            (state(None, None, false), Some(What::Present)),
            (state(Some((2, "a")), None, true), Some(What::Order)),
            (state(Some((2, "a")), None, true), None),
            (state(Some((3, "a")), None, true), Some(What::Repeat)),
            (state(Some((3, "a")), Some((4, "b")), true), Some(What::Reply)),
            (state(Some((3, "a")), Some((5, "a")), false), Some(What::Reply)),
            (state(Some((6, "c")), Some((5, "a")), true), Some(What::Order)),
        ];
        for (state, what) in story {
            assert_eq!(rule.state(now, &state), what, "{state:?}");
        }
        assert_eq!(rule.due(), None);
    }

    #[test]
    fn an_answered_order_that_a_restart_has_renumbered_is_no_news() {
        let (mut rule, now) = (Rule::new(None), Instant::now());
        rule.state(now, &state(Some((2, "a")), Some((3, "a")), false));
        assert_eq!(rule.state(now, &state(Some((12, "a")), Some((13, "a")), false)), None);
        let rings = state(Some((22, "a")), Some((21, "a")), true);
        assert_eq!(rule.state(now, &rings), Some(What::Repeat));
    }

    #[test]
    fn what_nobody_answers_is_told_again_and_again_until_the_first_reply() {
        let (mut rule, start) = (Rule::new(Some(MINUTE)), Instant::now());
        rule.state(start, &state(Some((2, "a")), None, true));
        assert_eq!(rule.tick(start + MINUTE / 2), None);
        assert_eq!(rule.due(), Some(start + MINUTE));
        // A repeat does not begin to wait anew.
        rule.state(start + MINUTE / 2, &state(Some((3, "a")), None, true));
        assert_eq!(rule.tick(start + MINUTE), Some(What::Unanswered(MINUTE)));
        assert_eq!(rule.tick(start + MINUTE), None);
        assert_eq!(rule.tick(start + 2 * MINUTE), Some(What::Unanswered(2 * MINUTE)));
        // A reply that does not match is one: somebody is there.
        rule.state(start + 2 * MINUTE, &state(Some((3, "a")), Some((4, "b")), true));
        assert_eq!((rule.due(), rule.tick(start + 9 * MINUTE)), (None, None));
        // Another order begins to wait anew.
        rule.state(start + 9 * MINUTE, &state(Some((5, "c")), Some((4, "b")), true));
        assert_eq!(rule.due(), Some(start + 10 * MINUTE));
    }

    #[test]
    fn a_reply_to_an_earlier_order_is_no_answer() {
        let (mut rule, start) = (Rule::new(Some(MINUTE)), Instant::now());
        rule.state(start, &state(Some((5, "c")), Some((4, "b")), true));
        assert_eq!(rule.due(), Some(start + MINUTE));
    }
}
