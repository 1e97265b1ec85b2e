//! What a station knows of the states: each of them once and in order, or a gap that says which
//! are missing. The same rules hold for what it has slept through and for what it hears live.

use crate::model::Model;

/// How far a station has come in the states.
#[derive(Debug, Default)]
pub struct Track {
    /// Everything up to this number was told, or announced as missing.
    pub known: Option<u64>,
    /// The latest state that it was told on this or an earlier connection.
    pub last: Option<u64>,
    /// It was told a state on this connection.
    told: bool,
    /// A gap came last.
    gap: bool,
    /// The present number when it was let in.
    admitted: u64,
    /// How often states were left out although the server knows them.
    pub conflations: u32,
}

impl Track {
    /// A station that says it knows everything up to here.
    #[must_use]
    pub fn since(since: Option<u64>) -> Self {
        Self { known: since, last: since, ..Self::default() }
    }

    /// It is let in while this is the present number.
    pub fn admitted(&mut self, present: u64) {
        self.admitted = present;
    }

    /// It hears a state.
    pub fn state(&mut self, seq: u64, model: &Model) -> Result<(), String> {
        match self.known {
            Some(known) if seq > known => {
                if let Some(missed) = model.first_within(known + 1, seq - 1) {
                    return Err(format!("state {seq} after {known}, and nothing of {missed}"));
                }
            }
            // One who knows as much as there is, or more, is told how things are.
            Some(_) if !self.told && seq >= self.admitted => {}
            Some(known) if self.gap && seq == known && seq >= self.admitted => {}
            Some(known) => return Err(format!("state {seq} after {known}")),
            None if seq >= self.admitted => {}
            None => return Err(format!("greeted with {seq}, not {} or later", self.admitted)),
        }
        (self.known, self.last) = (Some(seq), Some(seq));
        (self.told, self.gap) = (true, false);
        Ok(())
    }

    /// It hears of a gap. `live`: it has been brought up to date before.
    pub fn gap(&mut self, from: u64, to: u64, live: bool, model: &Model) -> Result<(), String> {
        let Some(known) = self.known.filter(|known| from > *known && to >= from) else {
            return Err(format!("a gap from {from} to {to} after {:?}", self.known));
        };
        if let Some(missed) = model.first_within(known + 1, from - 1) {
            return Err(format!("a gap from {from} after {known}, and nothing of {missed}"));
        }
        if let Some(known) = model.first_known_within(from, to) {
            if !live || self.gap {
                return Err(format!("a gap from {from} to {to}, although {known} is known"));
            }
            self.conflations += 1;
        }
        (self.known, self.gap) = (Some(to), true);
        Ok(())
    }
}
