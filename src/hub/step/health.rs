//! What is told of the files' health: what their sources say, whether a reply could be written, and
//! whether their disks answer at all.

use super::{Effect, Hub, tell};
use crate::file::File;
use live_file::writing::{Condition, Health};

/// What the health of one file is derived from.
#[derive(Debug, Default)]
pub(super) struct HealthInputs {
    /// What its source says, once that has settled; of the book, whoever writes it.
    source: Option<Health>,
    /// Why no reply could be written, in one line.
    unwritable: Option<String>,
    /// Its disk does not answer, and since when, in one line.
    unanswered: Option<String>,
}

impl Hub {
    /// A source has found a file well or not.
    pub(super) fn source_said(&mut self, file: File, health: Health, effects: &mut Vec<Effect>) {
        self.health_inputs[file as usize].source = Some(health);
        self.tell_health(file, effects);
    }

    /// A reply could be written into the file now, or could not. Of orders nothing is told until
    /// somebody gives one.
    pub(super) fn writable(
        &mut self,
        file: File,
        result: Result<(), String>,
        effects: &mut Vec<Effect>,
    ) {
        if file == File::Accept {
            self.health_inputs[file as usize].unwritable = result.err();
            self.tell_health(file, effects);
        }
    }

    /// A file's disk does not answer, or does again. Whoever waits for a write learns it.
    pub(super) fn unanswered(
        &mut self,
        file: File,
        why: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        self.health_inputs[file as usize].unanswered = why;
        self.tell_health(file, effects);
        // Nobody waits for the book.
        if file != File::Book {
            self.refuse_unanswered(file, effects);
        }
    }

    /// Why nothing can be written into this file now, if its disk does not answer.
    pub(super) fn why_unanswered(&self, file: File) -> Option<&String> {
        self.health_inputs[file as usize].unanswered.as_ref()
    }

    fn tell_health(&mut self, file: File, effects: &mut Vec<Effect>) {
        let HealthInputs { source, unwritable, unanswered } = &self.health_inputs[file as usize];
        let health = match (source.clone(), unanswered, unwritable) {
            (source, Some(why), _) => {
                let is_book = file == File::Book;
                let state = if is_book { Condition::Unwritable } else { Condition::Unreadable };
                Health { state, detail: why.clone(), ..source.unwrap_or(Health::UNSETTLED) }
            }
            (None, None, _) if self.health[file as usize].is_none() => return,
            // Its disk answers again, and what is there is not known yet.
            (None, None, _) => Health::UNSETTLED,
            (Some(health), None, Some(why)) if health.is_well() => {
                Health { state: Condition::Unwritable, detail: why.clone(), ..health }
            }
            (Some(health), None, _) => health,
        };
        self.changed_health(file, health, effects);
    }

    fn changed_health(&mut self, file: File, health: Health, effects: &mut Vec<Effect>) {
        let known = &mut self.health[file as usize];
        if known.as_ref() == Some(&health) {
            return;
        }
        let message = tell::source(file, &health);
        let first = known.replace(health).is_none();
        self.publish(effects);
        // Whoever came before a disk has answered for the first time has been told nothing of it.
        if !first || self.greeted_count > 0 {
            effects.push(Effect::TellHealth(message));
        }
    }
}
