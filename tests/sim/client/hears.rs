//! What a station makes sure of in all that it hears.

use chadburn::hub::Wire;
use serde_json::Value;

use super::ask::Reply;
use super::{Client, Stage, Temper, View, wire};
use crate::book::SECOND;

/// What a station has heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// The number of the latest state.
    pub seq: Option<u64>,
    /// The states that were left out since.
    gap: Option<(u64, u64)>,
    /// When it heard the rolls of the last second.
    rolls: Vec<u64>,
    /// How many orders there had been at the latest of which it heard over the text wire.
    pub orders: usize,
    /// The latest status of which it heard.
    pub status: String,
    /// How often states were left out.
    conflations: u32,
    /// How many pongs it awaits.
    pub pongs: u32,
    /// When it was pinged last, or let in.
    pinged: u64,
    /// When it heard the last beat, or was let in.
    beat: u64,
}

impl Client {
    /// The latest of the telegraph that it has heard of.
    #[must_use]
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// It is let in; so many orders have been given, and farewell has been said or not.
    pub fn admitted(&mut self, orders: usize, late: bool) {
        self.heard.orders = orders;
        (self.heard.pinged, self.heard.beat) = (self.book.now(), self.book.now());
        self.late = late;
    }

    /// One who could take it all was pinged and, in JSON, heard a beat lately.
    pub fn judge_signs(&self) {
        let pipe = self.line.pipe();
        let there = self.stage == Stage::Live && !self.closing && !pipe.dropped;
        if !there || pipe.stalls > 0 || self.temper == Temper::Slow || self.turned {
            return;
        }
        let now = self.book.now();
        let Heard { pinged, beat, .. } = self.heard;
        self.book.hold(now - pinged < 30 * SECOND, || format!("{} is not pinged", self.id));
        let beats = self.wire == Wire::Text || now - beat < 8 * SECOND;
        self.book.hold(beats, || format!("{} hears no beat", self.id));
    }

    /// Takes apart what has come.
    pub(super) fn hear(&mut self, view: &View<'_>) -> Result<(), String> {
        while let Some((opcode, payload)) = wire::next(&mut self.inbox)? {
            if self.stage == Stage::Closed {
                return Err(format!("a frame {opcode:x} came after the close"));
            }
            match opcode {
                0x1 => {
                    let text = String::from_utf8(payload).map_err(|_| "no UTF-8")?;
                    self.book.note(|| format!("{} hears {text:.300?}", &self.id.to_string()[..8]));
                    self.message(&text, view)?;
                }
                0x9 => {
                    self.heard.pinged = self.book.now();
                    if self.temper != Temper::Silent {
                        let pong = wire::frame(&mut self.rng, 0x8A, &payload);
                        self.send(&pong);
                    }
                }
                0xA if payload == b"ping" && self.heard.pongs > 0 => self.heard.pongs -= 1,
                0x8 => self.closed(&payload, view)?,
                _ => return Err(format!("unexpected frame {opcode:x} {payload:?}")),
            }
        }
        Ok(())
    }

    fn closed(&mut self, payload: &[u8], view: &View<'_>) -> Result<(), String> {
        let code = payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
        let farewell = std::mem::replace(&mut self.stage, Stage::Closed) == Stage::Farewell;
        let so = match code {
            Some(1001) => view.closing && farewell != self.late,
            None | Some(1000) if self.closing => {
                if let Some(ask) = self.asks.front() {
                    return Err(format!("closed, but {ask:?} has no answer"));
                }
                true
            }
            Some(code) if self.turned && self.temper == Temper::Rude => {
                self.code.is_none_or(|expected| code == expected)
            }
            None => self.turned && self.temper == Temper::Rude,
            Some(_) => false,
        };
        if farewell && code != Some(1001) {
            return Err(format!("closed by {code:?} after the farewell"));
        }
        if !so {
            return Err(format!("closed by {code:?}"));
        }
        if self.rng.one_in(2) && !self.closing {
            let close = wire::frame(&mut self.rng, 0x88, payload);
            self.send(&close);
        } else {
            self.cut(false);
        }
        Ok(())
    }

    fn message(&mut self, text: &str, view: &View<'_>) -> Result<(), String> {
        if self.stage == Stage::Farewell {
            return Err("something came after the farewell".into());
        }
        if self.late {
            return Err(format!("it came after the farewell, and hears {text:?}"));
        }
        match self.wire {
            Wire::Text => self.text(text, view),
            Wire::Json | Wire::Sse => {
                let value = serde_json::from_str(text).map_err(|error| error.to_string())?;
                self.json(&value, view)
            }
        }
    }

    fn text(&mut self, text: &str, view: &View<'_>) -> Result<(), String> {
        if text == "EOT Server is shutting down." {
            return self.farewell(view);
        }
        match self.stage {
            Stage::New if text == "Connected to EOT Server" => self.stage = Stage::Welcomed,
            Stage::New => return Err(format!("greeted with {text:?}")),
            Stage::Welcomed => {
                let orders = &view.model.orders[..self.heard.orders];
                let status = orders.last().map_or("", |order| &order.status);
                if text.strip_suffix("&1") != Some(status) {
                    return Err(format!("greeted with {text:?}, not {status:?}"));
                }
                self.heard.status = status.into();
                self.stage = Stage::Live;
            }
            _ if is_answer(text) => return self.answer(None, Reply::Line(text), view),
            _ => return self.pushed(text, view),
        }
        Ok(())
    }

    fn pushed(&mut self, status: &str, view: &View<'_>) -> Result<(), String> {
        let later = &view.model.orders[self.heard.orders..];
        let Some(skipped) = later.iter().position(|order| order.status == status) else {
            return Err(format!("{status:?} is pushed, of {later:?}"));
        };
        self.heard.orders += skipped + 1;
        self.heard.status = status.into();
        // Of equal texts nobody can tell which were left out, so their number is not counted.
        if skipped > 0 && self.line.pipe().stalls == 0 {
            return Err(format!("{skipped} orders were left out although there was room"));
        }
        Ok(())
    }

    /// States were left out, which is only right if they had to wait for room.
    fn conflated(&mut self) -> Result<(), String> {
        self.heard.conflations += 1;
        if self.heard.conflations > self.line.pipe().stalls {
            return Err("states were left out although there was room".into());
        }
        Ok(())
    }

    fn json(&mut self, value: &Value, view: &View<'_>) -> Result<(), String> {
        let kind = value["type"].as_str().ok_or("a message without a type")?;
        match (self.stage, kind) {
            (_, "farewell") => return self.farewell(view),
            (Stage::New, "welcome") => {
                let id = self.id.to_string();
                let may = self.may_shut_down;
                if value["station"] != id.as_str() || value["may"]["shutdown"] != may {
                    return Err(format!("a welcome for somebody else: {value}"));
                }
                self.stage = Stage::Welcomed;
            }
            (Stage::Welcomed, "state") => {
                self.stage = Stage::Live;
                self.state(value, view)?;
            }
            (Stage::New | Stage::Welcomed, _) => return Err(format!("greeted with {value}")),
            (_, "state") => self.state(value, view)?,
            (_, "gap") => {
                let (from, to) = (value["from"].as_u64(), value["to"].as_u64());
                let next = self.heard.seq.map(|seq| seq + 1);
                if from != next || to < from || self.heard.gap.is_some() {
                    return Err(format!("after {:?} a wrong gap: {value}", self.heard.seq));
                }
                self.heard.gap = from.zip(to);
                self.conflated()?;
            }
            (_, "roll") => self.roll(value)?,
            (_, "beat") if value["at"].is_u64() => self.heard.beat = self.book.now(),
            (_, "source") => {
                let mut health = value.clone();
                let fields = health.as_object_mut().ok_or("no object")?;
                fields.remove("type");
                let file = fields.remove("file");
                if file == Some("status".into()) && !view.model.was_health(&health) {
                    return Err(format!("no such health was told: {value}"));
                }
            }
            (_, "console") => {
                let line = value["text"].as_str().ok_or("a console line without text")?;
                return self.answer(None, Reply::Line(line), view);
            }
            (_, "ok") => return self.answer(value["id"].as_u64(), Reply::Ok, view),
            (_, "error") => {
                let code = value["code"].as_str().ok_or("an error without a code")?;
                return self.answer(value["id"].as_u64(), Reply::Error(code), view);
            }
            _ => return Err(format!("unknown: {value}")),
        }
        Ok(())
    }

    fn state(&mut self, value: &Value, view: &View<'_>) -> Result<(), String> {
        let seq = view.model.check(value)?;
        let before = self.heard.gap.take().map(|(_, to)| to).or(self.heard.seq);
        if before.is_some_and(|before| seq != before + 1) {
            return Err(format!("state {seq} after {before:?}"));
        }
        self.heard.seq = Some(seq);
        self.heard.status = value["order"]["status"].as_str().unwrap_or_default().into();
        Ok(())
    }

    /// A roll, of which there are at most four a second beside the first.
    fn roll(&mut self, value: &Value) -> Result<(), String> {
        let now = self.book.now();
        self.heard.rolls.retain(|at| now - at < 1_000_000);
        self.heard.rolls.push(now);
        // Whoever reads late hears of many seconds at once.
        if self.heard.rolls.len() > 5 && self.temper == Temper::Good {
            return Err(format!("five rolls in a second, and another one: {value}"));
        }
        Ok(())
    }

    fn farewell(&mut self, view: &View<'_>) -> Result<(), String> {
        self.stage = Stage::Farewell;
        if view.closing { Ok(()) } else { Err("a farewell without reason".into()) }
    }

    fn answer(&mut self, id: Option<u64>, reply: Reply<'_>, view: &View<'_>) -> Result<(), String> {
        let Some(mut ask) = self.asks.pop_front() else {
            return Err(format!("nothing was asked, and the answer is {reply:.200?}"));
        };
        if self.wire == Wire::Text {
            return ask.answered(reply, self.may_shut_down, view);
        }
        match reply {
            Reply::Ok if ask.half && id == ask.id => return Ok(()),
            Reply::Line(_) if ask.console && !ask.half => {
                ask.answered(reply, self.may_shut_down, view)?;
                ask.half = true;
                self.asks.push_front(ask);
                return Ok(());
            }
            Reply::Ok | Reply::Error(_) if !ask.half && id == ask.id => {}
            _ => return Err(format!("{reply:.200?} with id {id:?} is no answer to {ask:?}")),
        }
        ask.answered(reply, self.may_shut_down, view)
    }
}

fn is_answer(text: &str) -> bool {
    [
        "Current Status: ",
        "Server echoed: ",
        "Base Directory: ",
        "EOT Status file: ",
        "Accept",
        "Shut",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}
