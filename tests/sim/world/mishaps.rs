//! What befalls an office in its long life, beside storms: the server's end and time without one, clocks,
//! machines and mounts.

use chadburn::file::File;
use chadburn::hub::Event;

use super::World;
use super::office::{DAY, HOUR};
use crate::book::{MS, SECOND};
use crate::faults::Fault;
use crate::server::Input;
use crate::weather::Watching;

/// An absence that is counted: longer than a restart takes.
const LONG: u64 = 60 * SECOND;

impl World {
    /// Some mishap.
    pub(super) fn befalls(&mut self) {
        match self.rng.below(if self.steady { 6 } else { 10 }) {
            0 => self.clock_jumps(),
            1 => self.is_suspended(),
            2 => self.mount_vanishes(),
            3 => self.network_fails(),
            4 => self.is_armed_anew(),
            5 => self.file_is_mounted(),
            6 | 7 => {
                self.stop(false);
                self.is_absent();
            }
            _ => self.is_restarted(),
        }
    }

    /// The wall clock is set, by seconds or by days.
    fn clock_jumps(&mut self) {
        let far = self.rng.pick(&[SECOND, HOUR, 3 * DAY]);
        let far = self.rng.below(far);
        self.clock_jumps_by(far);
    }

    /// The wall clock is set forward or back by so much.
    pub(super) fn clock_jumps_by(&mut self, far: u64) {
        self.book.count(Fault::ClockJump);
        let far = i64::try_from(far).expect("nobody sets a clock so far");
        if self.rng.one_in(2) {
            self.ground.disk.sets_clock(far);
        } else {
            self.ground.disk.sets_clock(-far);
            if let Some(before) = &mut self.before {
                before.back = true;
            }
        }
    }

    /// The machine sleeps, and with it the clock that measures; some stations do not wait.
    fn is_suspended(&mut self) {
        self.book.count(Fault::Suspension);
        let long = i64::try_from(self.rng.within(LONG, 3 * DAY)).expect("it is some days");
        self.ground.disk.sets_clock(long);
        self.network_fails();
    }

    /// Some stations are gone, with a word of the kernel or without one.
    fn network_fails(&mut self) {
        for client in self.clients.iter_mut().filter(|client| !client.closing && !client.gone) {
            match self.rng.below(3) {
                0 => client.falls_silent(),
                1 => client.breaks_off(),
                _ => {}
            }
        }
        if let Some(server) = &mut self.server {
            server.wake(self.book.now());
        }
    }

    /// The directory is another one by the same path.
    fn is_armed_anew(&mut self) {
        if self.ground.weather.watching == Watching::Kernel
            && let Some(server) = &mut self.server
        {
            for source in server.sources.iter_mut().flatten() {
                source.rearm(&mut self.ground);
            }
        }
    }

    /// What the directory was mounted from goes away for minutes or hours.
    fn mount_vanishes(&mut self) {
        if self.server.is_none() {
            return;
        }
        self.book.count(Fault::Mount);
        let away = self.changes_ground(|world, file| world.ground.disk.vanish(file));
        let long = self.rng.pick(&[MS, 10 * SECOND, 600 * SECOND, 5 * HOUR]);
        let long = self.rng.below(long);
        self.rest(self.book.now() + long);
        if self.rng.one_in(4) {
            // Whoever writes now writes into the bare directory below.
            self.breeze();
            self.rest(self.book.now() + 10 * SECOND);
        }
        let [status, accept] = away;
        self.changes_ground(|world, file| {
            let index = if file == File::Status { status } else { accept };
            if let Some(index) = index {
                world.ground.disk.come_back(file, index);
            }
        });
    }

    /// Something is mounted over one file for a while, in which what is mounted may be replaced outside.
    fn file_is_mounted(&mut self) {
        let file = self.rng.pick(&[File::Status, File::Accept]);
        self.ground.remount(file);
        for _ in 0..2 {
            self.breeze();
            let long = self.rng.pick(&[MS, 10 * SECOND, 600 * SECOND]);
            let long = self.rng.below(long);
            self.rest(self.book.now() + long);
            if !self.steady && self.rng.one_in(4) {
                self.is_restarted();
            }
        }
        self.ground.unmount();
    }

    /// Under both files, at once, things become what they were not. Within a second that is noticed.
    fn changes_ground<T>(&mut self, change: impl Fn(&mut Self, File) -> T) -> [T; 2] {
        for truth in &mut self.ground.disk.truth {
            truth.watched(None, false);
        }
        self.ground.changes = true;
        let changed = [File::Status, File::Accept].map(|file| change(self, file));
        let late = self.rng.below(SECOND);
        self.go_on(late);
        self.ground.changes = false;
        if self.server.is_some() {
            let patience = self.ground.weather.patience();
            let polled = self.ground.weather.watching != Watching::Kernel;
            let sources = self.server.iter().flat_map(|server| &server.sources);
            for (truth, source) in self.ground.disk.truth.iter_mut().zip(sources) {
                if source.as_ref().is_none_or(|source| source.hung_since().is_none()) {
                    truth.watched(Some(patience), polled);
                }
            }
            self.is_armed_anew();
        }
        changed
    }

    /// It is ended as it should be, and started anew, as when it is upgraded.
    fn is_restarted(&mut self) {
        if let Some(server) = &mut self.server {
            server.put(self.book.now(), Input::Event(Event::Shutdown));
        }
        self.go_on(self.ground.weather.farewell() + SECOND);
        let gone = self.server.is_none();
        self.book.hold(gone, || "it has not ended".into());
        self.is_absent();
    }

    /// There is no server for seconds, hours or days, in which others may write.
    fn is_absent(&mut self) {
        let most = match self.rng.below(150) {
            0 => 2 * DAY,
            1..8 => HOUR,
            8..28 => 10 * LONG,
            _ => 2 * SECOND,
        };
        let long = self.rng.below(most);
        if long > LONG {
            self.book.count(Fault::Absence);
        }
        if self.rng.one_in(2) {
            self.breeze();
        }
        self.rest(self.book.now() + long);
        self.opens();
    }
}
