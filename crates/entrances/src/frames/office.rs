//! The engine with sockets of memory, files that are written at once, and a clock that stands.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use chadburn::clock::Now;
use chadburn::entry::Entry;
use chadburn::file::File;
use chadburn::hub::engine::{Arrival, PARTS, Socket};
use chadburn::hub::{Engine, Event, Facts, Hub, Key, Outcome, Ports, Snapshot, Wire};
use chadburn::policy::{Peer, Policy, Reach, Reaches};
use chadburn::telegraph::history::History;
use chadburn::telegraph::{THE_TELEGRAPH, TelegraphId};
use chadburn_web::visitors::Visitors;
use live_file::writing::{Report, Stamp, Writing};
use tokio::sync::oneshot;

/// A server.
pub(super) struct Office {
    engine: Engine<Cable, Outside>,
    now: Now,
    /// How many have come.
    come: u32,
}

/// The other end of a connection.
pub(super) struct Station {
    key: Key,
    cable: Cable,
}

/// Both ends of a connection: what comes in, and what went out.
#[derive(Clone, Debug, Default)]
struct Cable(Rc<RefCell<(VecDeque<u8>, Vec<u8>)>>);

impl Read for Cable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.borrow_mut().0.read(buffer) {
            Ok(0) => Err(ErrorKind::WouldBlock.into()),
            read => read,
        }
    }
}

impl Write for Cable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Cable {
    fn finish(&mut self) {}
    fn is_cut(&mut self) -> bool {
        false
    }
}

/// What is asked of the rest of the house, for the office to answer.
#[derive(Debug, Default)]
struct Outside {
    stores: Vec<(File, u64)>,
}

impl Ports for Outside {
    fn abandon(&mut self, _: TelegraphId, _: File, _: u64) {}

    fn store(
        &mut self,
        _: TelegraphId,
        file: File,
        ticket: u64,
        text: String,
    ) -> Result<(), String> {
        assert!((1..=4096).contains(&text.len()), "{text:?} would be written");
        self.stores.push((file, ticket));
        Ok(())
    }
    fn record(&mut self, _: TelegraphId, _: Entry) {}
    fn respond(&mut self, _: u64, _: Outcome) {}
    fn expect(&mut self, _: u64, _: oneshot::Sender<Outcome>) {}
    fn publish(&mut self, _: TelegraphId, _: Snapshot) {}
    fn log(&mut self, line: &str) {
        assert!(!line.contains(['\r', '\n', '\u{1b}']), "{line:?} would be logged");
    }
    fn ask_shutdown(&mut self) {}
}

impl Office {
    /// A server with the order STOP.
    pub(super) fn open() -> Self {
        let policy = Policy {
            visitors: Visitors::default(),
            reaches: Reaches { orders: Reach::Local, shutdown: Reach::Local },
        };
        let facts = Facts {
            dial: chadburn_core::DEFAULT,
            base: "/".into(),
            status_file: "status.eot".into(),
            assets: String::new(),
            policy,
            history: History::default(),
        };
        let now = Now { since_start: Duration::ZERO, unix_ms: 1_000 };
        let mut engine = Engine::new(Hub::new(now, facts), Outside::default());
        let stamp = Stamp { mtime: (0, 0), size: 2 };
        let report = Report::Written(Writing { stamp, text: "6".into() });
        engine.run(now, THE_TELEGRAPH, Event::Source { file: File::Status, report });
        Self { engine, now, come: 0 }
    }

    /// A station that has been greeted.
    pub(super) fn joins(&mut self, wire: Wire) -> Station {
        let peer = Peer::at(Ipv4Addr::LOCALHOST.into());
        self.come += 1;
        let secret = format!("0123456789abcdef{}", self.come);
        let arrival = Arrival {
            telegraph: THE_TELEGRAPH,
            unread: Vec::new(),
            wire,
            peer,
            secret,
            since: None,
        };
        let cable = Cable::default();
        let key = self.engine.admit(self.now, cable.clone(), arrival);
        self.settle();
        Station { key, cable }
    }

    /// The server hears these bytes from a station, and does what there is to do.
    pub(super) fn hears(&mut self, station: &Station, bytes: &[u8]) {
        station.cable.0.borrow_mut().0.extend(bytes);
        self.engine.ready(station.key);
        self.settle();
        if let Some((_, kept)) = self.engine.burden(station.key) {
            assert!(kept <= 65_536 + 14 + 64 * 1024, "{kept} bytes are kept");
        }
    }

    /// So many seconds pass.
    pub(super) fn waits(&mut self, seconds: u64) {
        self.now.since_start += Duration::from_secs(seconds);
        for _ in 0..PARTS {
            self.engine.tick(self.now);
        }
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            while self.engine.turn(self.now) {}
            let Outside { stores } = std::mem::take(self.engine.ports());
            if stores.is_empty() {
                return;
            }
            for (file, ticket) in stores {
                self.engine.run(
                    self.now,
                    THE_TELEGRAPH,
                    Event::Stored { file, ticket, result: Ok(()) },
                );
            }
        }
    }
}

impl Station {
    /// All that the server has said.
    pub(super) fn said(&self) -> Vec<u8> {
        self.cable.0.borrow().1.clone()
    }

    /// Forgets it.
    pub(super) fn forget(&self) {
        self.cable.0.borrow_mut().1.clear();
    }
}

/// The server's frames in these bytes, which are whole and not masked: first byte and payload.
pub(super) fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let size = match second {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let (length, rest) = rest.split_at(size);
        let long = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let length = if size == 0 { usize::from(*second) } else { long };
        let (payload, rest) = rest.split_at(length);
        frames.push((*first, payload.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a frame is left");
    frames
}
