//! `cargo xtask simulate`: the whole telegraph on a desk without a board. Server, bridge and the
//! firmware on an emulated board run together; the arrow keys move the
//! lever, and one more answers.

mod face;
mod keys;

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use emulated_board::{Board, Pins};
use instrument::WALL;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::tools;
use face::Face;
use keys::{Key, Keys};

/// How to simulate.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the panel shall be
    #[arg(long, default_value_t = 1873)]
    port: u16,
}

/// How often the face is drawn anew, if it has changed. A pointer hears of its way as often.
const FRAME: Duration = Duration::from_millis(40);

pub(crate) fn run(options: &Options) -> Result<()> {
    tools::run(tools::cargo().args(["build", "--package", "chadburn"]))?;
    let firmware = tools::root().join("firmware");
    tools::run(tools::command("./build").arg("qemu").current_dir(firmware))?;
    let place = tempfile::tempdir()?;
    let desk = Desk::set(place.path(), options.port)?;
    let outcome = desk.sit();
    if outcome.is_err() {
        let kept = place.keep();
        eprintln!("what server and bridge said is in {}", kept.display());
    }
    outcome
}

/// Everything that is on the desk.
struct Desk<'a> {
    place: &'a Path,
    server: Running,
    bridge: Running,
    /// The board; none while it is unplugged.
    board: Option<Board>,
    face: Face,
}

impl<'a> Desk<'a> {
    fn set(place: &'a Path, port: u16) -> Result<Self> {
        fs::write(place.join("status.eot"), "6\n")?;
        let port = port.to_string();
        let words = ["serve", "--bind", "127.0.0.1", "--port", &port, "--allow-orders", "local"];
        let server = Running::start(place, "server", &words)?;
        let bridge = Running::start(place, "bridge", &["bridge", "telegraph"])?;
        let address = format!("http://127.0.0.1:{port}");
        let mut desk = Self { place, server, bridge, board: None, face: Face::new(address) };
        desk.plug()?;
        Ok(desk)
    }

    /// Plugs the board in, its lever where the face shows it.
    fn plug(&mut self) -> Result<()> {
        let mut board = Board::start()?;
        board.lever(self.face.lever * 1_000)?;
        let link = self.place.join("telegraph");
        // Another name every time, and the link points to it, as udev does it.
        let _ = fs::remove_file(&link);
        symlink(board.line(), link)?;
        self.board = Some(board);
        Ok(())
    }

    /// Plays until somebody has enough.
    fn sit(mut self) -> Result<()> {
        let _raw = Raw::of_stdin();
        let typed = typed();
        let mut keys = Keys::default();
        let mut out = io::stdout();
        let mut drawn = None;
        write!(out, "\r\n{}", face::HELP.replace('\n', "\r\n"))?;
        loop {
            match typed.recv_timeout(FRAME) {
                Ok(byte) => {
                    if let Some(key) = keys.push(byte)
                        && !self.press(key)?
                    {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.server.check()?;
            self.bridge.check()?;
            self.face.pins = self.board.as_mut().map(Board::pins);
            let order = fs::read_to_string(self.place.join("status.eot")).unwrap_or_default();
            order.trim_end().clone_into(&mut self.face.order);
            if drawn.as_ref() != Some(&self.face) {
                let text = self.face.draw(drawn.is_some()).replace('\n', "\r\n");
                write!(out, "{text}")?;
                out.flush()?;
                drawn = Some(self.face.clone());
            }
        }
    }

    /// Does what the key means. False is the end.
    fn press(&mut self, key: Key) -> Result<bool> {
        match key {
            Key::Left => self.turn(-1)?,
            Key::Right => self.turn(1)?,
            Key::Answer => self.answer()?,
            Key::Plug if self.board.is_some() => self.board = None,
            Key::Plug => self.plug()?,
            Key::Quit => return Ok(false),
        }
        Ok(true)
    }

    fn turn(&mut self, by: i32) -> Result<()> {
        self.face.lever = (self.face.lever + by).clamp(1, i32::from(WALL.positions));
        match &mut self.board {
            Some(board) => Ok(board.lever(self.face.lever * 1_000)?),
            None => Ok(()),
        }
    }

    /// Takes the order as it stands, as somebody with an editor would: by writing it down.
    fn answer(&self) -> Result<()> {
        let draft = self.place.join(".draft");
        fs::write(&draft, format!("{}\n", self.face.order))?;
        Ok(fs::rename(draft, self.place.join("accept.eot"))?)
    }
}

/// What is typed, byte for byte.
fn typed() -> Receiver<u8> {
    let (give, take) = sync_channel(64);
    thread::spawn(move || {
        for byte in io::stdin().lock().bytes().map_while(Result::ok) {
            if give.send(byte).is_err() {
                return;
            }
        }
    });
    take
}

/// The terminal gives every key at once and echoes none, until this is dropped.
struct Raw(Option<Termios>);

impl Raw {
    fn of_stdin() -> Self {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin).ok().filter(|_| stdin.is_terminal());
        if let Some(mut raw) = before.clone() {
            raw.make_raw();
            let _ = tcsetattr(&stdin, OptionalActions::Now, &raw);
        }
        Self(before)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// A program that runs beside us; dropped, it is ended.
struct Running {
    name: &'static str,
    child: Child,
    log: std::path::PathBuf,
}

impl Running {
    fn start(place: &Path, name: &'static str, words: &[&str]) -> Result<Self> {
        let log = place.join(format!("{name}.log"));
        let to = File::create(&log)?;
        let child = Command::new(tools::target()?.join("debug/chadburn"))
            .args(words)
            .current_dir(place)
            .stdin(Stdio::null())
            .stderr(to.try_clone()?)
            .stdout(to)
            .spawn()
            .with_context(|| format!("cannot start the {name}"))?;
        Ok(Self { name, child, log })
    }

    /// It must not end before we do.
    fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            bail!("the {} has ended, {status}: {}", self.name, said.lines().last().unwrap_or("-"));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a pulse puts the pointer, in thousandths of a position.
fn pointer(pins: Pins) -> Option<i32> {
    let [first, last] = WALL.servo.map(i32::from);
    let span = (i32::from(WALL.positions) - 1) * 1_000;
    pins.pulse.map(|pulse| 1_000 + (i32::from(pulse) - first) * span / (last - first))
}
