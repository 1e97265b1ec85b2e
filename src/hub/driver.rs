//! Runs the hub's loop on a thread of its own: waits for sockets and for the other rooms, reads
//! the clock, and hands both to the [`Engine`]. The only file that polls; [`Handle`] holds mio's
//! waker, and nothing else knows mio.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use uuid::Uuid;

use super::engine::{Arrival, PARTS, Socket};
use super::response_head::ResponseHead;
use super::{Engine, Event, FileEvent, Handle, Hub, Input, Key, Newcomer, Ports, QUEUE};
use crate::clock::Clock;
use crate::policy::Peer;
use crate::telegraph::{THE_TELEGRAPH, TelegraphId};
use chadburn_web::limits::AddressPermit;
use live_file::writing::Report;

/// The waker's token. A station's token is made of its key, and is never this large.
const WAKER: Token = Token(usize::MAX);

/// How many sockets' readiness is taken from one poll at most.
const EVENTS: usize = 1024;

/// How often a part of the stations is looked after.
const TICK: Duration = Duration::from_millis(1000 / PARTS as u64);

/// How long the queues and stations are served before sockets are polled again; a newly readable
/// socket is noticed so much later.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How often the loop signals that it is alive.
const SIGN_INTERVAL: Duration = Duration::from_secs(1);

/// The same without stations; it never sleeps longer.
const IDLE_SIGN_INTERVAL: Duration = Duration::from_secs(3);

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
    // One report waits while one is taken up: a source merges what is written meanwhile, so a storm
    // of writes never makes a queue of old news.
    let (reports, from_sources) = mpsc::channel(1);
    let handle = Handle {
        telegraph: THE_TELEGRAPH,
        inputs,
        reports,
        waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
        alive_at: Arc::new(AtomicU32::new(clock.now().seconds())),
        clock,
    };
    let driver = Driver {
        poll,
        engine: Engine::new(hub, ports(&handle)?),
        inputs: from_rooms,
        reports: from_sources,
        report_not_before: Duration::ZERO,
        clock,
        alive_at: Arc::clone(&handle.alive_at),
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
struct StationConnection {
    /// The socket.
    stream: TcpStream,
    /// Goes out before the first frame.
    head: ResponseHead,
    /// Its place among the connections that the server can afford.
    _seat: OwnedSemaphorePermit,
    /// Its place among the connections of its address.
    address_permit: AddressPermit,
}

impl Read for StationConnection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for StationConnection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.head.write(&mut self.stream, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for StationConnection {
    fn finish(&mut self) {
        // One that is gone already knows.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn is_cut(&mut self) -> bool {
        !matches!(self.stream.take_error(), Ok(None))
    }

    fn wrong_token(&mut self) {
        self.address_permit.wrong_token();
    }
}

struct Driver<P> {
    poll: Poll,
    // Field order matters: these are dropped before the engine's ports, whose drop joins the
    // writers, and a writer may be blocked on a full queue here.
    inputs: mpsc::Receiver<(TelegraphId, Input)>,
    reports: mpsc::Receiver<FileEvent>,
    engine: Engine<StationConnection, P>,
    /// When the next report may be taken while others wait: they get as much time as the last report took.
    report_not_before: Duration,
    clock: Clock,
    alive_at: Arc<AtomicU32>,
    /// How many requests have come over HTTP; the number of the last one is its ticket.
    asks: u64,
}

impl<P: Ports> Driver<P> {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let (mut next_tick, mut next_sign) = (Duration::ZERO, Duration::ZERO);
        let mut poll_now = false;
        self.step_all(|| Event::Started);
        while !self.engine.is_over() {
            let busy = self.engine.sockets() > 0;
            let until = if busy { next_tick } else { next_sign };
            let wait = until.saturating_sub(self.clock.now().since_start);
            match self.poll.poll(&mut events, Some(if poll_now { Duration::ZERO } else { wait })) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                otherwise => otherwise?,
            }
            for event in &events {
                if event.token() != WAKER {
                    self.engine.ready(key(event.token()));
                }
            }
            let now = self.clock.now();
            if now.since_start >= next_tick {
                self.guard(|engine| engine.tick(now));
                next_tick = now.since_start + TICK;
            }
            if now.since_start >= next_sign {
                self.alive_at.store(now.seconds(), Ordering::Relaxed);
                let tally = self.engine.tally().clone();
                self.engine.ports().sign_of_life(&tally);
                for (telegraph, file, why) in self.engine.ports().disks() {
                    self.step_event(telegraph, Event::Unanswered { file, why });
                }
                next_sign = now.since_start + if busy { SIGN_INTERVAL } else { IDLE_SIGN_INTERVAL };
            }
            poll_now = self.take_turns();
        }
        self.step_all(|| Event::Ended);
        Ok(())
    }

    /// Sources, the other rooms and the stations have their turns, one of each after the other: none
    /// of them waits for more than one of the others, however much these have to say. Returns whether
    /// there is more.
    fn take_turns(&mut self) -> bool {
        let until = self.clock.now().since_start + POLL_INTERVAL;
        loop {
            let others_wait = !self.inputs.is_empty() || self.engine.is_busy();
            let told = self.take_report(others_wait);
            let input = self.take_input();
            let now = self.clock.now();
            let more = self.guard(|engine| engine.serve(now)).unwrap_or(true);
            // A report that was put off is still in the queue.
            if !(told || input || more) && self.reports.is_empty() {
                return false;
            }
            if now.since_start >= until {
                return true;
            }
        }
    }

    /// Takes up what is said of a file, unless others wait and have not had as much time since the
    /// last report as that has taken. Returns whether there was something.
    fn take_report(&mut self, others_wait: bool) -> bool {
        let begun = self.clock.now().since_start;
        if others_wait && begun < self.report_not_before {
            return false;
        }
        let Ok(FileEvent { telegraph, event, seen_at }) = self.reports.try_recv() else {
            return false;
        };
        let written = matches!(event, Event::Source { report: Report::Written(_), .. });
        let pushed = seen_at.filter(|_| written && self.engine.sockets() > 0);
        self.step_event(telegraph, event);
        if let Some(seen_at) = pushed {
            self.engine.ports().pushed(seen_at.elapsed());
        }
        let ended = self.clock.now().since_start;
        self.report_not_before = ended + ended.saturating_sub(begun);
        true
    }

    /// Takes up one thing that the other rooms have said. Returns whether there was one.
    fn take_input(&mut self) -> bool {
        match self.inputs.try_recv() {
            Ok((telegraph, Input::Join(newcomer))) => self.admit(telegraph, newcomer),
            // These are of the server, whichever telegraph's handle they come by.
            Ok((_, Input::Event(Event::Shutdown))) => self.step_all(|| Event::Shutdown),
            Ok((_, Input::Event(Event::Policy(policy)))) => {
                self.step_all(|| Event::Policy(policy.clone()));
            }
            Ok((telegraph, Input::Event(event))) => self.step_event(telegraph, event),
            Ok((telegraph, Input::Ask(ask, answer))) => {
                self.asks += 1;
                let ticket = self.asks;
                self.engine.ports().register_ask(ticket, answer);
                self.step_event(telegraph, Event::Asked { ticket, ask });
            }
            Err(_) => return false,
        }
        true
    }

    fn step_event(&mut self, telegraph: TelegraphId, event: Event<'static>) {
        let now = self.clock.now();
        self.guard(|engine| engine.run(now, telegraph, event));
    }

    fn step_all(&mut self, event: impl Fn() -> Event<'static>) {
        let now = self.clock.now();
        self.guard(|engine| engine.run_all(now, event));
    }

    fn admit(&mut self, telegraph: TelegraphId, newcomer: Newcomer) {
        // A wrong token is as good as none; the welcome says whether one is wanted.
        let hub = self.engine.hub(telegraph);
        let trusted = newcomer.token.as_deref().is_some_and(|it| hub.is_token(it));
        let Newcomer {
            socket,
            unread,
            unsent,
            wire,
            peer,
            resume,
            known_seq,
            seat,
            address_permit,
            ..
        } = newcomer;
        let peer = Peer { trusted, ..peer };
        let now = self.clock.now();
        let (stream, head) = (TcpStream::from_std(socket), ResponseHead::new(unsent));
        let connection = StationConnection { stream, head, _seat: seat, address_permit };
        let secret = resume.unwrap_or_else(fresh_secret);
        let arrival = Arrival { telegraph, unread, wire, peer, secret, known_seq };
        let admitted = self.guard(|engine| engine.admit(now, connection, arrival));
        let Some(key) = admitted else { return };
        if let Some(connection) = self.engine.socket(key) {
            let interest = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) =
                self.poll.registry().register(&mut connection.stream, token(key), interest)
            {
                tracing::error!(%error, "a station cannot be watched and is dropped");
                self.engine.give_up(key);
            }
        }
    }

    /// Does this, and lives on if it panics: one station's bad luck must not silence the bell for
    /// all. The station that was at work is dropped.
    fn guard<T>(&mut self, act: impl FnOnce(&mut Engine<StationConnection, P>) -> T) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(|| act(&mut self.engine)));
        if result.is_err() {
            tracing::error!("the hub has recovered from a fault in its own code; please report it");
            self.engine.recover();
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
