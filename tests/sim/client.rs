//! A station: what it does in its own way, and what it makes sure of in all that it hears.

pub mod ask;

pub mod acts;
mod hears;
mod rolls;
mod track;
mod words;

pub mod wire;

use std::collections::VecDeque;
use std::rc::Rc;

use chadburn::file::File;
use chadburn::hub::{Hub, Key, Wire};
use chadburn::policy::Peer;
use uuid::Uuid;

use self::ask::{Ask, How};
pub use self::hears::Heard;
pub use self::words::Words;
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
    /// From some moment on it sends more than anybody could answer.
    Greedy,
}

/// What a station holds what it hears against.
#[derive(Debug)]
pub struct View<'a> {
    /// The telegraph as it must be.
    pub model: &'a Model,
    /// What became of every order over the network, and of every reply.
    pub stores: [&'a [Store]; 2],
    /// When the hub last knew of either file that its disk does not answer.
    pub silent: [Option<u64>; 2],
    /// A token is wanted.
    pub token: bool,
    /// The server is saying farewell.
    pub closing: bool,
}

impl View<'_> {
    /// Whether a store that began after this moment ended well with this text, or with another
    /// that superseded it.
    fn is_stored(&self, file: File, text: &str, since: u64) -> bool {
        let stores = self.stores[file as usize].iter().rev();
        stores.take_while(|store| store.start >= since).any(|store| {
            let well = store.end.is_some_and(|(_, well)| well);
            well && (store.text == text || store.waiting.iter().any(|waiting| waiting == text))
        })
    }

    /// Whether a store that began after this moment failed, or none could begin.
    fn has_failed(&self, file: File, since: u64) -> bool {
        if self.silent[file as usize].is_some_and(|last| last >= since) {
            return true;
        }
        let stores = self.stores[file as usize].iter().rev();
        let mut stores = stores.take_while(|store| store.start >= since);
        stores.any(|it| it.end.is_some_and(|(_, well)| !well))
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
    /// Which connection of this life it is. A station that comes back has another.
    pub serial: u64,
    /// Its id.
    pub id: Uuid,
    /// The secret that the id is made from.
    pub secret: String,
    /// It came with that secret.
    pub again: bool,
    /// Up to which state it says that it knows everything.
    pub since: Option<u64>,
    /// When the same station was let in once more, and this connection lost its place.
    pub replaced: Option<u64>,
    /// The language it speaks.
    pub wire: Wire,
    /// What the server knows of it.
    pub peer: Peer,
    /// It may end the server, once it is trusted.
    pub may_shut_down: bool,
    /// It may give orders, once it is trusted.
    pub may_order: bool,
    /// It has sent the token, or none is wanted.
    pub trusted: bool,
    /// How many wrong tokens it has sent.
    guesses: u8,
    /// What it is called.
    name: Option<Rc<str>>,
    /// What it answered last, and was told that it is well.
    pub said: Option<How>,
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
    /// What it has heard, and when, if somebody will compare it.
    pub diary: Option<Vec<(u64, String)>>,
    /// What it knows of the telegraph.
    heard: Heard,
    book: Book,
    rng: Rng,
    number: u64,
}

impl Client {
    /// A station that has just connected.
    #[must_use]
    pub fn new(
        mut rng: Rng,
        book: &Book,
        line: Station,
        wire: Wire,
        temper: Temper,
        peer: Peer,
    ) -> Self {
        let now = book.now();
        let turns = now + rng.below(10 * SECOND);
        let secret = format!("{:016x}{:016x}", rng.next(), rng.next());
        Self {
            serial: 0,
            id: Hub::station_id(&secret),
            secret,
            again: false,
            since: None,
            replaced: None,
            wire,
            peer,
            may_shut_down: false,
            may_order: false,
            trusted: false,
            guesses: 0,
            name: None,
            said: None,
            temper,
            line,
            key: None,
            due: now + rng.below(200 * MS),
            reads: u64::MAX,
            asks: VecDeque::new(),
            mute: temper == Temper::Greedy || (temper != Temper::Rude && rng.one_in(3)),
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
            diary: None,
            heard: Heard::default(),
            book: book.clone(),
            number: 0,
            rng,
        }
    }

    /// It is the same station as the one with this secret, and knows everything up to there.
    pub fn comes_back(&mut self, secret: Option<String>, since: Option<u64>) {
        if let Some(secret) = secret {
            self.id = Hub::station_id(&secret);
            (self.secret, self.again) = (secret, true);
        }
        self.since = since;
        self.heard = Heard::since(since);
    }

    /// How much its connection holds.
    pub fn room(rng: &mut Rng, temper: Temper) -> usize {
        match temper {
            Temper::Good | Temper::Silent => rng.pick(&[65_536, 65_536, 300]),
            Temper::Slow => rng.pick(&[300, 700, 2_000]),
            Temper::Stuck | Temper::Rude | Temper::Greedy => rng.pick(&[200, 4_000, 65_536]),
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
        if self.wire == Wire::Sse && (self.stage == Stage::Farewell || self.late) {
            // A stream of events simply ends.
            self.stage = Stage::Closed;
        }
        let so = match self.temper {
            _ if self.closing => true,
            Temper::Good => self.stage == Stage::Closed,
            _ if view.closing || self.replaced.is_some() => true,
            Temper::Slow | Temper::Greedy => self.stage == Stage::Closed,
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
