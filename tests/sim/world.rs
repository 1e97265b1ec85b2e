//! One life from a seed: a server on its ground, stations that come and go, and whatever befalls
//! them; then peace, in which everything must have been told, and an end that leaves nothing.

use chadburn::hub::{Event, Wire};
use chadburn::policy::{Owner, Peer, Reach};
use chadburn::writing::File;

use crate::book::{Book, Failure, MS, SECOND};
use crate::client::{Client, Stage, Temper};
use crate::ground::Ground;
use crate::rng::Rng;
use crate::server::{Input, OWN_USER, Server};
use crate::socket;
use crate::truth::Sight;
use crate::weather::{Watching, Weather};

/// What a life was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Steps of anybody.
    pub steps: u64,
    /// Microseconds of virtual time.
    pub time: u64,
    /// Writings that were begun.
    pub writings: u64,
    /// Orders and replies that reached the hub.
    pub told: u64,
    /// Stations that came.
    pub stations: u64,
    /// Runs of the server.
    pub runs: u64,
}

impl Stats {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            time: self.time + other.time,
            writings: self.writings + other.writings,
            told: self.told + other.told,
            stations: self.stations + other.stations,
            runs: self.runs + other.runs,
        }
    }
}

/// Lives the life of this seed for at most so many steps before its end. A failed one is lived
/// again to be told.
pub fn run(seed: u64, steps: u64) -> Result<Stats, Failure> {
    if let Ok(stats) = live(seed, steps, false) {
        return Ok(stats);
    }
    live(seed, steps, true)
}

fn live(seed: u64, steps: u64, telling: bool) -> Result<Stats, Failure> {
    let book = Book::new(telling);
    let mut stats = Stats::default();
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut world = World::new(seed, &book);
        world.live(steps);
        world.stats()
    }));
    match lived {
        Ok(lived) => stats = lived,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            book.fail(format!("a panic: {}", text.unwrap_or_default()));
        }
    }
    book.verdict(seed).map_or(Ok(stats), Err)
}

/// The world of one seed.
#[derive(Debug)]
struct World {
    rng: Rng,
    book: Book,
    ground: Ground,
    shutdown: Reach,
    server: Option<Server>,
    clients: Vec<Client>,
    /// When something befalls the server next.
    fate: u64,
    /// The last number of the run before, and whether the wall clock went back since its start.
    before: Option<u64>,
    stats: Stats,
}

impl World {
    fn new(seed: u64, book: &Book) -> Self {
        let mut rng = Rng::new(seed);
        let length = rng.pick(&[SECOND, 3 * SECOND, 10 * SECOND, 90 * SECOND]);
        let weather = Weather::new(&mut rng, length);
        book.note(|| format!("{weather:?}"));
        Self {
            ground: Ground::new(rng.split(), book.clone(), weather),
            book: book.clone(),
            shutdown: rng.pick(&[Reach::Local, Reach::Local, Reach::Never, Reach::Any]),
            server: None,
            clients: Vec::new(),
            fate: 0,
            before: None,
            stats: Stats::default(),
            rng,
        }
    }

    fn live(&mut self, steps: u64) {
        let length = self.ground.weather.length;
        self.ground.pass(self.rng.clone().below(100 * MS));
        while self.book.now() < length && self.stats.steps < steps && !self.book.has_failed() {
            self.step();
        }
        self.ground.peace = true;
        self.fate = u64::MAX;
        if self.server.as_ref().is_some_and(|server| server.closing.is_some()) {
            self.go_on(8 * SECOND);
        }
        if self.server.is_none() {
            self.begin();
        }
        for _ in 0..self.rng.below(4) {
            self.connect();
        }
        self.go_on(SECOND);
        self.clients.iter_mut().for_each(Client::hush);
        self.go_on(8 * SECOND);
        // A slow disk takes its time with the last replies, and their writings are read back.
        let is_busy = |it: &Self| it.server.as_ref().is_some_and(Server::is_busy);
        while is_busy(self) && !self.book.has_failed() {
            self.go_on(4 * SECOND);
        }
        self.judge_peace();
        self.end();
    }

    fn stats(&self) -> Stats {
        let told = self.server.as_ref().map_or(0, |server| server.model.orders.len() as u64);
        let Stats { steps, stations, runs, .. } = self.stats;
        let told = told + self.stats.told;
        Stats { steps, stations, runs, told, time: self.book.now(), writings: self.ground.begun }
    }

    /// So much time passes.
    fn go_on(&mut self, time: u64) {
        let until = self.book.now() + time;
        while self.next() < until && !self.book.has_failed() {
            self.step();
        }
        self.ground.pass_to(until.max(self.book.now()));
    }

    fn next(&self) -> u64 {
        let clients = self.clients.iter().map(Client::next).min().unwrap_or(u64::MAX);
        let server = self.server.as_ref().map_or(u64::MAX, Server::next);
        let kernels = self.ground.disk.kernels.iter().map(|kernel| kernel.due);
        let kernels = kernels.min().unwrap_or(u64::MAX);
        clients.min(server).min(kernels).min(self.fate).min(self.ground.due())
    }

    /// Whatever is due next happens.
    fn step(&mut self) {
        self.stats.steps += 1;
        let next = self.next();
        self.ground.pass_to(next.max(self.book.now()));
        let now = self.book.now();
        if self.fate <= now {
            self.befall();
        }
        let Some(server) = &mut self.server else {
            for kernel in &mut self.ground.disk.kernels {
                while !kernel.is_quiet() {
                    kernel.take(now);
                }
            }
            return;
        };
        for file in [File::Status, File::Accept] {
            if self.ground.disk.kernels[file as usize].due <= now {
                server.hint(&mut self.ground, file);
            }
        }
        for client in &mut self.clients {
            if client.next() <= now {
                client.act(&server.view(&self.ground));
                if client.line.pipe().edge {
                    server.wake(now);
                }
            }
        }
        if !self.ground.told.is_empty() {
            server.wake(now);
        }
        if server.next() <= self.book.now() {
            server.act(&mut self.ground, &mut self.clients);
        }
        for truth in &self.ground.disk.truth {
            truth.judge_standing();
        }
        if server.over {
            self.book.note(|| "the server has ended".into());
            server.judge_empty(&self.ground);
            self.stop();
        }
        // What somebody asked for who is gone may still be done.
        self.clients.retain(|it| !it.gone || it.asks.iter().any(|ask| ask.text().is_some()));
    }

    /// Something befalls the server, or somebody comes.
    fn befall(&mut self) {
        let now = self.book.now();
        self.fate = now + self.rng.below(300 * MS);
        let Some(server) = &mut self.server else { return self.begin() };
        let crashes = self.ground.weather.crashes;
        if self.rng.one_in(crashes / 10) {
            self.book.note(|| "crash".into());
            self.stop();
            self.clients.clear();
            return;
        }
        if self.rng.one_in(crashes / 10) {
            self.book.note(|| "shutdown".into());
            server.put(now, Input::Event(Event::Shutdown));
        }
        if self.ground.weather.jumps && self.rng.one_in(10) {
            let far = self.rng.below(20 * SECOND);
            if self.rng.one_in(2) {
                self.ground.disk.wall += far;
            } else {
                self.ground.disk.wall -= far;
                self.before = None;
            }
        }
        if self.rng.one_in(40) && self.ground.weather.watching == Watching::Kernel {
            let index = self.rng.index(2);
            if let Some(source) = &mut server.sources[index] {
                source.rearm(&mut self.ground);
            }
        }
        let present = self.clients.iter().filter(|client| !client.gone).count();
        // After the farewell only those come who were already on their way.
        let late = server.closing.is_some_and(|since| now > since + 500 * MS);
        if present < self.ground.weather.stations && !late {
            self.connect();
        }
    }

    fn begin(&mut self) {
        let server = Server::start(&mut self.ground, self.rng.split(), self.shutdown);
        let base = server.model.seq();
        self.book.note(|| format!("a run begins at {base}"));
        self.book.hold(self.before.is_none_or(|before| base >= before), || {
            format!(
                "this run's numbers begin at {base}, the one's before ended at {:?}",
                self.before
            )
        });
        self.before = Some(base);
        self.server = Some(server);
        self.stats.runs += 1;
    }

    /// The server is gone, and everything it knew.
    fn stop(&mut self) {
        let Some(server) = self.server.take() else { return };
        if self.before.is_some() {
            self.before = Some(server.model.seq());
        }
        self.stats.told += server.model.orders.len() as u64;
        self.judge_farewell(&server);
        self.clients.clear();
        self.ground.clerk.die();
        self.ground.told.clear();
        for truth in &mut self.ground.disk.truth {
            truth.watched(None);
        }
        self.ground.disk.forget_authors();
        self.fate = self.fate.min(u64::MAX - SECOND).max(self.book.now()) + 50 * MS;
        if self.ground.peace {
            self.fate = u64::MAX;
        }
    }

    /// Who was greeted and reads has heard one farewell, and the close.
    fn judge_farewell(&self, server: &Server) {
        if !server.over {
            return;
        }
        for client in &self.clients {
            let reads = client.temper == Temper::Good && client.key.is_some();
            if reads && !client.closing && !client.gone {
                let Client { id, stage, .. } = client;
                self.book.hold(*stage == Stage::Closed, || format!("{id} is left {stage:?}"));
            }
        }
    }

    fn connect(&mut self) {
        let Some(server) = &mut self.server else { return };
        let tempers = [
            Temper::Good,
            Temper::Good,
            Temper::Good,
            Temper::Slow,
            Temper::Stuck,
            Temper::Silent,
            Temper::Rude,
        ];
        let temper = self.rng.pick(&tempers);
        let room = Client::room(&mut self.rng, temper);
        let (station, line) = socket::connect(self.rng.split(), &self.book, room);
        let (loopback, forwarded) = (!self.rng.one_in(3), self.rng.one_in(6));
        let peer = Peer { loopback, forwarded, owner: Owner::Unasked };
        let mut client = Client::new(self.rng.split(), &self.book, station, temper, peer);
        client.may_shut_down = match self.shutdown {
            Reach::Any => true,
            Reach::Never => false,
            Reach::Local => {
                let owner = [Owner::User(0), Owner::User(OWN_USER)].contains(&client.owner);
                loopback && !forwarded && owner
            }
        };
        let Client { id, wire, .. } = client;
        self.book.note(|| format!("{id} comes: {wire:?} {temper:?} {peer:?}"));
        server.put(self.book.now(), Input::Join(id, line));
        self.clients.push(client);
        self.stats.stations += 1;
    }

    /// Nobody has written for long: everybody knows what stands there, and every request is
    /// answered.
    fn judge_peace(&mut self) {
        let Some(server) = &self.server else { return };
        if let Sight::Text(text) = self.ground.disk.truth[File::Status as usize].now() {
            let status = server.model.status();
            self.book.hold(status == text, || format!("{text:?} stands there, not {status:?}"));
        }
        for client in &self.clients {
            let good = match client.temper {
                Temper::Good => true,
                Temper::Slow => server.owes_nothing(client),
                Temper::Stuck | Temper::Silent | Temper::Rude => false,
            };
            if !good || client.closing || client.gone || server.closing.is_some() {
                continue;
            }
            let Client { id, wire, .. } = client;
            let heard = client.heard();
            let status = server.model.status();
            let latest = heard.status == status
                && (*wire == Wire::Text || heard.seq == Some(server.model.seq()));
            self.book.hold(latest, || format!("{id} does not know {status:?}, but {heard:?}"));
            if client.temper == Temper::Good {
                let asks = &client.asks;
                let late = |sent: u64| self.book.now() - sent > 7 * SECOND;
                let none = asks.iter().all(|ask| !late(ask.sent));
                self.book.hold(none, || format!("{id} waits for the answers to {asks:?}"));
            }
        }
    }

    /// Everybody goes, in either order.
    fn end(&mut self) {
        let Some(server) = &mut self.server else { return };
        if self.rng.one_in(2) {
            for _ in 0..=self.rng.below(2) {
                server.put(self.book.now(), Input::Event(Event::Shutdown));
            }
            self.connect();
            self.go_on(9 * SECOND);
            self.book.hold(self.server.is_none(), || "it has not ended".into());
            return;
        }
        self.clients.iter_mut().for_each(Client::bow_out);
        self.go_on(60 * SECOND);
        if let Some(server) = &self.server {
            server.judge_empty(&self.ground);
        }
    }
}
