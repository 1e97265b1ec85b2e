//! What a station says when: who it is, what it has missed, which request is under way, and what
//! becomes of that when the connection goes. Pure: no IO, no clock.

use std::time::Duration;

use chadburn_core::text::bare;
use chadburn_v1::status_text;
use tokio::sync::oneshot;

use super::{Answer, NotDone};
use crate::outbox::Outbox;
use crate::{Code, Dial, Id, Message, Order, Request, Settings, State, Welcome};

/// The id under which a station says its name; requests count from 1.
const NAMING: i64 = 0;

/// How many lines of the console are kept for one request; the server's commands say one.
const LINES: usize = 64;

/// The beats that a station goes by, whatever the server says: with longer ones it would not notice
/// for minutes that the server is gone, and with shorter ones it would lose it all the time.
const SHORTEST_BEAT: Duration = Duration::from_millis(100);
const LONGEST_BEAT: Duration = Duration::from_mins(1);

/// The largest `seq` (PROTOCOL.md). One that is larger would be refused in the address.
const LARGEST_SEQ: u64 = (1 << 53) - 1;

type Asker = oneshot::Sender<Result<Answer, NotDone>>;

/// Whose a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It answers a request, and nobody else needs it.
    Mine,
    /// It is handed up.
    Everybodys,
    /// It is handed up, and it was the last of a connection's beginning.
    Ready,
    /// The server wants a token, or another than ours, and this is what there is to say of it.
    WrongToken(&'static str),
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is none, or the server has not said yet how things are.
    Opening,
    /// The server has said it, and may be asked.
    Ready,
}

/// How far the request in hand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    /// There is none.
    Empty,
    /// It is being sent, and has not been sent whole.
    Sending,
    /// It was sent whole and is not answered.
    Waiting,
}

#[derive(Debug)]
pub(super) struct Desk {
    stage: Stage,
    hand: Hand,
    outbox: Outbox<Pending>,
    /// What the console said to the request in hand, at most `LINES` of them.
    lines: Vec<String>,
    /// A state has come on this connection.
    told: bool,
    last_id: i64,
    /// What the station is called, and whether this server still has to be told.
    name: Option<String>,
    naming: bool,
    resume: Option<String>,
    /// The newest state that was handed up.
    since: Option<u64>,
    /// Whether a token was given.
    token: bool,
    beat: Duration,
    welcome: Option<Welcome>,
    state: Option<State>,
    /// An order that was carried out, and of which no state has told yet.
    unseen: Option<String>,
}

/// A request that is not answered.
#[derive(Debug)]
struct Pending {
    request: Request,
    /// Under which it was said last.
    id: i64,
    asker: Asker,
    /// The order that stood when it was said.
    before: Option<Order>,
    /// It was sent whole on a connection that is gone.
    doubtful: bool,
    /// An order like it has been seen since it was said.
    seen: bool,
}

impl Desk {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            stage: Stage::Opening,
            hand: Hand::Empty,
            outbox: Outbox::new(settings.outbox.0, settings.outbox.1),
            lines: Vec::new(),
            told: false,
            last_id: NAMING,
            name: settings.name.clone().filter(|name| !name.is_empty()),
            naming: false,
            resume: settings.resume.clone(),
            since: settings.since,
            token: settings.token,
            beat: settings.beat,
            welcome: None,
            state: None,
            unseen: None,
        }
    }

    pub(super) fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    pub(super) fn welcome(&self) -> Option<&Welcome> {
        self.welcome.as_ref()
    }

    pub(super) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    pub(super) fn beat(&self) -> Duration {
        self.beat
    }

    /// Takes a request, or gives it back if it has to wait.
    pub(super) fn put(&mut self, request: Request, asker: Asker) -> Result<(), (Request, Asker)> {
        let pending = Pending { request, id: 0, asker, before: None, doubtful: false, seen: false };
        match self.outbox.put(pending) {
            Ok(None) => Ok(()),
            Ok(Some(dropped)) => {
                tell(dropped.asker, Err(NotDone::Dropped));
                Ok(())
            }
            Err(back) => Err((back.request, back.asker)),
        }
    }

    pub(super) fn query(&self) -> String {
        let resume = self.resume.as_ref().map(|secret| format!("resume={secret}"));
        let since = self.since.map(|seq| format!("since={seq}"));
        [resume, since].into_iter().flatten().collect::<Vec<_>>().join("&")
    }

    pub(super) fn up(&mut self) {
        (self.stage, self.naming) = (Stage::Opening, self.name.is_some());
        self.told = false;
    }

    /// Whether the server has said how things are.
    pub(super) fn is_greeted(&self) -> bool {
        self.stage == Stage::Ready
    }

    pub(super) fn next(&mut self) -> Option<String> {
        if self.stage != Stage::Ready {
            return None;
        }
        if let Some(name) = self.name.as_ref().filter(|_| self.naming) {
            self.naming = false;
            let request = Request::Name { name: name.clone() };
            return Some(said(&request, NAMING));
        }
        if self.hand != Hand::Empty {
            return None;
        }
        let pending = self.outbox.next()?;
        self.last_id += 1;
        pending.id = self.last_id;
        pending.before = self.state.as_ref().and_then(|state| state.order.clone());
        (pending.doubtful, pending.seen) = (false, false);
        self.hand = Hand::Sending;
        self.lines.clear();
        Some(said(&pending.request, pending.id))
    }

    pub(super) fn sent(&mut self) {
        // The name is not in hand, and an answer may be quicker than this word.
        if self.hand == Hand::Sending {
            self.hand = Hand::Waiting;
        }
    }

    pub(super) fn heard(&mut self, message: &Message) -> Turn {
        match message {
            Message::Welcome(welcome) => {
                if self.token && welcome.token {
                    return Turn::WrongToken("that is not its token");
                }
                self.resume = Some(welcome.resume.clone()).filter(|it| is_secret(it));
                if welcome.heartbeat_ms > 0 {
                    let beat = Duration::from_millis(welcome.heartbeat_ms.into());
                    self.beat = beat.clamp(SHORTEST_BEAT, LONGEST_BEAT);
                }
                self.welcome = Some(welcome.clone());
            }
            Message::State(state) => {
                self.since = Some(state.seq).filter(|seq| *seq <= LARGEST_SEQ);
                self.told = true;
                self.state = Some(state.clone());
                self.look();
            }
            Message::Source { file, health } if file == "status" => {
                if let Some(state) = &mut self.state {
                    state.source = health.clone();
                }
            }
            Message::Error { id: None, code: Code::TokenRequired, .. }
                if self.stage == Stage::Opening =>
            {
                return Turn::WrongToken("it lets nobody read without its token");
            }
            Message::Roll(_) if self.stage == Stage::Opening && self.told => {
                self.stage = Stage::Ready;
                self.decide();
                return Turn::Ready;
            }
            Message::Farewell { reason } if reason == "replaced" => {
                // Whoever has our secret would be thrown out in turn.
                self.resume = None;
            }
            Message::Console { text } if self.hand != Hand::Empty && self.lines.len() < LINES => {
                self.lines.push(text.clone());
                return Turn::Mine;
            }
            Message::Ok { id: Some(Id::Number(NAMING)) } => return Turn::Mine,
            Message::Ok { id: Some(Id::Number(id)) } if self.is_in_hand(*id) => {
                let lines = std::mem::take(&mut self.lines);
                self.answered(Ok(Answer { lines }));
                return Turn::Mine;
            }
            Message::Error { id: Some(Id::Number(id)), code, message } if self.is_in_hand(*id) => {
                self.answered(Err(NotDone::Refused { code: *code, message: message.clone() }));
                return Turn::Mine;
            }
            _ => {}
        }
        Turn::Everybodys
    }

    pub(super) fn down(&mut self) {
        self.stage = Stage::Opening;
        match std::mem::replace(&mut self.hand, Hand::Empty) {
            // Half a message is none.
            Hand::Sending => self.outbox.put_back(),
            // In doubt it stays in hand, so that it is not dropped for a newer one.
            Hand::Waiting => {
                if let Some(pending) = self.outbox.in_hand() {
                    pending.doubtful = true;
                }
            }
            Hand::Empty => {}
        }
    }

    /// Nothing will be answered any more.
    pub(super) fn end(&mut self) {
        for pending in self.outbox.empty() {
            tell(pending.asker, Err(NotDone::Closed));
        }
    }

    fn is_in_hand(&mut self, id: i64) -> bool {
        self.hand != Hand::Empty && self.outbox.in_hand().is_some_and(|pending| pending.id == id)
    }

    fn answered(&mut self, answer: Result<Answer, NotDone>) {
        self.hand = Hand::Empty;
        if let Some(pending) = self.outbox.done() {
            if let (Request::Order { status }, Ok(_), false) =
                (pending.request, &answer, pending.seen)
            {
                self.unseen = Some(status);
            }
            tell(pending.asker, answer);
        }
    }

    /// Looks whether the present order is one that was given here.
    fn look(&mut self) {
        let present = self.state.as_ref().and_then(|state| state.order.as_ref());
        let Some(present) = present else { return };
        let dial = self.welcome.as_ref().map(|welcome| &welcome.dial);
        if self.unseen.as_ref().is_some_and(|status| is_like(present, status, dial)) {
            // It came before the one in hand, whose answer may have been quicker than its state.
            self.unseen = None;
            let present = present.clone();
            if let Some(pending) = self.outbox.in_hand() {
                pending.before = Some(present);
            }
            return;
        }
        let Some(pending) = self.outbox.in_hand() else { return };
        let Request::Order { status } = &pending.request else { return };
        let moved = pending.before.as_ref().is_none_or(|before| present.seq > before.seq);
        if moved && is_like(present, status, dial) {
            pending.seen = true;
            // Its state will not come any more: a newer one has taken its place.
            self.unseen = None;
        }
    }

    /// A connection has begun: what becomes of a request that was sent on one that is gone?
    fn decide(&mut self) {
        let present = self.state.as_ref().and_then(|state| state.order.as_ref());
        let Some(pending) = self.outbox.in_hand() else { return };
        if !pending.doubtful {
            return;
        }
        // Not its number: a server that was restarted has given the same order another one.
        let stands = pending.before.as_ref().map(|order| &order.status)
            == present.map(|order| &order.status);
        match pending.request {
            Request::Order { .. } if pending.seen => self.answered(Ok(Answer::default())),
            Request::Order { .. } if !stands => self.answered(Err(NotDone::Unsure)),
            // Nobody knows what a console's line does.
            Request::Console { .. } => self.answered(Err(NotDone::Unsure)),
            _ => self.outbox.put_back(),
        }
    }
}

/// Whether an order is the one that this status gives. The server writes a name of the dial as its
/// number.
fn is_like(order: &Order, status: &str, dial: Option<&Dial>) -> bool {
    let given = dial.and_then(|dial| dial.find(bare(status)));
    match (order.position, given) {
        (Some(present), Some(given)) => present == given.position,
        _ => status_text(status).is_some_and(|status| status == order.status),
    }
}

/// Whether this can be a secret, and so stand in the address (PROTOCOL.md).
fn is_secret(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

fn tell(asker: Asker, answer: Result<Answer, NotDone>) {
    // Whoever does not wait any more does not want to know.
    let _ = asker.send(answer);
}

fn said(request: &Request, id: i64) -> String {
    request.encode(Some(&Id::Number(id)))
}

#[cfg(test)]
mod tests;
