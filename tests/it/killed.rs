//! A server that is killed in the middle of a storm, at a moment that is different every time: the
//! bell book is whole, the next run goes on behind it, and whoever comes back hears everything or
//! where something is missing.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::events::Events;
use crate::home::Home;
use crate::http::get;
use crate::panel::SUBPROTOCOL;
use crate::patience::soon;
use crate::raw::Raw;
use crate::server::TestServer;
use crate::setup::Setup;
use crate::station::TestStation;

/// How often a server is killed.
const ROUNDS: u32 = 6;

/// A server is killed after so many answers to its stations, at most.
const ANSWERS: u64 = 120;

/// What ends each order of these tests, so that half of one is known as such.
const END: &str = " and out";

/// The secret of the station that comes back.
const SECRET: &str = "a-station-that-comes-back";

/// What somebody knows who comes back after each kill.
#[derive(Debug, Default)]
struct Memory {
    /// Its uuid.
    station: Option<Value>,
    /// Up to which number it knows everything, or that something is missing.
    seq: Option<u64>,
    /// The states that it has heard, by their numbers.
    states: BTreeMap<u64, Value>,
}

impl Memory {
    /// Takes a `state` or a `gap`, which must follow what came before.
    fn take(&mut self, message: &Value, skips: bool) {
        let number = |field: &str| message[field].as_u64().expect("a number");
        let (first, last) = match message["type"].as_str() {
            Some("state") => (number("seq"), number("seq")),
            Some("gap") => (number("from"), number("to")),
            _ => return,
        };
        if let Some(seq) = self.seq {
            let follows = if skips { first > seq } else { first == seq + 1 };
            assert!(follows && last >= first, "after {seq} comes {message}");
        }
        self.seq = Some(last);
        if message["type"] == "state" {
            self.states.insert(last, message.clone());
        }
    }
}

/// Those who come back: one on each wire that has a memory.
#[derive(Debug, Default)]
struct Returners {
    panel: Memory,
    events: Memory,
}

impl Returners {
    /// Both come back, and are told what they have missed up to the present.
    async fn come_back(&mut self, server: &TestServer, clean: bool) -> (TestStation, Events) {
        let since = self.panel.seq.map_or(String::new(), |seq| format!("&since={seq}"));
        let query = format!("resume={SECRET}{since}");
        let mut panel = TestStation::connect_with(server, &query, &[SUBPROTOCOL]).await;
        let welcome: Value = serde_json::from_str(&panel.hear().await).expect("JSON");
        assert_eq!((&welcome["type"], &welcome["resume"]), (&json!("welcome"), &json!(SECRET)));
        let station = self.panel.station.get_or_insert_with(|| welcome["station"].clone());
        assert_eq!(*station, welcome["station"], "it is the same station in every run");
        // The roll says that all of the past has been told.
        let (mut gaps, before) = (0, self.panel.seq);
        loop {
            let message: Value = serde_json::from_str(&panel.hear().await).expect("JSON");
            if message["type"] == "roll" {
                break;
            }
            gaps += u32::from(message["type"] == "gap");
            self.panel.take(&message, clean && self.panel.seq == before);
        }
        assert!(self.panel.seq > before, "a run has numbers of its own");
        if before.is_some() {
            assert_eq!(gaps == 0, clean, "a kill may have swallowed something, a good end has not");
        }

        let seq = self.events.seq.map(|seq| seq.to_string());
        let header = seq.as_ref().map(|seq| ("Last-Event-ID", seq.as_str()));
        let mut events = Events::open(server, header.as_slice()).await;
        let before = self.events.seq;
        while self.events.seq < self.panel.seq {
            let event = events.hear().await;
            assert_eq!(event.id, (event.name == "message").then(|| number(&event.data, "seq")));
            self.events.take(&event.data, clean && self.events.seq == before);
        }
        (panel, events)
    }
}

fn number(object: &Value, field: &str) -> u64 {
    object[field].as_u64().unwrap_or_else(|| panic!("{field} of {object}"))
}

/// The storm: everybody goes on until the server is gone.
struct Storm {
    /// How many requests were answered well.
    answered: watch::Sender<u64>,
    /// The last reply of each text station that was acknowledged.
    acknowledged: [AtomicU32; 2],
    /// The server is gone.
    over: AtomicBool,
}

impl Storm {
    fn count(&self) {
        self.answered.send_modify(|answered| *answered += 1);
    }

    /// A text station that says `Accept&a-1`, `Accept&a-2`, …
    async fn text(&self, mut station: TestStation, which: usize) {
        for number in 1.. {
            let state = state(which, number);
            station.try_say(&format!("Accept&{state}")).await;
            loop {
                let Some(line) = station.try_hear().await else { return };
                if line == format!("Accepted state: {state}") {
                    break;
                }
                assert!(line.ends_with(END), "{line:?} is neither an answer nor an order");
            }
            self.acknowledged[which].store(number, Ordering::Relaxed);
            self.count();
        }
    }

    /// A panel that answers every order it hears of.
    async fn panel(&self, mut panel: TestStation, position: u8) {
        let mut answered = 0;
        while let Some(message) = panel.try_hear().await {
            let message: Value = serde_json::from_str(&message).expect("JSON");
            match message["type"].as_str() {
                Some("ok") => self.count(),
                Some("error") => assert_eq!(message["code"], "stale", "{message}"),
                Some("state") if number(&message["order"], "seq") > answered => {
                    answered = number(&message["order"], "seq");
                    let answer =
                        json!({ "type": "answer", "order": answered, "position": position });
                    panel.try_say(&answer.to_string()).await;
                }
                _ => {}
            }
        }
    }

    /// A script that gives orders over HTTP.
    async fn script(&self, server: &TestServer, mut raw: Raw) {
        for number in 1.. {
            let order = format!("put {number}{END}");
            let request = format!(
                "PUT /status HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{order}",
                server.authority(),
                order.len()
            );
            raw.try_send(request).await;
            let Some(response) = raw.try_response().await else { return };
            assert_eq!(response.code, 200, "{response:?}");
            self.count();
        }
    }

    /// A hand that writes the file in both ways, as long as there are answers.
    async fn hand(&self, home: &Home) {
        let mut answered = self.answered.subscribe();
        for number in 1.. {
            home.order(&format!("hand {number}{END}"));
            home.order_by_rename(&format!("hand {number}, aside{END}"));
            soon("an answer, or the end", answered.changed()).await.expect("the storm goes on");
            if self.over.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Kills the server after so many answers.
    async fn killer(&self, server: Pid, answers: u64) {
        let mut answered = self.answered.subscribe();
        let enough = answered.wait_for(|answered| *answered >= answers);
        drop(soon("answers", enough).await.expect("the storm goes on"));
        kill_process(server, Signal::KILL).expect("one's child can be killed");
        self.over.store(true, Ordering::Relaxed);
        self.count();
    }
}

/// What a text station replies.
fn state(which: usize, number: u32) -> String {
    format!("{}-{number}", ["a", "b"][which])
}

/// Hears everything until the server is gone.
async fn witness(returners: &mut Returners, mut panel: TestStation, mut events: Events) {
    let Returners { panel: heard, events: read } = returners;
    let listen = async {
        while let Some(message) = panel.try_hear().await {
            heard.take(&serde_json::from_str(&message).expect("JSON"), false);
        }
    };
    let follow = async {
        while let Some(event) = events.try_hear().await {
            read.take(&event.data, false);
        }
    };
    tokio::join!(listen, follow);
}

/// A round: everybody storms until the server is killed after so many answers.
async fn storm(server: &mut TestServer, returners: &mut Returners, answers: u64) -> [u32; 2] {
    let (panel, events) = returners.come_back(server, false).await;
    let storm = Storm {
        answered: watch::Sender::new(0),
        acknowledged: [0, 0].map(AtomicU32::new),
        over: AtomicBool::new(false),
    };
    let here = &*server;
    // Everybody is there before it begins: whoever comes amid it may find nobody.
    let texts = [TestStation::text(here).await, TestStation::text(here).await];
    let panels = [
        TestStation::connect(here, &[SUBPROTOCOL]).await,
        TestStation::connect(here, &[SUBPROTOCOL]).await,
    ];
    let raw = Raw::connect(here).await;
    let ([one, two], [three, four]) = (texts, panels);
    tokio::join!(
        storm.killer(here.pid(), answers),
        witness(returners, panel, events),
        storm.hand(&here.home),
        storm.text(one, 0),
        storm.text(two, 1),
        storm.panel(three, 7),
        storm.panel(four, 8),
        storm.script(here, raw),
    );
    server.exit().await;
    storm.acknowledged.map(AtomicU32::into_inner)
}

/// The lines of the book; only the last may be torn, and only if it may.
fn book(home: &Home, torn: bool) -> Vec<Value> {
    let text = fs::read_to_string(home.file("bell-book.jsonl")).expect("the book is UTF-8");
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    assert!(torn || whole == text.len(), "the book ends with {:?}", &text[whole..]);
    let lines = text[..whole].lines();
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("a line is {line:?}"));
    lines.map(parse).collect()
}

/// Asserts that numbers rise strictly through all runs, that there are as many runs as there were
/// servers, and that nobody has heard anything else than what is written.
fn check(entries: &[Value], runs: usize, heard: &Memory) {
    let (mut last, mut begun) = (0, 0);
    let (mut written, mut left_out) = (BTreeMap::new(), Vec::new());
    for entry in entries {
        let seq = number(entry, "seq");
        match entry["what"].as_str().expect("what happened") {
            "run" => begun += 1,
            // These have no numbers of their own.
            "stale" | "end" => {
                assert_eq!(seq, last, "{entry}");
                continue;
            }
            "order" | "repeat" => {
                let status = entry["status"].as_str().expect("a status");
                assert!(status.ends_with(END), "{status:?} was never written");
                written.insert(seq, ("order", entry));
            }
            "reply" => drop(written.insert(seq, ("reply", entry))),
            // Whoever answers one order again and again is counted.
            "hole" if entry["more"].is_u64() => {
                assert!(seq > last, "{seq} after {last}: {entry}");
                last = number(entry, "to");
                left_out.push(seq..=last);
                continue;
            }
            what => panic!("{what}: {entry}"),
        }
        assert!(seq > last, "{seq} after {last}: {entry}");
        last = seq;
    }
    assert_eq!(begun, runs);
    for (seq, state) in &heard.states {
        let Some((what, entry)) = written.get(seq) else {
            if left_out.iter().any(|numbers| numbers.contains(seq)) {
                continue;
            }
            // It was lost on its way into the book; then nothing of this run is there after it.
            let next = entries.iter().find(|entry| number(entry, "seq") > *seq);
            assert!(next.is_some_and(|next| next["what"] == "run"), "{state} is not in the book");
            continue;
        };
        assert_eq!(entry["status"], state[*what]["status"], "{seq}");
        assert_eq!(number(&state[*what], "seq"), *seq);
    }
}

#[tokio::test]
async fn a_kill_in_a_storm_loses_nothing_without_a_word() {
    let home = Arc::new(Home::new());
    home.order(&format!("begin{END}"));
    let start = || Setup::at(Arc::clone(&home)).args(["--allow-orders", "local"]).start();
    let mut returners = Returners::default();
    let mut runs = 0;
    for _ in 0..ROUNDS {
        let answers = 1 + RandomState::new().build_hasher().finish() % ANSWERS;
        eprintln!("killed after {answers} answers");
        let mut server = start().await;
        runs += 1;
        check(&book(&home, false), runs, &returners.panel);
        check(&book(&home, false), runs, &returners.events);
        let acknowledged = Box::pin(storm(&mut server, &mut returners, answers)).await;
        check(&book(&home, true), runs, &Memory::default());

        let reply = home.reply().expect("there was an answer, or two");
        let reply = reply.strip_suffix('\n').expect("the accept file is whole");
        for (which, acknowledged) in acknowledged.into_iter().enumerate() {
            if let Some(number) = reply.strip_prefix(&state(which, 0)[..2]) {
                let number: u32 = number.parse().expect("a number");
                assert!(number >= acknowledged, "{reply} and not {acknowledged}");
            }
        }
        // What was acknowledged last is told by the next run, if it was not before.
        let mut next = start().await;
        runs += 1;
        let last = get(&next, "/bell-book").await;
        let last: Vec<Value> = serde_json::from_str(&last.body).expect("JSON");
        let last = last.iter().rfind(|entry| entry["what"] == "reply").expect("a reply");
        assert_eq!(last["status"], reply);
        drop(returners.come_back(&next, false).await);
        next.kill().await;
    }
    // A good end swallows nothing, and says so by saying nothing.
    let mut server = start().await;
    runs += 1;
    drop(returners.come_back(&server, false).await);
    server.stop().await;
    let server = start().await;
    runs += 1;
    drop(returners.come_back(&server, true).await);
    check(&book(&home, false), runs, &returners.panel);
    check(&book(&home, false), runs, &returners.events);
}
