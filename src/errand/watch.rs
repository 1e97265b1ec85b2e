//! Following a telegraph: lines, messages or a living view, and a command for what happens.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::Duration;

use chadburn_client::{Event, Message, Settings, State, Station};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::clock::{ServerClock, ours};
use super::display::{Display, NoFrames};
use super::exec::{Facts, Hand};
use super::rule::{Now, Rule, What};
use super::view::{Line, Painter, View};
use super::{Trouble, shown_order, shown_reply};
use crate::calendar;
use crate::cli::Watch;
use chadburn_host::log::{escaped, fit, json_line};
use chadburn_host::signals::{CommandSignals, ContinueFlag, Resizes};
use chadburn_host::terminal::Terminal;

/// How long what is still to be shown may take at the end: for a pipe that somebody reads, and for one
/// who wants us to go.
const LAST_LINES: Duration = Duration::from_secs(2);
const LAST_LINES_WHEN_TOLD: Duration = Duration::from_millis(200);

/// In which form one is told.
enum Form {
    Lines(Display),
    Json(Display),
    View(Box<View>, Display<Vec<Line>>),
}

pub(super) async fn run(
    settings: Settings,
    url: &str,
    watch: Watch,
    signals: &mut CommandSignals,
) -> Result<(), Trouble> {
    let mut station = Station::open(settings)?;
    // What a command says would stand in the middle of the view.
    let spoilt = watch.exec.is_some() && std::io::stderr().is_terminal();
    let out = stdout()?;
    let form = match watch.json {
        true => Form::Json(Display::start(out, lagged_json, NoFrames)?),
        false if Terminal::ours().has_view() && !spoilt => {
            let painter = Painter::new(ContinueFlag::register()?);
            let display = Display::start(out, lagged_line, painter)?;
            Form::View(Box::new(View::new(url)), display)
        }
        false => Form::Lines(Display::start(out, lagged_line, NoFrames)?),
    };
    let hand = match watch.exec {
        Some(command) => {
            let complaints = Display::start(stderr()?, lagged_complaint, NoFrames)?;
            Some(Hand::new(command, signals.process_groups.clone(), complaints))
        }
        None => None,
    };
    let mut watcher = Watcher {
        url: url.to_owned(),
        rule: Rule::new(watch.unanswered_after),
        clock: ServerClock::new(),
        presented: false,
        hand,
        resizes: Resizes::catch()?,
        form,
    };
    let mut done = tokio::select! {
        done = watcher.follow(&mut station) => done,
        stop = signals.until_stop() => Err(Trouble::Stopped(stop)),
    };
    if let Some(hand) = &mut watcher.hand {
        if !matches!(done, Err(Trouble::Stopped(_))) {
            tokio::select! {
                () = hand.rest() => {}
                stop = signals.until_stop() => done = Err(Trouble::Stopped(stop)),
            }
        }
        if let Err(Trouble::Stopped(stop)) = &done {
            hand.stop(*stop).await;
        }
    }
    let told = matches!(done, Err(Trouble::Stopped(_)));
    let patience = if told { LAST_LINES_WHEN_TOLD } else { LAST_LINES };
    match watcher.form {
        Form::Lines(display) | Form::Json(display) => display.end(patience)?,
        Form::View(_, display) => display.end(patience)?,
    }
    done
}

struct Watcher {
    url: String,
    rule: Rule,
    clock: ServerClock,
    /// How things were at first has been told.
    presented: bool,
    hand: Option<Hand>,
    /// The terminal, if there is one, has another size.
    resizes: Resizes,
    form: Form,
}

impl Watcher {
    async fn follow(&mut self, station: &mut Station) -> Result<(), Trouble> {
        loop {
            // While nobody can tell us of a reply, nobody has failed to answer.
            let due = self.rule.due().filter(|_| station.is_up());
            let wait = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                event = station.recv() => event,
                error = self.form.failed() => return Err(error.into()),
                () = self.resizes.next() => {
                    self.form.draw();
                    continue;
                }
                () = wait => {
                    if let Some(what) = self.rule.tick(self.now()) {
                        self.happened(what);
                    }
                    continue;
                }
            };
            match event {
                Some(Event::Message(heard)) => self.heard(heard.text, &heard.message),
                Some(Event::Up) => self.up(),
                Some(Event::Down(why)) => self.link(false, &why),
                Some(Event::Unreadable { text, .. }) => self.unreadable(&text),
                Some(Event::Lagged(lagged)) => self.lagged(lagged),
                Some(Event::Failed(failure)) => {
                    self.link(false, &failure.to_string());
                    return Err(failure.into());
                }
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    fn now(&self) -> Now {
        Now { here: Instant::now(), there: self.clock.now() }
    }

    // Of each event the command comes before the line: what is held up there holds up nothing here.
    fn heard(&mut self, text: String, message: &Message) {
        self.clock.heard(message);
        let what = match message {
            Message::State(state) => self.rule.state(self.now(), state),
            _ => None,
        };
        if let Some(what) = what {
            self.runs(what);
        }
        match &mut self.form {
            Form::Json(display) => display.line(json_line(text)),
            Form::View(view, display) => {
                if view.heard(message) {
                    display.frame(view.lines());
                }
            }
            Form::Lines(display) => match message {
                Message::Source { file, health } => {
                    display.line(file_line(file, &health.detail));
                }
                Message::State(state) => {
                    if let Some(what) = what {
                        display.line(line(what, state));
                    }
                    if what == Some(What::Present) && !state.source.detail.is_empty() {
                        display.line(file_line("status", &state.source.detail));
                    }
                }
                _ => {}
            },
        }
    }

    /// What is no message of ours may be one of a later version. What is no JSON is told in some, so
    /// that each line is.
    fn unreadable(&self, text: &str) {
        if let Form::Json(display) = &self.form {
            let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
            let told = || json!({"type": "link", "unreadable": text}).to_string();
            let line = if is_json { text.to_owned() } else { told() };
            display.line(json_line(line));
        }
    }

    /// The server was quicker than we are.
    fn lagged(&self, lagged: u64) {
        match &self.form {
            Form::Json(display) => display.line(lagged_json(lagged)),
            Form::Lines(display) => display.line(lagged_line(lagged)),
            Form::View(..) => {}
        }
    }

    /// The server is there, and how things are was told: once more after a loss, since nobody can
    /// know whether everything in between was heard.
    fn up(&mut self) {
        self.link(true, "");
        if let Some(hand) = &self.hand {
            hand.run(self.facts(What::Present.word(), self.rule.last()));
        }
        if let (Form::Lines(display), Some(state), true) =
            (&self.form, self.rule.last(), self.presented)
        {
            display.line(line(What::Present, state));
        }
        self.presented = true;
    }

    fn link(&mut self, up: bool, why: &str) {
        let word = if up { "up" } else { "down" };
        if let Some(hand) = &self.hand {
            let mut facts = self.facts("link", self.rule.last());
            facts.extend([("CHADBURN_LINK", word.to_owned()), ("CHADBURN_WHY", why.to_owned())]);
            hand.run(facts);
        }
        match &mut self.form {
            Form::Json(display) => {
                let mut told = json!({"type": "link", "link": word});
                if !up {
                    told["why"] = why.into();
                }
                display.line(json_line(told.to_string()));
            }
            Form::Lines(display) if up => {
                display.line(fit(&format!("{} link up {}", now(), escaped(&self.url))));
            }
            Form::Lines(display) => {
                display.line(fit(&format!("{} link down: {}", now(), escaped(why))));
            }
            Form::View(view, display) => {
                view.link(up, why);
                display.frame(view.lines());
            }
        }
    }

    fn happened(&self, what: What) {
        self.runs(what);
        if let (Form::Lines(display), Some(state)) = (&self.form, self.rule.last()) {
            display.line(line(what, state));
        }
    }

    /// Runs the command for this; how things are is told when the link is up.
    fn runs(&self, what: What) {
        let (Some(hand), false) = (&self.hand, what == What::Present) else { return };
        let mut facts = self.facts(what.word(), self.rule.last());
        if let What::Unanswered(waited) = what {
            facts.push(("CHADBURN_WAITED", waited.as_millis().to_string()));
        }
        hand.run(facts);
    }

    fn facts(&self, event: &str, state: Option<&State>) -> Facts {
        let mut facts =
            vec![("CHADBURN_EVENT", event.to_owned()), ("CHADBURN_URL", self.url.clone())];
        let Some(state) = state else { return facts };
        let order = state.order.as_ref();
        let reply = state.reply.as_ref();
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let position = order.and_then(|it| it.position).map(|it| it.to_string());
        facts.extend([
            ("CHADBURN_SEQ", state.seq.to_string()),
            ("CHADBURN_STATUS", text(order.map(|it| &it.status))),
            ("CHADBURN_POSITION", position.unwrap_or_default()),
            ("CHADBURN_NAME", text(order.and_then(|it| it.name.as_ref()))),
            ("CHADBURN_BELL", u8::from(state.bell).to_string()),
            ("CHADBURN_REPLY", text(reply.map(|it| &it.status))),
            ("CHADBURN_BY", reply.map(|it| it.by.to_string()).unwrap_or_default()),
            ("CHADBURN_WHO", text(reply.and_then(|it| it.who.as_ref()))),
        ]);
        facts
    }
}

impl Form {
    /// Waits until nothing can be shown any more.
    async fn failed(&self) -> io::Error {
        match self {
            Self::Lines(display) | Self::Json(display) => display.failed().await,
            Self::View(_, display) => display.failed().await,
        }
    }

    /// Draws the view anew, if it is one.
    fn draw(&self) {
        if let Self::View(view, display) = self {
            display.frame(view.lines());
        }
    }
}

/// Descriptors of their own: whoever is stuck in writing to one holds no lock of the others.
fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

fn stderr() -> io::Result<File> {
    Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?))
}

fn lagged_json(lagged: u64) -> String {
    json!({"type": "link", "lagged": lagged}).to_string()
}

fn lagged_line(lagged: u64) -> String {
    format!("{} link lagged: {lagged} left out", now())
}

fn lagged_complaint(lagged: u64) -> String {
    format!("chadburn: {lagged} complaints left out")
}

/// The line for what happened: when, what, and what it is about.
fn line(what: What, state: &State) -> String {
    let order = state.order.as_ref().map_or("none".into(), shown_order);
    let rings = format!(", the bell {}", Terminal::ours().loud("rings"));
    let bell = if state.bell { &rings } else { "" };
    let about = match what {
        What::Reply => state.reply.as_ref().map_or("none".into(), shown_reply),
        What::Unanswered(waited) => format!("{order} for {} s", waited.as_secs()),
        What::Present | What::Order | What::Repeat => order,
    };
    let at = match what {
        What::Unanswered(_) => now(),
        _ => calendar::iso(state.at).unwrap_or_else(|| state.at.to_string()),
    };
    // What comes from elsewhere is made fit; the emphasis is ours.
    format!("{}{bell}", fit(&format!("{at} {} {about}", what.word())))
}

/// The line for the health of this file; nothing is wrong if the detail is empty.
fn file_line(file: &str, detail: &str) -> String {
    match detail {
        "" => fit(&format!("{} file {} is well", now(), escaped(file))),
        detail => fit(&format!("{} file {}", now(), escaped(detail))),
    }
}

/// This moment, by our own clock.
pub(super) fn now() -> String {
    calendar::iso(ours()).unwrap_or_default()
}
