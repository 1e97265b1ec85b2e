//! Turns the hub's crank on a thread of its own: waits for sockets and for the other rooms, reads
//! the clock, and hands both to the [`Engine`]. The only room that knows mio.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use uuid::Uuid;

use super::engine::{Arrival, PARTS, Socket};
use super::opening::Opening;
use super::{Engine, Event, Handle, Hub, Input, Key, Newcomer, Ports, QUEUE};
use crate::clock::Clock;
use crate::limits::Guest;
use crate::policy::Peer;
use crate::writing::{File, Report};

/// The bell cord's token; a station's token is made of its key, whose place is never this large.
const WAKER: Token = Token(usize::MAX);

/// How many sockets' readiness is taken up at once.
const EVENTS: usize = 1024;

/// How often a part of the stations is looked after.
const TICK: Duration = Duration::from_millis(1000 / PARTS as u64);

/// How long the loop sleeps at most, so that its pulse can be felt.
const IDLE: Duration = Duration::from_secs(1);

/// A running hub.
#[derive(Debug)]
pub struct Running {
    /// The way in.
    pub handle: Handle,
    /// Resolves when the hub's thread has ended: after a farewell, or because it failed.
    pub ended: oneshot::Receiver<Ended>,
}

/// How the hub's thread ended.
#[derive(Debug)]
pub enum Ended {
    /// Everybody has gone after the farewell.
    Well,
    /// The kernel no longer lets it wait for events.
    Failed(io::Error),
}

/// Starts the hub on a thread of its own. `ports` are made on this one, because they may want the
/// way in.
pub fn start<P: Ports + Send + 'static>(
    clock: Clock,
    hub: Hub,
    ports: impl FnOnce(&Handle) -> io::Result<P>,
) -> io::Result<Running> {
    let poll = Poll::new()?;
    let (inputs, from_rooms) = mpsc::channel(QUEUE);
    // One report waits while one is taken up: a source folds what is written meanwhile, so a storm
    // of writes never makes a queue of old news.
    let (reports, from_sources) = mpsc::channel(1);
    let handle = Handle {
        inputs,
        reports,
        waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
        pulse: Arc::new(AtomicU32::new(clock.now().seconds())),
        clock,
    };
    let driver = Driver {
        poll,
        engine: Engine::new(hub, ports(&handle)?),
        inputs: from_rooms,
        reports: from_sources,
        clock,
        pulse: Arc::clone(&handle.pulse),
        asks: 0,
    };
    let (tell, ended) = oneshot::channel();
    thread::Builder::new().name("hub".into()).spawn(move || {
        let how = driver.run().map_or_else(Ended::Failed, |()| Ended::Well);
        // Nobody listens any more if the server gave up waiting; then there is nobody to tell.
        let _ = tell.send(how);
    })?;
    Ok(Running { handle, ended })
}

/// A station's connection.
#[derive(Debug)]
struct Line {
    /// The socket.
    stream: TcpStream,
    /// What goes out before the first frame.
    opening: Opening,
    /// Its place among the connections that the server can afford.
    _seat: OwnedSemaphorePermit,
    /// Its place among the connections of its address.
    _guest: Guest,
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.opening.write(&mut self.stream, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Line {
    fn finish(&mut self) {
        // One that is gone already knows.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

struct Driver<P> {
    poll: Poll,
    engine: Engine<Line, P>,
    inputs: mpsc::Receiver<Input>,
    reports: mpsc::Receiver<(File, Report, Instant)>,
    clock: Clock,
    pulse: Arc<AtomicU32>,
    /// How many requests have come over HTTP; the number of the last one is its ticket.
    asks: u64,
}

impl<P: Ports> Driver<P> {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let (mut next_tick, mut next_sign) = (Duration::ZERO, Duration::ZERO);
        let mut hurry = false;
        self.event(Event::Started);
        while !self.is_over() {
            let busy = self.engine.sockets() > 0;
            let until = if busy { next_tick } else { next_sign };
            let wait = until.saturating_sub(self.clock.now().since_start);
            match self.poll.poll(&mut events, Some(if hurry { Duration::ZERO } else { wait })) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                otherwise => otherwise?,
            }
            for event in &events {
                if event.token() != WAKER {
                    let (key, now) = (key(event.token()), self.clock.now());
                    self.guard(Some(key), |engine| engine.ready(now, key));
                }
            }
            self.take_inputs();
            let now = self.clock.now();
            if now.since_start >= next_tick {
                self.guard(None, |engine| engine.tick(now));
                next_tick = now.since_start + TICK;
            }
            if now.since_start >= next_sign {
                self.pulse.store(now.seconds(), Ordering::Relaxed);
                let tally = self.engine.tally().clone();
                self.engine.ports().sign_of_life(&tally);
                next_sign = now.since_start + IDLE;
            }
            hurry = self.guard(None, |engine| engine.turn(now)).unwrap_or(true);
        }
        self.event(Event::Ended);
        Ok(())
    }

    /// Whether farewell has been said and nothing is left to do.
    fn is_over(&self) -> bool {
        let hub = self.engine.hub();
        hub.is_closing() && hub.waiting() == 0 && self.engine.sockets() == 0
    }

    /// Takes up what the other rooms have said until now.
    fn take_inputs(&mut self) {
        // A report is taken out first and taken up last: what was noted of a writing before it was
        // renamed in must be known before that writing is read back.
        let report = self.reports.try_recv().ok();
        for _ in 0..self.inputs.len() {
            match self.inputs.try_recv() {
                Ok(Input::Join(newcomer)) => self.admit(newcomer),
                Ok(Input::Event(event)) => self.event(event),
                Ok(Input::Ask(ask, answer)) => {
                    self.asks += 1;
                    let ticket = self.asks;
                    self.engine.ports().expect(ticket, answer);
                    self.event(Event::Asked { ticket, ask });
                }
                Err(_) => break,
            }
        }
        if let Some((file, report, since)) = report {
            let pushed = matches!(report, Report::Written(_)) && self.engine.sockets() > 0;
            self.event(Event::Source { file, report });
            if pushed {
                self.engine.ports().pushed(since.elapsed());
            }
        }
    }

    fn event(&mut self, event: Event<'static>) {
        let now = self.clock.now();
        self.guard(None, |engine| engine.run(now, event));
    }

    fn admit(&mut self, newcomer: Newcomer) {
        // A wrong token is as good as none; the welcome says whether one is wanted.
        let trusted = newcomer.token.as_deref().is_some_and(|it| self.engine.hub().is_token(it));
        let Newcomer { socket, unread, unsent, wire, peer, resume, since, seat, guest, .. } =
            newcomer;
        let peer = Peer { trusted, ..peer };
        let now = self.clock.now();
        let (stream, opening) = (TcpStream::from_std(socket), Opening::new(unsent));
        let line = Line { stream, opening, _seat: seat, _guest: guest };
        let secret = resume.unwrap_or_else(fresh_secret);
        let arrival = Arrival { unread, wire, peer, secret, since };
        let admitted = self.guard(None, |engine| engine.admit(now, line, arrival));
        let Some(key) = admitted else { return };
        if let Some(line) = self.engine.socket(key) {
            let interest = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) =
                self.poll.registry().register(&mut line.stream, token(key), interest)
            {
                tracing::error!(%error, "a station cannot be watched and is dropped");
                self.engine.give_up(key);
            }
        }
    }

    /// Does this, and lives on if it panics: one station's bad luck must not silence the bell for
    /// all. The station that was at work is dropped.
    fn guard<T>(
        &mut self,
        key: Option<Key>,
        act: impl FnOnce(&mut Engine<Line, P>) -> T,
    ) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(|| act(&mut self.engine)));
        if result.is_err() {
            tracing::error!("the hub has recovered from a fault in its own code; please report it");
            self.engine.recover();
            if let Some(key) = key {
                self.engine.give_up(key);
            }
        }
        result.ok()
    }
}

/// A secret that nobody can guess: 122 random bits, safe in a URL.
fn fresh_secret() -> String {
    URL_SAFE_NO_PAD.encode(Uuid::new_v4())
}

fn token(key: Key) -> Token {
    Token((key.generation as usize) << 32 | key.slot as usize)
}

fn key(token: Token) -> Key {
    #[expect(clippy::cast_possible_truncation, reason = "both halves are put together by `token`")]
    Key { slot: token.0 as u32, generation: (token.0 >> 32) as u32 }
}
