//! The emulated board: QEMU with the firmware's image, and the world around it.

use std::io::{self, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use instrument::WALL;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

use crate::lines::{Lines, NoLine};
use crate::{PATIENCE, Trouble};

/// What the pins of the board do, as far as the world has seen it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The servo's pulse in microseconds, if it gets one.
    pub pulse: Option<u16>,
    /// Whether the bell's hammer is driven.
    pub bell: bool,
    /// Whether the lamp is lit.
    pub lamp: bool,
    /// Whether the firmware has panicked.
    pub panicked: bool,
}

/// A board that runs. Dropped, it loses its power.
#[derive(Debug)]
pub struct Board {
    qemu: Child,
    /// Where the host finds the board's serial line; another place after every start.
    line: PathBuf,
    world: UnixStream,
    heard: Lines,
    pins: Pins,
    /// Where the socket is.
    _place: TempDir,
}

impl Board {
    /// Gives a board its power. Its lever is not connected before it is first moved.
    pub fn start() -> Result<Self, Trouble> {
        let image = image();
        if !image.is_file() {
            return Err(Trouble::NoImage(image));
        }
        let place = tempfile::tempdir()?;
        let socket = place.path().join("world");
        // QEMU comes to us: then there is no moment in which its socket is not there yet.
        let listener = UnixListener::bind(&socket)?;
        let mut qemu = Command::new("qemu-system-arm")
            .args(["-M", "mps2-an500", "-display", "none", "-monitor", "none", "-serial", "pty"])
            .arg("-serial")
            .arg(format!("unix:{}", socket.display()))
            .arg("-kernel")
            .arg(&image)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(Trouble::NoEmulator)?;
        let output = Lines::of(qemu.stdout.take().expect("it is piped"));
        let Some(line) = line(&output) else {
            let status = qemu.kill().and_then(|()| qemu.wait())?;
            return Err(Trouble::Ended(status.to_string()));
        };
        let Some(world) = accepted(&listener)? else {
            let status = qemu.kill().and_then(|()| qemu.wait())?;
            return Err(Trouble::Ended(status.to_string()));
        };
        let heard = Lines::of(world.try_clone()?);
        Ok(Self { qemu, line, world, heard, pins: Pins::default(), _place: place })
    }

    /// Where the host finds the board's serial line.
    #[must_use]
    pub fn line(&self) -> &Path {
        &self.line
    }

    /// Moves the lever to this place, in thousandths of a position.
    pub fn lever(&mut self, milli: i32) -> Result<(), Trouble> {
        self.say(&format!("lever {}", WALL.lever_raw(milli)))
    }

    /// Breaks a wire of the lever.
    pub fn break_lever(&mut self) -> Result<(), Trouble> {
        self.say("lever 0")
    }

    /// Makes the firmware panic.
    pub fn panic(&mut self) -> Result<(), Trouble> {
        self.say("panic")
    }

    /// Waits until the pins do that. What they did in between is seen too, one change after the
    /// other.
    pub fn wait(&mut self, mut wanted: impl FnMut(&Pins) -> bool) -> Result<Pins, Trouble> {
        let until = Instant::now() + PATIENCE;
        while !wanted(&self.pins) {
            match self.heard.next(until) {
                Ok(line) => self.pins.follow(&line),
                Err(NoLine::Yet) => return Err(Trouble::TooLate(format!("{:?}", self.pins))),
                Err(NoLine::Ever) => return Err(Trouble::Ended("it has hung up".to_owned())),
            }
        }
        Ok(self.pins)
    }

    /// What the pins do, as far as the world has heard.
    pub fn pins(&mut self) -> Pins {
        while let Some(line) = self.heard.waiting() {
            self.pins.follow(&line);
        }
        self.pins
    }

    fn say(&mut self, line: &str) -> Result<(), Trouble> {
        Ok(self.world.write_all(format!("{line}\n").as_bytes())?)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

impl Pins {
    fn follow(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("pulse", pulse)) => self.pulse = pulse.parse().ok(),
            Some(("bell", bell)) => self.bell = bell == "on",
            Some(("lamp", lamp)) => self.lamp = lamp == "on",
            _ => self.panicked |= line == "panic",
        }
    }
}

/// Where `firmware/build` puts the image.
fn image() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../firmware/out/eot-qemu.elf")
}

/// Waits for QEMU to connect, as it does when it has named the line's place, or before.
fn accepted(listener: &UnixListener) -> io::Result<Option<UnixStream>> {
    let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    match poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&patience))? {
        0 => Ok(None),
        _ => listener.accept().map(|(world, _)| Some(world)),
    }
}

/// Reads where QEMU has put the serial line.
fn line(output: &Lines) -> Option<PathBuf> {
    let until = Instant::now() + PATIENCE;
    loop {
        let said = output.next(until).ok()?;
        if let Some(path) = said.split(' ').find(|word| word.starts_with("/dev/")) {
            return Some(path.into());
        }
    }
}
