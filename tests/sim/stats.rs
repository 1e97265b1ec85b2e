//! What lives were made of, to be added up.

use crate::faults::KINDS;

/// What a life was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Steps of anybody.
    pub steps: u64,
    /// Microseconds of virtual time.
    pub time: u64,
    /// How much of it was passed a second at a time, because nothing but ticks, looks, pings and
    /// beats was due.
    pub calm: u64,
    /// How much of it there was no server.
    pub absent: u64,
    /// Ticks of the server.
    pub ticks: u64,
    /// Looks at files, each by the rule.
    pub looks: u64,
    /// Writings that were begun.
    pub writings: u64,
    /// Orders that reached the hub.
    pub told: u64,
    /// Replies that reached the hub.
    pub replies: u64,
    /// Stations that came.
    pub stations: u64,
    /// How many of them said what they knew already.
    pub returns: u64,
    /// Runs of the server.
    pub runs: u64,
    /// Writings that were told where the kernel tells of all changes, one hand at a time.
    pub watched: u64,
    /// How many of them were told before anybody could have looked at them twice.
    pub prompt: u64,
    /// What was done to the server on purpose, by kind.
    pub faults: [u64; KINDS],
}

impl Stats {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            time: self.time + other.time,
            calm: self.calm + other.calm,
            absent: self.absent + other.absent,
            ticks: self.ticks + other.ticks,
            looks: self.looks + other.looks,
            writings: self.writings + other.writings,
            told: self.told + other.told,
            replies: self.replies + other.replies,
            stations: self.stations + other.stations,
            returns: self.returns + other.returns,
            runs: self.runs + other.runs,
            watched: self.watched + other.watched,
            prompt: self.prompt + other.prompt,
            faults: std::array::from_fn(|kind| self.faults[kind] + other.faults[kind]),
        }
    }
}
