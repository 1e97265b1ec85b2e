//! What stands on the telegraph at a moment, by the design's words: order, reply and bell, and the
//! `state` message and the line of the bell book that must say so.

use std::rc::Rc;

use chadburn::entry::{Entry, What};
use chadburn_core::Position;
use serde_json::{Value, json};

use crate::clerk::Credit;

/// The names of the default dial, from position 1 on.
const NAMES: [&str; 11] = [
    "FULL",
    "HALF",
    "SLOW",
    "REVERSE",
    "NEXT",
    "STOP",
    "COFFEE",
    "LUNCH",
    "ENGINE WORKING WRONG",
    "SIWOTI",
    "BATTLE STATIONS",
];

/// An order, each time it was given.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it says.
    pub status: String,
    /// Its number.
    pub seq: u64,
    /// When it was first given, by the wall clock.
    pub since: u64,
    /// Until when it, under this number, was the present one.
    pub until: u64,
    /// When it became the present one.
    pub from: u64,
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: String,
    pub seq: u64,
    pub at: u64,
    /// Who may be credited.
    pub by: Rc<[Author]>,
}

/// Who may have caused something, as JSON has it: `by` and `who`.
pub type Author = (Value, Value);

/// The telegraph after an order, a repeat or a reply.
#[derive(Clone, Debug)]
pub struct Moment {
    pub at: u64,
    pub order: Option<Order>,
    pub reply: Option<Reply>,
    /// What the bell book must have of it; nothing of the first one of a run.
    pub line: Option<Line>,
}

/// What the bell book must say, beside what the moment says.
#[derive(Clone, Debug)]
pub struct Line {
    pub what: What,
    /// Who may be credited.
    pub by: Rc<[Author]>,
    pub after_ms: Option<u64>,
}

impl Moment {
    /// It rings until answered: there is an order, and the present reply does not match it or has
    /// no later number.
    fn bell(&self) -> bool {
        let Some(order) = &self.order else { return false };
        let Some(reply) = &self.reply else { return true };
        let same = match (place(&order.status).0, place(&reply.status).0) {
            (None, None) => order.status == reply.status,
            (ordered, answered) => ordered == answered,
        };
        !(same && reply.seq > order.seq)
    }

    /// Holds a `state` message with the number `seq` against this moment. `blurred`: a line that
    /// was lost may have changed the side that this moment did not.
    pub fn check(&self, seq: u64, state: &Value, blurred: bool) -> Result<(), String> {
        let mut expected = json!({
            "type": "state",
            "seq": seq,
            "at": self.at,
            "order": self.order.as_ref().map(|order| {
                let (position, name) = place(&order.status);
                let Order { status, seq, since, .. } = order;
                json!({"status": status, "position": position, "name": name, "seq": seq,
                       "since": since})
            }),
            "reply": null,
            "bell": self.bell(),
            "source": state["source"],
        });
        let said = &state["reply"];
        if let Some(Reply { status, seq, at, by }) = &self.reply {
            let (position, name) = place(status);
            let author = (said["by"].clone(), said["who"].clone());
            if !by.contains(&author) && (!blurred || said["seq"] == *seq) {
                return Err(format!("the reply {status:?} is by {by:?}, not by {author:?}"));
            }
            expected["reply"] = json!({"status": status, "position": position, "name": name,
                "seq": seq, "by": said["by"], "who": said["who"], "at": at});
        }
        if blurred {
            let other = if self.order.as_ref().is_some_and(|order| order.seq == seq) {
                "reply"
            } else {
                "order"
            };
            expected["bell"] = state["bell"].clone();
            expected[other] = state[other].clone();
        }
        if *state != expected {
            return Err(format!("the state must be {expected}, not {state}"));
        }
        Ok(())
    }

    /// Holds the line of the bell book against this moment, which came with it.
    pub fn check_line(&self, seq: u64, entry: &Entry) -> Result<(), String> {
        let Some(Line { what, by, after_ms }) = &self.line else {
            return Err(format!("{entry:?} is recorded of nothing"));
        };
        let author = (json!(entry.by), json!(entry.who));
        let (status, since) = match (what, &self.order, &self.reply) {
            (What::Reply, _, Some(reply)) => (&reply.status, None),
            (_, Some(order), _) => (&order.status, Some(order.since)),
            _ => return Err(format!("nothing was said, and {entry:?} is recorded")),
        };
        let (position, name) = place(status);
        let expected = Entry {
            status: Some(status.as_str().into()),
            position: position.and_then(|it| Position::new(u8::try_from(it).ok()?)),
            name: name.map(Into::into),
            by: entry.by,
            who: entry.who.clone(),
            since,
            after_ms: *after_ms,
            from: entry.from,
            ..Entry::new(seq, self.at, *what)
        };
        if *entry != expected || !by.contains(&author) {
            return Err(format!("recorded must be {expected:?} by {by:?}, not {entry:?}"));
        }
        Ok(())
    }
}

/// Who may be credited with a writing that any of these may have caused.
#[must_use]
pub fn authors(by: &[Vec<Credit>]) -> Rc<[Author]> {
    let author = |(id, who): &Credit| match who {
        _ if id.is_nil() => (json!("file"), Value::Null),
        who => (json!(id.to_string()), json!(who.as_deref())),
    };
    let file = || (json!("file"), Value::Null);
    let each = by.iter().flat_map(|by| {
        let none = by.is_empty().then(file);
        by.iter().map(author).chain(none)
    });
    each.collect()
}

/// A text is a position when it is its plain number, or its name in any case.
#[must_use]
pub fn place(text: &str) -> (Option<usize>, Option<&'static str>) {
    let text = text.trim_start();
    let is = |(index, name): &(usize, &&str)| {
        text == (index + 1).to_string() || text.eq_ignore_ascii_case(name)
    };
    match NAMES.iter().enumerate().find(is) {
        Some((index, name)) => (Some(index + 1), Some(name)),
        None => (None, None),
    }
}
