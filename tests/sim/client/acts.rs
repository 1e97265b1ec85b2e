//! What a station does of its own accord: it asks, pings, leaves, and misbehaves.

use chadburn::file::File;
use chadburn::hub::Wire;

use super::ask::{Ask, Asker, Want};
use super::{Client, Stage, Temper, View, Words, wire};
use crate::book::MS;
use crate::faults::Fault;

/// The shortest message that is not answered.
pub const NOTHING: &[u8] = b"\x81\x81\0\0\0\0&";

/// How much of a flood is under way at once, in bytes.
const FLOOD: usize = 60_000;

/// How many answers that come too late are said at once by one who storms.
const STORM: usize = 300;

impl Client {
    /// Sends bytes, at once or in parts.
    pub(super) fn send(&mut self, bytes: &[u8]) {
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

    pub(super) fn behave(&mut self, view: &View<'_>) {
        let now = self.book.now();
        if self.wire == Wire::Sse && !self.gone && !self.closing {
            // It can only go, and does so without a word.
            if self.rng.one_in(40) && self.temper == Temper::Good {
                self.leave();
            }
            return;
        }
        if self.gone || self.closing || self.temper == Temper::Silent {
            self.due = u64::MAX;
            return;
        }
        if self.stage == Stage::Closed || (self.turned && self.temper == Temper::Rude) {
            return;
        }
        if now >= self.turns && !self.turned {
            self.turned = matches!(self.temper, Temper::Stuck | Temper::Rude | Temper::Greedy);
            if self.temper == Temper::Rude {
                return self.misbehave();
            }
        }
        if self.turned && self.temper == Temper::Greedy {
            return self.flood();
        }
        match self.rng.below(40) {
            _ if self.mute => {}
            0 if self.temper != Temper::Stuck => self.leave(),
            1..4 => {
                let ping = wire::frame(&mut self.rng, 0x89, b"ping");
                self.heard.pongs += 1;
                self.send(&ping);
            }
            4..24 if self.line.pipe().upward.len() < 60_000 => {
                if self.wire == Wire::Json && self.temper == Temper::Good && self.rng.one_in(300) {
                    self.book.count(Fault::Storm);
                    (0..STORM).for_each(|_| self.ask(view, true));
                    return;
                }
                for _ in 0..=self.rng.pick(&[0, 0, 0, 5]) {
                    self.ask(view, false);
                }
            }
            _ => {}
        }
    }

    fn ask(&mut self, view: &View<'_>, late: bool) {
        self.number += 1;
        let sign = format!("{}.{}", &self.id.to_string()[..8], self.number);
        let id = (self.wire == Wire::Json && self.rng.one_in(2)).then_some(self.number);
        // A slow one would read on a long answer for minutes.
        let long = self.temper != Temper::Slow;
        let Words { message, want, name, token } = match self.wire {
            _ if late => Words::late(&mut self.rng, id),
            Wire::Text => Words::command(&mut self.rng, &sign, long),
            Wire::Json | Wire::Sse => {
                Words::message(&mut self.rng, &sign, id, long, self.said, view)
            }
        };
        if message.len() > 60_000 {
            return;
        }
        if matches!(want, Want::Refused("bad_token")) {
            // At the fifth its connection would be closed.
            if self.guesses == 4 {
                return;
            }
            self.guesses += 1;
        }
        let bytes = wire::text(&mut self.rng, &message);
        self.send(&bytes);
        let console = self.wire == Wire::Text || message.contains(r#""type":"console""#);
        let bad = matches!(want, Want::Refused("bad_json"));
        let sent = self.book.now();
        self.book.note(|| format!("{} asks {message:.200?}", &self.id.to_string()[..8]));
        self.trusted |= token;
        if self.wire == Wire::Json || !matches!(want, Want::Nothing) {
            let id = id.filter(|_| !bad);
            let ask = Ask { id, want, sent, half: false, console, by: self.asker(), again: false };
            self.note(ask, view);
        }
        if let Some(name) = name {
            self.name = (!name.is_empty()).then(|| name.into());
        }
    }

    /// It waits for the answer to this.
    fn note(&mut self, mut ask: Ask, view: &View<'_>) {
        if let Some(how) = ask.how() {
            view.model.claims.borrow_mut().insert((Some(how.order), self.id));
        }
        if ask.how().is_some() || ask.writes() {
            // What a twin says meanwhile cannot be known here.
            let alone =
                !self.again && self.asks.iter().all(|ask| ask.how().is_none() && !ask.writes());
            ask.again = alone && ask.how().is_some() && ask.how() == self.said;
            if !ask.again && ask.text(File::Status).is_none() {
                self.said = None;
            }
        }
        self.asks.push_back(ask);
    }

    /// What the server must take it for when it hears what is sent now.
    fn asker(&self) -> Asker {
        let Self { id, ref name, trusted, may_shut_down, may_order, .. } = *self;
        Asker { station: id, who: name.clone(), trusted, may_shut_down, may_order }
    }

    /// The server has ended, and it reads what has come on a stream of events.
    pub fn hear_the_end(&mut self, view: &View<'_>) {
        if self.wire == Wire::Sse && self.key.is_some() && self.temper == Temper::Good {
            self.reads = self.book.now();
            self.act(view);
        }
    }

    /// Asks nothing more.
    pub fn hush(&mut self) {
        self.due = u64::MAX;
    }

    /// Asks and leaves again as it likes.
    pub fn rouse(&mut self) {
        if !self.gone && !self.closing && self.temper != Temper::Silent {
            self.due = self.book.now() + self.rng.below(200 * MS);
        }
    }

    /// Its machine sleeps or is carried away: it is not heard any more, and the kernel does not know.
    pub fn falls_silent(&mut self) {
        if self.wire != Wire::Sse && !self.closing {
            self.book.count(Fault::Silent);
            (self.temper, self.due) = (Temper::Silent, u64::MAX);
        }
    }

    /// Its machine is gone, and the kernel says so.
    pub fn breaks_off(&mut self) {
        self.closing = true;
        self.cut(true);
    }

    /// Ends the conversation, as it should be or by walking away.
    pub fn leave(&mut self) {
        self.closing = true;
        match self.rng.below(if self.wire == Wire::Sse { 2 } else { 4 }) {
            0 => self.cut(true),
            1 => self.cut(false),
            with_code => {
                let payload: &[u8] = if with_code == 2 { &[] } else { &[0x03, 0xE8] };
                let close = wire::frame(&mut self.rng, 0x88, payload);
                self.send(&close);
            }
        }
        self.book.note(|| format!("{} leaves", &self.id.to_string()[..8]));
    }

    /// Ends its side of the connection without a word.
    pub(super) fn cut(&mut self, reset: bool) {
        self.ended = Some(self.book.now());
        if reset {
            self.book.count(Fault::Cut);
            self.line.reset();
        } else if self.wire == Wire::Sse {
            self.line.close();
        } else {
            self.line.finish();
        }
    }

    /// Leaves, or at least gives the server a reason to drop it.
    pub fn bow_out(&mut self) {
        match self.temper {
            Temper::Silent => {}
            // On a stream of events nobody misses one who says nothing.
            Temper::Stuck if self.wire != Wire::Sse => self.turned = true,
            // Until its close is heard it may have to hear many answers first.
            Temper::Slow | Temper::Stuck | Temper::Greedy => {
                self.closing = true;
                self.cut(true);
            }
            Temper::Good | Temper::Rude => self.leave(),
        }
    }

    /// Fills its connection with messages to which there is no answer.
    fn flood(&mut self) {
        self.due = self.book.now() + self.rng.pick(&[MS, 50 * MS, 50 * MS, 300 * MS]);
        if !self.sending.is_empty() {
            // Half a message is under way, such as the answer to a ping.
            return;
        }
        let mut pipe = self.line.pipe();
        if pipe.flood.is_none() {
            self.book.count(Fault::Greedy);
            pipe.flood = Some((self.book.now(), 0));
        }
        let room = FLOOD.saturating_sub(pipe.upward.len()) / NOTHING.len();
        drop(pipe);
        self.line.send(&NOTHING.repeat(room));
    }

    fn misbehave(&mut self) {
        self.book.count(Fault::Rude);
        self.book.note(|| format!("{} misbehaves", &self.id.to_string()[..8]));
        if self.rng.one_in(3) {
            // Half a message, and gone; what was under way before it goes first.
            for (_, part) in std::mem::take(&mut self.sending) {
                self.line.send(&part);
            }
            let message = wire::text(&mut self.rng, "Accept&half");
            let half = self.rng.index(message.len());
            self.line.send(&message[..half]);
            let reset = self.rng.one_in(2);
            self.closing = true;
            return self.cut(reset);
        }
        let (bytes, code) = wire::violation(&mut self.rng);
        self.code = code;
        self.send(&bytes);
    }
}
