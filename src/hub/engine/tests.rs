//! The engine on sockets made of memory, with a clock in the tests' hands.

mod events;
mod past;
mod patience;
mod telegraphs;
mod turns;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use chadburn_core::DEFAULT;
use tokio::sync::oneshot;

use super::*;
use crate::entry::Entry;
use crate::file::File;
use crate::hub::frame::{self, opcode};
use crate::hub::{Facts, HEARTBEAT_SECONDS, Outcome, Snapshot};
use crate::policy::{Peer, Policy, Reach, Reaches};
use crate::telegraph::history::History;
use crate::telegraph::{THE_TELEGRAPH, TelegraphId};
use chadburn_web::visitors::Visitors;
use live_file::writing::{Report, Stamp, Writing};

/// One end of a connection; the test holds the other.
#[derive(Clone, Debug, Default)]
struct Cable(Rc<RefCell<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    /// What the client has sent and the server has not read.
    sent: VecDeque<u8>,
    /// What the server has written.
    received: Vec<u8>,
    /// How much more the client's side takes; `None` is any amount.
    room: Option<usize>,
    /// The server will write nothing more.
    finished: bool,
    /// The client says nothing more.
    gone: bool,
    /// The client has cut the connection.
    reset: bool,
}

impl Read for Cable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ends = self.0.borrow_mut();
        match ends.sent.read(buffer) {
            Ok(0) if !ends.gone => Err(ErrorKind::WouldBlock.into()),
            otherwise => otherwise,
        }
    }
}

impl Write for Cable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut ends = self.0.borrow_mut();
        assert!(!ends.finished, "nothing is written after the end");
        if ends.reset {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(ends.room.unwrap_or(usize::MAX));
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        ends.received.extend_from_slice(&bytes[..taken]);
        ends.room = ends.room.map(|room| room - taken);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Cable {
    fn finish(&mut self) {
        self.0.borrow_mut().finished = true;
    }

    fn is_cut(&mut self) -> bool {
        self.0.borrow().reset
    }
}

/// Collects what goes elsewhere.
#[derive(Debug, Default)]
pub(in crate::hub) struct Outside {
    stores: Vec<(u64, String)>,
    stopping: bool,
    /// Somebody who writes files; it has ended before this is gone.
    pub(in crate::hub) writer: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.join().unwrap();
        }
    }
}

impl Ports for Outside {
    fn store(&mut self, _: TelegraphId, _: File, ticket: u64, text: String) -> Result<(), String> {
        self.stores.push((ticket, text));
        Ok(())
    }
    fn abandon(&mut self, _: TelegraphId, _: File, _: u64) {}
    fn record(&mut self, _: TelegraphId, _: Entry) {}
    fn respond(&mut self, _: u64, _: Outcome) {}
    fn register_ask(&mut self, _: u64, _: oneshot::Sender<Outcome>) {}
    fn publish(&mut self, _: TelegraphId, _: Snapshot) {}
    fn log(&mut self, _: &str) {}
    fn ask_shutdown(&mut self) {
        self.stopping = true;
    }
}

/// A server whose clock stands still until the test moves it.
struct Office {
    engine: Engine<Cable, Outside>,
    now: Now,
    /// How many secrets have been given out.
    secrets: u32,
}

/// A client's side of a connection.
struct Station {
    key: Key,
    cable: Cable,
}

/// What a hub is told at its start.
pub(in crate::hub) fn facts() -> Facts {
    let policy = Policy {
        visitors: Visitors::default(),
        reaches: Reaches { orders: Reach::Never, shutdown: Reach::Any },
    };
    Facts {
        dial: DEFAULT,
        base: "/".into(),
        status_file: "status.eot".into(),
        assets: String::new(),
        policy,
        history: History::default(),
    }
}

impl Office {
    fn new() -> Self {
        let now = Now { since_start: Duration::ZERO, unix_ms: 1_000 };
        let engine = Engine::new(Hub::new(now, facts()), Outside::default());
        let mut office = Self { engine, now, secrets: 0 };
        office.order("6");
        office
    }

    fn joins(&mut self, wire: Wire) -> Station {
        self.comes_back(wire, None)
    }

    fn comes_back(&mut self, wire: Wire, since: Option<u64>) -> Station {
        let station = self.is_at_the_door(wire, since);
        while self.engine.serve_all(self.now) {}
        station
    }

    /// A station has come, and has had no turn yet.
    fn is_at_the_door(&mut self, wire: Wire, since: Option<u64>) -> Station {
        self.is_at_the_door_of(THE_TELEGRAPH, wire, since)
    }

    fn is_at_the_door_of(
        &mut self,
        telegraph: TelegraphId,
        wire: Wire,
        since: Option<u64>,
    ) -> Station {
        let peer = Peer::at(Ipv4Addr::new(192, 0, 2, 1).into());
        let cable = Cable::default();
        self.secrets += 1;
        let secret = format!("secret {}", self.secrets);
        let arrival =
            Arrival { telegraph, unread: Vec::new(), wire, peer, secret, known_seq: since };
        let key = self.engine.admit(self.now, cable.clone(), arrival);
        Station { key, cable }
    }

    /// A text station that has read its greeting.
    fn text_station(&mut self) -> Station {
        let station = self.joins(Wire::Text);
        assert_eq!(station.frames().len(), 2);
        station
    }

    fn order(&mut self, text: &str) {
        self.order_of(THE_TELEGRAPH, text);
    }

    fn order_of(&mut self, telegraph: TelegraphId, text: &str) {
        let stamp = Stamp { mtime: (0, 0), size: 2 };
        let report = Report::Written(Writing { stamp, text: text.into() });
        self.happens_to(telegraph, Event::Source { file: File::Status, report });
    }

    fn happens(&mut self, event: Event<'_>) {
        self.happens_to(THE_TELEGRAPH, event);
    }

    fn happens_to(&mut self, telegraph: TelegraphId, event: Event<'_>) {
        self.engine.run(self.now, telegraph, event);
        self.engine.serve_all(self.now);
    }

    fn sends(&mut self, station: &Station, opcode: u8, payload: &[u8]) {
        let mut frame = frame::encode(opcode, payload);
        let header = frame.len() - payload.len();
        frame[1] |= 0x80;
        frame.splice(header..header, [0; 4]);
        self.sends_raw(station, &frame);
    }

    fn sends_raw(&mut self, station: &Station, bytes: &[u8]) {
        station.cable.0.borrow_mut().sent.extend(bytes);
        self.engine.ready(station.key);
        while self.engine.serve_all(self.now) {}
    }

    fn says(&mut self, station: &Station, text: &str) {
        self.sends(station, opcode::TEXT, text.as_bytes());
    }

    /// Lets this many seconds pass, as the driver does: a tick for each part in each second.
    fn wait(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.now.since_start += Duration::from_secs(1);
            for _ in 0..PARTS {
                self.engine.tick(self.now);
            }
            self.engine.serve_all(self.now);
        }
    }

    /// Lets this many seconds pass in which the driver does not turn, and a tick for each part then.
    fn stand_still(&mut self, seconds: u64) {
        self.now.since_start += Duration::from_secs(seconds);
        for _ in 0..PARTS {
            self.engine.tick(self.now);
        }
        self.engine.serve_all(self.now);
    }

    /// The client's side takes this much more.
    fn takes(&mut self, station: &Station, room: usize) {
        station.cable.0.borrow_mut().room = Some(room);
        self.engine.ready(station.key);
        while self.engine.serve_all(self.now) {}
    }
}

impl Station {
    /// The frames that have come whole since the last time: opcode, and payload as text.
    fn frames(&self) -> Vec<(u8, String)> {
        let mut ends = self.cable.0.borrow_mut();
        let mut frames = Vec::new();
        while let [first, length, rest @ ..] = ends.received.as_slice() {
            let (header, length) = match (*length, rest) {
                (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
                (127, _) => unreachable!("no test sends that much"),
                (short, _) => (2, usize::from(short)),
            };
            if ends.received.len() < header + length {
                break;
            }
            let payload = ends.received[header..header + length].escape_ascii().to_string();
            frames.push((first & 0x0F, payload));
            ends.received.drain(..header + length);
        }
        frames
    }

    fn texts(&self) -> Vec<String> {
        self.frames().into_iter().filter(|(op, _)| *op == opcode::TEXT).map(|(_, s)| s).collect()
    }
}

#[test]
fn a_slow_station_hears_the_newest_and_of_the_gap() {
    let mut office = Office::new();
    let (text, json) = (office.joins(Wire::Text), office.joins(Wire::Json));
    text.frames();
    json.frames();
    for station in [&text, &json] {
        station.cable.0.borrow_mut().room = Some(1);
    }
    for order in ["7", "8", "9", "10"] {
        office.order(order);
    }
    office.takes(&text, 100_000);
    office.takes(&json, 100_000);
    assert_eq!(text.texts(), ["7", "10"], "the first had begun to go");
    let texts = json.texts();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[1].contains(r#"\"type\":\"gap\""#));
    assert!(texts[2].contains(r#"\"status\":\"10\""#));
}

#[test]
fn one_who_does_not_take_answers_is_not_asked_for_more_questions() {
    let mut office = Office::new();
    let station = office.text_station();
    station.cable.0.borrow_mut().room = Some(5);
    for number in 0..1000 {
        office.says(&station, &format!("hello {number}"));
    }
    let slot = office.engine.slot(station.key).unwrap();
    assert!(slot.outbox.as_ref().unwrap().owed() < 100);
    assert!(slot.kept.is_empty(), "the rest stays in the socket");
    office.takes(&station, 1_000_000);
    let texts = station.texts();
    assert_eq!(texts.len(), 1000);
    assert_eq!(texts[999], "Server echoed: hello 999");
}

#[test]
fn answers_come_in_the_order_of_their_questions_although_a_disk_is_between() {
    let mut office = Office::new();
    let station = office.text_station();
    office.says(&station, "Accept&6");
    office.says(&station, "status");
    assert!(station.frames().is_empty());
    let (ticket, _) = office.engine.ports().stores[0];
    office.happens(Event::Stored { file: File::Accept, ticket, result: Ok(()) });
    assert_eq!(station.texts(), ["Accepted state: 6", "Current Status: 6"]);
}

#[test]
fn a_close_is_answered_with_its_code_and_the_socket_dropped() {
    let mut office = Office::new();
    let station = office.text_station();
    office.sends(&station, opcode::CLOSE, &1000_u16.to_be_bytes());
    assert_eq!(station.frames(), [(opcode::CLOSE, r"\x03\xe8".to_owned())]);
    assert_eq!((office.engine.sockets(), office.engine.hub(THE_TELEGRAPH).stations()), (0, 0));
}

#[test]
fn a_violation_is_closed_with_its_code_and_lingers_for_the_answer() {
    let mut office = Office::new();
    let (rude, mute) = (office.text_station(), office.text_station());
    for station in [&rude, &mute] {
        office.sends_raw(station, &[0xFF, 0x80, 0, 0, 0, 0]);
        let (op, payload) = station.frames().remove(0);
        assert!(op == opcode::CLOSE && payload.starts_with(r"\x03\xea"), "{payload}");
        assert!(station.cable.0.borrow().finished, "it may go without answering");
    }
    assert_eq!((office.engine.sockets(), office.engine.hub(THE_TELEGRAPH).stations()), (2, 0));
    office.order("7");
    assert!(rude.frames().is_empty(), "it hears nothing after its close");
    office.sends(&rude, opcode::CLOSE, &1002_u16.to_be_bytes());
    assert_eq!(office.engine.sockets(), 1);
    office.wait(LINGER_SECONDS);
    assert_eq!(office.engine.sockets(), 0);
}

#[test]
fn farewell_reaches_everyone_once_and_closes_with_1001() {
    let mut office = Office::new();
    let (text, json, held) =
        (office.text_station(), office.joins(Wire::Json), office.text_station());
    json.frames();
    office.says(&held, "Accept&6");
    office.happens(Event::Shutdown);
    office.happens(Event::Shutdown);
    for station in [&text, &json, &held] {
        let frames = station.frames();
        assert_eq!(frames.len(), 2, "{frames:?}");
        assert_eq!(frames[1], (opcode::CLOSE, r"\x03\xe9".to_owned()));
        office.says(station, "status");
        assert!(station.frames().is_empty());
        office.sends(station, opcode::CLOSE, &1001_u16.to_be_bytes());
    }
    assert_eq!(office.engine.sockets(), 0);
    let late = office.joins(Wire::Text);
    assert_eq!(late.frames(), [(opcode::CLOSE, r"\x03\xe9".to_owned())]);
}

#[test]
fn one_who_is_gone_leaves_nothing_behind() {
    let mut office = Office::new();
    for round in 0..100 {
        let station = office.text_station();
        if round % 3 == 0 {
            office.says(&station, "Accept&6");
        }
        station.cable.0.borrow_mut().gone = true;
        office.engine.ready(station.key);
        office.engine.serve_all(office.now);
        if let Some((ticket, _)) = office.engine.ports().stores.pop() {
            office.happens(Event::Stored { file: File::Accept, ticket, result: Ok(()) });
        }
    }
    assert_eq!((office.engine.sockets(), office.engine.hub(THE_TELEGRAPH).stations()), (0, 0));
    assert_eq!(office.engine.hub(THE_TELEGRAPH).pending_writes(), 0);
    assert!(office.engine.slots.len() < 3, "places are used again");
}
