//! What a station makes sure of in all that it hears.

use chadburn::file::File;
use chadburn::hub::Wire;
use serde_json::{Value, json};

use super::ask::{Ask, Reply};
use super::track::Track;
use super::{Client, Stage, Temper, View, wire};
use crate::book::SECOND;
use crate::model::Model;

/// What a station has heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// How far it has come in the states.
    pub track: Track,
    /// The latest order's number.
    pub order: Option<u64>,
    /// The latest roll, which also says that it is up to date.
    pub roll: Option<Value>,
    /// How many orders there had been at the latest of which it heard over the text wire.
    pub orders: usize,
    /// The latest status of which it heard.
    pub status: String,
    /// How many pongs it awaits.
    pub pongs: u32,
    /// When it was pinged last, or let in.
    pinged: u64,
    /// When it heard the last beat, or was let in.
    beat: u64,
}

impl Heard {
    /// Of the states up to this one it has heard before.
    pub(super) fn since(since: Option<u64>) -> Self {
        Self { track: Track::since(since), ..Self::default() }
    }
}

impl Client {
    /// The latest of the telegraph that it has heard of.
    #[must_use]
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// It is let in; so far the telegraph has come, and farewell has been said or not.
    pub fn admitted(&mut self, model: &Model, late: bool) {
        self.heard.orders = model.orders.len();
        self.heard.track.admitted(model.seq());
        (self.heard.pinged, self.heard.beat) = (self.book.now(), self.book.now());
        self.late = late;
    }

    /// One who could take it all was pinged and, in JSON, heard a beat lately; and one who has lost
    /// its place is told so.
    pub fn judge_signs(&self) {
        let pipe = self.line.pipe();
        let gone = self.closing || self.stage == Stage::Closed || self.temper != Temper::Good;
        let kept = self.replaced.is_some_and(|at| self.book.now() - at > 3 * SECOND);
        self.book.hold(!kept || gone, || format!("{} has a twin, and does not know", self.id));
        let there = self.stage == Stage::Live && !self.closing && !pipe.dropped;
        if !there || pipe.stalls > 0 || self.temper == Temper::Slow || self.turned {
            return;
        }
        let now = self.book.now();
        let Heard { pinged, beat, .. } = self.heard;
        self.book.hold(now - pinged < 30 * SECOND, || format!("{} is not pinged", self.id));
        let beats = self.wire != Wire::Json || now - beat < 8 * SECOND;
        self.book.hold(beats, || format!("{} hears no beat", self.id));
    }

    /// Takes apart what has come.
    pub(super) fn hear(&mut self, view: &View<'_>) -> Result<(), String> {
        if self.wire == Wire::Sse {
            return self.hear_events(view);
        }
        while let Some((opcode, payload)) = wire::next(&mut self.inbox)? {
            if self.stage == Stage::Closed {
                return Err(format!("a frame {opcode:x} came after the close"));
            }
            self.write_down(opcode, &payload);
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
                // What it has made up may have been a ping.
                0xA if self.turned && self.temper == Temper::Rude => {}
                0x8 => self.closed(&payload, view)?,
                _ => return Err(format!("unexpected frame {opcode:x} {payload:?}")),
            }
        }
        Ok(())
    }

    /// The same, of a stream of events.
    fn hear_events(&mut self, view: &View<'_>) -> Result<(), String> {
        while let Some(wire::Event { name, id, data }) = wire::event(&mut self.inbox)? {
            self.book.note(|| format!("{} hears {name} {data:.300?}", &self.id.to_string()[..8]));
            self.write_down(0, data.as_deref().unwrap_or_default().as_bytes());
            let Some(data) = data else {
                self.heard.pinged = self.book.now();
                continue;
            };
            let value: Value = serde_json::from_str(&data).map_err(|error| error.to_string())?;
            let kind = value["type"].as_str().unwrap_or_default();
            let expected = if kind == "state" { ("", value["seq"].as_u64()) } else { (kind, None) };
            if expected != (name.as_str(), id) {
                return Err(format!("the event {name:?} {id:?} tells {data}"));
            }
            self.message(&data, view)?;
        }
        Ok(())
    }

    /// Writes down what it hears, but not what time it was at the other end.
    fn write_down(&mut self, opcode: u8, payload: &[u8]) {
        let Some(diary) = &mut self.diary else { return };
        let text = String::from_utf8_lossy(payload);
        let text = if text.contains(r#""type":"beat""#) { "beat" } else { &text };
        diary.push((self.book.now(), format!("{opcode:x} {text}")));
    }

    fn closed(&mut self, payload: &[u8], view: &View<'_>) -> Result<(), String> {
        let code = payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
        let farewell = std::mem::replace(&mut self.stage, Stage::Closed) == Stage::Farewell;
        let so = match code {
            Some(1001) => view.closing && farewell != self.late,
            Some(4001) => self.replaced.is_some() && farewell,
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
        if farewell && !matches!(code, Some(1001 | 4001)) {
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
            return self.farewell("shutdown", view);
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

    /// What the server says that it may, if it is trusted or not.
    fn may(&self, trusted: bool) -> Value {
        json!({"order": trusted && self.may_order, "shutdown": trusted && self.may_shut_down})
    }

    fn state(&mut self, value: &Value, view: &View<'_>) -> Result<(), String> {
        let seq = view.model.check(value)?;
        self.heard.track.state(seq, view.model)?;
        self.heard.order = value["order"]["seq"].as_u64();
        self.heard.status = value["order"]["status"].as_str().unwrap_or_default().into();
        Ok(())
    }

    /// States are missing: they are not known any more, or had to wait for room.
    fn gap(&mut self, value: &Value, view: &View<'_>) -> Result<(), String> {
        let (Some(from), Some(to)) = (value["from"].as_u64(), value["to"].as_u64()) else {
            return Err(format!("a gap without an end: {value}"));
        };
        // A stream of events has no roll that says so.
        let live = self.heard.roll.is_some() || self.wire == Wire::Sse;
        self.heard.track.gap(from, to, live, view.model)?;
        if self.heard.track.conflations > self.line.pipe().stalls {
            return Err(format!("states were left out although there was room: {value}"));
        }
        Ok(())
    }

    fn json(&mut self, value: &Value, view: &View<'_>) -> Result<(), String> {
        let kind = value["type"].as_str().ok_or("a message without a type")?;
        match (self.stage, kind) {
            (_, "farewell") => {
                return self.farewell(value["reason"].as_str().unwrap_or_default(), view);
            }
            (Stage::New, "welcome") if self.wire == Wire::Json => {
                let id = self.id.to_string();
                let same = value["station"] == id.as_str() && value["resume"] == *self.secret;
                let may = self.may(!view.token);
                if !same || value["may"] != may || value["token"] != view.token {
                    return Err(format!("a welcome for somebody else: {value}"));
                }
                self.stage = Stage::Welcomed;
            }
            (Stage::Welcomed, "state") => {
                self.stage = Stage::Live;
                self.state(value, view)?;
            }
            (Stage::New, "state") if self.wire == Wire::Sse => {
                self.stage = Stage::Live;
                self.state(value, view)?;
            }
            (Stage::Welcomed, "gap") => self.gap(value, view)?,
            (Stage::New, "gap") if self.wire == Wire::Sse => self.gap(value, view)?,
            (Stage::New | Stage::Welcomed, _) => return Err(format!("greeted with {value}")),
            (_, "may") if self.trusted && value["order"].is_boolean() => {
                let Value::Object(mut fields) = value.clone() else { return Ok(()) };
                fields.remove("type");
                if Value::Object(fields) != self.may(true) {
                    return Err(format!("it may something else: {value}"));
                }
            }
            (_, "state") => self.state(value, view)?,
            (_, "gap") => self.gap(value, view)?,
            (_, "roll") if self.wire == Wire::Json => self.roll(value, view)?,
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

    fn farewell(&mut self, reason: &str, view: &View<'_>) -> Result<(), String> {
        self.stage = Stage::Farewell;
        let so = match reason {
            "shutdown" => view.closing,
            "replaced" => self.replaced.is_some(),
            _ => false,
        };
        if so { Ok(()) } else { Err(format!("a farewell without reason: {reason:?}")) }
    }

    fn answer(&mut self, id: Option<u64>, reply: Reply<'_>, view: &View<'_>) -> Result<(), String> {
        let Some(mut ask) = self.asks.pop_front() else {
            return Err(format!("nothing was asked, and the answer is {reply:.200?}"));
        };
        let well = match reply {
            Reply::Ok if ask.half && id == ask.id => return Ok(()),
            Reply::Line(_) if self.wire == Wire::Text => ask.answered(reply, view),
            Reply::Line(_) if ask.console && !ask.half => {
                ask.answered(reply, view)?;
                ask.half = true;
                self.note_said(&ask, reply);
                self.asks.push_front(ask);
                return Ok(());
            }
            Reply::Ok | Reply::Error(_) if !ask.half && id == ask.id => ask.answered(reply, view),
            _ => Err(format!("{reply:.200?} with id {id:?} is no answer to {ask:?}")),
        };
        self.note_said(&ask, reply);
        well
    }

    /// What it has answered, if this says that it is well.
    fn note_said(&mut self, ask: &Ask, reply: Reply<'_>) {
        let answers = ask.how().is_some() || ask.text(File::Accept).is_some();
        if answers && !matches!(reply, Reply::Error(_)) {
            self.said = ask.how();
        }
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
        "Refused: ",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}
