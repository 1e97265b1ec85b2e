//! A connection: bytes each way through buffers of a given size, taken and given in parts of any
//! length, and readiness told at its edges only, as mio tells it.

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use chadburn::hub::engine::Socket;

use crate::book::{Book, SECOND};
use crate::rng::Rng;

/// With this a roll begins.
const ROLL: &[u8] = br#"{"type":"roll""#;

/// Both ends of a connection, and what is on its way between them.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Pipe {
    rng: Rng,
    book: Book,
    /// What the station sent and the server has not read.
    pub upward: VecDeque<u8>,
    /// What the server sent and the station has not read.
    pub downward: VecDeque<u8>,
    /// How much `downward` holds.
    room: usize,
    /// The station sends nothing more.
    finished: bool,
    /// It reads nothing more, either.
    closed: bool,
    /// The station has cut the connection.
    pub reset: bool,
    /// The server has dropped its end.
    pub dropped: bool,
    /// Something happened of which the server is told once.
    pub edge: bool,
    /// The server was told that there is no room, and must be told when there is.
    wants_room: bool,
    /// Since when the server has had no room.
    pub stuck_since: Option<u64>,
    /// How often the server found no room.
    pub stalls: u32,
    /// The server has been told so, and has given nothing since.
    full: bool,
    /// Since when there has been room again.
    pub freed: u64,
    /// The latest bytes that were given, a few.
    latest: Vec<u8>,
    /// When the rolls of the last second were given.
    rolls: Vec<u64>,
    /// When the first roll was given.
    greeted: Option<u64>,
    /// When the station's last byte came.
    pub last_sent: u64,
    /// For how long it could have been heard since then, and was silent.
    pub silence: u64,
    /// Since when it is flooded, and how many bytes of the flood the server has read.
    pub flood: Option<(u64, usize)>,
    /// How many turns others have had since the server was told that there is something to read.
    pub passed_over: usize,
}

/// One end of it.
#[derive(Clone, Debug)]
pub struct Station(Rc<RefCell<Pipe>>);

/// The server's end; gone when dropped.
#[derive(Debug)]
pub struct Line(Rc<RefCell<Pipe>>);

/// A new connection.
#[must_use]
pub fn connect(rng: Rng, book: &Book, room: usize) -> (Station, Line) {
    let pipe = Pipe {
        rng,
        book: book.clone(),
        upward: VecDeque::new(),
        downward: VecDeque::new(),
        room,
        finished: false,
        closed: false,
        reset: false,
        dropped: false,
        edge: true,
        wants_room: false,
        stuck_since: None,
        stalls: 0,
        full: false,
        freed: 0,
        latest: Vec::new(),
        rolls: Vec::new(),
        greeted: None,
        last_sent: book.now(),
        silence: 0,
        flood: None,
        passed_over: 0,
    };
    let pipe = Rc::new(RefCell::new(pipe));
    (Station(Rc::clone(&pipe)), Line(pipe))
}

impl Pipe {
    /// At most four rolls begin in any second, beside the first and one that had to wait.
    fn count_rolls(&mut self, given: &[u8]) {
        let now = self.book.now();
        if self.full {
            (self.full, self.freed) = (false, now);
        }
        self.latest.extend(given);
        let is_roll = |bytes: &&[u8]| bytes[0] == ROLL[0] && *bytes == ROLL;
        let begun = self.latest.windows(ROLL.len()).filter(is_roll).count();
        let old = self.latest.len().saturating_sub(ROLL.len() - 1);
        self.latest.drain(..old);
        if begun == 0 {
            return;
        }
        self.rolls.retain(|at| now - at < SECOND);
        self.rolls.extend(std::iter::repeat_n(now, begun));
        let greeted = *self.greeted.get_or_insert(now);
        let lately = |at: u64| usize::from(now - at < SECOND);
        let most = 4 + lately(greeted) + if self.stalls > 0 { lately(self.freed) } else { 0 };
        let Self { rolls, book, .. } = self;
        book.hold(rolls.len() <= most, || format!("{} rolls in a second: {rolls:?}", rolls.len()));
    }
}

impl Station {
    /// The connection as it is.
    pub fn pipe(&self) -> RefMut<'_, Pipe> {
        self.0.borrow_mut()
    }

    /// Sends bytes.
    pub fn send(&self, bytes: &[u8]) {
        let mut pipe = self.pipe();
        if !pipe.dropped && !pipe.finished && !bytes.is_empty() {
            pipe.upward.extend(bytes);
            pipe.edge = true;
            (pipe.last_sent, pipe.silence) = (pipe.book.now(), 0);
        }
    }

    /// Takes at most so many bytes.
    pub fn take(&self, most: usize) -> Vec<u8> {
        let mut pipe = self.pipe();
        let count = pipe.downward.len().min(most);
        let bytes = pipe.downward.drain(..count).collect();
        if count > 0 && pipe.stuck_since.is_some() && !pipe.dropped {
            pipe.stuck_since = Some(pipe.book.now());
        }
        // The kernel tells of room when a good part of the buffer is free.
        if pipe.wants_room && pipe.downward.len() <= pipe.room * 2 / 3 {
            (pipe.wants_room, pipe.edge) = (false, true);
        }
        bytes
    }

    /// Sends nothing more.
    pub fn finish(&self) {
        let mut pipe = self.pipe();
        pipe.finished = true;
        pipe.edge = true;
    }

    /// Sends nothing more and reads nothing more.
    pub fn close(&self) {
        self.finish();
        self.pipe().closed = true;
    }

    /// Cuts the connection.
    pub fn reset(&self) {
        let mut pipe = self.pipe();
        pipe.reset = true;
        pipe.edge = true;
        pipe.upward.clear();
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        if pipe.reset && !pipe.finished {
            return Err(ErrorKind::ConnectionReset.into());
        }
        if pipe.rng.one_in(40) {
            return Err(ErrorKind::Interrupted.into());
        }
        let there = pipe.upward.len().min(buffer.len());
        if there == 0 {
            // One that does not read resets the connection with the next byte.
            pipe.reset |= pipe.finished && pipe.closed;
            return if pipe.finished { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let count = if pipe.rng.one_in(3) { 1 + pipe.rng.index(there) } else { there };
        pipe.passed_over = 0;
        if let Some((_, read)) = &mut pipe.flood {
            *read += count;
        }
        for (to, byte) in buffer.iter_mut().zip(pipe.upward.drain(..count)) {
            *to = byte;
        }
        Ok(count)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = self.0.borrow_mut();
        if pipe.reset {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if pipe.rng.one_in(40) {
            return Err(ErrorKind::Interrupted.into());
        }
        let room = bytes.len().min(pipe.room.saturating_sub(pipe.downward.len()));
        if room == 0 {
            pipe.wants_room = true;
            pipe.stalls += 1;
            pipe.full = true;
            let now = pipe.book.now();
            pipe.stuck_since.get_or_insert(now);
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = if pipe.rng.one_in(3) { 1 + pipe.rng.index(room) } else { room };
        pipe.downward.extend(&bytes[..count]);
        pipe.count_rolls(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Line {
    fn finish(&mut self) {}

    fn is_cut(&mut self) -> bool {
        self.0.borrow().reset
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.borrow_mut().dropped = true;
    }
}
