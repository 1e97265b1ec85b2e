//! One life from a seed: a server on its ground, stations that come and go, and whatever befalls
//! them; then peace, in which everything must have been told, and an end that leaves nothing. Lives
//! are short and dense, or long (`office`: an office's weeks, `mishaps`: what befalls it) and mostly
//! calm (`calm`: how that is passed).

mod calm;
mod end;
mod guests;
mod mishaps;
mod office;
mod runs;

use std::collections::BTreeMap;

use chadburn::file::File;
use chadburn::hub::Event;
use chadburn::policy::Reach;

use self::guests::Guest;
pub use self::office::{DAY, Plan};
use self::runs::Before;
use crate::book::{Book, Failure, MS, SECOND};
use crate::client::Client;
use crate::client::ask::Ask;
use crate::ground::Ground;
use crate::ledger::Ledger;
use crate::model::Past;
use crate::rng::Rng;
use crate::server::{Input, Rules, Server};
use crate::stats::Stats;
use crate::weather::{Watching, Weather};

/// Lives the life of this seed for at most so many steps before its end. A failed one is lived
/// again to be told.
pub fn run(seed: u64, steps: u64) -> Result<Stats, Failure> {
    twice(seed, |world| world.live(steps))
}

/// Lives the long life of this seed, in the same way.
pub fn run_long(seed: u64, plan: Plan) -> Result<Stats, Failure> {
    twice(seed, |world| world.work(plan))
}

fn twice(seed: u64, life: impl Fn(&mut World)) -> Result<Stats, Failure> {
    if let Ok(stats) = live(seed, &life, false) {
        return Ok(stats);
    }
    live(seed, &life, true)
}

fn live(seed: u64, life: &impl Fn(&mut World), telling: bool) -> Result<Stats, Failure> {
    let book = Book::new(telling);
    let mut stats = Stats::default();
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut world = World::new(seed, &book);
        life(&mut world);
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
    rules: Rules,
    server: Option<Server>,
    clients: Vec<Client>,
    /// When something befalls the server next.
    fate: u64,
    /// The numbers of the latest run.
    before: Option<Before>,
    /// What earlier runs have said, by number.
    past: BTreeMap<u64, Past>,
    /// Those who were here before, and may come back.
    guests: Vec<Guest>,
    /// How many have come.
    serial: u64,
    /// When this life began.
    born: u64,
    /// Nothing ends the server.
    steady: bool,
    /// Calm is lived in full.
    full: bool,
    stats: Stats,
}

impl World {
    fn new(seed: u64, book: &Book) -> Self {
        let mut rng = Rng::new(seed);
        let length = rng.pick(&[SECOND, 3 * SECOND, 10 * SECOND, 90 * SECOND]);
        let weather = Weather::new(&mut rng, length);
        let rules = Rules {
            orders: rng.pick(&[Reach::Never, Reach::Never, Reach::Local, Reach::Any]),
            shutdown: rng.pick(&[Reach::Local, Reach::Local, Reach::Never, Reach::Any]),
            token: rng.one_in(4),
        };
        book.note(|| format!("{weather:?} {rules:?}"));
        let mut ground = Ground::new(rng.split(), book.clone(), weather);
        ground.ledger = (!rng.one_in(4)).then(|| Ledger::new(rng.split(), book));
        Self {
            ground,
            book: book.clone(),
            rules,
            server: None,
            clients: Vec::new(),
            fate: 0,
            before: None,
            past: BTreeMap::new(),
            guests: Vec::new(),
            serial: 0,
            born: 0,
            steady: false,
            full: false,
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
        self.conclude();
    }

    /// Peace, and the end.
    fn conclude(&mut self) {
        self.ground.peace = true;
        self.fate = u64::MAX;
        if self.server.as_ref().is_some_and(|server| server.closing.is_some()) {
            self.go_on(self.ground.weather.farewell());
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
        while (is_busy(self) || self.ground.has_stored_since(4 * SECOND)) && !self.book.has_failed()
        {
            self.go_on(4 * SECOND);
        }
        if self.ground.weather.hangs > 0 {
            // What stood there while a disk did not answer is still to be read.
            self.go_on(4 * SECOND);
        }
        self.judge_peace();
        self.end();
    }

    fn stats(&self) -> Stats {
        let told = self.server.as_ref().map_or((0, 0), |server| server.model.counted());
        let (told, replies) = (self.stats.told + told.0, self.stats.replies + told.1);
        let Weather { watching, overlap, mounts, .. } = self.ground.weather;
        let calm = watching == Watching::Kernel && !overlap && mounts == 0;
        let truth = self.ground.disk.truth.iter().filter(|_| calm).map(|truth| truth.prompt);
        let (watched, prompt) = truth.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        let (time, writings, faults) =
            (self.book.now() - self.born, self.ground.begun, self.book.faults());
        let (ticks, looks) = self.book.routine();
        Stats { time, ticks, looks, writings, told, replies, watched, prompt, faults, ..self.stats }
    }

    /// So much time passes.
    fn go_on(&mut self, time: u64) {
        self.go_to(self.book.now() + time);
    }

    /// Time passes to this moment.
    fn go_to(&mut self, until: u64) {
        while self.next() < until && !self.book.has_failed() {
            self.step();
        }
        self.ground.pass_to(until.max(self.book.now()));
    }

    fn next(&self) -> u64 {
        let server = self.server.as_ref().map_or(u64::MAX, Server::next);
        server.min(self.next_but_the_server())
    }

    fn next_but_the_server(&self) -> u64 {
        let clients = self.clients.iter().map(Client::next).min().unwrap_or(u64::MAX);
        let kernels = self.ground.disk.kernels.iter().map(|kernel| kernel.due);
        let kernels = kernels.min().unwrap_or(u64::MAX);
        clients.min(kernels).min(self.fate).min(self.ground.due())
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
                kernel.passes_by(now);
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
            self.stop(true);
        }
        // What somebody asked for who is gone may still be done.
        let gone: Vec<_> =
            self.clients.extract_if(.., |it| it.gone && !it.asks.iter().any(Ask::writes)).collect();
        for client in gone {
            self.remember(&client);
        }
    }

    /// Something befalls the server, or somebody comes.
    fn befall(&mut self) {
        let now = self.book.now();
        self.fate = now + self.rng.below(300 * MS);
        let Some(server) = &mut self.server else { return self.begin() };
        let crashes = self.ground.weather.crashes;
        if self.rng.one_in(crashes / 10) {
            self.book.note(|| "crash".into());
            self.stop(false);
            return;
        }
        if self.rng.one_in(crashes / 10) {
            self.book.note(|| "shutdown".into());
            server.put(now, Input::Event(Event::Shutdown));
        }
        if self.ground.weather.jumps && self.rng.one_in(10) {
            let far = self.rng.below(20 * SECOND);
            self.clock_jumps_by(far);
        }
        if self.rng.one_in(self.ground.weather.mounts) {
            let file = self.rng.pick(&[File::Status, File::Status, File::Accept]);
            // One that has gone before the server could have seen it is none.
            if !self.ground.disk.is_remounted_within(file, 1_200 * MS) {
                self.ground.remount(file);
            }
        }
        let Some(server) = &mut self.server else { return };
        if self.rng.one_in(8) && server.closing.is_none() {
            server.call(&self.ground);
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
}
