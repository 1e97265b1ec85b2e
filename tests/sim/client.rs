//! A station: what it does in its own way, and what it makes sure of in all that it hears.

pub mod ask;

mod acts;
mod hears;
mod wire;

use std::collections::VecDeque;

use chadburn::hub::{Hub, Key, Wire};
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
    /// The secret that the id is made from.
    pub secret: String,
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
    /// It asks nothing, and only answers pings.
    mute: bool,
    /// When it ended its side of the connection.
    pub ended: Option<u64>,
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
        let secret = format!("{:016x}{:016x}", rng.next(), rng.next());
        Self {
            id: Hub::station_id(&secret),
            secret,
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
            mute: temper != Temper::Rude && rng.one_in(3),
            ended: None,
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
            _ if self.closing => true,
            Temper::Good => self.stage == Stage::Closed,
            _ if view.closing => true,
            Temper::Slow => self.stage == Stage::Closed,
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
