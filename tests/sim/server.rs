//! A run of the server: the real engine and hub, its sources, and its crank, turned as the driver
//! turns it. All of it is lost in a crash.

mod calm;
mod disks;
mod errands;
mod judge;
mod office;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chadburn::clock::Now;
use chadburn::file::File;
use chadburn::hub::engine::{Arrival, PARTS};
use chadburn::hub::{Engine, Event, Facts, Hub, Wire};
use chadburn::policy::{Policy, Reach, Reaches};
use chadburn::telegraph::THE_TELEGRAPH;
use chadburn_host::secret::Secret;
use chadburn_web::visitors::Visitors;
use live_file::writing::Health;

use self::disks::Disk;
pub use self::errands::{may, peer};
use self::office::Office;
use crate::book::{MS, SECOND};
use crate::client::ask::Ask;
use crate::client::ask::{BASE, FILE, TOKEN};
use crate::client::{Client, View};
use crate::ground::Ground;
use crate::ledger::Found;
use crate::model::{Model, Past};
use crate::rng::Rng;
use crate::socket::Line;
use crate::source::{Source, Told};

/// What waits before the hub, reports apart.
#[derive(Debug)]
pub enum Input {
    /// The station with this serial number, and the server's end of its connection.
    Join(u64, Line),
    /// Something else.
    Event(Event<'static>),
}

/// What the owner of a server has decided.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// From where orders are taken.
    pub orders: Reach,
    /// From where it may be ended.
    pub shutdown: Reach,
    /// Whether a token is wanted.
    pub token: bool,
}

/// A run of the server.
#[derive(Debug)]
pub struct Server {
    engine: Engine<Line, Office>,
    rng: Rng,
    /// When its clock was started.
    start: u64,
    /// What its owner has decided.
    rules: Rules,
    /// The telegraph as it must be.
    pub model: Model,
    /// Requests over HTTP that are not answered, by ticket.
    callers: Vec<(u64, Ask)>,
    /// The ticket of the latest.
    ticket: u64,
    /// How many stations there are, and since when.
    crowd: (usize, u64),
    /// The sources, of the status file and of the accept file.
    pub sources: [Option<Source>; 2],
    inputs: VecDeque<Input>,
    /// The one report that waits.
    report: Option<Told>,
    /// Texts that nobody asks for twice, in the order in which they were heard.
    heard: Vec<String>,
    /// Of which files' disks the hub knows, or is being told, that they do not answer.
    disks: [Disk; 2],
    /// What everybody was last told of the accept file.
    accept: Option<Health>,
    /// Inputs that come later.
    later: Vec<(u64, Event<'static>)>,
    /// When the crank turns next.
    pub due: u64,
    /// Something waits for it.
    woken: bool,
    next_tick: u64,
    /// When patience was last judged.
    judged: u64,
    /// How many sockets were held at most.
    most: usize,
    /// Farewell was said, and when.
    pub closing: Option<u64>,
    /// Everybody has gone after it.
    pub over: bool,
}

impl Server {
    /// A server that starts on what stands on the ground.
    pub fn start(
        ground: &mut Ground,
        mut rng: Rng,
        rules: Rules,
        past: BTreeMap<u64, Past>,
        mut found: Found,
    ) -> Self {
        let unix_ms = ground.disk.unix_ms();
        let Rules { orders, shutdown, token } = rules;
        let policy = Policy {
            visitors: Visitors {
                token: Secret::new(TOKEN).filter(|_| token),
                ..Visitors::default()
            },
            reaches: Reaches { orders, shutdown },
        };
        let facts = Facts {
            base: BASE.into(),
            status_file: FILE.into(),
            policy,
            history: std::mem::take(&mut found.history),
            ..testkit::office::facts(Reaches { orders, shutdown })
        };
        let begin = ground.book.now();
        // The clock that measures may have run for long.
        let start = begin - std::mem::take(&mut ground.age);
        let now = Now { since_start: Duration::from_micros(begin - start), unix_ms };
        let source = Source::start(File::Status, ground, rng.split());
        let mut engine = Engine::new(Hub::new(now, facts), Office::default());
        engine.run(now, THE_TELEGRAPH, Event::Started);
        let base = engine.hub(THE_TELEGRAPH).telegraph().seq();
        Self {
            engine,
            start,
            rules,
            model: Model::new(&ground.book, unix_ms, base, past, &found),
            callers: Vec::new(),
            ticket: 0,
            crowd: (0, begin),
            sources: [Some(source), None],
            inputs: VecDeque::new(),
            report: None,
            heard: Vec::new(),
            disks: Default::default(),
            accept: None,
            later: Vec::new(),
            due: begin,
            woken: true,
            next_tick: begin,
            judged: begin,
            most: 0,
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
        (self.due, self.woken) = (self.due.min(now + late), true);
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

    /// The watcher of this file takes a hint, unless its thread is waiting for room before the hub.
    pub fn hint(&mut self, ground: &mut Ground, file: File) {
        if self.sources.iter().flatten().any(|source| source.telling.is_some()) {
            ground.disk.kernels[file as usize].due = ground.book.now() + 100;
            return;
        }
        let Some(hint) = ground.disk.kernels[file as usize].take(ground.book.now()) else { return };
        if let Some(source) = &mut self.sources[file as usize] {
            source.hint(ground, hint);
            self.hand_over(ground);
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
        (self.due, self.woken) = (u64::MAX, false);
        self.watch_disks(ground);
        let first = self.rng.index(clients.len().max(1));
        for index in (first..clients.len()).chain(0..first) {
            let client = &clients[index];
            if let Some(key) = client.key
                && std::mem::take(&mut client.line.pipe().edge)
            {
                self.engine.ready(key);
            }
        }
        let away = ground.weather.disk_fails > 0 && self.rng.one_in(300);
        self.engine.ports().refuses = away;
        let report = self.report.take();
        self.hand_over(ground);
        // What was noted of a writing is known before it is read back; all else comes in turns.
        let (noted, told): (Vec<_>, Vec<_>) = std::mem::take(&mut ground.told)
            .into_iter()
            .partition(|event| matches!(event, Event::Prepared { .. }));
        for event in noted {
            self.takes_up(ground, clients, Input::Event(event));
        }
        self.inputs.extend(told.into_iter().map(Input::Event));
        let turns = self.rng.pick(&[3, 20, 1_000]);
        let mut report = report.map(|told| (self.rng.index(turns.min(40)), told));
        for turn in 0..turns {
            if let Some((_, (file, report, by))) = report.take_if(|(at, _)| *at == turn) {
                let now = self.now(ground);
                self.model.told(now.unix_ms, file, &report, &by);
                self.engine.run(now, THE_TELEGRAPH, Event::Source { file, report });
                self.carry_out(ground, clients);
            }
            if let Some(input) = self.inputs.pop_front() {
                self.takes_up(ground, clients, input);
            }
            let more = self.serve(ground, clients);
            if !more && report.is_none() && self.inputs.is_empty() {
                break;
            }
        }
        let now = ground.book.now();
        if now >= self.next_tick {
            ground.book.ticked();
            self.engine.tick(self.now(ground));
            self.next_tick = now + SECOND / PARTS as u64;
        }
        let hurry = self.serve(ground, clients) || !self.inputs.is_empty();
        let busy = self.engine.sockets() > 0;
        self.due = self.due.min(if busy { self.next_tick } else { now + SECOND });
        if hurry {
            (self.due, self.woken) = (self.due.min(ground.book.now() + 1), true);
        }
        self.judge(ground, clients);
        let hub = self.engine.hub(THE_TELEGRAPH);
        self.over = hub.is_closing() && hub.pending_writes() == 0 && !busy;
        if self.over {
            self.engine.run(self.now(ground), THE_TELEGRAPH, Event::Ended);
            self.carry_out(ground, clients);
        }
        // Systems calls take their time.
        ground.pass(self.rng.below(30));
    }

    /// The hub takes up one thing that other rooms have said.
    fn takes_up(&mut self, ground: &mut Ground, clients: &mut [Client], input: Input) {
        match input {
            Input::Join(serial, line) => self.admit(ground, clients, serial, line),
            Input::Event(event) => {
                if matches!(event, Event::Shutdown) {
                    ground.book.note(|| "the server says farewell".into());
                    self.closing.get_or_insert(ground.book.now());
                }
                self.foresee(ground, &event);
                if let Event::Unanswered { file, why } = &event {
                    self.learns_of_disk(ground, *file, why.as_ref());
                }
                self.engine.run(self.now(ground), THE_TELEGRAPH, event);
            }
        }
        self.carry_out(ground, clients);
        for file in [File::Status, File::Accept] {
            self.judge_disk(ground, file);
        }
    }

    fn admit(&mut self, ground: &Ground, clients: &mut [Client], serial: u64, line: Line) {
        let Some(index) = clients.iter().position(|client| client.serial == serial) else { return };
        let client = &mut clients[index];
        client.admitted(&self.model, self.closing.is_some());
        let (id, wire, peer) = (client.id, client.wire, client.peer);
        let (secret, since) = (client.secret.clone(), client.since);
        let arrival = Arrival {
            telegraph: THE_TELEGRAPH,
            unread: Vec::new(),
            wire,
            peer,
            secret,
            known_seq: since,
        };
        // Only the JSON wire tells a station its secret.
        if wire == Wire::Json && self.closing.is_none() {
            let older = clients.iter_mut().filter(|it| it.id == id && it.serial != serial);
            for older in older.filter(|it| it.key.is_some()) {
                older.replaced.get_or_insert(ground.book.now());
            }
        }
        clients[index].key = Some(self.engine.admit(self.now(ground), line, arrival));
        self.most = self.most.max(self.engine.sockets());
    }

    /// What stations hold what they hear against.
    #[must_use]
    pub fn view<'a>(&'a self, ground: &'a Ground) -> View<'a> {
        let stores = ground.clerks.each_ref().map(|clerk| &clerk.stores[..]);
        let (token, silent) = (self.rules.token, self.silent());
        View { model: &self.model, stores, silent, token, closing: self.closing.is_some() }
    }

    fn now(&self, ground: &Ground) -> Now {
        let since_start = Duration::from_micros(ground.book.now() - self.start);
        Now { since_start, unix_ms: ground.disk.unix_ms() }
    }
}
