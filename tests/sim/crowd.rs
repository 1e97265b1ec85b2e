//! Ten thousand stations that come, say what they are called, answer, come again as their own twins
//! and go: what the hub holds of them has its bounds, and nothing is left behind.

use std::time::Duration;

use chadburn::clock::Now;
use chadburn::file::File;
use chadburn::hub::engine::PARTS;
use chadburn::hub::{Census, Engine, Event, Hub, Key, Wire};
use chadburn::policy::{Reach, Reaches};
use chadburn::telegraph::THE_TELEGRAPH;
use serde_json::{Value, json};
use testkit::office::{OPENING, Outside, arrival, facts, written};

use crate::book::{Book, MS, SECOND};
use crate::client::wire;
use crate::rng::Rng;
use crate::socket::{self, Line, Station};

/// How many come.
const CROWD: usize = 10_000;

/// How many names and answers a roll lists at most.
const LISTED: usize = 200;

/// How many answers and how many states are remembered one by one.
const REMEMBERED: usize = 1_000;

/// One of so many comes twice, with one secret.
const TWINS: usize = 10;

/// A hub and its crowd.
struct House {
    engine: Engine<Line, Outside>,
    book: Book,
    rng: Rng,
    crowd: Vec<(Key, Station)>,
    written: i64,
}

impl House {
    fn new() -> Self {
        let facts = facts(Reaches { orders: Reach::Never, shutdown: Reach::Never });
        let now = Now { since_start: Duration::ZERO, unix_ms: OPENING };
        let mut engine = Engine::new(Hub::new(now, facts), Outside::default());
        engine.run(now, THE_TELEGRAPH, Event::Started);
        Self { engine, book: Book::default(), rng: Rng::new(1873), crowd: Vec::new(), written: 0 }
    }

    fn now(&self) -> Now {
        let now = self.book.now();
        Now { since_start: Duration::from_micros(now), unix_ms: OPENING + now / MS }
    }

    /// A hand writes this file.
    fn write(&mut self, file: File, text: &str) {
        self.written += 1;
        let report = written(self.written, text);
        self.engine.run(self.now(), THE_TELEGRAPH, Event::Source { file, report });
    }

    /// The station with this secret comes, with a name and an answer to the present order.
    fn comes(&mut self, secret: String, name: &str) {
        let (station, line) = socket::connect(self.rng.split(), &self.book, 8 << 20);
        let order = self.engine.hub(THE_TELEGRAPH).telegraph().order().map(|order| order.seq);
        let name = json!({"type": "name", "name": name});
        let position = self.rng.within(1, 11);
        let coming = self.rng.pick(&[Some(true), Some(false), None]);
        let answer = json!({"type": "answer", "order": order, "position": position,
                            "coming": coming});
        for message in [name, answer] {
            station.send(&wire::frame(&mut self.rng, 0x81, message.to_string().as_bytes()));
        }
        let key = self.engine.admit(self.now(), line, arrival(Wire::Json, secret, order));
        self.crowd.push((key, station));
        self.goes_on();
    }

    /// The crank turns until there is nothing to do.
    fn goes_on(&mut self) {
        loop {
            let hurry = self.engine.serve_all(self.now());
            let stores = std::mem::take(&mut self.engine.ports().stores);
            for &(file, ticket) in &stores {
                let event = Event::Stored { file, ticket, result: Ok(()) };
                self.engine.run(self.now(), THE_TELEGRAPH, event);
            }
            if !hurry && stores.is_empty() {
                return;
            }
        }
    }

    /// So much time passes, in which everybody reads.
    fn waits(&mut self, time: u64) {
        let (until, tick) = (self.book.now() + time, SECOND / PARTS as u64);
        while self.book.now() < until {
            self.book.set_now(until.min(self.book.now() + tick));
            self.engine.tick(self.now());
            self.goes_on();
            for (_, station) in &self.crowd[1..] {
                station.take(usize::MAX);
            }
        }
    }

    /// The latest roll that the first one heard.
    fn roll(&self) -> Value {
        let mut inbox = self.crowd[0].1.take(usize::MAX);
        let mut roll = Value::Null;
        while let Some((_, payload)) = wire::next(&mut inbox).expect("frames are frames") {
            let message: Value = serde_json::from_slice(&payload).unwrap_or_default();
            if message["type"] == "roll" {
                roll = message;
            }
        }
        roll
    }

    fn census(&self) -> Census {
        self.engine.hub(THE_TELEGRAPH).census()
    }
}

#[test]
fn ten_thousand_come_and_go_and_leave_nothing_behind() {
    let mut house = House::new();
    house.write(File::Status, "7");
    let mut twins = 0;
    for number in 0..CROWD {
        house.comes(format!("the secret of number {number}"), &format!("number {number}"));
        if number % TWINS == 1 {
            // Its name changes, and its answer takes the place of the one before.
            twins += 1;
            house.comes(format!("the secret of number {number}"), &format!("twin {number}"));
        }
        if number % 100 == 0 {
            house.waits(MS);
        }
        assert_eq!(house.census().stations, number + 1, "the newest wins");
    }
    house.waits(3 * SECOND);
    let (census, roll) = (house.census(), house.roll());
    assert_eq!((census.stations, census.known), (CROWD, CROWD));
    assert!(census.places <= CROWD + twins, "{census:?}");
    assert_eq!((census.answers, census.pending_writes), (REMEMBERED, 0));
    let count = |list: &str| roll[list].as_array().map_or(0, Vec::len);
    assert_eq!((count("answers"), count("named")), (LISTED, LISTED));
    assert_eq!(roll["stations"], CROWD);
    assert_eq!(roll["more_named"], CROWD - LISTED);
    // Beyond those that are remembered one who answers twice counts twice.
    let beyond = roll["more_answers"].as_u64().expect("a number");
    assert!((CROWD - LISTED..=CROWD + twins - LISTED).contains(&usize::try_from(beyond).unwrap()));

    house.write(File::Status, "7");
    assert_eq!(house.census().answers, 0, "a repeat clears the roll");

    // The first goes last, in good order; others cut the connection, or say nothing any more.
    let places = house.census().places;
    let others = house.crowd.split_off(1);
    for (index, (key, station)) in others.iter().enumerate() {
        match index % 3 {
            0 => station.reset(),
            1 => station.finish(),
            _ => station.send(&wire::frame(&mut house.rng, 0x88, &[])),
        }
        house.engine.ready(*key);
    }
    drop(others);
    // With so many the roll rests for longer than a second.
    house.waits(2 * SECOND);
    assert_eq!((house.census().stations, house.engine.sockets()), (1, 1));
    assert_eq!(house.roll()["named"], json!(["number 0"]));
    let (key, station) = house.crowd.remove(0);
    station.send(&wire::frame(&mut house.rng, 0x88, &[]));
    house.engine.ready(key);
    house.goes_on();
    for number in 0..2 * REMEMBERED {
        house.write(File::Accept, &number.to_string());
    }
    let left = Census { places, remembered: REMEMBERED, ..Census::default() };
    assert_eq!((house.census(), house.engine.sockets()), (left, 0));
    assert!(!house.book.has_failed(), "{:?}", house.book.verdict(0));
}
