//! Following a telegraph: lines, messages or a living view, and a command for what happens.

use std::io::IsTerminal;
use std::time::{SystemTime, UNIX_EPOCH};

use chadburn_client::{Event, Message, Settings, State, Station};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::exec::{Facts, Hand};
use super::rule::{Rule, What};
use super::view::View;
use super::{Trouble, say, say_json, shown_order, shown_reply};
use crate::calendar;
use crate::cli::Watch;
use crate::log::escaped;
use crate::signals::Resizes;

/// In which form one is told.
enum Form {
    Lines,
    Json,
    View(Box<View>),
}

pub(super) async fn run(settings: Settings, url: &str, watch: Watch) -> Result<(), Trouble> {
    let mut station = Station::open(settings)?;
    // What a command says would stand in the middle of the view.
    let spoilt = watch.exec.is_some() && std::io::stderr().is_terminal();
    let form = match watch.json {
        true => Form::Json,
        false if std::io::stdout().is_terminal() && !spoilt => Form::View(Box::new(View::new(url))),
        false => Form::Lines,
    };
    let mut watcher = Watcher {
        url: url.to_owned(),
        rule: Rule::new(watch.unanswered_after),
        hand: watch.exec.map(Hand::new),
        resizes: Resizes::catch()?,
        form,
    };
    let done = watcher.follow(&mut station).await;
    if let Some(hand) = watcher.hand {
        hand.rest().await;
    }
    done
}

struct Watcher {
    url: String,
    rule: Rule,
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
                () = self.resizes.next() => {
                    if let Form::View(view) = &mut self.form {
                        view.draw()?;
                    }
                    continue;
                }
                () = wait => {
                    if let Some(what) = self.rule.tick(Instant::now()) {
                        self.happened(what)?;
                    }
                    continue;
                }
            };
            match event {
                Some(Event::Message(heard)) => self.heard(&heard.text, &heard.message)?,
                Some(Event::Up) => self.link(true, "")?,
                Some(Event::Down(why)) => self.link(false, &why)?,
                Some(Event::Unreadable { text, .. }) => self.unreadable(&text)?,
                Some(Event::Lagged(lagged)) => self.lagged(lagged)?,
                Some(Event::Failed(failure)) => {
                    self.link(false, &failure.to_string())?;
                    return Err(failure.into());
                }
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    fn heard(&mut self, text: &str, message: &Message) -> Result<(), Trouble> {
        match &mut self.form {
            Form::Json => say_json(text.to_owned())?,
            Form::View(view) => view.heard(message)?,
            Form::Lines => {
                if let Message::Source { file, health } = message {
                    say(&file_line(file, &health.detail))?;
                }
            }
        }
        if let Message::State(state) = message
            && let Some(what) = self.rule.state(Instant::now(), state)
        {
            self.happened(what)?;
            if let (Form::Lines, What::Present, false) =
                (&self.form, what, state.source.detail.is_empty())
            {
                say(&file_line("status", &state.source.detail))?;
            }
        }
        Ok(())
    }

    /// What is no message of ours may be one of a later version. What is no JSON is told in some, so
    /// that each line is.
    fn unreadable(&mut self, text: &str) -> Result<(), Trouble> {
        if let Form::Json = self.form {
            let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
            let told = || json!({"type": "link", "unreadable": text}).to_string();
            let line = if is_json { text.to_owned() } else { told() };
            say_json(line)?;
        }
        Ok(())
    }

    /// The server was quicker than whoever reads what is said here.
    fn lagged(&mut self, lagged: u64) -> Result<(), Trouble> {
        match &mut self.form {
            Form::Json => say_json(json!({"type": "link", "lagged": lagged}).to_string())?,
            Form::Lines => say(&format!("{} link lagged: {lagged} left out", now()))?,
            Form::View(_) => {}
        }
        Ok(())
    }

    fn link(&mut self, up: bool, why: &str) -> Result<(), Trouble> {
        let word = if up { "up" } else { "down" };
        match &mut self.form {
            Form::Json if up => say_json(json!({"type": "link", "link": word}).to_string())?,
            Form::Json => say_json(json!({"type": "link", "link": word, "why": why}).to_string())?,
            Form::Lines if up => say(&format!("{} link up {}", now(), escaped(&self.url)))?,
            Form::Lines => say(&format!("{} link down: {}", now(), escaped(why)))?,
            Form::View(view) => view.link(up, why)?,
        }
        if let Some(hand) = &self.hand {
            let mut facts = self.facts("link", self.rule.last());
            facts.extend([("CHADBURN_LINK", word.to_owned()), ("CHADBURN_WHY", why.to_owned())]);
            hand.run(facts);
        }
        Ok(())
    }

    fn happened(&mut self, what: What) -> Result<(), Trouble> {
        let Some(state) = self.rule.last() else { return Ok(()) };
        if let Form::Lines = self.form {
            say(&line(what, state))?;
        }
        if let (Some(hand), false) = (&self.hand, what == What::Present) {
            let mut facts = self.facts(what.word(), Some(state));
            if let What::Unanswered(waited) = what {
                facts.push(("CHADBURN_WAITED", waited.as_millis().to_string()));
            }
            hand.run(facts);
        }
        Ok(())
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

/// The line for what happened: when, what, and what it is about.
fn line(what: What, state: &State) -> String {
    let order = state.order.as_ref().map_or("none".into(), shown_order);
    let bell = if state.bell { ", the bell rings" } else { "" };
    let about = match what {
        What::Reply => state.reply.as_ref().map_or("none".into(), shown_reply),
        What::Unanswered(waited) => format!("{order} for {} s", waited.as_secs()),
        What::Present | What::Order | What::Repeat => order,
    };
    let at = match what {
        What::Unanswered(_) => now(),
        _ => calendar::iso(state.at).unwrap_or_else(|| state.at.to_string()),
    };
    format!("{at} {} {about}{bell}", what.word())
}

/// The line for the health of this file; nothing is wrong if the detail is empty.
fn file_line(file: &str, detail: &str) -> String {
    match detail {
        "" => format!("{} file {} is well", now(), escaped(file)),
        detail => format!("{} file {}", now(), escaped(detail)),
    }
}

/// This moment, by our own clock.
pub(super) fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(now).ok().and_then(calendar::iso).unwrap_or_default()
}
