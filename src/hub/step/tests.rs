//! The hub's decisions, spoken in the domain.

mod disks;
mod people;
mod private;
mod replies;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chadburn_core::DEFAULT;
use chadburn_v1::{By, Code};
use serde_json::Value;

use super::*;
use crate::entry::Entry;
use crate::hub::Ask;
use crate::policy::{Peer, Reach, Reaches};
use crate::session::Want;
use crate::wire::{Wire, text};
use chadburn_host::secret::Secret;
use chadburn_web::visitors::Visitors;
use live_file::writing::{Condition, Stamp, Watch, Writing};

/// A hub in the tests' hands: what it wants done is collected and asked for.
struct Office {
    hub: Hub,
    now: Now,
    effects: Vec<Effect>,
    written: i64,
}

const ELSEWHERE: Peer =
    Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), local: false, trusted: false };
const HERE: Peer = Peer { local: true, ..ELSEWHERE };

fn key(slot: u32) -> Key {
    Key { slot, generation: slot + 10 }
}

fn stamp(second: i64) -> Stamp {
    Stamp { mtime: (second, 0), size: 2 }
}

impl Office {
    fn new() -> Self {
        Self::with_policy(Policy {
            visitors: Visitors::default(),
            reaches: Reaches { orders: Reach::Never, shutdown: Reach::Local },
        })
    }

    fn with_policy(policy: Policy) -> Self {
        let facts = Facts {
            dial: DEFAULT,
            base: "/srv".into(),
            status_file: "status.eot".into(),
            assets: "abc".into(),
            policy,
            history: History::default(),
        };
        let now = Now { since_start: Duration::from_secs(1), unix_ms: 1_000 };
        Self { hub: Hub::new(now, facts), now, effects: Vec::new(), written: 0 }
    }

    /// An office whose order is `status`.
    fn with_order(status: &str) -> Self {
        let mut office = Self::new();
        office.write(File::Status, status);
        office
    }

    fn happens(&mut self, event: Event<'_>) -> Vec<Effect> {
        self.effects.clear();
        self.hub.step(self.now, event, &mut self.effects);
        std::mem::take(&mut self.effects)
    }

    fn write(&mut self, file: File, text: &str) -> Vec<Effect> {
        self.written += 1;
        let stamp = stamp(1_000 + self.written);
        let report = Report::Written(Writing { stamp, text: text.into() });
        self.happens(Event::Source { file, report })
    }

    fn joins(&mut self, slot: u32, wire: Wire, peer: Peer) -> Vec<Effect> {
        self.comes_back(slot, key(slot), None, wire, peer)
    }

    /// The station whose secret is this slot's, at this place, with a memory up to `since`.
    fn comes_back(
        &mut self,
        slot: u32,
        key: Key,
        since: Option<u64>,
        wire: Wire,
        peer: Peer,
    ) -> Vec<Effect> {
        self.happens(Event::Joined { key, secret: secret(slot), known_seq: since, wire, peer })
    }

    fn waits(&mut self, millis: u64) -> Vec<Effect> {
        self.now.since_start += Duration::from_millis(millis);
        self.happens(Event::Tick)
    }

    /// The write of this file that is under way succeeds.
    fn is_stored(&mut self, file: File, ticket: u64) -> Vec<Effect> {
        self.happens(Event::Stored { file, ticket, result: Ok(()) })
    }

    fn hears(&mut self, slot: u32, message: &str) -> Vec<Effect> {
        self.happens(Event::Heard { key: key(slot), message })
    }

    fn order_seq(&self) -> u64 {
        self.hub.telegraph().order().unwrap().seq
    }
}

fn secret(slot: u32) -> String {
    format!("the secret of station {slot}")
}

fn id(slot: u32) -> Uuid {
    Uuid::new_v5(&STATIONS, secret(slot).as_bytes())
}

/// What is said to this station, in one form for both wires.
fn said(effects: &[Effect], slot: u32) -> Vec<String> {
    let mut said = Vec::new();
    for effect in effects {
        match effect {
            Effect::Say { to, message } if *to == key(slot) => said.push(message.clone()),
            Effect::Greet { to, messages, .. } if *to == key(slot) => {
                said.extend(messages.iter().map(|(_, message)| message.clone()));
            }
            _ => {}
        }
    }
    said
}

fn stored(effects: &[Effect]) -> Option<(u64, &str)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Store { ticket, text, .. } => Some((*ticket, text.as_str())),
        _ => None,
    })
}

fn pushed(effects: &[Effect]) -> Option<(Option<&str>, Value)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Push { text, json, .. } => {
            Some((text.as_deref(), serde_json::from_str(json).unwrap()))
        }
        _ => None,
    })
}

#[test]
fn a_text_station_is_greeted_with_a_snapshot() {
    let mut office = Office::with_order("7");
    assert_eq!(said(&office.joins(1, Wire::Text, HERE), 1), ["Connected to EOT Server", "7&1"]);
    let mut empty = Office::new();
    assert_eq!(said(&empty.joins(1, Wire::Text, HERE), 1), ["Connected to EOT Server", "&1"]);
}

#[test]
fn the_console_answers_as_the_original_did() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Text, HERE);
    for (asked, answer) in [
        ("base", "Base Directory: /srv"),
        ("file", "EOT Status file: status.eot"),
        ("status", "Current Status: 7"),
        ("hello \0 ☕", "Server echoed: hello \0 ☕"),
        ("", "Server echoed: "),
    ] {
        assert_eq!(said(&office.hears(1, asked), 1), [answer]);
    }
    assert!(said(&office.hears(1, "x&y"), 1).is_empty());
}

#[test]
fn text_stations_hear_orders_and_repeats_and_json_stations_everything() {
    let mut office = Office::new();
    let effects = office.write(File::Status, "coffee");
    let (text, state) = pushed(&effects).unwrap();
    assert_eq!(
        (text, &state["order"]["position"], &state["bell"]),
        (Some("coffee"), &7.into(), &true.into())
    );
    let effects = office.write(File::Accept, "7");
    let (text, state) = pushed(&effects).unwrap();
    assert_eq!(
        (text, &state["reply"]["by"], &state["bell"]),
        (None, &"file".into(), &false.into())
    );
    let effects = office.write(File::Status, "coffee");
    let (text, state) = pushed(&effects).unwrap();
    assert_eq!((text, &state["bell"]), (Some("coffee"), &true.into()));
}

#[test]
fn shutdown_is_for_root_and_the_servers_own_user_at_this_machine() {
    for (peer, granted) in [(HERE, true), (ELSEWHERE, false)] {
        let mut office = Office::with_order("7");
        office.joins(1, Wire::Text, peer);
        let effects = office.hears(1, "shutdown");
        let line = if granted { text::SHUTTING_DOWN } else { text::SHUTDOWN_REFUSED };
        assert_eq!(said(&effects, 1), [line]);
        assert_eq!(effects.contains(&Effect::AskShutdown), granted);
    }
}

#[test]
fn a_welcome_says_what_the_station_may_do() {
    let mut office = Office::with_order("7");
    let effects = office.joins(1, Wire::Json, HERE);
    let said = said(&effects, 1);
    let welcome: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!(welcome["may"]["shutdown"], true);
    assert_eq!(welcome["dial"]["positions"].as_array().unwrap().len(), 11);
    let state: Value = serde_json::from_str(&said[1]).unwrap();
    assert_eq!((&state["type"], &state["order"]["name"]), (&"state".into(), &"COFFEE".into()));
}

#[test]
fn farewell_is_said_once_and_nobody_is_greeted_after_it() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Text, HERE);
    let farewells = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Farewell { .. })).count()
    };
    assert_eq!(farewells(&office.happens(Event::Shutdown)), 1);
    assert_eq!(farewells(&office.happens(Event::Shutdown)), 0);
    let effects = office.joins(2, Wire::Text, HERE);
    assert_eq!(effects, [Effect::Close { key: key(2), code: 1001 }]);
}

#[test]
fn health_is_told_on_change_and_not_at_the_start() {
    let mut office = Office::new();
    let health = |state| Health { state, detail: String::new(), watch: Watch::Inotify };
    let mut report = |state| {
        let report = Report::Health(health(state));
        let effects = office.happens(Event::Source { file: File::Status, report });
        effects.iter().any(|effect| matches!(effect, Effect::TellHealth(_)))
    };
    assert!(!report(Condition::Ok));
    assert!(report(Condition::Missing));
    assert!(!report(Condition::Missing));
    assert!(report(Condition::Ok));
}

#[test]
fn a_newcomer_hears_that_the_accept_file_is_unwell() {
    let mut office = Office::with_order("7");
    let health =
        Health { state: Condition::NotAFile, detail: "a directory".into(), watch: Watch::Poll };
    let report = Report::Health(health);
    office.happens(Event::Source { file: File::Accept, report });
    let said = said(&office.joins(1, Wire::Json, ELSEWHERE), 1);
    let source: Value = serde_json::from_str(&said[2]).unwrap();
    assert_eq!((&source["type"], &source["file"]), (&"source".into(), &"accept".into()));
}

#[test]
fn nothing_from_the_network_reaches_the_log_raw() {
    let mut office = Office::with_order("7\u{1b}[2J");
    office.joins(1, Wire::Text, HERE);
    let effects = office.hears(1, "a\r\nStatus changed to: 9\u{1b}[31m");
    for effect in &effects {
        if let Effect::Log(line) = effect {
            assert!(!line.contains(['\r', '\n', '\u{1b}']), "{line:?}");
        }
    }
}

#[test]
fn an_event_for_a_station_that_has_left_touches_nobody_else() {
    let mut office = Office::with_order("7");
    office.joins(1, Wire::Text, HERE);
    let ticket = stored(&office.hears(1, "Accept&7")).unwrap().0;
    office.happens(Event::Left { key: key(1) });
    let newer = Key { slot: 1, generation: 99 };
    office.comes_back(9, newer, None, Wire::Text, HERE);
    office.happens(Event::Left { key: key(1) });
    assert_eq!(office.hub.stations(), 1);
    let effects = office.is_stored(File::Accept, ticket);
    assert!(!effects.contains(&Effect::Resume(newer)));
}
