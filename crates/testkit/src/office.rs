//! The engine as the program has it, on sockets of memory, with files that are written at once and a clock that
//! stands until it is moved.

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
use chadburn::policy::{Peer, Policy, Reaches};
use chadburn::telegraph::history::History;
use chadburn::telegraph::{THE_TELEGRAPH, TelegraphId};
use chadburn_web::visitors::Visitors;
use live_file::writing::{Report, Stamp, Writing};
use tokio::sync::oneshot;

/// Where everybody comes from who comes by the network.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// When offices open, in milliseconds since 1970.
pub const OPENING: u64 = 1_790_000_000_000;

/// What a hub is told at its start: the default dial, no token, no past.
#[must_use]
pub fn facts(reaches: Reaches) -> Facts {
    Facts {
        dial: chadburn_core::DEFAULT,
        base: "/".into(),
        status_file: "status.eot".into(),
        assets: String::new(),
        policy: Policy { visitors: Visitors::default(), reaches },
        history: History::default(),
    }
}

/// A writing of a file, dated by this number.
#[must_use]
pub fn written(number: i64, text: &str) -> Report {
    let stamp = Stamp { mtime: (number, 0), size: text.len() as u64 };
    Report::Written(Writing { stamp, text: text.into() })
}

/// What a station brings with it that comes from elsewhere.
#[must_use]
pub fn arrival(wire: Wire, secret: String, known_seq: Option<u64>) -> Arrival {
    let peer = Peer::at(ELSEWHERE.into());
    Arrival { telegraph: THE_TELEGRAPH, unread: Vec::new(), wire, peer, secret, known_seq }
}

/// The rest of the program: what is to be stored is kept until it is taken, and lines of the log must be lines.
#[derive(Debug, Default)]
pub struct Outside {
    /// Which files are to be written, for which tickets.
    pub stores: Vec<(File, u64)>,
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
    fn register_ask(&mut self, _: u64, _: oneshot::Sender<Outcome>) {}
    fn publish(&mut self, _: TelegraphId, _: Snapshot) {}
    fn log(&mut self, line: &str) {
        assert!(!line.contains(['\r', '\n', '\u{1b}']), "{line:?} would be logged");
    }
    fn ask_shutdown(&mut self) {}
}

/// A server.
#[derive(Debug)]
pub struct Office<S: Socket> {
    engine: Engine<S, Outside>,
    now: Now,
    /// How many orders were given.
    given: i64,
    /// How many stations have come.
    come: u64,
}

impl<S: Socket> Office<S> {
    /// A server with an order.
    #[must_use]
    pub fn open(reaches: Reaches) -> Self {
        let now = Now { since_start: Duration::ZERO, unix_ms: OPENING };
        let engine = Engine::new(Hub::new(now, facts(reaches)), Outside::default());
        let mut office = Self { engine, now, given: 0, come: 0 };
        office.orders();
        office
    }

    /// An order, other than the one before.
    pub fn orders(&mut self) {
        self.given += 1;
        let report = written(self.given, if self.given % 2 == 0 { "6" } else { "7" });
        self.engine.run(self.now, THE_TELEGRAPH, Event::Source { file: File::Status, report });
        self.settle();
    }

    /// A station comes over this socket, and is greeted.
    pub fn joins(&mut self, wire: Wire, socket: S) -> Key {
        self.come += 1;
        let secret = format!("0123456789abcdef{:06}", self.come);
        let key = self.engine.admit(self.now, socket, arrival(wire, secret, None));
        self.settle();
        key
    }

    /// A station's connection is gone.
    pub fn loses(&mut self, key: Key) {
        self.engine.give_up(key);
        self.settle();
    }

    /// There is something to be read from this station, and whatever there is to do is done.
    pub fn hears(&mut self, key: Key) {
        self.engine.ready(key);
        self.settle();
    }

    /// So many seconds pass.
    pub fn waits(&mut self, seconds: u64) {
        self.now.since_start += Duration::from_secs(seconds);
        for _ in 0..PARTS {
            self.engine.tick(self.now);
        }
        self.settle();
    }

    /// The socket of a station that is there.
    pub fn socket(&mut self, key: Key) -> Option<&mut S> {
        self.engine.socket(key)
    }

    /// How many bytes are kept of what a station that is there has said.
    #[must_use]
    pub fn kept(&self, key: Key) -> Option<usize> {
        self.engine.owed_and_kept(key).map(|(_, kept)| kept)
    }

    fn settle(&mut self) {
        loop {
            while self.engine.serve_all(self.now) {}
            let Outside { stores } = std::mem::take(self.engine.ports());
            if stores.is_empty() {
                return;
            }
            for (file, ticket) in stores {
                let stored = Event::Stored { file, ticket, result: Ok(()) };
                self.engine.run(self.now, THE_TELEGRAPH, stored);
            }
        }
    }
}

/// A connection, of which the test holds this end and the server a clone: what comes in, and what went out.
#[derive(Clone, Debug, Default)]
pub struct Cable(Rc<RefCell<(VecDeque<u8>, Vec<u8>)>>);

impl Cable {
    /// The station says this.
    pub fn say(&self, bytes: &[u8]) {
        self.0.borrow_mut().0.extend(bytes);
    }

    /// All that the server has said since this was last asked.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut().1)
    }
}

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

/// A socket that takes everything and keeps nothing, and says what it is told to.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    /// How many bytes it has taken, so that no write can be left out.
    taken: usize,
    /// What it has to say.
    pub says: &'static [u8],
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
