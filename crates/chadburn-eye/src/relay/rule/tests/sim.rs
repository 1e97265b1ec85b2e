//! Seeded lives of a relay: cameras and clients come, go, say sense and nonsense, and take what they are owed at once,
//! late or never. After each step all that was taken, closed and woken is compared with a model's own account.
//!
//! `CHADBURN_SEED=n` lives one life again, `CHADBURN_SEEDS=n` lives more.

mod model;

use fastrand::Rng;

use super::*;
use model::Model;

/// What a life is made of.
#[derive(Clone, Copy)]
struct Weather {
    /// How many events it has.
    events: u32,
    /// How many connections there are at once, about.
    crowd: usize,
    /// How many names cameras have.
    names: u64,
    /// How many numbers objects have.
    objects: u64,
    /// One in so many connections takes what it is owed only now and then.
    slow: u64,
    /// How much time passes in a tick at most, in ms.
    pause: u64,
}

const CALM: Weather =
    Weather { events: 1_500, crowd: 8, names: 4, objects: 6, slow: 4, pause: 1_000 };

/// A relay, and the model of it.
struct Life {
    seed: u64,
    dice: Rng,
    weather: Weather,
    now: Duration,
    rule: Rule,
    model: Model,
    /// Every connection that has not left, and whether it is slow.
    here: Vec<(u64, Role, bool)>,
    /// Those that were woken and have not found nothing since.
    awake: BTreeSet<u64>,
    next_key: u64,
}

fn live(seed: u64, weather: Weather) {
    let mut life = Life {
        seed,
        dice: Rng::with_seed(seed),
        weather,
        now: Duration::ZERO,
        rule: Rule::new(ObjectId::try_from(1).unwrap()),
        model: Model::new(1),
        here: Vec::new(),
        awake: BTreeSet::new(),
        next_key: 0,
    };
    for _ in 0..weather.crowd / 2 {
        life.join();
        life.check();
    }
    for _ in 0..weather.events {
        life.event();
        life.some_take();
    }
    life.model.shutdown();
    life.happen(Event::Shutdown);
    for (key, ..) in life.here.clone() {
        life.drain(key);
    }
    life.model.check_empty(seed);
}

impl Life {
    fn happen(&mut self, event: Event<'_>) {
        let mut effects = Vec::new();
        self.rule.step(self.now, event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Wake(key) => _ = self.awake.insert(key),
                Effect::Close(key) => self.model.told_to_close(self.seed, key),
                Effect::Log(..) => {}
            }
        }
    }

    fn event(&mut self) {
        let crowded = self.here.len() >= self.weather.crowd;
        match self.dice.u32(0..100) {
            0..6 if !crowded => self.join(),
            6..8 => self.leave(),
            8..14 => self.tick(),
            14..15 => self.nonsense(),
            _ => {
                let Some((key, role, _)) = self.somebody() else { return self.join() };
                let message = if role == Role::Processor {
                    self.processor_says(key)
                } else {
                    self.client_says()
                };
                self.say(key, &message);
            }
        }
        self.check();
    }

    fn somebody(&mut self) -> Option<(u64, Role, bool)> {
        (!self.here.is_empty()).then(|| self.here[self.dice.usize(0..self.here.len())])
    }

    fn join(&mut self) {
        let key = self.next_key;
        self.next_key += 1;
        let role =
            [Role::Processor, Role::Processor, Role::Client, Role::Panel][self.dice.usize(0..4)];
        let slow = self.dice.u64(0..self.weather.slow) == 0;
        self.here.push((key, role, slow));
        self.model.join(self.now, key, role);
        self.happen(Event::Joined(key, role));
    }

    fn leave(&mut self) {
        if self.here.is_empty() {
            return;
        }
        let (key, ..) = self.here.swap_remove(self.dice.usize(0..self.here.len()));
        self.model.leave(key);
        self.happen(Event::Left(key));
        self.awake.remove(&key);
    }

    fn tick(&mut self) {
        self.now += Duration::from_millis(self.dice.u64(0..=self.weather.pause));
        self.model.tick(self.now);
        self.happen(Event::Tick);
    }

    fn nonsense(&mut self) {
        let Some((key, ..)) = self.somebody() else { return };
        let (said, code) = [
            (Said::Binary, Some(1003)),
            (Said::TooLong, Some(1009)),
            (Said::NotUtf8, Some(1007)),
            (Said::Broken, Some(1002)),
            (Said::Sign, None),
        ][self.dice.usize(0..5)];
        self.model.frame(self.now, key, code);
        self.happen(Event::Heard(key, said));
    }

    fn say(&mut self, key: u64, message: &Value) {
        self.model.say(self.now, key, message);
        self.happen(Event::Heard(key, Said::Text(&message.to_string())));
    }

    fn object(&mut self) -> u64 {
        self.dice.u64(0..self.weather.objects)
    }

    fn name(&mut self) -> String {
        format!("camera {}", self.dice.u64(0..self.weather.names))
    }

    fn processor_says(&mut self, key: u64) -> Value {
        let is_known = self.model.is_camera(key);
        match self.dice.u32(0..100) {
            _ if !is_known && self.dice.u32(0..20) > 0 => {
                json!({"type": "identifier", "id": self.name()})
            }
            0..45 => {
                let mut message = super::boxes(self.dice.u32(..));
                if self.dice.bool() {
                    message["boxes"][0]["objectId"] = json!(self.object());
                }
                message
            }
            45..90 => map(self.object(), self.dice.f64()),
            90..92 => json!({"type": "identifier", "id": self.name()}),
            _ => json!({"type": "stop", "objectId": 1}),
        }
    }

    fn client_says(&mut self) -> Value {
        match self.dice.u32(0..100) {
            0..50 => super::start(&self.name()),
            50..70 => super::stop(self.object()),
            _ => json!({"type": "start"}),
        }
    }

    /// Whoever is awake takes some of what it is owed; the slow seldom do.
    fn some_take(&mut self) {
        for (key, _, slow) in self.here.clone() {
            if self.awake.contains(&key) && (!slow || self.dice.u32(0..200) == 0) {
                for _ in 0..self.dice.u32(1..8) {
                    self.take(key);
                }
            }
        }
    }

    /// Takes one message. Whether there was one.
    fn take(&mut self, key: u64) -> bool {
        let next = self.rule.take(key);
        if next == Next::Nothing {
            self.awake.remove(&key);
        }
        self.model.taken(self.seed, key, &next)
    }

    fn drain(&mut self, key: u64) {
        while self.take(key) {}
    }

    fn check(&self) {
        let seed = self.seed;
        for (key, ..) in &self.here {
            let owed = self.model.is_owed(*key);
            assert!(!owed || self.awake.contains(key), "seed {seed}: {key} is owed and sleeps");
            let it = &self.rule.connections[key];
            let most = match (it.close, it.role) {
                (Some(_), _) => 0,
                (None, Role::Processor) => MAX_WAITING_PROCESSOR,
                // The last boxes of cameras that are gone count when the next message comes.
                (None, _) => MAX_WAITING_CLIENT + 2 * MAX_PROCESSORS + 2,
            };
            assert!(it.outbox.len() <= most, "seed {seed}: {} wait for {key}", it.outbox.len());
        }
        let cameras: Vec<_> = self.rule.cameras().map(CameraId::as_str).collect();
        assert_eq!(cameras, self.model.cameras(), "seed {seed}");
        assert_eq!(self.rule.objects(), self.model.objects(), "seed {seed}");
        assert_eq!(self.rule.clients(), self.model.clients(), "seed {seed}");
        assert!(cameras.len() <= 64 && self.rule.clients() <= 256, "seed {seed}");
        assert!(self.rule.objects() <= 256, "seed {seed}");
        assert_eq!(self.rule.connections(), self.here.len(), "seed {seed}");
    }
}

/// The seeds to be lived: one that is asked for, or so many.
fn lives(usual: u64, weather: Weather) {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    if let Some(seed) = number("CHADBURN_SEED") {
        return live(seed, weather);
    }
    for seed in 0..number("CHADBURN_SEEDS").unwrap_or(usual) {
        live(seed, weather);
    }
}

#[test]
fn a_small_house() {
    lives(10, CALM);
}

#[test]
fn a_crowd_at_its_bounds() {
    let full = Weather { events: 600, crowd: 1_200, names: 90, slow: 2, ..CALM };
    lives(1, full);
}

#[test]
fn more_objects_than_there_is_room_for() {
    lives(3, Weather { events: 2_500, objects: 600, ..CALM });
}

#[test]
fn the_slow_and_the_storm() {
    lives(3, Weather { events: 6_000, crowd: 6, names: 3, slow: 2, pause: 50, ..CALM });
}

#[test]
fn long_silences() {
    lives(10, Weather { pause: 30_000, ..CALM });
}
