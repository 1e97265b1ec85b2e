//! The telegraph as the design's words have it, written anew: orders, replies, their numbers, and
//! the bell. Every `state` that a station gets is held against it.

use chadburn::writing::{File, Health, Report};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::book::Book;

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
    since: u64,
    /// Until when it, under this number, was the present one.
    pub until: u64,
    /// When it became the present one.
    pub from: u64,
}

/// A reply.
#[derive(Clone, Debug)]
struct Reply {
    status: String,
    seq: u64,
    at: u64,
    /// Who may be credited.
    by: Vec<Value>,
}

/// The telegraph after an order, a repeat or a reply.
#[derive(Clone, Debug)]
struct Moment {
    at: u64,
    order: Option<Order>,
    reply: Option<Reply>,
}

/// The telegraph of one run.
#[derive(Debug)]
pub struct Model {
    book: Book,
    /// The number before the first.
    base: u64,
    moments: Vec<Moment>,
    /// Every order and repeat, oldest first.
    pub orders: Vec<Order>,
    /// Every health of the status file that was told.
    healths: Vec<Value>,
}

impl Model {
    /// A telegraph that starts at this moment.
    #[must_use]
    pub fn new(book: &Book, unix_ms: u64) -> Self {
        let unsettled = json!({"health": "missing", "detail": "", "watch": "poll"});
        Self {
            book: book.clone(),
            base: unix_ms,
            moments: vec![Moment { at: unix_ms, order: None, reply: None }],
            orders: Vec::new(),
            healths: vec![unsettled],
        }
    }

    /// The hub takes up what a source told.
    pub fn told(&mut self, unix_ms: u64, file: File, report: &Report, by: &[Vec<Uuid>]) {
        match report {
            Report::Health(health) if file == File::Status => self.healths.push(form(health)),
            Report::Health(_) => {}
            Report::Written(writing) => {
                let mut moment = self.moments.last().expect("there is a first").clone();
                let seq = self.seq() + 1;
                moment.at = unix_ms;
                let status = writing.text.clone();
                if file == File::Status {
                    self.ordered(&mut moment, status, seq);
                } else {
                    let by = by.iter().flat_map(|by| credits(by)).collect();
                    moment.reply = Some(Reply { status, seq, at: unix_ms, by });
                }
                self.moments.push(moment);
            }
        }
    }

    fn ordered(&mut self, moment: &mut Moment, status: String, seq: u64) {
        let now = self.book.now();
        let before = moment.order.as_ref().filter(|before| before.status == status);
        let since = before.map_or(moment.at, |before| before.since);
        if let Some(last) = self.orders.last_mut() {
            last.until = now;
        }
        let order = Order { status, seq, since, until: u64::MAX, from: now };
        self.orders.push(order.clone());
        moment.order = Some(order);
    }

    /// The latest number.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.base + self.moments.len() as u64 - 1
    }

    /// The present status.
    #[must_use]
    pub fn status(&self) -> &str {
        self.orders.last().map_or("", |order| &order.status)
    }

    /// Whether this is the present status, or was at some time since then.
    #[must_use]
    pub fn was_status_since(&self, status: &str, since: u64) -> bool {
        let none_then = self.orders.first().is_none_or(|first| first.from >= since);
        (status.is_empty() && none_then)
            || self.orders.iter().any(|order| order.status == status && order.until >= since)
    }

    /// The order with this number.
    #[must_use]
    pub fn order(&self, seq: u64) -> Option<&Order> {
        let index = self.orders.binary_search_by_key(&seq, |order| order.seq).ok()?;
        Some(&self.orders[index])
    }

    /// Holds a `state` message against what it must say. Returns its number.
    pub fn check(&self, state: &Value) -> Result<u64, String> {
        let seq = state["seq"].as_u64().ok_or("a state has no number")?;
        let index = seq.checked_sub(self.base).and_then(|index| usize::try_from(index).ok());
        let moment = index.and_then(|index| self.moments.get(index));
        let moment = moment.ok_or_else(|| format!("no state has the number {seq}"))?;
        let mut expected = json!({
            "type": "state",
            "seq": seq,
            "at": moment.at,
            "order": moment.order.as_ref().map(|order| {
                let (position, name) = place(&order.status);
                let Order { status, seq, since, .. } = order;
                json!({"status": status, "position": position, "name": name, "seq": seq,
                       "since": since})
            }),
            "reply": null,
            "bell": moment.bell(),
            "source": state["source"],
        });
        if let Some(reply) = &moment.reply {
            let (position, name) = place(&reply.status);
            let Reply { status, seq, at, by } = reply;
            let said = &state["reply"]["by"];
            if !by.contains(said) {
                return Err(format!("the reply {status:?} is by {by:?}, not by {said}"));
            }
            expected["reply"] = json!({"status": status, "position": position, "name": name,
                "seq": seq, "by": said, "who": null, "at": at});
        }
        if *state != expected {
            return Err(format!("the state must be {expected}, not {state}"));
        }
        if !self.healths.contains(&state["source"]) {
            return Err(format!("no such health was told: {}", state["source"]));
        }
        Ok(seq)
    }

    /// Whether this is the latest health of the status file.
    #[must_use]
    pub fn is_latest_health(&self, health: &Value) -> bool {
        self.healths.last() == Some(health)
    }

    /// Whether such a health of the status file was ever told.
    #[must_use]
    pub fn was_health(&self, health: &Value) -> bool {
        self.healths.contains(health)
    }
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
}

/// Who may be credited with a writing that any of these may have caused.
fn credits(by: &[Uuid]) -> Vec<Value> {
    let name = |id: &Uuid| if id.is_nil() { json!("file") } else { json!(id.to_string()) };
    if by.is_empty() { vec![json!("file")] } else { by.iter().map(name).collect() }
}

/// A text is a position when it is its plain number, or its name in any case.
#[must_use]
pub fn place(text: &str) -> (Option<usize>, Option<&'static str>) {
    let is = |(index, name): &(usize, &&str)| {
        text == (index + 1).to_string() || text.eq_ignore_ascii_case(name)
    };
    match NAMES.iter().enumerate().find(is) {
        Some((index, name)) => (Some(index + 1), Some(name)),
        None => (None, None),
    }
}

fn form(health: &Health) -> Value {
    serde_json::to_value(health).expect("a health is plain")
}
