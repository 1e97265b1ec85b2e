//! A server without a kernel: sockets that take everything, and a house where nothing else happens.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

use chadburn::clock::Now;
use chadburn::entry::Entry;
use chadburn::file::File;
use chadburn::hub::engine::{Arrival, Socket};
use chadburn::hub::{Engine, Event, Facts, Hub, Key, Outcome, Ports, Snapshot, Wire};
use chadburn::policy::{Peer, Policy, Reach, Reaches};
use chadburn::telegraph::history::History;
use chadburn::telegraph::{THE_TELEGRAPH, TelegraphId};
use chadburn_web::visitors::Visitors;
use live_file::writing::{Report, Stamp, Writing};
use tokio::sync::oneshot;

/// `status` in a masked frame, whose mask changes nothing.
const STATUS: &[u8] = b"\x81\x86\0\0\0\0status";

/// A socket that takes everything, and says what it is told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sink {
    /// How many bytes it has taken, so that no write can be left out.
    taken: usize,
    /// What it has to say.
    says: &'static [u8],
}

impl Read for Sink {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.says.read(buffer) {
            Ok(0) => Err(ErrorKind::WouldBlock.into()),
            otherwise => otherwise,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.taken += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Sink {
    fn finish(&mut self) {}
    fn is_cut(&mut self) -> bool {
        false
    }
}

/// The rest of the house.
#[derive(Debug, Default)]
struct Quiet;

impl Ports for Quiet {
    fn abandon(&mut self, _: TelegraphId, _: File, _: u64) {}
    fn store(&mut self, _: TelegraphId, _: File, _: u64, _: String) -> Result<(), String> {
        Ok(())
    }
    fn record(&mut self, _: TelegraphId, _: Entry) {}
    fn respond(&mut self, _: u64, _: Outcome) {}
    fn expect(&mut self, _: u64, _: oneshot::Sender<Outcome>) {}
    fn publish(&mut self, _: TelegraphId, _: Snapshot) {}
    fn log(&mut self, _: &str) {}
    fn ask_shutdown(&mut self) {}
}

/// The server.
pub(crate) struct Office {
    engine: Engine<Sink, Quiet>,
    now: Now,
    /// How many orders were given.
    given: i64,
    /// How many have come.
    come: u64,
}

impl Office {
    /// A server with an order.
    pub(crate) fn open() -> Self {
        let policy = Policy {
            visitors: Visitors::default(),
            reaches: Reaches { orders: Reach::Never, shutdown: Reach::Never },
        };
        let facts = Facts {
            dial: chadburn_core::DEFAULT,
            base: "/".into(),
            status_file: "status.eot".into(),
            assets: String::new(),
            policy,
            history: History::default(),
        };
        let now = Now { since_start: Duration::ZERO, unix_ms: 1_790_000_000_000 };
        let engine = Engine::new(Hub::new(now, facts), Quiet);
        let mut office = Self { engine, now, given: 0, come: 0 };
        office.orders();
        office
    }

    /// An order, other than the one before.
    pub(crate) fn orders(&mut self) {
        self.given += 1;
        let stamp = Stamp { mtime: (self.given, 0), size: 2 };
        let text = if self.given % 2 == 0 { "6" } else { "7" };
        let report = Report::Written(Writing { stamp, text: text.into() });
        self.engine.run(self.now, THE_TELEGRAPH, Event::Source { file: File::Status, report });
        while self.engine.turn(self.now) {}
    }

    /// A station comes to stay.
    pub(crate) fn joins(&mut self, wire: Wire) {
        self.admit(wire);
    }

    /// A station comes, is greeted, and goes.
    pub(crate) fn visits(&mut self, wire: Wire) {
        let key = self.admit(wire);
        self.engine.give_up(key);
        while self.engine.turn(self.now) {}
    }

    /// A station comes to stay, and asks when it is told to.
    pub(crate) fn guest(&mut self) -> Key {
        self.admit(Wire::Text)
    }

    /// This station asks for the status and is answered.
    pub(crate) fn asks(&mut self, key: Key) {
        if let Some(socket) = self.engine.socket(key) {
            socket.says = STATUS;
        }
        self.engine.ready(key);
        while self.engine.turn(self.now) {}
    }

    fn admit(&mut self, wire: Wire) -> Key {
        let peer = Peer::at(Ipv4Addr::new(192, 0, 2, 1).into());
        self.come += 1;
        let secret = format!("0123456789abcdef{:06}", self.come);
        let arrival = Arrival {
            telegraph: THE_TELEGRAPH,
            unread: Vec::new(),
            wire,
            peer,
            secret,
            since: None,
        };
        let key = self.engine.admit(self.now, Sink::default(), arrival);
        while self.engine.turn(self.now) {}
        key
    }
}
