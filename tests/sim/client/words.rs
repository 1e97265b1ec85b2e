//! What stations come to say: requests made up by chance, each with what it wants.

use serde_json::{Value, json};

use super::View;
use super::ask::{BASE, FILE, How, TOKEN, Want, ordered};
use crate::moment::place;
use crate::rng::Rng;

/// What stations are called, or try to be.
const NAMES: [&str; 5] = ["Zoë", "the bridge", "", "老王", "\u{202e}"];

/// Something to say, and what it changes at the other end.
#[derive(Debug)]
pub struct Words {
    /// The message.
    pub message: String,
    /// What it wants.
    pub want: Want,
    /// The station is called this from then on; empty is unnamed.
    pub name: Option<&'static str>,
    /// It gives the token.
    pub token: bool,
}

/// The longest console command of the JSON wire, in bytes (PROTOCOL.md).
const LONGEST_COMMAND: usize = 8_192;

impl Words {
    fn new(message: String, want: Want) -> Self {
        Self { message, want, name: None, token: false }
    }

    /// Makes up a console command.
    pub fn command(rng: &mut Rng, sign: &str, long: bool) -> Self {
        let accept = |text: &str| (format!("Accept&{text}"), Want::Accept(text.into()));
        let (message, want) = match rng.below(12) {
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
        };
        Self::new(message, want)
    }

    /// Makes up a message of the JSON wire. `said`: what was answered last, and well.
    pub fn message(
        rng: &mut Rng,
        sign: &str,
        id: Option<u64>,
        long: bool,
        said: Option<How>,
        view: &View<'_>,
    ) -> Self {
        let put = |mut value: Value| {
            if let Some(id) = id {
                value["id"] = json!(id);
            }
            value.to_string()
        };
        let words = |value: Value, want: Want| Self::new(put(value), want);
        match rng.below(16) {
            0 => Self::new("{\"type\":".into(), Want::Refused("bad_json")),
            1 => words(json!({"type": "sing"}), Want::Refused("unknown_type")),
            2 => words(json!({"type": "answer"}), Want::Refused("bad_message")),
            3..8 => {
                let (value, want) = Self::answer(rng, said, view);
                words(value, want)
            }
            8 | 9 => {
                let name = rng.pick(&NAMES);
                let bad = name == "\u{202e}";
                let want = if bad { Want::Refused("bad_name") } else { Want::Nothing };
                let message = put(json!({"type": "name", "name": name}));
                Self { name: (!bad).then_some(name), ..Self::new(message, want) }
            }
            10 => {
                let right = !view.token || rng.one_in(2);
                let value = if right { TOKEN } else { "open barley" };
                let want = if right { Want::Trust } else { Want::Refused("bad_token") };
                let message = put(json!({"type": "token", "value": value}));
                Self { token: right, ..Self::new(message, want) }
            }
            11 => {
                let status = Self::status(rng, sign);
                words(json!({"type": "order", "status": status}), Want::Order(ordered(&status)))
            }
            12 if rng.one_in(4) => {
                words(json!({"type": "order", "status": " \n"}), Want::Refused("bad_status"))
            }
            _ => {
                let Self { message, mut want, .. } = Self::command(rng, sign, long);
                // What the console gives back is escaped, and has to fit into a message.
                if message.len() > LONGEST_COMMAND {
                    want = Want::Refused("bad_message");
                }
                words(json!({"type": "console", "command": message}), want)
            }
        }
    }

    /// An answer that comes too late.
    pub fn late(rng: &mut Rng, id: Option<u64>) -> Self {
        let position = rng.within(1, 11);
        let how = How { order: 17, position: usize::try_from(position).ok(), coming: None };
        let mut message = json!({"type": "answer", "order": how.order, "position": position});
        if let Some(id) = id {
            message["id"] = json!(id);
        }
        let want = Want::Answer { how, text: position.to_string(), on_dial: true };
        Self::new(message.to_string(), want)
    }

    /// Makes up an order.
    pub fn status(rng: &mut Rng, sign: &str) -> String {
        match rng.below(4) {
            0 => rng.within(1, 12).to_string(),
            1 => rng.pick(&["COFFEE", "stop", "broken"]).into(),
            _ => sign.into(),
        }
    }

    /// Makes up an answer.
    pub fn answer(rng: &mut Rng, said: Option<How>, view: &View<'_>) -> (Value, Want) {
        let orders = &view.model.orders;
        let back = if rng.one_in(6) { 2 } else { 1 };
        let order = orders.len().checked_sub(back).map(|index| &orders[index]);
        let seq = order.map_or(17, |order| order.seq);
        let status = order.map(|order| order.status.clone()).unwrap_or_default();
        let on = place(&status).0.filter(|_| rng.one_in(2));
        let position = rng.one_in(2).then(|| on.unwrap_or(rng.index(13) + 1));
        let coming = rng.pick(&[None, None, Some(true), Some(false)]);
        let how = How { order: seq, position, coming };
        let how = said.filter(|said| said.order == seq && rng.one_in(3)).unwrap_or(how);
        let How { order, position, coming } = how;
        let mut message = json!({"type": "answer", "order": order});
        if let Some(position) = position {
            message["position"] = json!(position);
        }
        if let Some(coming) = coming {
            message["coming"] = json!(coming);
        }
        if (position, coming) == (None, Some(false)) {
            return (message, Want::Note(how));
        }
        let text = position.map_or(status, |position| position.to_string());
        let on_dial = position.is_none_or(|position| position <= 11);
        (message, Want::Answer { how, text, on_dial })
    }
}
