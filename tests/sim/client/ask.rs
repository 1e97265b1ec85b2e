//! What stations ask, and the one answer that each question must get.

use serde_json::{Value, json};

use super::View;
use crate::model::place;
use crate::rng::Rng;

/// The directory that the simulated server names.
pub const BASE: &str = "/srv/eot";

/// The status file that it names.
pub const FILE: &str = "status.eot";

/// A request that is not answered yet.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What it calls itself, on the JSON wire.
    pub id: Option<u64>,
    /// What it wants.
    pub want: Want,
    /// When it was sent.
    pub sent: u64,
    /// Its console line has come, and its `ok` has not.
    pub half: bool,
    /// It went through the console, or over the text wire.
    pub console: bool,
}

/// What a request wants.
#[derive(Clone, Debug)]
pub enum Want {
    /// This line.
    Line(String),
    /// The present status.
    Status,
    /// Nothing.
    Nothing,
    /// This reply, whatever the order.
    Accept(String),
    /// A reply to this order.
    Answer { order: u64, text: String, on_dial: bool },
    /// The server's end.
    Shutdown,
    /// To be refused with this code.
    Refused(&'static str),
}

/// What came for an answer.
#[derive(Clone, Copy, Debug)]
pub enum Reply<'a> {
    /// A line.
    Line(&'a str),
    /// `ok`.
    Ok,
    /// An error of this code.
    Error(&'a str),
}

impl Ask {
    /// The text that it would put into the accept file.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.want {
            Want::Accept(text) | Want::Answer { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether its answer may take its time, in which its station is not heard.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.text().is_some() || matches!(self.want, Want::Shutdown)
    }

    /// Whether it may go into the accept file while this order is the present one.
    #[must_use]
    pub fn is_for(&self, present: Option<u64>) -> bool {
        !matches!(self.want, Want::Answer { order, .. } if Some(order) != present)
    }

    /// Makes up a console command, and what it wants.
    pub fn command(rng: &mut Rng, sign: &str, long: bool) -> (String, Want) {
        let accept = |text: &str| (format!("Accept&{text}"), Want::Accept(text.into()));
        match rng.below(12) {
            0 => ("base".into(), Want::Line(format!("Base Directory: {BASE}"))),
            1 => ("file".into(), Want::Line(format!("EOT Status file: {FILE}"))),
            2 | 3 => ("status".into(), Want::Status),
            4 => (format!("{sign}&y"), Want::Nothing),
            5 => accept(&rng.within(1, 12).to_string()),
            6 => accept(rng.pick(&["COFFEE", "stop", "broken"])),
            7 => ("Accept&".into(), Want::Refused("bad_state")),
            8 if rng.one_in(12) => ("shutdown".into(), Want::Shutdown),
            8 => (sign.into(), Want::Line(format!("Server echoed: {sign}"))),
            9 if long => {
                let long = rng.pick(&[100, 4_000, 60_000]);
                let words = rng.pick(&["x", "\u{1}", "ä"]).repeat(rng.index(long) / 2);
                let line = format!("Server echoed: {sign}{words}");
                (format!("{sign}{words}"), Want::Line(line))
            }
            10 => (format!("Accept&{sign}&more"), Want::Accept(sign.into())),
            _ => accept(sign),
        }
    }

    /// Makes up a message of the JSON wire, and what it wants. `order`: the latest it has seen.
    pub fn message(
        rng: &mut Rng,
        sign: &str,
        id: Option<u64>,
        long: bool,
        view: &View<'_>,
    ) -> (String, Want) {
        let put = |mut value: Value| {
            if let Some(id) = id {
                value["id"] = json!(id);
            }
            value.to_string()
        };
        match rng.below(10) {
            0 => ("{\"type\":".into(), Want::Refused("bad_json")),
            1 => (put(json!({"type": "sing"})), Want::Refused("unknown_type")),
            2 => (put(json!({"type": "answer"})), Want::Refused("bad_message")),
            3..7 => {
                let orders = &view.model.orders;
                let back = if rng.one_in(6) { 2 } else { 1 };
                let order = orders.len().checked_sub(back).map(|index| &orders[index]);
                let seq = order.map_or(17, |order| order.seq);
                let status = order.map(|order| order.status.clone()).unwrap_or_default();
                if rng.one_in(2) {
                    let want = Want::Answer { order: seq, text: status, on_dial: true };
                    return (put(json!({"type": "answer", "order": seq})), want);
                }
                let on = place(&status).0.filter(|_| rng.one_in(2));
                let position = on.unwrap_or(rng.index(13) + 1);
                let (text, on_dial) = (position.to_string(), position <= 11);
                let message = json!({"type": "answer", "order": seq, "position": position});
                (put(message), Want::Answer { order: seq, text, on_dial })
            }
            _ => {
                let (command, want) = Self::command(rng, sign, long);
                (put(json!({"type": "console", "command": command})), want)
            }
        }
    }

    /// Holds what came against what was wanted.
    pub fn answered(
        &self,
        reply: Reply<'_>,
        may_shut_down: bool,
        view: &View<'_>,
    ) -> Result<(), String> {
        let so = match (&self.want, reply) {
            (Want::Line(line), Reply::Line(said)) => line == said,
            (Want::Status, Reply::Line(said)) => said
                .strip_prefix("Current Status: ")
                .is_some_and(|status| view.model.was_status_since(status, self.sent)),
            (Want::Shutdown, Reply::Line("Shutting down EOT Server...")) => may_shut_down,
            (
                Want::Shutdown,
                Reply::Line("Shutdown refused: only from this machine.") | Reply::Error("refused"),
            ) => !may_shut_down,
            (Want::Nothing, Reply::Ok) => true,
            (Want::Refused("bad_state"), Reply::Line(said)) => said.starts_with("Accept refused"),
            (Want::Refused(code), Reply::Error(said)) => *code == said,
            (Want::Accept(text), Reply::Line(said)) => {
                match said.strip_prefix("Accepted state: ") {
                    Some(said) => said == text && view.is_stored(text, self.sent),
                    None => said.starts_with("Accept failed: ") && view.has_failed(self.sent),
                }
            }
            (Want::Accept(_) | Want::Answer { .. }, Reply::Error("write_failed")) => {
                view.has_failed(self.sent)
            }
            (Want::Answer { order, text, .. }, Reply::Ok) => {
                // What this station has answered before in just this way is not written again.
                view.model.order(*order).is_some_and(|it| {
                    it.until >= self.sent && view.is_stored(text, it.from.min(self.sent))
                })
            }
            (Want::Answer { order, .. }, Reply::Error("stale")) => {
                view.model.orders.last().is_some_and(|present| present.seq != *order)
            }
            (Want::Answer { .. }, Reply::Error("no_order")) => {
                view.model.orders.first().is_none_or(|first| first.from >= self.sent)
            }
            (Want::Answer { on_dial, .. }, Reply::Error("no_position")) => !on_dial,
            _ => false,
        };
        if so { Ok(()) } else { Err(format!("{self:?} must not be answered by {reply:?}")) }
    }
}
