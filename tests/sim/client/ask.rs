//! What stations ask, and the one answer that each question must get.

use std::rc::Rc;

use chadburn::file::File;
use uuid::Uuid;

use super::View;
use crate::moment::place;

/// The directory that the simulated server names.
pub const BASE: &str = "/srv/eot";

/// The status file that it names.
pub const FILE: &str = "status.eot";

/// The token, where one is wanted.
pub const TOKEN: &str = "open sesame";

/// Said over the text wire to whoever has not given it.
const TOKEN_REFUSED: &str = "Refused: this needs the token.";

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
    /// Who asks.
    pub by: Asker,
    /// This station has said just this last, and was told that it is well.
    pub again: bool,
}

/// Who asks, as the server must see it when it hears the request.
#[derive(Clone, Debug)]
pub struct Asker {
    pub station: Uuid,
    /// What it is called.
    pub who: Option<Rc<str>>,
    /// It has given the token, or needs none.
    pub trusted: bool,
    pub may_shut_down: bool,
    pub may_order: bool,
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
    /// To be trusted: it gives the token.
    Trust,
    /// This reply, whatever the order.
    Accept(String),
    /// A reply to this order.
    Answer { how: How, text: String, on_dial: bool },
    /// A line in the roll, and no reply: whoever asks is not coming.
    Note(How),
    /// This order.
    Order(String),
    /// The server's end.
    Shutdown,
    /// To be refused with this code.
    Refused(&'static str),
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// The order's number.
    pub order: u64,
    /// The position it gives, if any.
    pub position: Option<usize>,
    /// Whether whoever gives it is coming.
    pub coming: Option<bool>,
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
    /// The text that it would put into this file.
    #[must_use]
    pub fn text(&self, file: File) -> Option<&str> {
        match (&self.want, file) {
            (Want::Accept(text) | Want::Answer { text, .. }, File::Accept)
            | (Want::Order(text), File::Status) => Some(text),
            _ => None,
        }
    }

    /// Whether it may put something into a file: then its answer may take its time, in which its station
    /// is not heard, and it may be done when whoever asked has gone.
    #[must_use]
    pub fn writes(&self) -> bool {
        matches!(self.want, Want::Accept(_) | Want::Answer { .. } | Want::Order(_))
    }

    /// Whether it may go into a file while this order is the present one.
    #[must_use]
    pub fn may_be_stored(&self, present: Option<u64>) -> bool {
        let Asker { trusted, may_order, .. } = self.by;
        let so = match &self.want {
            Want::Answer { how, on_dial, .. } => Some(how.order) == present && *on_dial,
            Want::Order(_) => may_order,
            _ => true,
        };
        so && trusted && !self.again
    }

    /// What it says in the roll of an order.
    #[must_use]
    pub fn how(&self) -> Option<How> {
        match self.want {
            Want::Answer { how, .. } | Want::Note(how) => Some(how),
            _ => None,
        }
    }

    /// What the policy says to it, if that is no.
    fn refusal(&self) -> Option<(&'static str, &'static str)> {
        let Asker { trusted, may_order, may_shut_down, .. } = self.by;
        match self.want {
            Want::Refused(code) => {
                (code == "bad_state" && !trusted).then_some((TOKEN_REFUSED, "token_required"))
            }
            Want::Line(_) | Want::Status | Want::Nothing | Want::Trust => None,
            _ if !trusted => Some((TOKEN_REFUSED, "token_required")),
            Want::Order(_) if !may_order => Some(("", "refused")),
            Want::Shutdown if !may_shut_down => {
                Some(("Shutdown refused: only from this machine.", "refused"))
            }
            _ => None,
        }
    }

    /// Holds what came against what was wanted.
    pub fn answered(&self, reply: Reply<'_>, view: &View<'_>) -> Result<(), String> {
        let model = view.model;
        let so = match (&self.want, reply) {
            _ if let Some((line, code)) = self.refusal() => match reply {
                Reply::Line(said) => said == line,
                Reply::Error(said) => said == code,
                Reply::Ok => false,
            },
            (Want::Line(line), Reply::Line(said)) => line == said,
            (Want::Status, Reply::Line(said)) => said
                .strip_prefix("Current Status: ")
                .is_some_and(|status| model.was_status_since(status, self.sent)),
            (Want::Shutdown, Reply::Line("Shutting down EOT Server..."))
            | (Want::Nothing | Want::Trust, Reply::Ok) => true,
            (Want::Refused("bad_state"), Reply::Line(said)) => said.starts_with("Accept refused"),
            (Want::Refused(code), Reply::Error(said)) => *code == said,
            (Want::Accept(text), Reply::Line(said)) => {
                match said.strip_prefix("Accepted state: ") {
                    Some(said) => said == text && view.is_stored(File::Accept, text, self.sent),
                    None => {
                        said.starts_with("Accept failed: ")
                            && view.has_failed(File::Accept, self.sent)
                    }
                }
            }
            (Want::Accept(text), Reply::Ok) => view.is_stored(File::Accept, text, self.sent),
            (Want::Order(text), Reply::Ok) => view.is_stored(File::Status, text, self.sent),
            (Want::Order(_), Reply::Error("write_failed")) => {
                view.has_failed(File::Status, self.sent)
            }
            (Want::Accept(_) | Want::Answer { .. }, Reply::Error("write_failed")) => {
                view.has_failed(File::Accept, self.sent)
            }
            (Want::Answer { how, text, .. }, Reply::Ok) => {
                // What this station has answered before in just this way is not written again.
                model.order(how.order).is_some_and(|it| {
                    let since = it.from.min(self.sent);
                    it.until >= self.sent && view.is_stored(File::Accept, text, since)
                })
            }
            (Want::Note(how), Reply::Ok) => {
                model.order(how.order).is_some_and(|it| it.until >= self.sent)
            }
            (Want::Answer { how, .. } | Want::Note(how), Reply::Error("stale")) => {
                model.orders.last().is_some_and(|present| present.seq != how.order)
                    && model.was_stale(how.order, self.by.station)
            }
            (Want::Answer { .. } | Want::Note(_), Reply::Error("no_order")) => {
                model.orders.first().is_none_or(|first| first.from >= self.sent)
            }
            (Want::Answer { on_dial, .. }, Reply::Error("no_position")) => !on_dial,
            _ => false,
        };
        if so { Ok(()) } else { Err(format!("{self:?} must not be answered by {reply:?}")) }
    }
}

/// What an order over the network writes: of a name of the dial its number.
#[must_use]
pub fn ordered(status: &str) -> String {
    place(status).0.map_or_else(|| status.to_owned(), |position| position.to_string())
}
