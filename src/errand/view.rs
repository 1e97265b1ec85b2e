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
        let (width, height) = size();
        let mut lines = self.lines(true);
        if lines.len() >= height {
            lines = self.lines(false);
        }
        lines.truncate(height.saturating_sub(1));
        let mut out = String::new();
        if self.drawn > 0 {
            // Up to the first line of what was drawn before (ECMA-48, CPL).
            let _ = write!(out, "\x1b[{}F", self.drawn);
        }
        for line in &lines {
            // What was longer before is cut off (ECMA-48, EL).
            let _ = writeln!(out, "{}\x1b[K", line.drawn(width));
        }
        // What stood below is gone (ECMA-48, ED).
        out.push_str("\x1b[J");
        self.drawn = lines.len();
        let mut stdout = io::stdout().lock();
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }

    /// The lines from top to bottom; of the dial all positions, or those alone that matter now.
    fn lines(&self, whole: bool) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let order = self.state.as_ref().and_then(|state| state.order.as_ref());
        let reply = self.state.as_ref().and_then(|state| state.reply.as_ref());
        if let Some(dial) = &self.dial {
            lines.push(format!("  {}", escaped(&dial.title)).into());
            for it in &dial.positions {
                let ordered = order.and_then(|order| order.position) == Some(it.position);
                let replied = reply.and_then(|reply| reply.position) == Some(it.position);
                if !(whole || ordered || replied) {
                    continue;
                }
                let (left, right) =
                    (if ordered { '▶' } else { ' ' }, if replied { " ◀" } else { "" });
                let name = escaped(&it.name);
                lines.push(format!("{left} {:>2} {name}{right}", it.position).into());
            }
        }
        if let Some(state) = &self.state {
            lines.push(format!("  order  {}", order.map_or("none".into(), shown_order)).into());
            lines.push(format!("  reply  {}", reply.map_or("none".into(), shown_reply)).into());
            lines.push(if state.bell {
                Line { text: "  bell    RINGS ".into(), loud: " RINGS " }
            } else {
                "  bell   is quiet".to_owned().into()
            });
            if !state.source.detail.is_empty() {
                lines.push(format!("  file   {}", escaped(&state.source.detail)).into());
            }
        }
        lines.extend(self.roll.iter().flat_map(people));
        lines.push(match self.link.as_str() {
            "" => format!("  link   {}", escaped(&self.url)).into(),
            why => Line { text: format!("  link    AWAY  {}", escaped(why)), loud: " AWAY " },
        });
        lines
    }
}

/// A line of the view.
#[derive(Debug)]
struct Line {
    text: String,
    /// The part of it that is shown in reverse, if any is.
    loud: &'static str,
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self { text, loud: "" }
    }
}

impl Line {
    /// As it goes to a terminal with so many columns: one that is too long would become two.
    fn drawn(&self, width: usize) -> String {
        let text: String = self.text.chars().take(width).collect();
        match self.loud {
            "" => text,
            // SGR, reverse and default (ECMA-48).
            loud => text.replacen(loud, &format!("\x1b[7m{loud}\x1b[0m"), 1),
        }
    }
}

/// Who answered, and who is there.
fn people(roll: &Roll) -> Vec<Line> {
    let coming = |coming| roll.answers.iter().filter(|it| it.coming == Some(coming)).count();
    let counts = format!(
        "  roll   {} answered, {} coming, {} not, {} here",
        roll.answers.len() as u64 + roll.more_answers,
        coming(true),
        coming(false),
        roll.stations,
    );
    let names = roll.named.iter().take(NAMES).map(|name| escaped(name).to_string());
    let names = names.collect::<Vec<_>>();
    if names.is_empty() {
        return vec![counts.into()];
    }
    let more = (roll.named.len() - names.len()) as u64 + roll.more_named;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    vec![counts.into(), format!("         {}{more}", names.join(", ")).into()]
}

/// How many columns and lines the terminal has; the usual if it does not say.
fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (80, 24),
    }
}
