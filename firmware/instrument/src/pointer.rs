//! The pointer: it starts gently, runs, and brakes so that it stands where it should. It knows no
//! servo.

use chadburn_core::Position;

/// One position, in the unit of the profile: fine enough that a step of it cannot be seen.
const MICRO: i64 = 1_000_000;

/// The fastest it goes, in positions a second: the whole dial in about two seconds, as a heavy
/// pointer would.
const SPEED: i64 = 6;

/// How fast it gains and loses speed, in positions a second, each second.
const ACCELERATION: i64 = 12;

/// The step of the profile, in milliseconds. A servo hears of it every 20.
const STEP_MS: u64 = 5;

/// What one step adds to the speed, which is reckoned in millionths of a position a step.
const GAIN: i64 = ACCELERATION * MICRO * (STEP_MS * STEP_MS).cast_signed() / 1_000_000;

/// The fastest, in millionths of a position a step.
const TOP: i64 = SPEED * MICRO * STEP_MS.cast_signed() / 1_000;

/// The pointer, as far as it is known. Where it is at power-up is not: a servo does not say. So
/// it is not driven until the first reply, and then taken to stand there already, as it does
/// after a replug.
#[derive(Clone, Debug, Default)]
pub struct Pointer {
    /// How it moves; none until the first reply.
    motion: Option<Motion>,
}

#[derive(Clone, Debug)]
struct Motion {
    /// Where it is, in millionths of a position.
    at: i64,
    /// Where it goes.
    target: i64,
    /// How fast it moves to greater positions, in millionths of a position a step.
    speed: i64,
    /// Up to when it was moved, in milliseconds since power-up.
    moved: u64,
}

impl Pointer {
    /// A pointer of which nothing is known.
    #[must_use]
    pub const fn new() -> Self {
        Self { motion: None }
    }

    /// Sends it to a position.
    pub fn turn_to(&mut self, now: u64, position: Position) {
        let target = i64::from(position.number()) * MICRO;
        match &mut self.motion {
            Some(motion) => motion.target = target,
            None => self.motion = Some(Motion { at: target, target, speed: 0, moved: now }),
        }
    }

    /// Lets it move until now.
    pub fn advance(&mut self, now: u64) {
        let Some(motion) = &mut self.motion else { return };
        if motion.rests() {
            motion.moved = now;
        }
        while motion.moved + STEP_MS <= now {
            motion.moved += STEP_MS;
            motion.step();
        }
    }

    /// Where it is, in thousandths of a position; none as long as it is not driven.
    #[must_use]
    pub fn milli(&self) -> Option<i32> {
        let micro_in_milli = MICRO / 1_000;
        let milli = |motion: &Motion| (motion.at + micro_in_milli / 2) / micro_in_milli;
        self.motion.as_ref().and_then(|motion| i32::try_from(milli(motion)).ok())
    }

    /// Whether it is on its way.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.motion.as_ref().is_some_and(|motion| !motion.rests())
    }
}

impl Motion {
    const fn rests(&self) -> bool {
        self.speed == 0 && self.at == self.target
    }

    /// One step: as fast as it may go and still stop in time. A target that is too near to stop
    /// at is passed and come back to, on the way to where it was bound before.
    fn step(&mut self) {
        let way = self.target - self.at;
        // Reckoned as if the target lay ahead; `towards` turns it round.
        let towards = if way < 0 { -1 } else { 1 };
        let (way, speed) = (way * towards, self.speed * towards);
        let stops_in_time = |speed: &i64| *speed + braking_way(*speed) <= way;
        let faster = (speed + GAIN).min(TOP);
        let slower = speed - GAIN;
        let next = [faster, speed, slower].into_iter().find(stops_in_time).unwrap_or(slower);
        if next <= GAIN && speed.abs() <= GAIN && way <= 2 * GAIN {
            (self.at, self.speed) = (self.target, 0);
        } else {
            self.speed = next * towards;
            self.at += self.speed;
        }
    }
}

/// How far it goes while it brakes from this speed, in steps that each lose `GAIN`.
const fn braking_way(speed: i64) -> i64 {
    if speed <= 0 {
        return 0;
    }
    // The speeds of the steps to come are speed − GAIN, speed − 2 GAIN, … above zero.
    let steps = speed / GAIN;
    steps * speed - GAIN * steps * (steps + 1) / 2
}
