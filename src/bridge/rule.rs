//! The bridge's decisions: which orders are written, which replies are sent, and when a device is given up.
//! Pure: no IO and no clock.
//!
//! The lever's order is written when the lever has moved, and never because file and lever differ:
//! an order that came another way stays until somebody moves the lever. The reply is said again
//! and again until the board says that it has it.

mod garbage;
mod order_queue;

use std::time::Duration;

use chadburn_core::serial::{
    Command, Health, Heard, KEEP_ALIVE_EVERY_MS, LineReader, MAX_LINE, PARTIAL_LINE_MS, Report,
    State, VERSION,
};
use chadburn_core::{Dial, Position};

use garbage::Garbage;
use order_queue::OrderQueue;

/// How long after the opening a line may be the tail of one that began before it: at 9600 baud what was
/// under way has come after 3 ms.
const PARTIAL_LINE_WINDOW: Duration = Duration::from_millis(100);

/// How long a bare number waits for the board to identify itself. The lines of a version 1 board have a
/// checksum, so a number without one is then ignored.
const IDENTIFY_TIME: Duration = Duration::from_secs(3);

/// How long a version 1 board, which sends its state every two seconds, may be silent.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a reply waits for the state that confirms it.
const CONFIRM_TIMEOUT: Duration = Duration::from_millis(500);

const KEEP_ALIVE: Duration = Duration::from_millis(KEEP_ALIVE_EVERY_MS);
const PARTIAL_LINE: Duration = Duration::from_millis(PARTIAL_LINE_MS);

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<'a> {
    /// The device was opened.
    Opened,
    /// It is gone, or was closed.
    Closed,
    /// Bytes came from it.
    Heard(&'a [u8]),
    /// The accept file says this.
    Accept {
        /// Its text.
        text: &'a str,
        /// It was written since the bridge started.
        new: bool,
    },
    /// The order in hand was written into the status file, or could not be.
    Wrote(bool),
    /// Nothing but time.
    Tick,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Say this to the board.
    Say(Vec<u8>),
    /// Write this order into the status file, and report the result by [`Event::Wrote`].
    Write(Position),
    /// The same, if the status file does not exist (or cannot be looked at).
    WriteIfMissing(Position),
    /// Close the device, and open it anew: it is silent.
    Reopen,
    /// A line for the log.
    Log(LogEvent),
}

/// An event for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LogEvent {
    /// A board of version 1 has introduced itself.
    Met(String),
    /// It speaks as the original does: bare numbers.
    MetOriginal,
    /// Where the lever stands, the first time that it is known.
    Lever(Position),
    /// The pointer is told to go there.
    Reply(Position),
    /// The board has confirmed it.
    Confirmed(Position),
    /// The accept file's text is no position of the dial; the pointer stays.
    NoPosition(String),
    /// So many lines could not be believed since the bridge started.
    Garbage(u64),
    /// The lever's wires are broken, or whole again.
    Fault(bool),
}

/// The bridge's decisions, without IO.
#[derive(Debug)]
pub(super) struct Rule {
    /// What a text in the accept file means.
    dial: Dial<'static>,
    /// What the lever said last, to whichever session; none since the bridge started.
    lever: Option<Position>,
    /// Where the pointer shall be; none if nobody has said, or off the dial.
    reply: Option<Position>,
    /// The accept file was written since the bridge started, and the board has not yet confirmed that reply.
    must_reach_board: bool,
    /// The orders to write into the status file.
    orders: OrderQueue,
    /// The board, as long as the device is open.
    session: Option<LineSession>,
    /// How many lines could not be believed.
    garbage: Garbage,
}

/// One opening of the device.
#[derive(Debug)]
struct LineSession {
    opened: Duration,
    reader: LineReader<MAX_LINE>,
    /// The next line may be the tail of one that began before the opening.
    may_be_partial: bool,
    /// What kind of board is on the line.
    board: BoardKind,
    /// When the latest byte came.
    last_byte: Duration,
    /// When we last sent a keep-alive or hello; without them the board shows that its host is lost.
    last_sent: Duration,
    /// When the present reply was last sent; `None` if it is to be sent now.
    reply_sent: Option<Duration>,
    /// A bare number that waits for the board to identify itself.
    unconfirmed_number: Option<Position>,
    /// The latest state.
    state: Option<State>,
}

/// A kind of board, by the protocol that it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BoardKind {
    /// Not known yet.
    Unidentified,
    /// It speaks version 1, whose lines have a checksum: bare numbers are ignored.
    Version1,
    /// It speaks bare numbers only, as the original does.
    BareNumbers,
}

impl Rule {
    pub(super) fn new(dial: Dial<'static>) -> Self {
        let orders = OrderQueue::default();
        Self {
            dial,
            lever: None,
            reply: None,
            must_reach_board: false,
            orders,
            session: None,
            garbage: Garbage::default(),
        }
    }

    /// One step. `now` is the time since the bridge started.
    pub(super) fn step(&mut self, now: Duration, event: Event<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Opened => {
                self.session = Some(LineSession::new(now));
                let hello = Command::Hello(VERSION).line();
                effects.push(Effect::Say([b"\n", &*hello].concat()));
            }
            Event::Closed => self.session = None,
            Event::Heard(bytes) => self.hear(now, bytes, &mut effects),
            Event::Accept { text, new } => self.accept(text, new, &mut effects),
            Event::Wrote(well) => self.orders.wrote(now, well),
            Event::Tick => {}
        }
        self.check_timeouts(now, &mut effects);
        self.resend_reply(now, &mut effects);
        effects.extend(self.orders.next(now));
        effects
    }

    /// An order that is to be written although the lever has not moved.
    pub(super) fn request_write(&mut self, order: Position) {
        self.orders.wanted = Some(order);
    }

    /// How things stand, in one line.
    pub(super) fn status_summary(&self) -> String {
        let Some(session) = &self.session else { return "no device".to_owned() };
        let or_none = |position: Option<Position>| match position {
            Some(position) => self.name(position),
            None => "none".to_owned(),
        };
        let garbage = self.garbage.lines;
        match (session.board, session.state) {
            (BoardKind::Unidentified, _) => "the device says nothing yet".to_owned(),
            (BoardKind::Version1, Some(state)) => {
                let lever = if state.health == Health::Fault { ", lever broken" } else { "" };
                let (order, reply) = (or_none(state.order), or_none(state.reply));
                let theirs = state.errors;
                format!(
                    "order {order}, reply {reply}{lever}; garbage: {garbage} here, {theirs} there"
                )
            }
            _ => format!("order {}; garbage: {garbage}", or_none(self.lever)),
        }
    }

    /// A position, with its name.
    pub(super) fn name(&self, position: Position) -> String {
        let name = self.dial.sector(position).map_or("not on the dial", |sector| sector.name);
        format!("{position} {name}")
    }

    fn accept(&mut self, text: &str, new: bool, effects: &mut Vec<Effect>) {
        self.reply = self.dial.find(text).map(|sector| sector.position);
        if self.reply.is_none() {
            effects.push(Effect::Log(LogEvent::NoPosition(text.to_owned())));
        }
        self.must_reach_board = new;
        if let Some(session) = &mut self.session {
            session.reply_sent = None;
        }
    }

    fn hear(&mut self, now: Duration, bytes: &[u8], effects: &mut Vec<Effect>) {
        for byte in bytes {
            let Some(session) = &mut self.session else { return };
            session.last_byte = now;
            let Some(heard) = session.reader.push(*byte) else { continue };
            let may_be_partial = std::mem::replace(&mut session.may_be_partial, false);
            let report = match heard {
                Heard::Line(line) => Report::parse(line),
                Heard::Garbage => None,
            };
            match report {
                Some(Report::Hello { name, .. }) => {
                    session.board = BoardKind::Version1;
                    effects.push(Effect::Log(LogEvent::Met(name.to_owned())));
                }
                Some(Report::State(state)) => {
                    session.board = BoardKind::Version1;
                    let before = session.state.replace(state);
                    tell_changes(before, state, effects);
                    if let Some(order) = state.order {
                        self.lever_is(order, effects);
                    }
                }
                Some(Report::Order(order)) => match session.board {
                    BoardKind::Version1 => {}
                    _ if may_be_partial => {}
                    BoardKind::Unidentified => session.unconfirmed_number = Some(order),
                    BoardKind::BareNumbers => self.lever_is(order, effects),
                },
                // The first line may be the tail of one that began before we opened the device.
                None if may_be_partial => {}
                None => effects.extend(self.garbage.one_more()),
            }
        }
    }

    /// The lever's position was reported. It is an order only if it differs from the last known one; the first
    /// report only writes a missing status file.
    fn lever_is(&mut self, order: Position, effects: &mut Vec<Effect>) {
        match self.lever.replace(order) {
            Some(before) if before == order => {}
            Some(_) => self.orders.wanted = Some(order),
            None => {
                effects.push(Effect::Log(LogEvent::Lever(order)));
                effects.push(Effect::WriteIfMissing(order));
            }
        }
    }

    /// Does what time alone requires: ends partial lines, gives up a silent board, keeps alive.
    fn check_timeouts(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let Some(session) = &mut self.session else { return };
        let silent = now.saturating_sub(session.last_byte);
        if session.reader.is_within() {
            if silent >= PARTIAL_LINE {
                session.reader.abandon();
                effects.extend(self.garbage.one_more());
            }
        } else if now.saturating_sub(session.opened) >= PARTIAL_LINE_WINDOW {
            session.may_be_partial = false;
        }
        if session.board == BoardKind::Version1 {
            if silent >= SILENCE_TIMEOUT {
                self.session = None;
                effects.push(Effect::Reopen);
                return;
            }
        } else if now.saturating_sub(session.opened) >= IDENTIFY_TIME
            && let Some(order) = session.unconfirmed_number.take()
        {
            session.board = BoardKind::BareNumbers;
            effects.push(Effect::Log(LogEvent::MetOriginal));
            self.lever_is(order, effects);
        }
        let Some(session) = &mut self.session else { return };
        if now.saturating_sub(session.last_sent) >= KEEP_ALIVE {
            session.last_sent = now;
            let line = match session.board {
                BoardKind::Version1 => Command::KeepAlive.line(),
                BoardKind::Unidentified | BoardKind::BareNumbers => Command::Hello(VERSION).line(),
            };
            effects.push(Effect::Say(line.to_vec()));
        }
    }

    /// Sends the reply, again and again until the board has confirmed it.
    fn resend_reply(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        let (Some(session), Some(reply)) = (&mut self.session, self.reply) else { return };
        let due = match (session.board, session.state) {
            (BoardKind::Unidentified, _) | (BoardKind::Version1, None) => false,
            // Such a board cannot confirm, so each reply is sent once.
            (BoardKind::BareNumbers, _) => session.reply_sent.is_none(),
            (BoardKind::Version1, Some(state)) => {
                // The same position as before, but for a newer order: while the board's bell still rings, it
                // has not received this reply.
                let not_received =
                    self.must_reach_board && state.bell && state.order == Some(reply);
                if state.reply == Some(reply) && !not_received {
                    self.must_reach_board = false;
                    session.reply_sent = None;
                    return;
                }
                session.reply_sent.is_none_or(|said| now.saturating_sub(said) >= CONFIRM_TIMEOUT)
            }
        };
        if due {
            if session.reply_sent.replace(now).is_none() {
                effects.push(Effect::Log(LogEvent::Reply(reply)));
            }
            effects.push(Effect::Say(Command::Reply(reply).line().to_vec()));
        }
    }
}

impl LineSession {
    fn new(now: Duration) -> Self {
        Self {
            opened: now,
            reader: LineReader::new(),
            may_be_partial: true,
            board: BoardKind::Unidentified,
            last_byte: now,
            last_sent: now,
            reply_sent: None,
            unconfirmed_number: None,
            state: None,
        }
    }
}

fn tell_changes(before: Option<State>, state: State, effects: &mut Vec<Effect>) {
    let fault = state.health == Health::Fault;
    if fault != before.is_some_and(|before| before.health == Health::Fault) {
        effects.push(Effect::Log(LogEvent::Fault(fault)));
    }
    if let Some(reply) = state.reply
        && before.is_some_and(|before| before.reply != Some(reply))
    {
        effects.push(Effect::Log(LogEvent::Confirmed(reply)));
    }
}

#[cfg(test)]
mod tests;
