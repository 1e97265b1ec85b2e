//! Years of writers, seeded: in place in pieces, renamed in, overlapping, with hints that come
//! late and readers in between. The disk changes between any two calls of a look.

use super::*;
use crate::format::LINE;
use crate::source::look::{Look, glance, look};
use crate::writing::Stamp;
use world::{Weather, World};

mod world;

/// A source in that world: the same loop as the real one's two threads.
struct Watcher {
    rule: Rule,
    look: Option<Look>,
    told: Vec<Writing>,
    health: Option<Health>,
}

impl Watcher {
    /// The watcher's thread takes one hint, and does what follows from it.
    fn take_hint(&mut self, world: &mut World) {
        let Some(hint) = world.queue.pop_front() else {
            return;
        };
        self.rule.hint(world.time(), hint);
        self.turn(world);
    }

    /// Either thread does what is to be done now. Until when there is nothing more.
    fn turn(&mut self, world: &mut World) -> Duration {
        loop {
            match self.rule.next(world.time()) {
                step @ (Step::Look | Step::Glance) => {
                    let last = self.look.take().filter(|_| step == Step::Glance);
                    let seen = match &last {
                        Some(last) => glance(world, "status.eot", &LINE, last),
                        None => look(world, "status.eot", &LINE),
                    };
                    self.look = Some(seen.clone());
                    self.rule.looked(world.time(), seen);
                }
                Step::Knock => world.emit(Hint::Knocked),
                Step::Tell(Report::Written(writing)) => self.told.push(writing),
                Step::Tell(Report::Health(health)) => self.health = Some(health),
                Step::Wait(until) | Step::AwaitKnock(until) => return until,
            }
        }
    }
}

fn live(seed: u64, weather: Weather) {
    let watch = if weather.poll { Watch::Poll } else { Watch::Inotify };
    let mut world = World::new(seed, weather);
    let mut watcher =
        Watcher { rule: Rule::new(false, watch), look: None, told: vec![], health: None };
    while world.goes_on() {
        world.step();
        if weather.poll {
            world.queue.clear();
        }
        if world.dice.one_in(weather.lag) {
            for _ in 0..=world.dice.roll(6) {
                watcher.take_hint(&mut world);
            }
        }
        if world.dice.one_in(3) {
            watcher.turn(&mut world);
        }
        // Now and then everybody sleeps, so that things settle.
        if world.writers.is_empty() && world.dice.one_in(200) {
            world.now += 150_000;
        }
    }
    let end = world.now + 4_000_000;
    while world.now < end {
        watcher.take_hint(&mut world);
        let until = watcher.turn(&mut world);
        if world.queue.is_empty() {
            world.now = world.now.max(u64::try_from(until.as_micros()).unwrap());
        }
    }
    judge(seed, &world, &watcher);
}

fn judge(seed: u64, world: &World, watcher: &Watcher) {
    let (mut from, mut before) = (0, None);
    for writing in &watcher.told {
        let same = |it: &(Stamp, String, bool)| (&it.0, &it.1) == (&writing.stamp, &writing.text);
        let Some(index) = world.finished[from..].iter().position(same) else {
            panic!("seed {seed}: {writing:?} was never finished, or is told late or twice")
        };
        let again = before.replace(&writing.text) == Some(&writing.text);
        let written = world.finished[from..=from + index].iter().any(|(.., written)| *written);
        assert!(!again || written, "seed {seed}: only the date of {writing:?} was set");
        from += index + 1;
    }
    let text = |inode: u64| String::from_utf8(world.inodes[&inode].bytes.clone()).unwrap();
    let last = world.path.map(text).unwrap_or_default();
    let state = watcher.health.as_ref().map(|health| health.state);
    if last.is_empty() {
        let missing = if world.path.is_none() { Condition::Missing } else { Condition::Empty };
        assert_eq!(state, Some(missing), "seed {seed}");
    } else {
        let told = watcher.told.last().map(|writing| &writing.text);
        assert_eq!((told, state), (Some(&last), Some(Condition::Ok)), "seed {seed}");
    }
}

/// How many lives each world has; more are lived if somebody asks for them when it is built.
fn lives() -> u64 {
    option_env!("CHADBURN_LIVES").and_then(|lives| lives.parse().ok()).unwrap_or(700)
}

const CALM: Weather = Weather {
    overlap: false,
    pause: 40,
    tick: 1,
    lag: 2,
    poll: false,
    room: usize::MAX,
    opens_first: false,
    dates: false,
    late: false,
};

#[test]
fn nothing_torn_and_nothing_lost_from_one_writer_after_the_other() {
    for seed in 0..lives() {
        live(seed, CALM);
        live(seed, Weather { pause: 2_000, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_when_hints_come_late() {
    for seed in 0..lives() {
        live(seed, Weather { lag: 40, ..CALM });
        live(seed, Weather { lag: 200, pause: 1_000, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_with_a_clock_of_four_milliseconds() {
    for seed in 0..lives() {
        live(seed, Weather { tick: 4_000, ..CALM });
        live(seed, Weather { tick: 4_000, lag: 30, pause: 300, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_from_writers_that_overlap() {
    for seed in 0..lives() {
        live(seed, Weather { overlap: true, ..CALM });
        live(seed, Weather { overlap: true, lag: 20, pause: 500, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_where_hints_are_lost_or_come_in_another_order() {
    for seed in 0..lives() {
        live(seed, Weather { opens_first: true, overlap: true, ..CALM });
        live(seed, Weather { room: 3, lag: 40, ..CALM });
        live(seed, Weather { room: 8, lag: 20, pause: 500, overlap: true, ..CALM });
        live(seed, Weather { room: 3, lag: 40, pause: 300, tick: 4_000, dates: true, ..CALM });
    }
}

#[test]
fn nothing_torn_and_nothing_lost_by_polling() {
    for seed in 0..lives() {
        live(seed, Weather { poll: true, pause: 20_000, ..CALM });
    }
}

#[test]
fn a_date_that_is_set_later_is_no_writing_and_a_touch_is_one() {
    for seed in 0..lives() {
        live(seed, Weather { dates: true, ..CALM });
        live(seed, Weather { dates: true, pause: 20_000, ..CALM });
        live(seed, Weather { dates: true, tick: 4_000, lag: 30, pause: 300, ..CALM });
        live(seed, Weather { dates: true, poll: true, pause: 20_000, ..CALM });
    }
}

#[test]
fn what_the_kernel_tells_of_late_is_told_once_and_nothing_is_torn() {
    let late = Weather { late: true, pause: 20_000, ..CALM };
    for seed in 0..lives() {
        live(seed, late);
        live(seed, Weather { tick: 4_000, lag: 20, pause: 2_000, ..late });
        live(seed, Weather { dates: true, tick: 4_000, ..late });
    }
}
