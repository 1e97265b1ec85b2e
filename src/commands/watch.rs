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
use super::exec::{EventVars, ExecRunner};
use super::output_queue::{LinesOnly, OutputQueue};
use super::rule::{Clocks, WatchEvent, WatchState};
use super::view::{View, ViewLine, ViewRenderer};
use super::{CommandError, shown_order, shown_reply};
use crate::calendar;
use crate::cli::Watch;
use chadburn_host::log::{escaped, fit, json_line};
use chadburn_host::signals::{CommandSignals, ContinueFlag, Resizes};
use chadburn_host::terminal::Terminal;

/// How long what is still to be shown may take at the end: for a pipe that somebody reads, and for one
/// who wants us to go.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(2);
const OUTPUT_TIMEOUT_ON_SIGNAL: Duration = Duration::from_millis(200);

/// In which form one is told.
enum OutputForm {
    Lines(OutputQueue),
    Json(OutputQueue),
    View(Box<View>, OutputQueue<Vec<ViewLine>>),
}

pub(super) async fn run(
    settings: Settings,
    url: &str,
    watch: Watch,
    signals: &mut CommandSignals,
) -> Result<(), CommandError> {
    let mut station = Station::open(settings)?;
    // What a command says would stand in the middle of the view.
    let spoilt = watch.exec.is_some() && std::io::stderr().is_terminal();
    let out = stdout()?;
    let form = match watch.json {
        true => OutputForm::Json(OutputQueue::start(out, lagged_json, LinesOnly)?),
        false if Terminal::ours().has_view() && !spoilt => {
            let renderer = ViewRenderer::new(ContinueFlag::register()?);
            let output = OutputQueue::start(out, lagged_line, renderer)?;
            OutputForm::View(Box::new(View::new(url)), output)
        }
        false => OutputForm::Lines(OutputQueue::start(out, lagged_line, LinesOnly)?),
    };
    let runner = match watch.exec {
        Some(command) => {
            let complaints = OutputQueue::start(stderr()?, lagged_complaint, LinesOnly)?;
            Some(ExecRunner::new(command, signals.process_groups.clone(), complaints))
        }
        None => None,
    };
    let mut watcher = Watcher {
        url: url.to_owned(),
        rule: WatchState::new(watch.unanswered_after),
        clock: ServerClock::new(),
        presented: false,
        runner,
        resizes: Resizes::catch()?,
        form,
    };
    let mut done = tokio::select! {
        done = watcher.follow(&mut station) => done,
        stop = signals.until_stop() => Err(CommandError::Stopped(stop)),
    };
    if let Some(runner) = &mut watcher.runner {
        if !matches!(done, Err(CommandError::Stopped(_))) {
            tokio::select! {
                () = runner.run_remaining() => {}
                stop = signals.until_stop() => done = Err(CommandError::Stopped(stop)),
            }
        }
        if let Err(CommandError::Stopped(stop)) = &done {
            runner.stop(*stop).await;
        }
    }
    let told = matches!(done, Err(CommandError::Stopped(_)));
    let patience = if told { OUTPUT_TIMEOUT_ON_SIGNAL } else { OUTPUT_TIMEOUT };
    match watcher.form {
        OutputForm::Lines(output) | OutputForm::Json(output) => output.end(patience)?,
        OutputForm::View(_, output) => output.end(patience)?,
    }
    done
}

struct Watcher {
    url: String,
    rule: WatchState,
    clock: ServerClock,
    /// How things were at first has been told.
    presented: bool,
    runner: Option<ExecRunner>,
    /// The terminal, if there is one, has another size.
    resizes: Resizes,
    form: OutputForm,
}

impl Watcher {
    async fn follow(&mut self, station: &mut Station) -> Result<(), CommandError> {
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
                error = self.form.until_failed() => return Err(error.into()),
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

    fn now(&self) -> Clocks {
        Clocks { here: Instant::now(), there: self.clock.now() }
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
            OutputForm::Json(output) => output.push_line(json_line(text)),
            OutputForm::View(view, output) => {
                if view.heard(message) {
                    output.set_frame(view.lines());
                }
            }
            OutputForm::Lines(output) => match message {
                Message::Source { file, health } => {
                    output.push_line(file_line(file, &health.detail));
                }
                Message::State(state) => {
                    if let Some(what) = what {
                        output.push_line(line(what, state));
                    }
                    if what == Some(WatchEvent::Present) && !state.source.detail.is_empty() {
                        output.push_line(file_line("status", &state.source.detail));
                    }
                }
                _ => {}
            },
        }
    }

    /// What is no message of ours may be one of a later version. What is no JSON is told in some, so
    /// that each line is.
    fn unreadable(&self, text: &str) {
        if let OutputForm::Json(output) = &self.form {
            let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
            let told = || json!({"type": "link", "unreadable": text}).to_string();
            let line = if is_json { text.to_owned() } else { told() };
            output.push_line(json_line(line));
        }
    }

    /// The server was quicker than we are.
    fn lagged(&self, lagged: u64) {
        match &self.form {
            OutputForm::Json(output) => output.push_line(lagged_json(lagged)),
            OutputForm::Lines(output) => output.push_line(lagged_line(lagged)),
            OutputForm::View(..) => {}
        }
    }

    /// The server is there, and how things are was told: once more after a loss, since nobody can
    /// know whether everything in between was heard.
    fn up(&mut self) {
        self.link(true, "");
        if let Some(runner) = &self.runner {
            runner.enqueue(self.vars(WatchEvent::Present.word(), self.rule.last()));
        }
        if let (OutputForm::Lines(output), Some(state), true) =
            (&self.form, self.rule.last(), self.presented)
        {
            output.push_line(line(WatchEvent::Present, state));
        }
        self.presented = true;
    }

    fn link(&mut self, up: bool, why: &str) {
        let word = if up { "up" } else { "down" };
        if let Some(runner) = &self.runner {
            let mut vars = self.vars("link", self.rule.last());
            vars.extend([("CHADBURN_LINK", word.to_owned()), ("CHADBURN_WHY", why.to_owned())]);
            runner.enqueue(vars);
        }
        match &mut self.form {
            OutputForm::Json(output) => {
                let mut told = json!({"type": "link", "link": word});
                if !up {
                    told["why"] = why.into();
                }
                output.push_line(json_line(told.to_string()));
            }
            OutputForm::Lines(output) if up => {
                output.push_line(fit(&format!("{} link up {}", now(), escaped(&self.url))));
            }
            OutputForm::Lines(output) => {
                output.push_line(fit(&format!("{} link down: {}", now(), escaped(why))));
            }
            OutputForm::View(view, output) => {
                view.link(up, why);
                output.set_frame(view.lines());
            }
        }
    }

    fn happened(&self, what: WatchEvent) {
        self.runs(what);
        if let (OutputForm::Lines(output), Some(state)) = (&self.form, self.rule.last()) {
            output.push_line(line(what, state));
        }
    }

    /// Runs the command for this; how things are is told when the link is up.
    fn runs(&self, what: WatchEvent) {
        let (Some(runner), false) = (&self.runner, what == WatchEvent::Present) else { return };
        let mut vars = self.vars(what.word(), self.rule.last());
        if let WatchEvent::Unanswered(waited) = what {
            vars.push(("CHADBURN_WAITED", waited.as_millis().to_string()));
        }
        runner.enqueue(vars);
    }

    fn vars(&self, event: &str, state: Option<&State>) -> EventVars {
        let mut vars =
            vec![("CHADBURN_EVENT", event.to_owned()), ("CHADBURN_URL", self.url.clone())];
        let Some(state) = state else { return vars };
        let order = state.order.as_ref();
        let reply = state.reply.as_ref();
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let position = order.and_then(|it| it.position).map(|it| it.to_string());
        vars.extend([
            ("CHADBURN_SEQ", state.seq.to_string()),
            ("CHADBURN_STATUS", text(order.map(|it| &it.status))),
            ("CHADBURN_POSITION", position.unwrap_or_default()),
            ("CHADBURN_NAME", text(order.and_then(|it| it.name.as_ref()))),
            ("CHADBURN_BELL", u8::from(state.bell).to_string()),
            ("CHADBURN_REPLY", text(reply.map(|it| &it.status))),
            ("CHADBURN_BY", reply.map(|it| it.by.to_string()).unwrap_or_default()),
            ("CHADBURN_WHO", text(reply.and_then(|it| it.who.as_ref()))),
        ]);
        vars
    }
}

impl OutputForm {
    /// Waits until nothing can be shown any more.
    async fn until_failed(&self) -> io::Error {
        match self {
            Self::Lines(output) | Self::Json(output) => output.until_failed().await,
            Self::View(_, output) => output.until_failed().await,
        }
    }

    /// Draws the view anew, if it is one.
    fn draw(&self) {
        if let Self::View(view, output) = self {
            output.set_frame(view.lines());
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
fn line(what: WatchEvent, state: &State) -> String {
    let order = state.order.as_ref().map_or("none".into(), shown_order);
    let rings = format!(", the bell {}", Terminal::ours().loud("rings"));
    let bell = if state.bell { &rings } else { "" };
    let about = match what {
        WatchEvent::Reply => state.reply.as_ref().map_or("none".into(), shown_reply),
        WatchEvent::Unanswered(waited) => format!("{order} for {} s", waited.as_secs()),
        WatchEvent::Present | WatchEvent::Order | WatchEvent::Repeat => order,
    };
    let at = match what {
        WatchEvent::Unanswered(_) => now(),
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
