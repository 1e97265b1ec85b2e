//! Disks that do not answer: noticed as `server/watchdog.rs` notices them, and what follows from it.

use std::time::Duration;

use chadburn::file::File;
use chadburn::hub::Event;
use live_file::disk::{DEADLINE, no_answer};

use super::{Input, Server};
use crate::client::ask::FILE;
use crate::ground::Ground;
use crate::source::Source;

/// What is known of a file's disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// What the hub was told last, or is about to be.
    told: Option<String>,
    /// The hub knows that it does not answer.
    silent: bool,
    /// When it last knew that.
    last: Option<u64>,
}

impl Server {
    /// Whose calls hang for too long, of that the hub is told, and when they are back.
    pub(super) fn watch_disks(&mut self, ground: &Ground) {
        for file in [File::Status, File::Accept] {
            let look = self.sources[file as usize].as_ref().and_then(Source::hung_since);
            let hung = look.into_iter().chain(ground.clerks[file as usize].hung).min();
            let time = hung.map(|since| Duration::from_micros(ground.book.now() - since));
            let why = time.filter(|time| *time >= DEADLINE).map(|time| no_answer(FILE, time));
            let disk = &mut self.disks[file as usize];
            if disk.told != why {
                disk.told.clone_from(&why);
                self.inputs.push_back(Input::Event(Event::Unanswered { file, why }));
            }
        }
    }

    /// The hub takes that up.
    pub(super) fn learns_of_disk(&mut self, ground: &Ground, file: File, why: Option<&String>) {
        let disk = &mut self.disks[file as usize];
        (disk.silent, disk.last) = (why.is_some(), Some(ground.book.now()));
        if file == File::Status {
            self.model.unanswered(why.cloned());
        }
    }

    /// What is in hand when the hub has learnt that is waited for by nobody.
    pub(super) fn judge_disk(&self, ground: &Ground, file: File) {
        let clerk = &ground.clerks[file as usize];
        let given_up = clerk.stores.last().is_none_or(|it| it.end.is_some() || it.abandoned);
        let so = given_up || !self.disks[file as usize].silent;
        ground.book.hold(so, || format!("{file}: what is written is not abandoned"));
    }

    /// When the hub last knew of either disk that it does not answer.
    pub(super) fn silent(&self) -> [Option<u64>; 2] {
        self.disks.each_ref().map(|disk| if disk.silent { Some(u64::MAX) } else { disk.last })
    }

    /// Whether all disks answer, and the hub knows that.
    pub(super) fn disks_answer(&self) -> bool {
        let looks = self.sources.iter().flatten().all(|source| source.hung_since().is_none());
        looks && self.disks.iter().all(|disk| disk.told.is_none() && !disk.silent)
    }
}
