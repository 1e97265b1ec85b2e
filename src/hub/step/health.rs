//! What is told of the files' health: what their sources say, and whether a reply could be written.

use super::{Effect, Hub, tell};
use crate::writing::{Condition, File, Health};

/// What is known of the accept file.
#[derive(Debug, Default)]
pub(super) struct AcceptHealth {
    /// What its source says, once that has settled.
    source: Option<Health>,
    /// Why no reply could be written, in one line.
    unwritable: Option<String>,
}

impl Hub {
    /// A source has found a file well or not.
    pub(super) fn source_said(&mut self, file: File, health: Health, effects: &mut Vec<Effect>) {
        if file == File::Accept {
            self.accept.source = Some(health);
            self.tell_accept(effects);
        } else {
            self.changed_health(file, health, effects);
        }
    }

    /// A reply could be written into the file now, or could not. Of orders nothing is told until
    /// somebody gives one.
    pub(super) fn able(
        &mut self,
        file: File,
        result: Result<(), String>,
        effects: &mut Vec<Effect>,
    ) {
        if file == File::Accept {
            self.accept.unwritable = result.err();
            self.tell_accept(effects);
        }
    }

    fn tell_accept(&mut self, effects: &mut Vec<Effect>) {
        let Some(mut health) = self.accept.source.clone() else { return };
        if let (true, Some(why)) = (health.is_well(), &self.accept.unwritable) {
            health = Health { state: Condition::Unwritable, detail: why.clone(), ..health };
        }
        self.changed_health(File::Accept, health, effects);
    }

    fn changed_health(&mut self, file: File, health: Health, effects: &mut Vec<Effect>) {
        let known = &mut self.health[file as usize];
        if known.as_ref() == Some(&health) {
            return;
        }
        let message = tell::source(file, &health);
        let first = known.replace(health).is_none();
        self.publish(effects);
        if !first {
            effects.push(Effect::Tell(message));
        }
    }
}
