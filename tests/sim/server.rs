//! A run of the server: the real engine and hub, its sources, and its crank, turned as the driver
//! turns it. All of it is lost in a crash.

mod judge;
mod office;

use std::collections::VecDeque;
use std::time::Duration;

use chadburn::clock::Now;
use chadburn::hub::engine::{Arrival, PARTS};
use chadburn::hub::{Engine, Event, Facts, Hub};
use chadburn::policy::{Owner, Policy, Reach};
use chadburn::telegraph::history::History;
use chadburn::writing::File;
use chadburn_core::DEFAULT;
use uuid::Uuid;

use self::office::Office;
use crate::book::{MS, SECOND};
use crate::clerk::Store;
use crate::client::ask::{BASE, FILE};
use crate::client::{Client, View};
use crate::ground::Ground;
use crate::model::Model;
use crate::rng::Rng;
use crate::socket::Line;
use crate::source::{Source, Told};

/// The user that the server runs as.
pub const OWN_USER: u32 = 7;

/// What waits before the hub, reports apart.
#[derive(Debug)]
pub enum Input {
    /// The station with this id, and the server's end of its connection.
    Join(Uuid, Line),
    /// Something else.
    Event(Event<'static>),
}

/// A run of the server.
#[derive(Debug)]
pub struct Server {
    engine: Engine<Line, Office>,
    rng: Rng,
    /// When it was started.
    start: u64,
    /// The telegraph as it must be.
    pub model: Model,
    /// The sources, of the status file and of the accept file.
    pub sources: [Option<Source>; 2],
    inputs: VecDeque<Input>,
    /// The one report that waits.
    report: Option<Told>,
    /// Texts that nobody asks for twice, in the order in which they were heard.
    heard: Vec<String>,
    /// Inputs that come later.
    later: Vec<(u64, Event<'static>)>,
    /// When the crank turns next.
    pub due: u64,
    next_tick: u64,
    /// When patience was last judged.
    judged: u64,
    /// Farewell was said, and when.
    pub closing: Option<u64>,
    /// Everybody has gone after it.
    pub over: bool,
}

impl Server {
    /// A server that starts on what stands on the ground.
    pub fn start(ground: &mut Ground, mut rng: Rng, shutdown: Reach) -> Self {
        let unix_ms = ground.disk.unix_ms();
        let policy = Policy {
            hosts: Vec::new(),
            origins: Vec::new(),
            orders: Reach::Never,
            shutdown,
            token: None,
            own_user: OWN_USER,
            machine: None,
        };
        let facts = Facts {
            dial: DEFAULT,
            base: BASE.into(),
            status_file: FILE.into(),
            assets: "simulated".into(),
            policy,
            history: History::default(),
        };
        let start = ground.book.now();
        let now = Now { since_start: Duration::ZERO, unix_ms };
        let source = Source::start(File::Status, ground, rng.split());
        Self {
            engine: Engine::new(Hub::new(now, facts), Office::default()),
            start,
            model: Model::new(&ground.book, unix_ms),
            sources: [Some(source), None],
            inputs: VecDeque::new(),
            report: None,
            heard: Vec::new(),
            later: Vec::new(),
            due: start,
            next_tick: start,
            judged: start,
            closing: None,
            over: false,
            rng,
        }
    }

    /// Puts something before the hub.
    pub fn put(&mut self, now: u64, input: Input) {
        self.inputs.push_back(input);
        self.wake(now);
    }

    /// Something waits for the crank, which turns as soon as its thread gets to run.
    pub fn wake(&mut self, now: u64) {
        let late = if self.rng.one_in(150) { self.rng.below(20 * MS) } else { self.rng.below(200) };
        self.due = self.due.min(now + late);
    }

    /// When something here happens next.
    #[must_use]
    pub fn next(&self) -> u64 {
        let sources = self.sources.iter().flatten().map(|source| source.due);
        let later = self.later.iter().map(|(due, _)| *due);
        sources.chain(later).chain([self.due]).min().unwrap_or(u64::MAX)
    }

    /// Does what is due.
    pub fn act(&mut self, ground: &mut Ground, clients: &mut [Client]) {
        let now = ground.book.now();
        while let Some(index) = self.later.iter().position(|(due, _)| *due <= now) {
            let (_, event) = self.later.swap_remove(index);
            self.put(now, Input::Event(event));
        }
        for index in 0..2 {
            if let Some(source) = self.sources[index].as_mut().filter(|source| source.due <= now) {
                source.run(ground);
                self.hand_over(ground);
            }
        }
        // The order is read before the reply.
        if self.sources[1].is_none() && self.sources[0].as_ref().is_some_and(|it| it.settled) {
            self.sources[1] = Some(Source::start(File::Accept, ground, self.rng.split()));
        }
        if self.due <= ground.book.now() {
            self.turn(ground, clients);
        }
    }

    /// The watcher of this file takes a hint.
    pub fn hint(&mut self, ground: &mut Ground, file: File) {
        let Some(hint) = ground.disk.kernels[file as usize].take(ground.book.now()) else { return };
        if let Some(source) = &mut self.sources[file as usize] {
            source.hint(ground, hint);
        }
    }

    /// A report goes before the hub as soon as there is room.
    fn hand_over(&mut self, ground: &Ground) {
        let first = self.rng.index(2);
        for index in [first, 1 - first] {
            if let Some(source) = &mut self.sources[index]
                && source.telling.is_some()
                && self.report.is_none()
            {
                self.report = source.taken(ground);
                self.wake(ground.book.now());
            }
        }
    }

    /// One turn of the crank.
    fn turn(&mut self, ground: &mut Ground, clients: &mut [Client]) {
        self.due = u64::MAX;
        let first = self.rng.index(clients.len().max(1));
        for index in (first..clients.len()).chain(0..first) {
            let client = &clients[index];
            if let Some(key) = client.key
                && std::mem::take(&mut client.line.pipe().edge)
            {
                self.engine.ready(self.now(ground), key);
                self.carry_out(ground, clients);
            }
        }
        let away = ground.weather.disk_fails > 0 && self.rng.one_in(300);
        self.engine.ports().refuses = away;
        let report = self.report.take();
        self.hand_over(ground);
        for event in std::mem::take(&mut ground.told) {
            self.inputs.push_back(Input::Event(event));
        }
        for input in std::mem::take(&mut self.inputs) {
            match input {
                Input::Join(id, line) => {
                    if let Some(client) = clients.iter_mut().find(|client| client.id == id) {
                        self.admit(ground, client, line);
                    }
                }
                Input::Event(event) => {
                    if matches!(event, Event::Shutdown) {
                        ground.book.note(|| "the server says farewell".into());
                        self.closing.get_or_insert(ground.book.now());
                    }
                    self.engine.run(self.now(ground), event);
                }
            }
            self.carry_out(ground, clients);
        }
        if let Some((file, report, by)) = report {
            let now = self.now(ground);
            self.model.told(now.unix_ms, file, &report, &by);
            self.engine.run(now, Event::Source { file, report });
            self.carry_out(ground, clients);
        }
        let now = ground.book.now();
        if now >= self.next_tick {
            self.engine.tick(self.now(ground));
            self.next_tick = now + SECOND / PARTS as u64;
        }
        let hurry = self.engine.turn(self.now(ground));
        self.carry_out(ground, clients);
        let busy = self.engine.sockets() > 0;
        self.due = self.due.min(if busy { self.next_tick } else { now + SECOND });
        if hurry {
            self.due = self.due.min(ground.book.now() + 1);
        }
        self.judge(ground, clients);
        let hub = self.engine.hub();
        self.over = hub.is_closing() && hub.waiting() == 0 && !busy;
        // Systems calls take their time.
        ground.pass(self.rng.below(30));
    }

    fn admit(&mut self, ground: &Ground, client: &mut Client, line: Line) {
        client.admitted(self.model.orders.len(), self.closing.is_some());
        let (wire, peer, secret) = (client.wire, client.peer, client.secret.clone());
        let arrival = Arrival { unread: Vec::new(), wire, peer, secret, since: None };
        client.key = Some(self.engine.admit(self.now(ground), line, arrival));
    }

    /// Does what the hub asked the other rooms for.
    fn carry_out(&mut self, ground: &mut Ground, clients: &mut [Client]) {
        let office = std::mem::take(self.engine.ports());
        let now = ground.book.now();
        let before = self.heard.len();
        self.heard.extend(office.heard);
        let present = self.model.orders.last().map(|order| order.seq);
        for (ticket, text, refused, heard) in office.stores {
            let asks = || {
                let asks =
                    clients.iter().flat_map(|it| it.asks.iter().map(move |ask| (it.id, ask)));
                asks.filter(|(_, ask)| ask.text().is_some() && ask.is_for(present))
            };
            let waiting: Vec<String> =
                asks().filter_map(|(_, ask)| Some(ask.text()?.into())).collect();
            let by = asks().filter(|(_, ask)| ask.text() == Some(&text)).map(|(id, _)| id);
            let by: Vec<_> = by.collect();
            ground.book.hold(!by.is_empty(), || format!("{text:?} is stored for nobody"));
            let heard = &self.heard[..before + heard];
            if let Some(index) = heard.iter().rposition(|heard| *heard == text) {
                let later = heard[index + 1..].iter().find(|later| waiting.contains(later));
                ground.book.hold(later.is_none(), || {
                    format!("{text:?} is stored, although {later:?} was asked for later")
                });
            }
            ground.book.note(|| format!("store {ticket} {text:?} {refused}"));
            ground.clerk.take(Store { ticket, text, by, waiting, start: now, end: None }, refused);
        }
        for key in office.asked {
            let client = clients.iter().find(|client| client.key == Some(key));
            let owner = client.map_or(Owner::Unknown, |client| client.owner);
            let late = self.rng.pick(&[50, 5 * MS, 5 * MS, 7 * SECOND]);
            let due = now + self.rng.below(late);
            self.later.push((due, Event::Owned { key, owner }));
        }
        for snapshot in office.published {
            let state = serde_json::from_str(&snapshot.state).expect("a state is JSON");
            if let Err(what) = self.model.check(&state) {
                ground.book.fail(format!("snapshot: {what}"));
            }
            let so = state["seq"] == self.model.seq()
                && snapshot.status.as_deref().unwrap_or_default() == self.model.status()
                && self.model.is_latest_health(&state["source"])
                && snapshot.closing == self.closing.is_some();
            ground.book.hold(so, || format!("snapshot: {snapshot:?}"));
        }
        if office.shutdown {
            self.later.push((now + self.rng.below(5 * MS), Event::Shutdown));
        }
        let woken = now;
        for client in clients {
            client.nudge();
        }
        if !ground.told.is_empty() {
            self.wake(woken);
        }
    }

    /// What stations hold what they hear against.
    #[must_use]
    pub fn view<'a>(&'a self, ground: &'a Ground) -> View<'a> {
        View { model: &self.model, stores: &ground.clerk.stores, closing: self.closing.is_some() }
    }

    fn now(&self, ground: &Ground) -> Now {
        let since_start = Duration::from_micros(ground.book.now() - self.start);
        Now { since_start, unix_ms: ground.disk.unix_ms() }
    }
}
