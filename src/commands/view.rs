//! The living view: the telegraph in a few lines of a terminal, drawn anew when something changes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use chadburn_client::{Dial, Message, Roll, State};

use super::output_queue::FrameRenderer;
use super::{shown_order, shown_reply};
use crate::file::File;
use chadburn_host::log::escaped;
use chadburn_host::signals::ContinueFlag;
use chadburn_host::terminal::Terminal;

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
    /// What is wrong with the status file, the accept file and the bell book, if anything is.
    unwell: BTreeMap<File, String>,
}

impl View {
    pub(super) fn new(url: &str) -> Self {
        let link = "looking for the server".into();
        let (url, unwell) = (url.to_owned(), BTreeMap::new());
        Self { url, link, dial: None, state: None, roll: None, unwell }
    }

    /// Hears a message; whether it changes what is shown.
    pub(super) fn heard(&mut self, message: &Message) -> bool {
        match message {
            Message::Welcome(welcome) => {
                self.dial = Some(welcome.dial.clone());
                // What is wrong now is told anew.
                self.unwell.clear();
            }
            Message::Source { file, health } => {
                let Some(file) = File::named(file) else { return false };
                self.file_is(file, &health.detail);
            }
            Message::State(state) => {
                self.file_is(File::Status, &state.source.detail);
                let order = |state: &State| state.order.as_ref().map(|order| order.seq);
                if self.state.as_ref().is_some_and(|last| order(last) != order(state)) {
                    // No roll says that a new order has no answers yet.
                    self.roll = self.roll.take().map(|roll| Roll { answers: Vec::new(), ..roll });
                }
                self.state = Some(state.clone());
            }
            Message::Roll(roll) => self.roll = Some(roll.clone()),
            _ => return false,
        }
        true
    }

    fn file_is(&mut self, file: File, detail: &str) {
        if detail.is_empty() {
            self.unwell.remove(&file);
        } else {
            self.unwell.insert(file, detail.to_owned());
        }
    }

    pub(super) fn link(&mut self, up: bool, why: &str) {
        self.link = if up { String::new() } else { why.to_owned() };
    }

    /// The lines from top to bottom.
    pub(super) fn lines(&self) -> Vec<ViewLine> {
        let mut lines: Vec<ViewLine> = Vec::new();
        let order = self.state.as_ref().and_then(|state| state.order.as_ref());
        let reply = self.state.as_ref().and_then(|state| state.reply.as_ref());
        if let Some(dial) = self.dial.as_ref().filter(|dial| !dial.sectors.is_empty()) {
            lines.push(ViewLine::new(Rank::Title, format!("  {}", escaped(&dial.title))));
            for it in &dial.sectors {
                let ordered = order.and_then(|order| order.position) == Some(it.position);
                let replied = reply.and_then(|reply| reply.position) == Some(it.position);
                let rank = if ordered || replied { Rank::Pointed } else { Rank::Dial };
                let (left, right) =
                    (if ordered { '▶' } else { ' ' }, if replied { " ◀" } else { "" });
                let name = escaped(&it.name);
                lines.push(ViewLine::new(rank, format!("{left} {:>2} {name}{right}", it.position)));
            }
        }
        if let Some(state) = &self.state {
            let order = order.map_or("none".into(), shown_order);
            let reply = reply.map_or("none".into(), shown_reply);
            lines.push(ViewLine::new(Rank::Order, format!("  order  {order}")));
            lines.push(ViewLine::new(Rank::Reply, format!("  reply  {reply}")));
            lines.push(if state.bell {
                ViewLine::loud(Rank::Bell, "  bell    RINGS ".into(), " RINGS ")
            } else {
                ViewLine::new(Rank::Bell, "  bell   is quiet".into())
            });
        }
        let unwell = self.unwell.values();
        lines.extend(
            unwell.map(|it| ViewLine::new(Rank::File, format!("  file   {}", escaped(it)))),
        );
        lines.extend(self.roll.iter().flat_map(people));
        lines.push(match self.link.as_str() {
            "" => ViewLine::new(Rank::Link, format!("  link   {}", escaped(&self.url))),
            why => {
                ViewLine::loud(Rank::Away, format!("  link    AWAY  {}", escaped(why)), " AWAY ")
            }
        });
        lines
    }
}

/// Draws the view in the place of what was drawn before.
#[derive(Debug)]
pub(super) struct ViewRenderer {
    /// How many lines were drawn last.
    drawn: usize,
    /// In how many columns and lines.
    size: (usize, usize),
    resumed: ContinueFlag,
}

impl ViewRenderer {
    pub(super) fn new(resumed: ContinueFlag) -> Self {
        Self { drawn: 0, size: (0, 0), resumed }
    }
}

impl FrameRenderer for ViewRenderer {
    type Frame = Vec<ViewLine>;

    fn render(&mut self, lines: &Vec<ViewLine>) -> Option<String> {
        if is_in_background() {
            return None;
        }
        if self.resumed.take() {
            // What stands above is now the shell's.
            self.drawn = 0;
        }
        let before = std::mem::replace(&mut self.size, size());
        let (width, height) = self.size;
        let lines = fitting(lines, height.saturating_sub(1));
        // A character may be two columns wide, and none may begin another line (DECRST 7, DECAWM).
        let mut out = String::from("\x1b[?7l");
        match self.drawn {
            0 => {}
            // Nobody knows where a terminal of another size has put what was there (CUP, ED).
            _ if before != self.size => out.push_str("\x1b[H\x1b[J"),
            // Up to the first line of what was drawn before (ECMA-48, CPL).
            drawn => {
                let _ = write!(out, "\x1b[{drawn}F");
            }
        }
        for line in &lines {
            // What was longer before is cut off (ECMA-48, EL).
            let _ = writeln!(out, "{}\x1b[K", line.drawn(width));
        }
        // What stood below is gone (ECMA-48, ED), and the terminal is as it was (DECSET 7).
        out.push_str("\x1b[J\x1b[?7h");
        self.drawn = lines.len();
        Some(out)
    }
}

/// Whether the terminal is somebody else's now, as after `bg` in a shell.
fn is_in_background() -> bool {
    // Where it is no terminal of ours, nobody else's has it either.
    rustix::termios::tcgetpgrp(io::stdout()).is_ok_and(|group| group != rustix::process::getpgrp())
}

/// What matters most on a terminal that has no room for everything, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Away,
    Order,
    Bell,
    File,
    Reply,
    Link,
    Roll,
    Pointed,
    Title,
    Names,
    Dial,
}

/// As much of this as there is room for, in its order; of a dial all or nothing.
fn fitting(lines: &[ViewLine], room: usize) -> Vec<&ViewLine> {
    let mut lines: Vec<_> = lines.iter().collect();
    while lines.len() > room {
        let Some(least) = lines.iter().map(|line| line.rank).max() else { break };
        lines.retain(|line| line.rank != least);
    }
    lines
}

/// A line of the view.
#[derive(Debug)]
pub(super) struct ViewLine {
    rank: Rank,
    text: String,
    /// The part of it that is shown in reverse, if any is.
    loud: &'static str,
}

impl ViewLine {
    fn new(rank: Rank, text: String) -> Self {
        Self { rank, text, loud: "" }
    }

    fn loud(rank: Rank, text: String, loud: &'static str) -> Self {
        Self { rank, text, loud }
    }

    /// As it goes to a terminal with so many columns.
    fn drawn(&self, width: usize) -> String {
        let terminal = Terminal::ours();
        let text: String = terminal.letters(&self.text).chars().take(width).collect();
        match self.loud {
            "" => text,
            loud => text.replacen(loud, &terminal.loud_in_view(loud), 1),
        }
    }
}

/// Who answered, and who is there.
fn people(roll: &Roll) -> Vec<ViewLine> {
    let coming = |coming| roll.answers.iter().filter(|it| it.coming == Some(coming)).count();
    let counts = format!(
        "  roll   {} answered, {} coming, {} not, {} here",
        roll.answers.len().saturating_add(roll.more_answers),
        coming(true),
        coming(false),
        roll.stations,
    );
    let names = roll.named.iter().take(NAMES).map(|name| escaped(name).to_string());
    let names = names.collect::<Vec<_>>();
    if names.is_empty() {
        return vec![ViewLine::new(Rank::Roll, counts)];
    }
    let more = (roll.named.len() - names.len()).saturating_add(roll.more_named);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = format!("         {}{more}", names.join(", "));
    vec![ViewLine::new(Rank::Roll, counts), ViewLine::new(Rank::Names, names)]
}

/// How many columns and lines the terminal has; the usual if it does not say.
fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (80, 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_room_there_is_the_more_what_is_left_matters() {
        let all = [
            (Rank::Title, "title"),
            (Rank::Dial, "1"),
            (Rank::Pointed, "2"),
            (Rank::Dial, "3"),
            (Rank::Order, "order"),
            (Rank::Reply, "reply"),
            (Rank::Bell, "bell"),
            (Rank::Away, "away"),
        ];
        let left = |room| {
            let lines = all.map(|(rank, text)| ViewLine::new(rank, text.into()));
            let lines = fitting(&lines, room);
            lines.iter().map(|line| &*line.text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(left(8), "title 1 2 3 order reply bell away");
        assert_eq!(left(7), "title 2 order reply bell away");
        assert_eq!(left(4), "order reply bell away");
        assert_eq!([left(2), left(1), left(0)], ["order away", "away", ""]);
    }
}
