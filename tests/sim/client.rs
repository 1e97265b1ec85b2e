//! A station: what it does in its own way, and what it makes sure of in all that it hears.

pub mod ask;

mod hears;
mod wire;

use std::collections::VecDeque;

use chadburn::hub::{Key, Wire};
use chadburn::policy::{Owner, Peer};
use uuid::Uuid;

use self::ask::Ask;
pub use self::hears::Heard;
use crate::book::{Book, MS, SECOND};
use crate::clerk::Store;
use crate::model::Model;
use crate::rng::Rng;
use crate::socket::Station;

/// In which way a station behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// It reads at once and answers pings.
    Good,
    /// It reads a little now and then, and answers pings.
    Slow,
    /// From some moment on it reads nothing.
    Stuck,
    /// It reads, and never sends a byte.
    Silent,
    /// From some moment on it behaves badly.
    Rude,
}

/// What a station holds what it hears against.
#[derive(Debug)]
pub struct View<'a> {
    /// The telegraph as it must be.
    pub model: &'a Model,
    /// What became of every reply.
    pub stores: &'a [Store],
    /// The server is saying farewell.
    pub closing: bool,
}

impl View<'_> {
    /// Whether a store that began after this moment ended well with this text, or with another
    /// that superseded it.
    fn is_stored(&self, text: &str, since: u64) -> bool {
        self.stores.iter().any(|store| {
            let well = store.start >= since && store.end.is_some_and(|(_, well)| well);
            well && (store.text == text || store.waiting.iter().any(|waiting| waiting == text))
        })
    }

    /// Whether a store that began after this moment failed.
    fn has_failed(&self, since: u64) -> bool {
        self.stores.iter().any(|it| it.start >= since && it.end.is_some_and(|(_, well)| !well))
    }
}

/// How far the conversation has come, as the station sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing has come.
    New,
    /// The first message of the greeting has come.
    Welcomed,
    /// It has been greeted.
    Live,
    /// Farewell was said.
    Farewell,
    /// The server has closed.
    Closed,
}

/// A station and its end of the connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Client {
    /// Its id.
    pub id: Uuid,
    /// The language it speaks.
    pub wire: Wire,
    /// What the server knows of it.
    pub peer: Peer,
    /// Whose socket it is, if anybody asks.
    pub owner: Owner,
    /// It may end the server.
    pub may_shut_down: bool,
    /// In which way it behaves.
    pub temper: Temper,
    /// Its connection.
    pub line: Station,
    /// Its place in the server.
    pub key: Option<Key>,
    /// What it does next is due.
    pub due: u64,
    /// What it reads next is due.
    pub reads: u64,
    /// Requests that are not answered.
    pub asks: VecDeque<Ask>,
    /// How far it has come.
    pub stage: Stage,
    /// When it begins to be stuck or rude.
    turns: u64,
    /// It has begun.
    pub turned: bool,
    /// It came after the farewell, and may not be greeted.
    late: bool,
    /// It has closed, and waits for the answer.
    pub closing: bool,
    /// Its connection has ended, and it has read what was left.
    pub gone: bool,
    /// Bytes on their way into the connection, in parts.
    sending: VecDeque<(u64, Vec<u8>)>,
    /// What has come and is no whole frame.
    inbox: Vec<u8>,
    /// By which code it must be closed.
    code: Option<u16>,
    /// What it knows of the telegraph.
    heard: Heard,
    book: Book,
    rng: Rng,
    number: u64,
}

impl Client {
    /// A station that has just connected.
    #[must_use]
    pub fn new(mut rng: Rng, book: &Book, line: Station, temper: Temper, peer: Peer) -> Self {
        let now = book.now();
        let turns = now + rng.below(10 * SECOND);
        Self {
            id: Uuid::from_u64_pair(rng.next(), rng.next() | 1),
            wire: if rng.one_in(2) { Wire::Text } else { Wire::Json },
            peer,
            owner: rng.pick(&[Owner::User(0), Owner::User(7), Owner::Unknown, Owner::Unasked]),
            may_shut_down: false,
            temper,
            line,
            key: None,
            due: now + rng.below(200 * MS),
            reads: u64::MAX,
            asks: VecDeque::new(),
            stage: Stage::New,
            turns,
            turned: false,
            late: false,
            closing: false,
            gone: false,
            sending: VecDeque::new(),
            inbox: Vec::new(),
            code: None,
            heard: Heard::default(),
            book: book.clone(),
            number: 0,
            rng,
        }
    }

    /// How much its connection holds.
    pub fn room(rng: &mut Rng, temper: Temper) -> usize {
        match temper {
            Temper::Good | Temper::Silent => rng.pick(&[65_536, 65_536, 300]),
            Temper::Slow => rng.pick(&[300, 700, 2_000]),
            Temper::Stuck | Temper::Rude => rng.pick(&[200, 4_000, 65_536]),
        }
    }

    /// Its next step.
    pub fn next(&self) -> u64 {
        let sends = self.sending.front().map_or(u64::MAX, |(due, _)| *due);
        self.due.min(self.reads).min(sends)
    }

    /// Something may have come: it will be read.
    pub fn nudge(&mut self) {
        let pipe = self.line.pipe();
        let idle = self.gone || (self.turned && self.temper == Temper::Stuck && !pipe.dropped);
        if idle || self.reads != u64::MAX || (pipe.downward.is_empty() && !pipe.dropped) {
            return;
        }
        drop(pipe);
        let late = match self.temper {
            Temper::Slow => self.rng.within(50 * MS, 3 * SECOND),
            _ => self.rng.within(20, 2 * MS),
        };
        self.reads = self.book.now() + late;
    }

    /// Acts if it is time to.
    pub fn act(&mut self, view: &View<'_>) {
        let now = self.book.now();
        while let Some((_, bytes)) = self.sending.pop_front_if(|(due, _)| *due <= now) {
            self.line.send(&bytes);
        }
        if self.reads <= now {
            self.reads = u64::MAX;
            let most = if self.temper == Temper::Slow { 300 } else { usize::MAX };
            let bytes = self.line.take(most);
            self.inbox.extend(bytes);
            if let Err(what) = self.hear(view) {
                let Self { id, wire, temper, .. } = self;
                self.book.fail(format!("station {id} ({wire:?}, {temper:?}): {what}"));
            }
            self.end(view);
            self.nudge();
        }
        if self.due <= now {
            self.due = now + self.rng.pick(&[2 * MS, 300 * MS, 4 * SECOND]);
            self.behave(view);
        }
    }

    /// Sends bytes, at once or in parts.
    fn send(&mut self, bytes: &[u8]) {
        let mut due = self.sending.back().map_or(self.book.now(), |(due, _)| *due);
        let mut rest = bytes;
        while !rest.is_empty() {
            let whole = !self.rng.one_in(4);
            let length = if whole { rest.len() } else { 1 + self.rng.index(rest.len()) };
            let (part, after) = rest.split_at(length);
            self.sending.push_back((due, part.to_vec()));
            due += self.rng.below(3 * MS);
            rest = after;
        }
    }

    fn behave(&mut self, view: &View<'_>) {
        let now = self.book.now();
        if self.gone || self.closing || self.temper == Temper::Silent {
            self.due = u64::MAX;
            return;
        }
        if self.stage == Stage::Closed || (self.turned && self.temper == Temper::Rude) {
            return;
        }
        if now >= self.turns && !self.turned {
            self.turned = matches!(self.temper, Temper::Stuck | Temper::Rude);
            if self.temper == Temper::Rude {
                return self.misbehave();
            }
        }
        match self.rng.below(40) {
            0 if self.temper != Temper::Stuck => self.leave(),
            1..4 => {
                let ping = wire::frame(&mut self.rng, 0x89, b"ping");
                self.heard.pongs += 1;
                self.send(&ping);
            }
            4..24 if self.line.pipe().upward.len() < 60_000 => {
                for _ in 0..=self.rng.pick(&[0, 0, 0, 5]) {
                    self.ask(view);
                }
            }
            _ => {}
        }
    }

    fn ask(&mut self, view: &View<'_>) {
        self.number += 1;
        let sign = format!("{}.{}", &self.id.to_string()[..8], self.number);
        let id = (self.wire == Wire::Json && self.rng.one_in(2)).then_some(self.number);
        // A slow one would read on a long answer for minutes.
        let long = self.temper != Temper::Slow;
        let (message, want) = match self.wire {
            Wire::Text => Ask::command(&mut self.rng, &sign, long),
            Wire::Json => Ask::message(&mut self.rng, &sign, id, long, view),
        };
        if message.len() > 60_000 {
            return;
        }
        let bytes = wire::text(&mut self.rng, &message);
        self.send(&bytes);
        let console = self.wire == Wire::Text || message.contains(r#""type":"console""#);
        let bad = matches!(want, ask::Want::Refused("bad_json"));
        let sent = self.book.now();
        self.book.note(|| format!("{} asks {message:.200?}", &self.id.to_string()[..8]));
        if self.wire == Wire::Json || !matches!(want, ask::Want::Nothing) {
            let id = id.filter(|_| !bad);
            self.asks.push_back(Ask { id, want, sent, half: false, console });
        }
    }

    /// Asks nothing more.
    pub fn hush(&mut self) {
        self.due = u64::MAX;
    }

    /// Ends the conversation, as it should be or by walking away.
    pub fn leave(&mut self) {
        self.closing = true;
        match self.rng.below(4) {
            0 => self.line.reset(),
            1 => self.line.finish(),
            with_code => {
                let payload: &[u8] = if with_code == 2 { &[] } else { &[0x03, 0xE8] };
                let close = wire::frame(&mut self.rng, 0x88, payload);
                self.send(&close);
            }
        }
        self.book.note(|| format!("{} leaves", &self.id.to_string()[..8]));
    }

    /// Leaves, or at least gives the server a reason to drop it.
    pub fn bow_out(&mut self) {
        match self.temper {
            Temper::Silent => {}
            Temper::Stuck => self.turned = true,
            // Until its close is heard it may have to hear many answers first.
            Temper::Slow => {
                self.closing = true;
                self.line.reset();
            }
            Temper::Good | Temper::Rude => self.leave(),
        }
    }

    fn misbehave(&mut self) {
        self.book.note(|| format!("{} misbehaves", &self.id.to_string()[..8]));
        if self.rng.one_in(3) {
            // Half a message, and gone.
            let message = wire::text(&mut self.rng, "Accept&half");
            let half = self.rng.index(message.len());
            self.line.send(&message[..half]);
            if self.rng.one_in(2) {
                self.line.reset();
            } else {
                self.line.finish();
            }
            self.closing = true;
            return;
        }
        let (bytes, code) = wire::violation(&mut self.rng);
        self.code = code;
        self.send(&bytes);
    }

    /// Notices that the server has dropped the connection, and whether it might.
    fn end(&mut self, view: &View<'_>) {
        let pipe = self.line.pipe();
        if !pipe.dropped || !pipe.downward.is_empty() || self.gone {
            return;
        }
        self.gone = true;
        let now = self.book.now();
        let stuck = pipe.stuck_since.is_some_and(|since| now - since >= 14 * SECOND);
        let silent = now - pipe.last_sent >= 39 * SECOND;
        let so = match self.temper {
            _ if self.closing || view.closing => true,
            Temper::Good | Temper::Slow => self.stage == Stage::Closed,
            Temper::Stuck => self.turned && (stuck || silent),
            Temper::Silent => silent,
            Temper::Rude => self.turned,
        };
        drop(pipe);
        let Self { id, temper, .. } = self;
        self.book.note(|| format!("{} is dropped", &id.to_string()[..8]));
        self.book.hold(so, || format!("station {id} ({temper:?}) was dropped"));
        (self.due, self.reads) = (u64::MAX, u64::MAX);
        self.sending.clear();
    }
}
