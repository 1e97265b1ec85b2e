//! What lives were made of, to be added up.

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
    /// How many of them said what they knew already.
    pub returns: u64,
    /// Runs of the server.
    pub runs: u64,
    /// Writings that were told where the kernel tells of all changes, one hand at a time.
    pub watched: u64,
    /// How many of them were told before anybody could have looked at them twice.
    pub prompt: u64,
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
            returns: self.returns + other.returns,
            runs: self.runs + other.runs,
            watched: self.watched + other.watched,
            prompt: self.prompt + other.prompt,
        }
    }
}
