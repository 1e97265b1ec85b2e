//! The client side of `chadburn.v1` as a state machine without IO or clock: which query to connect
//! with, which request to send next, what an incoming message answers, and whether a request is sent
//! again after a reconnect.

use std::time::Duration;

use chadburn_core::text::bare;
use chadburn_v1::status_text;
use tokio::sync::oneshot;

use super::{RequestError, RequestOutput};
use crate::outbox::Outbox;
use crate::{Code, Dial, Id, Message, Order, Request, Settings, State, Welcome};

/// The id of the request that sets the station's name; the ids of all others count from 1.
const NAME_ID: i64 = 0;

/// The most lines of the console that are kept for one request; the server's commands answer with one.
const MAX_CONSOLE_LINES: usize = 64;

/// The shortest heartbeat interval that a station accepts of a server: with a shorter one it would take
/// the connection for lost all the time.
const MIN_BEAT: Duration = Duration::from_millis(100);

/// The longest: with a longer one it would not notice for minutes that the server is gone.
const MAX_BEAT: Duration = Duration::from_mins(1);

/// The largest `seq` (PROTOCOL.md). The server refuses a larger one in the address.
const MAX_SEQ: u64 = (1 << 53) - 1;

type ResponseSender = oneshot::Sender<Result<RequestOutput, RequestError>>;

/// What is to be done with an incoming message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Nothing: it belongs to a request.
    Consumed,
    /// Put it into the inbox.
    Forward,
    /// Put it into the inbox; it ends the greeting, so the link is up.
    ForwardAndReady,
    /// The link fails: the server wants a token, or another than ours. The text says which.
    WrongToken(&'static str),
}

/// How far the present connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is none, or the server has not sent its greeting yet (welcome, state, roll).
    Opening,
    /// The server has greeted, and requests may be sent.
    Ready,
}

/// How far the request in hand is on the present connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestPhase {
    /// No request has been sent on this connection, or each was answered. The outbox may still have one
    /// in hand that was sent on the previous connection, until `resolve_maybe_executed` decides.
    Idle,
    /// It is being sent, and has not been sent whole.
    Sending,
    /// It was sent whole and is not answered.
    Sent,
}

#[derive(Debug)]
pub(super) struct StationProtocol {
    stage: Stage,
    phase: RequestPhase,
    outbox: Outbox<QueuedRequest>,
    /// The console's lines for the request in hand, at most `MAX_CONSOLE_LINES`.
    lines: Vec<String>,
    /// A state has come on this connection.
    state_received: bool,
    last_id: i64,
    /// What the station is called.
    name: Option<String>,
    /// The name has still to be sent on this connection.
    name_pending: bool,
    /// The secret by which the server knows this station after a reconnect.
    resume: Option<String>,
    /// The `seq` of the last state, sent as `since` on a reconnect.
    since: Option<u64>,
    /// Whether the settings have a token.
    presented_token: bool,
    beat: Duration,
    welcome: Option<Welcome>,
    state: Option<State>,
    /// An order that the server acknowledged before it sent the state with it.
    order_awaiting_state: Option<String>,
}

/// A request that is not answered yet.
#[derive(Debug)]
struct QueuedRequest {
    request: Request,
    /// The id that it was last sent with.
    id: i64,
    response: ResponseSender,
    /// The order that was present when it was sent.
    order_before: Option<Order>,
    /// It was sent whole on a connection that was lost before the answer.
    maybe_executed: bool,
    /// A state with this order has come since it was sent.
    state_seen: bool,
}

impl StationProtocol {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            stage: Stage::Opening,
            phase: RequestPhase::Idle,
            outbox: Outbox::new(settings.outbox.0, settings.outbox.1),
            lines: Vec::new(),
            state_received: false,
            last_id: NAME_ID,
            name: settings.name.clone().filter(|name| !name.is_empty()),
            name_pending: false,
            resume: settings.resume.clone(),
            since: settings.since,
            presented_token: settings.token,
            beat: settings.beat,
            welcome: None,
            state: None,
            order_awaiting_state: None,
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

    pub(super) fn heartbeat_interval(&self) -> Duration {
        self.beat
    }

    /// Queues a request, or gives it back if there is no room for it now.
    pub(super) fn put(
        &mut self,
        request: Request,
        response: ResponseSender,
    ) -> Result<(), (Request, ResponseSender)> {
        let pending = QueuedRequest {
            request,
            id: 0,
            response,
            order_before: None,
            maybe_executed: false,
            state_seen: false,
        };
        match self.outbox.put(pending) {
            Ok(None) => Ok(()),
            Ok(Some(dropped)) => {
                complete(dropped.response, Err(RequestError::Dropped));
                Ok(())
            }
            Err(back) => Err((back.request, back.response)),
        }
    }

    pub(super) fn query(&self) -> String {
        let resume = self.resume.as_ref().map(|secret| format!("resume={secret}"));
        let since = self.since.map(|seq| format!("since={seq}"));
        [resume, since].into_iter().flatten().collect::<Vec<_>>().join("&")
    }

    pub(super) fn on_connected(&mut self) {
        (self.stage, self.name_pending) = (Stage::Opening, self.name.is_some());
        self.state_received = false;
    }

    /// Whether the server has greeted on this connection.
    pub(super) fn is_greeted(&self) -> bool {
        self.stage == Stage::Ready
    }

    pub(super) fn next_to_send(&mut self) -> Option<String> {
        if self.stage != Stage::Ready {
            return None;
        }
        if let Some(name) = self.name.as_ref().filter(|_| self.name_pending) {
            self.name_pending = false;
            let request = Request::Name { name: name.clone() };
            return Some(serialize(&request, NAME_ID));
        }
        if self.phase != RequestPhase::Idle {
            return None;
        }
        let pending = self.outbox.next()?;
        self.last_id += 1;
        pending.id = self.last_id;
        pending.order_before = self.state.as_ref().and_then(|state| state.order.clone());
        (pending.maybe_executed, pending.state_seen) = (false, false);
        self.phase = RequestPhase::Sending;
        self.lines.clear();
        Some(serialize(&pending.request, pending.id))
    }

    pub(super) fn on_sent(&mut self) {
        // Nothing to do after the name, which is not in the outbox, nor if the answer was handled
        // before the write returned.
        if self.phase == RequestPhase::Sending {
            self.phase = RequestPhase::Sent;
        }
    }

    pub(super) fn on_message(&mut self, message: &Message) -> Delivery {
        match message {
            Message::Welcome(welcome) => {
                if self.presented_token && welcome.token {
                    return Delivery::WrongToken("that is not its token");
                }
                self.resume = Some(welcome.resume.clone()).filter(|it| is_secret(it));
                if welcome.heartbeat_ms > 0 {
                    let beat = Duration::from_millis(welcome.heartbeat_ms.into());
                    self.beat = beat.clamp(MIN_BEAT, MAX_BEAT);
                }
                self.welcome = Some(welcome.clone());
            }
            Message::State(state) => {
                self.since = Some(state.seq).filter(|seq| *seq <= MAX_SEQ);
                self.state_received = true;
                self.state = Some(state.clone());
                self.check_own_order();
            }
            Message::Source { file, health } if file == "status" => {
                if let Some(state) = &mut self.state {
                    state.source = health.clone();
                }
            }
            Message::Error { id: None, code: Code::TokenRequired, .. }
                if self.stage == Stage::Opening =>
            {
                return Delivery::WrongToken("it lets nobody read without its token");
            }
            // The roll ends the greeting (PROTOCOL.md): from now on requests may be sent.
            Message::Roll(_) if self.stage == Stage::Opening && self.state_received => {
                self.stage = Stage::Ready;
                self.resolve_maybe_executed();
                return Delivery::ForwardAndReady;
            }
            Message::Farewell { reason } if reason == "replaced" => {
                // Another client uses our secret. To reconnect with it would replace that client in
                // turn, without end.
                self.resume = None;
            }
            Message::Console { text }
                if self.phase != RequestPhase::Idle && self.lines.len() < MAX_CONSOLE_LINES =>
            {
                self.lines.push(text.clone());
                return Delivery::Consumed;
            }
            Message::Ok { id: Some(Id::Number(NAME_ID)) } => return Delivery::Consumed,
            Message::Ok { id: Some(Id::Number(id)) } if self.is_in_hand(*id) => {
                let lines = std::mem::take(&mut self.lines);
                self.finish_request(Ok(RequestOutput { lines }));
                return Delivery::Consumed;
            }
            Message::Error { id: Some(Id::Number(id)), code, message } if self.is_in_hand(*id) => {
                self.finish_request(Err(RequestError::Refused {
                    code: *code,
                    message: message.clone(),
                }));
                return Delivery::Consumed;
            }
            _ => {}
        }
        Delivery::Forward
    }

    pub(super) fn on_disconnected(&mut self) {
        self.stage = Stage::Opening;
        match std::mem::replace(&mut self.phase, RequestPhase::Idle) {
            // It has not been sent whole, so it was not carried out.
            RequestPhase::Sending => self.outbox.put_back(),
            // It stays in hand, so that the outbox does not drop it for a newer one.
            RequestPhase::Sent => {
                if let Some(pending) = self.outbox.in_hand() {
                    pending.maybe_executed = true;
                }
            }
            RequestPhase::Idle => {}
        }
    }

    /// The link has ended: every request fails.
    pub(super) fn on_end(&mut self) {
        for pending in self.outbox.empty() {
            complete(pending.response, Err(RequestError::Closed));
        }
    }

    fn is_in_hand(&mut self, id: i64) -> bool {
        self.phase != RequestPhase::Idle
            && self.outbox.in_hand().is_some_and(|pending| pending.id == id)
    }

    fn finish_request(&mut self, answer: Result<RequestOutput, RequestError>) {
        self.phase = RequestPhase::Idle;
        if let Some(pending) = self.outbox.done() {
            if let (Request::Order { status }, Ok(_), false) =
                (pending.request, &answer, pending.state_seen)
            {
                self.order_awaiting_state = Some(status);
            }
            complete(pending.response, answer);
        }
    }

    /// Checks whether the present order is one that this station gave.
    fn check_own_order(&mut self) {
        let present = self.state.as_ref().and_then(|state| state.order.as_ref());
        let Some(present) = present else { return };
        let dial = self.welcome.as_ref().map(|welcome| &welcome.dial);
        if self.order_awaiting_state.as_ref().is_some_and(|status| is_like(present, status, dial)) {
            // This state shows the previous order, which was acknowledged before its state came. So the
            // request in hand was sent after that order, and is to be compared with it.
            self.order_awaiting_state = None;
            let present = present.clone();
            if let Some(pending) = self.outbox.in_hand() {
                pending.order_before = Some(present);
            }
            return;
        }
        let Some(pending) = self.outbox.in_hand() else { return };
        let Request::Order { status } = &pending.request else { return };
        let moved = pending.order_before.as_ref().is_none_or(|before| present.seq > before.seq);
        if moved && is_like(present, status, dial) {
            pending.state_seen = true;
            // The state of the order before this one was left out: this newer one replaced it.
            self.order_awaiting_state = None;
        }
    }

    /// The server has greeted: decides about a request that was sent on the previous connection and not
    /// answered there.
    fn resolve_maybe_executed(&mut self) {
        let present = self.state.as_ref().and_then(|state| state.order.as_ref());
        let Some(pending) = self.outbox.in_hand() else { return };
        if !pending.maybe_executed {
            return;
        }
        // By its text and not its number: after a restart the server has given the same order another one.
        let stands = pending.order_before.as_ref().map(|order| &order.status)
            == present.map(|order| &order.status);
        match pending.request {
            Request::Order { .. } if pending.state_seen => {
                self.finish_request(Ok(RequestOutput::default()));
            }
            Request::Order { .. } if !stands => self.finish_request(Err(RequestError::Unsure)),
            // What a console command does, and whether it may be repeated, is not known here.
            Request::Console { .. } => self.finish_request(Err(RequestError::Unsure)),
            _ => self.outbox.put_back(),
        }
    }
}

/// Whether `order` is the order that this status gives. The server writes a name of the dial as its
/// number.
fn is_like(order: &Order, status: &str, dial: Option<&Dial>) -> bool {
    let given = dial.and_then(|dial| dial.find(bare(status)));
    match (order.position, given) {
        (Some(present), Some(given)) => present == given.position,
        _ => status_text(status).is_some_and(|status| status == order.status),
    }
}

/// Whether this can be a resume secret, and so stand in the address (PROTOCOL.md).
fn is_secret(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

fn complete(response: ResponseSender, answer: Result<RequestOutput, RequestError>) {
    // The receiver may have been dropped.
    let _ = response.send(answer);
}

fn serialize(request: &Request, id: i64) -> String {
    request.encode(Some(&Id::Number(id)))
}

#[cfg(test)]
mod tests;
