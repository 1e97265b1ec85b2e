//! The telegraph as the design's words have it, written anew: every moment of this run, and what is
//! left of those before. Every `state` that a station gets, every snapshot and every line of the
//! bell book is held against it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use chadburn::entry::{Entry, What};
use chadburn::file::File;
use live_file::writing::{Health, Report};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::book::Book;
use crate::clerk::Credit;
use crate::ledger::{Found, SURELY};
use crate::moment::{Line, Moment, Order, Reply, authors};

/// How many moments of earlier runs are remembered; a server remembers a thousand.
const REMEMBERED: usize = 2_000;

/// A moment of an earlier run.
#[derive(Clone, Debug)]
pub struct Past {
    moment: Moment,
    /// The bell book still had it when this run began, and so many entries after it.
    kept: Option<usize>,
    /// The book has lost something of its run before it.
    blurred: bool,
}

/// The telegraph of one run.
#[derive(Debug)]
pub struct Model {
    book: Book,
    /// The number before the first.
    base: u64,
    moments: Vec<Moment>,
    /// Moments of earlier runs, by number.
    past: BTreeMap<u64, Past>,
    /// Every order and repeat, oldest first.
    pub orders: Vec<Order>,
    /// What its source says of the status file's health.
    health: Value,
    /// Why its disk does not answer, if so.
    unanswered: Option<String>,
    /// Every health of the status file that was told.
    healths: Vec<Value>,
    /// How long the longest text is in JSON that may be told, in bytes.
    longest: usize,
    /// How many of the moments the bell book was told.
    recorded: usize,
    /// Which station's answer to which order was recorded as stale.
    stale: HashSet<(u64, String)>,
    /// Which station may stand in the roll of which order.
    pub claims: RefCell<HashSet<(Option<u64>, Uuid)>>,
}

impl Model {
    /// A telegraph whose numbers start after this one; `past` is what earlier runs have said, and
    /// `found` what the bell book has of it.
    #[must_use]
    pub fn new(
        book: &Book,
        unix_ms: u64,
        base: u64,
        mut past: BTreeMap<u64, Past>,
        found: &Found,
    ) -> Self {
        // Only without a bell book can there be any. They are forgotten, and given once more.
        past.split_off(&base);
        past.retain(|seq, _| !found.between.iter().any(|between| between.contains(seq)));
        for (seq, past) in &mut past {
            let whole = found.states.get(seq);
            past.kept = whole.map(|(after, _)| *after);
            past.blurred = whole.is_none_or(|(_, whole)| !whole);
        }
        let longest = past.values().map(|past| longest(&past.moment)).max().unwrap_or(0);
        let unsettled = json!({"health": "missing", "detail": "", "watch": "poll"});
        Self {
            book: book.clone(),
            base,
            moments: vec![Moment { at: unix_ms, order: None, reply: None, line: None }],
            past,
            orders: Vec::new(),
            health: unsettled.clone(),
            unanswered: None,
            healths: vec![unsettled],
            longest,
            recorded: 1,
            stale: HashSet::new(),
            claims: RefCell::default(),
        }
    }

    /// What this run and those before it have said.
    #[must_use]
    pub fn into_past(self) -> BTreeMap<u64, Past> {
        let mut past = self.past;
        let said = (self.base..).zip(self.moments).skip(1);
        past.extend(said.map(|(seq, moment)| (seq, Past { moment, kept: None, blurred: true })));
        while past.len() > REMEMBERED {
            past.pop_first();
        }
        past
    }

    /// The hub takes up that the status file's disk does not answer, or does again.
    pub fn unanswered(&mut self, why: Option<String>) {
        self.unanswered = why;
        self.tell_health();
    }

    fn tell_health(&mut self) {
        let mut health = self.health.clone();
        if let Some(why) = &self.unanswered {
            (health["health"], health["detail"]) = ("unreadable".into(), why.as_str().into());
        }
        self.healths.push(health);
    }

    /// The hub takes up what a source told.
    pub fn told(&mut self, unix_ms: u64, file: File, report: &Report, by: &[Vec<Credit>]) {
        match report {
            Report::Health(health) if file == File::Status => {
                self.health = form(health);
                self.tell_health();
            }
            Report::Health(_) => {}
            Report::Written(writing) => {
                let mut moment = self.moments.last().expect("there is a first").clone();
                let (seq, by) = (self.seq() + 1, authors(by));
                moment.at = unix_ms;
                let status = writing.text.clone();
                let line = if file == File::Status {
                    let what = self.ordered(&mut moment, status, seq);
                    Line { what, by, after_ms: None }
                } else {
                    let given = self.orders.last().map(|order| order.from);
                    let after_ms = given.map(|given| (self.book.now() - given) / 1_000);
                    moment.reply = Some(Reply { status, seq, at: unix_ms, by: by.clone() });
                    Line { what: What::Reply, by, after_ms }
                };
                moment.line = Some(line);
                self.longest = self.longest.max(longest(&moment));
                self.moments.push(moment);
            }
        }
    }

    fn ordered(&mut self, moment: &mut Moment, status: String, seq: u64) -> What {
        let now = self.book.now();
        let before = moment.order.as_ref().filter(|before| before.status == status);
        let what = if before.is_some() { What::Repeat } else { What::Order };
        let since = before.map_or(moment.at, |before| before.since);
        if let Some(last) = self.orders.last_mut() {
            last.until = now;
        }
        let order = Order { status, seq, since, until: u64::MAX, from: now };
        self.orders.push(order.clone());
        moment.order = Some(order);
        what
    }

    /// This goes into the bell book.
    pub fn recorded(&mut self, entry: &Entry) -> Result<(), String> {
        match entry.what {
            What::Order | What::Repeat | What::Reply => {
                let moment = self.moments.get(self.recorded).ok_or("it is recorded twice")?;
                let seq = self.base + self.recorded as u64;
                self.recorded += 1;
                moment.check_line(seq, entry)
            }
            What::Stale => {
                let (Some(order), Some(by)) = (entry.to, entry.by) else {
                    return Err(format!("stale, but to what, and by whom? {entry:?}"));
                };
                self.stale.insert((order, json!(by).as_str().unwrap_or_default().to_owned()));
                let so =
                    entry.seq == self.seq() && self.orders.last().is_some_and(|it| it.seq != order);
                if so { Ok(()) } else { Err(format!("it is not stale: {entry:?}")) }
            }
            What::Run if entry.seq == self.base => Ok(()),
            What::End if entry.seq == self.seq() => Ok(()),
            What::Run | What::End | What::Hole => Err(format!("{entry:?} is recorded")),
        }
    }

    /// Whether everything that was said was recorded.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.recorded == self.moments.len()
    }

    /// Whether this station's answer to this order was recorded as stale.
    #[must_use]
    pub fn was_stale(&self, order: u64, station: Uuid) -> bool {
        self.stale.contains(&(order, station.to_string()))
    }

    /// How many orders, and how many replies, this run has told.
    #[must_use]
    pub fn counted(&self) -> (u64, u64) {
        let orders = self.orders.len() as u64;
        (orders, self.moments.len() as u64 - 1 - orders)
    }

    /// The latest number.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.base + self.moments.len() as u64 - 1
    }

    /// How long a state is at most beside what is in every state: it has two texts, and whatever is
    /// not printed takes up to six times its room in JSON.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        2 * self.longest
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
            || self
                .orders
                .iter()
                .rev()
                .take_while(|order| order.until >= since)
                .any(|order| order.status == status)
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
        let now = index.and_then(|index| self.moments.get(index)).map(|moment| (moment, false));
        let then = || self.past.get(&seq).map(|past| (&past.moment, past.blurred));
        let (moment, blurred) =
            now.or_else(then).ok_or_else(|| format!("no state has the number {seq}"))?;
        moment.check(seq, state, blurred)?;
        if !self.was_health(&state["source"]) {
            return Err(format!("no such health was told: {}", state["source"]));
        }
        Ok(seq)
    }

    /// The first state with a number from `from` to `to`, this run's and earlier ones'.
    #[must_use]
    pub fn first_within(&self, from: u64, to: u64) -> Option<u64> {
        if from > to {
            return None;
        }
        let then = self.past.range(from..=to).next().map(|(seq, _)| *seq);
        let now = from.max(self.base + 1);
        then.or((now <= to.min(self.seq())).then_some(now))
    }

    /// The first number from `from` to `to` of a state that is surely still known.
    #[must_use]
    pub fn first_known_within(&self, from: u64, to: u64) -> Option<u64> {
        if from > to {
            return None;
        }
        let said = self.moments.len() - 1;
        let known = |past: &Past| past.kept.is_some_and(|after| after + said < SURELY);
        let then = self.past.range(from..=to).find(|(_, past)| known(past)).map(|(seq, _)| *seq);
        let forgotten = said.saturating_sub(SURELY) as u64;
        let now = from.max(self.base + forgotten + 1);
        then.or((now <= to.min(self.seq())).then_some(now))
    }

    /// Whether this is the latest health of the status file.
    #[must_use]
    pub fn is_latest_health(&self, health: &Value) -> bool {
        self.healths.last() == Some(health)
    }

    /// Whether such a health of the status file was ever told.
    #[must_use]
    pub fn was_health(&self, health: &Value) -> bool {
        // The latest first: a long run has told many.
        self.healths.iter().rev().any(|told| told == health)
    }
}

/// The length of the longest text of this moment in JSON.
fn longest(moment: &Moment) -> usize {
    let order = moment.order.iter().map(|order| &order.status);
    let texts = order.chain(moment.reply.iter().map(|reply| &reply.status));
    texts.map(|text| json!(text).to_string().len()).max().unwrap_or(0)
}

fn form(health: &Health) -> Value {
    json!(chadburn::file::health(health))
}
