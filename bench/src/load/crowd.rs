//! The stations' sockets, on one thread: opens them, reads them as soon as something came, says
//! what they have to say. What the bytes mean is the stations' own business.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::net::sockopt::set_socket_linger;

use super::judge::Faults;
use super::station::{Ledger, Station};

/// Connections that may wait for their greeting at once: fewer than the 128 of the standard
/// library's accept queue (and mio's), the shortest to be met. One that does not fit into the queue
/// is only tried again after a second, and that second would be all that is measured.
const AT_ONCE: usize = 100;

/// One read takes at most this much, far more than is ever waiting.
const READ_SIZE: usize = 64 * 1024;

/// All stations and their sockets.
#[derive(Debug)]
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    address: SocketAddr,
    request: Vec<u8>,
    seats: Vec<Seat>,
    buffer: Vec<u8>,
    /// Stations that lost their connection.
    lost: usize,
    /// Why the first of them did.
    why: Option<Error>,
    /// What they heard.
    pub(crate) ledger: Ledger,
}

#[derive(Debug)]
struct Seat {
    /// `None` once the connection is lost.
    socket: Option<TcpStream>,
    station: Station,
}

impl Crowd {
    /// A crowd in front of this server, with an empty ledger.
    pub(crate) fn new(address: SocketAddr, ledger: Ledger) -> Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            address,
            request: ledger.wire().request(&address.to_string()),
            seats: Vec::new(),
            buffer: vec![0; READ_SIZE],
            lost: 0,
            why: None,
            ledger,
        })
    }

    /// Opens `count` stations; how long it took until the last one's greeting was complete.
    pub(crate) fn open(&mut self, count: usize, deadline: Instant) -> Result<Duration> {
        self.seats.reserve(count);
        let from = Instant::now();
        while self.ledger.greeted < count {
            while self.seats.len() < count && self.seats.len() < self.ledger.greeted + AT_ONCE {
                self.connect()?;
            }
            self.poll(Duration::from_millis(100))?;
            if let Some(why) = self.why.take() {
                return Err(why.context("a station was not let in"));
            }
            if Instant::now() > deadline {
                bail!("only {} of {count} stations were greeted in time", self.ledger.greeted);
            }
        }
        Ok(from.elapsed())
    }

    /// Waits at most `timeout`, and takes in what came. True if something happened.
    pub(crate) fn poll(&mut self, timeout: Duration) -> Result<bool> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            other => other?,
        }
        for event in &self.events {
            let seat = &mut self.seats[event.token().0];
            if let Err(error) = seat.attend(event, &mut self.buffer, &mut self.ledger) {
                // Its socket closes here and leaves the poll with that.
                seat.socket = None;
                self.lost += 1;
                self.why.get_or_insert(error);
            }
        }
        Ok(!self.events.is_empty())
    }

    /// Polls until nothing came for `quiet`, or until `limit` is over.
    pub(crate) fn settle(&mut self, quiet: Duration, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        while self.poll(quiet)? && Instant::now() < until {}
        Ok(())
    }

    /// How many stations are connected.
    pub(crate) fn present(&self) -> usize {
        self.seats.len() - self.lost
    }

    /// How many stations lost their connection, and why the first did.
    pub(crate) fn lost(&self) -> (usize, Option<&Error>) {
        (self.lost, self.why.as_ref())
    }

    /// All stations' faults, added up.
    pub(crate) fn verdict(&self) -> Faults {
        let mut all = Faults::default();
        for seat in &self.seats {
            all += seat.station.verdict(self.ledger.written());
        }
        all
    }

    /// Closes every connection with a reset, so that no thousands of them stay behind and get
    /// in the way of the next run.
    pub(crate) fn leave(self) -> Result<()> {
        for socket in self.seats.iter().filter_map(|seat| seat.socket.as_ref()) {
            set_socket_linger(socket, Some(Duration::ZERO))?;
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<()> {
        let mut socket = TcpStream::connect(self.address).context("cannot connect")?;
        let token = Token(self.seats.len());
        self.poll.registry().register(
            &mut socket,
            token,
            Interest::READABLE | Interest::WRITABLE,
        )?;
        self.seats.push(Seat { socket: Some(socket), station: Station::new(&self.request) });
        Ok(())
    }
}

impl Seat {
    /// Does what the event asks for. An error ends the connection.
    fn attend(&mut self, event: &Event, buffer: &mut [u8], ledger: &mut Ledger) -> Result<()> {
        let Some(socket) = self.socket.as_mut() else {
            return Ok(());
        };
        if event.is_readable() {
            loop {
                let length = match socket.read(buffer) {
                    Ok(0) => bail!("the server hung up"),
                    Ok(length) => length,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error.into()),
                };
                self.station.take_in(&buffer[..length], Instant::now(), ledger)?;
                // A short read emptied the socket: what comes later is another event (epoll(7),
                // question 9). The end of the stream is the one thing that is not.
                if length < buffer.len() && !event.is_read_closed() {
                    break;
                }
            }
        }
        while !self.station.outgoing.is_empty() {
            match socket.write(&self.station.outgoing) {
                Ok(length) => drop(self.station.outgoing.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.station.outgoing.is_empty() {
            self.station.outgoing = Vec::new();
        }
        Ok(())
    }
}
