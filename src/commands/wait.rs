//! Waiting until somebody has answered.

use std::time::Duration;

use chadburn_client::{Dial, Event, Message, Order, Reply, Settings, State, Station};
use tokio::time::{Instant, sleep_until};

use super::rule::ringing_since;
use super::{CommandError, print_line, seconds, shown_order};
use chadburn_host::log::escaped;

/// How long the first state may take, however little time there is for an answer: it comes at once
/// from a server that is there.
const FIRST_STATE_TIMEOUT: Duration = Duration::from_secs(1);

/// Waits until the order that stands is answered by a match, or one of this kind is.
pub(super) async fn run(
    settings: Settings,
    kind: Option<String>,
    limit: Option<Duration>,
) -> Result<(), CommandError> {
    let begun = Instant::now();
    let mut station = Station::open(settings)?;
    let mut waiting = AwaitedAnswer::new(kind);
    loop {
        let limit = limit.map(|it| if waiting.looked { it } else { it.max(FIRST_STATE_TIMEOUT) });
        let due = limit.and_then(|limit| begun.checked_add(limit));
        let event = tokio::select! {
            biased;
            event = station.recv() => event,
            () = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            } => return Err(CommandError::NoResult(waiting.in_vain(begun.elapsed()))),
        };
        match event {
            Some(Event::Message(heard)) => match waiting.heard(&heard.message) {
                Some(Progress::Changed(line)) => print_line(&line)?,
                Some(Progress::Answered(line)) => return Ok(print_line(&line)?),
                None => {}
            },
            Some(Event::Failed(failure)) => return Err(failure.into()),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

/// What a message has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Progress {
    /// It is another order now.
    Changed(String),
    /// It is answered.
    Answered(String),
}

/// What is waited for, and what is known of it.
#[derive(Debug)]
struct AwaitedAnswer {
    /// The kind of order: a position by number or name, or a text.
    kind: Option<String>,
    dial: Option<Dial>,
    /// A state has come.
    looked: bool,
    order: Option<Order>,
    /// Since when the bell has rung for it: UTC in milliseconds, by the server's clock.
    rung: Option<u64>,
}

impl AwaitedAnswer {
    fn new(kind: Option<String>) -> Self {
        Self { kind, dial: None, looked: false, order: None, rung: None }
    }

    fn heard(&mut self, message: &Message) -> Option<Progress> {
        match message {
            Message::Welcome(welcome) => {
                self.dial = Some(welcome.dial.clone());
                None
            }
            Message::State(state) => self.state(state),
            _ => None,
        }
    }

    fn state(&mut self, state: &State) -> Option<Progress> {
        self.looked = true;
        let before = std::mem::replace(&mut self.order, state.order.clone());
        let order = state.order.as_ref()?;
        // After a restart of the server the same order has another number.
        let changed = before.is_some_and(|before| before.status != order.status);
        if changed {
            self.rung = None;
        }
        if state.bell {
            // Of what happened between two states only the newest may be known.
            self.rung = self.rung.max(Some(ringing_since(state, order)));
        }
        if !self.is_meant(order) {
            return None;
        }
        if let (false, Some(reply)) = (state.bell, &state.reply) {
            let since = self.rung.unwrap_or(order.since);
            return Some(Progress::Answered(answered(order, reply, since)));
        }
        let followed = changed && self.kind.is_none();
        followed.then(|| Progress::Changed(format!("now {} is ordered", shown_order(order))))
    }

    fn is_meant(&self, order: &Order) -> bool {
        let Some(kind) = &self.kind else { return true };
        let sector = self.dial.as_ref().and_then(|dial| dial.find(kind.trim_end()));
        match (sector, order.position) {
            (Some(sector), Some(position)) => sector.position == position,
            _ => order.status == kind.trim_end(),
        }
    }

    fn in_vain(&self, waited: Duration) -> String {
        let waited = seconds(waited);
        match (&self.kind, &self.order) {
            _ if !self.looked => format!("the server has not been heard within {waited} s"),
            (Some(kind), _) => format!("no {} was answered within {waited} s", escaped(kind)),
            (None, Some(order)) => {
                format!("{} is not answered within {waited} s", shown_order(order))
            }
            (None, None) => format!("nothing was ordered within {waited} s"),
        }
    }
}

/// By whom, and how long it took.
fn answered(order: &Order, reply: &Reply, since: u64) -> String {
    let who = match (&reply.who, reply.by) {
        (Some(who), _) => escaped(who).to_string(),
        (None, chadburn_client::By::File) => "file".into(),
        (None, _) => "a station without a name".into(),
    };
    let took = Duration::from_millis(reply.at.saturating_sub(since));
    format!("{} was answered by {who} after {} s", shown_order(order), seconds(took))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn welcome() -> Message {
        serde_json::from_value(json!({"type": "welcome",
            "station": "67e55044-10b1-426f-9247-bb680e5fe0c8", "server": "1", "assets": "a",
            "dial": {"title": "", "positions": [{"position": 7, "name": "COFFEE", "arc": null}]},
            "heartbeat_ms": 5000, "resume": "secret", "token": false,
            "may": {"order": false, "shutdown": false}}))
        .unwrap()
    }

    /// An order since this second with this number, and perhaps a reply at this second.
    fn state(status: &str, seq: u64, since: u64, reply: Option<u64>, bell: bool) -> Message {
        let position = (status == "7").then_some(7);
        let name = position.map(|_| "COFFEE");
        let reply = reply.map(|at| {
            json!({"status": status, "position": position, "name": name, "seq": seq + 1,
                "by": "file", "who": "Tim", "at": at * 1_000})
        });
        serde_json::from_value(json!({"type": "state", "seq": seq, "at": since * 1_000,
            "order": {"status": status, "position": position, "name": name, "seq": seq,
            "since": since * 1_000}, "reply": reply, "bell": bell,
            "source": {"health": "ok", "detail": "", "watch": "poll"}}))
        .unwrap()
    }

    fn told(kind: Option<&str>, story: &[Message]) -> Vec<Progress> {
        let mut waiting = AwaitedAnswer::new(kind.map(Into::into));
        story.iter().filter_map(|message| waiting.heard(message)).collect()
    }

    #[test]
    fn the_order_that_stands_is_followed_to_the_newest() {
        let story = [
            welcome(),
            state("7", 1, 10, None, true),
            // The server was restarted.
            state("7", 101, 10, None, true),
            state("main is broken", 102, 20, None, true),
            state("main is broken", 102, 20, Some(22), false),
        ];
        let changed = Progress::Changed("now main is broken is ordered".into());
        let line = "main is broken was answered by Tim after 2.0 s";
        assert_eq!(told(None, &story), [changed, Progress::Answered(line.into())]);
    }

    #[test]
    fn an_order_that_is_answered_already_is_no_reason_to_wait() {
        let story = [welcome(), state("7", 1, 10, Some(13), false)];
        let line = "7 COFFEE was answered by Tim after 3.0 s";
        assert_eq!(told(None, &story), [Progress::Answered(line.into())]);
    }

    #[test]
    fn a_kind_is_a_number_a_name_or_a_text() {
        let story = [
            welcome(),
            state("8", 1, 10, Some(11), false),
            state("7", 3, 20, None, true),
            state("7", 3, 20, Some(21), false),
        ];
        for kind in ["7", "coffee"] {
            let line = "7 COFFEE was answered by Tim after 1.0 s";
            assert_eq!(told(Some(kind), &story), [Progress::Answered(line.into())], "{kind}");
        }
        let line = "8 was answered by Tim after 1.0 s";
        assert_eq!(told(Some("8"), &story)[0], Progress::Answered(line.into()));
        assert_eq!(told(Some("tea"), &story), []);
    }

    #[test]
    fn a_reply_that_is_no_answer_changes_nothing() {
        let wrong = |at, since_it_was_given: &[Message]| {
            let Message::State(mut state) = state("7", 5, 10, Some(at), true) else { panic!() };
            state.at = at * 1_000;
            if let Some(reply) = &mut state.reply {
                reply.status = "8".into();
                reply.position = None;
            }
            let answer = [self::state("7", 5, 10, Some(17), false)];
            let story = [since_it_was_given, &[Message::State(state)], &answer].concat();
            told(None, &story)
        };
        let line = |seconds| {
            Progress::Answered(format!("7 COFFEE was answered by Tim after {seconds}.0 s"))
        };
        // It was seen to begin, or was not.
        assert_eq!(wrong(14, &[welcome(), state("7", 5, 10, None, true)]), [line(7)]);
        assert_eq!(wrong(14, &[welcome()]), [line(7)]);
        // It is a repeat, given at 11, and of the answer before it nothing is known any more.
        let Message::State(mut again) = state("7", 5, 10, Some(10), true) else { panic!() };
        again.at = 11_000;
        if let Some(reply) = &mut again.reply {
            reply.seq = 4;
        }
        assert_eq!(wrong(14, &[welcome(), Message::State(again)]), [line(6)]);
    }

    #[test]
    fn a_repeat_after_an_answer_counts_anew() {
        let Message::State(mut again) = state("7", 5, 10, Some(20), true) else { panic!() };
        // It was given at 10, answered at 20, and is given once more at 100.
        again.at = 100_000;
        if let Some(reply) = &mut again.reply {
            reply.seq = 4;
        }
        let answer = state("7", 5, 10, Some(103), false);
        let line = "7 COFFEE was answered by Tim after 3.0 s";
        let story = [welcome(), Message::State(again), answer];
        assert_eq!(told(None, &story), [Progress::Answered(line.into())]);
    }
}
