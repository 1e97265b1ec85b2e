//! The living view: the telegraph in a few lines of a terminal, drawn anew when something changes.

use std::fmt::Write as _;
use std::io::{self, Write};

use chadburn_client::{Dial, Message, Roll, State};

use super::{shown_order, shown_reply};
use crate::log::escaped;

/// How many names of the roll are shown; the others are counted.
const NAMES: usize = 8;

/// What is shown.
#[derive(Debug)]
pub(super) struct View {
    url: String,
    /// What is wrong with the link; empty when it is up.
    link: String,
    dial: Option<Dial>,
    state: Option<State>,
    roll: Option<Roll>,
    /// How many lines were drawn last.
    drawn: usize,
}

impl View {
    pub(super) fn new(url: &str) -> Self {
        let link = "looking for the server".into();
        Self { url: url.to_owned(), link, dial: None, state: None, roll: None, drawn: 0 }
    }

    pub(super) fn heard(&mut self, message: &Message) -> io::Result<()> {
        match message {
            Message::Welcome(welcome) => self.dial = Some(welcome.dial.clone()),
            Message::State(state) => {
                let order = |state: &State| state.order.as_ref().map(|order| order.seq);
                if self.state.as_ref().is_some_and(|last| order(last) != order(state)) {
                    // No roll says that a new order has no answers yet.
                    self.roll = self.roll.take().map(|roll| Roll { answers: Vec::new(), ..roll });
                }
                self.state = Some(state.clone());
            }
            Message::Roll(roll) => self.roll = Some(roll.clone()),
            _ => return Ok(()),
        }
        self.draw()
    }

    pub(super) fn link(&mut self, up: bool, why: &str) -> io::Result<()> {
        self.link = if up { String::new() } else { why.to_owned() };
        self.draw()
    }

    fn draw(&mut self) -> io::Result<()> {
        let lines = self.lines();
        let mut out = String::new();
        if self.drawn > 0 {
            // Up to the first line of what was drawn before (ECMA-48, CPL).
            let _ = write!(out, "\x1b[{}F", self.drawn);
        }
        for line in &lines {
            // What was longer before is cut off (ECMA-48, EL).
            let _ = writeln!(out, "{line}\x1b[K");
        }
        // What stood below is gone (ECMA-48, ED).
        out.push_str("\x1b[J");
        self.drawn = lines.len();
        let mut stdout = io::stdout().lock();
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let order = self.state.as_ref().and_then(|state| state.order.as_ref());
        let reply = self.state.as_ref().and_then(|state| state.reply.as_ref());
        if let Some(dial) = &self.dial {
            lines.push(format!("  {}", escaped(&dial.title)));
            for it in &dial.positions {
                let ordered = order.and_then(|order| order.position) == Some(it.position);
                let replied = reply.and_then(|reply| reply.position) == Some(it.position);
                let marks = (if ordered { '▶' } else { ' ' }, if replied { '◀' } else { ' ' });
                lines.push(format!(
                    "{} {:>2} {} {}",
                    marks.0,
                    it.position,
                    escaped(&it.name),
                    marks.1
                ));
            }
        }
        if let Some(state) = &self.state {
            lines.push(format!("  order  {}", order.map_or("none".into(), shown_order)));
            lines.push(format!("  reply  {}", reply.map_or("none".into(), shown_reply)));
            let bell = if state.bell { "\x1b[7m RINGS \x1b[0m" } else { "is quiet" };
            lines.push(format!("  bell   {bell}"));
            if !state.source.detail.is_empty() {
                lines.push(format!("  file   {}", escaped(&state.source.detail)));
            }
        }
        if let Some(roll) = &self.roll {
            let coming =
                |coming| roll.answers.iter().filter(|it| it.coming == Some(coming)).count();
            lines.push(format!(
                "  roll   {} answered, {} coming, {} not, {} here",
                roll.answers.len() as u64 + roll.more_answers,
                coming(true),
                coming(false),
                roll.stations,
            ));
            let names: Vec<_> =
                roll.named.iter().take(NAMES).map(|name| escaped(name).to_string()).collect();
            if !names.is_empty() {
                let more = (roll.named.len() - names.len()) as u64 + roll.more_named;
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                lines.push(format!("         {}{more}", names.join(", ")));
            }
        }
        lines.push(match self.link.as_str() {
            "" => format!("  link   {}", escaped(&self.url)),
            why => format!("  link   \x1b[7m AWAY \x1b[0m {}", escaped(why)),
        });
        lines
    }
}
