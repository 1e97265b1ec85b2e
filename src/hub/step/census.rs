//! How much the hub holds, for whoever watches its bounds.

use super::Hub;

/// What is held, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Stations in conversation.
    pub stations: usize,
    /// Places for them; as many as there have been at once.
    pub places: usize,
    /// Stations that have been told their secret, and are found by their id.
    pub known: usize,
    /// Answers that the roll remembers one by one; at most 1,000.
    pub answers: usize,
    /// Texts that wait to be written into files; at most one for each station.
    pub pending_writes: usize,
    /// Earlier states, and holes among them; at most 1,000.
    pub remembered: usize,
}

impl Hub {
    /// What the hub holds now.
    #[must_use]
    pub fn census(&self) -> Census {
        Census {
            stations: self.greeted_count,
            places: self.stations.len(),
            known: self.by_id.len(),
            answers: self.roll.remembered(),
            pending_writes: self.pending_writes(),
            remembered: self.telegraph.remembered(),
        }
    }
}
