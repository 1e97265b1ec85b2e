//! The floor: epoll, one ready-made frame, one send(2) to each socket, one thread, and notify to
//! say when. It checks nothing, answers nothing and forgives nothing: whatever a real server does
//! beyond this is what the bench measures. No station is ever heard after its handshake.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::watch::Watch;
use crate::{descriptors, frame, handshake, wire};

/// The listener's events.
const LISTENER: Token = Token(usize::MAX - 1);
/// The watcher's.
const FILE: Token = Token(usize::MAX - 2);

/// Where to serve what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port, on loopback; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The file to watch
    #[arg(long)]
    status_file: PathBuf,
}

/// Serves until it is killed.
pub(crate) fn run(options: &Options) -> Result<()> {
    descriptors::raise_limit(0)?;
    let poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let waker = Waker::new(poll.registry(), FILE)?;
    // A wake that fails only means that the poll is gone.
    let watch = Watch::start(&options.status_file, move || drop(waker.wake()))?;
    let port = listener.local_addr()?.port();
    writeln!(io::stdout(), "listening on http://127.0.0.1:{port}")?;
    let mut floor = Floor {
        poll,
        listener,
        seats: Vec::new(),
        free: Vec::new(),
        partial: HashMap::new(),
        status: watch.first().to_owned(),
    };
    floor.serve(&watch)
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    seats: Vec<Seat>,
    /// Indices of empty seats.
    free: Vec<usize>,
    /// The requests that did not come whole: almost always none.
    partial: HashMap<usize, Vec<u8>>,
    /// The newest status, for the greeting.
    status: String,
}

/// Eight bytes for each station.
enum Seat {
    Empty,
    Shaking(TcpStream),
    Open(TcpStream),
}

impl Floor {
    fn serve(&mut self, watch: &Watch) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    FILE => {
                        while let Some(status) = watch.next() {
                            self.push(status);
                        }
                    }
                    Token(index) => {
                        if self.attend(index).is_err() {
                            self.vacate(index);
                        }
                    }
                }
            }
        }
    }

    /// This is the floor.
    fn push(&mut self, status: String) {
        let frame = frame::from_server(&status);
        self.status = status;
        for index in 0..self.seats.len() {
            let Seat::Open(socket) = &mut self.seats[index] else {
                continue;
            };
            if !matches!(socket.write(&frame), Ok(length) if length == frame.len()) {
                self.vacate(index);
            }
        }
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            socket.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or(self.seats.len());
            self.poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            if index == self.seats.len() {
                self.seats.push(Seat::Empty);
            }
            self.seats[index] = Seat::Shaking(socket);
        }
    }

    /// Reads a request and greets, or reads and forgets. An error ends the connection.
    fn attend(&mut self, index: usize) -> Result<()> {
        let mut buffer = [0; 4096];
        loop {
            let (Seat::Shaking(socket) | Seat::Open(socket)) = &mut self.seats[index] else {
                return Ok(());
            };
            let length = match socket.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            ensure!(length > 0, "hung up");
            if matches!(self.seats[index], Seat::Shaking(_)) {
                self.shake(index, &buffer[..length])?;
            }
        }
    }

    fn shake(&mut self, index: usize, bytes: &[u8]) -> Result<()> {
        let mut request = self.partial.remove(&index).unwrap_or_default();
        request.extend_from_slice(bytes);
        let Some(length) = handshake::head_length(&request) else {
            ensure!(request.len() <= handshake::HEAD_LIMIT, "an endless request");
            self.partial.insert(index, request);
            return Ok(());
        };
        let mut greeting = handshake::answer(&request[..length])?.into_bytes();
        greeting.extend(frame::from_server(wire::HELLO));
        let snapshot = format!("{}{}", self.status, wire::SNAPSHOT_SUFFIX);
        greeting.extend(frame::from_server(&snapshot));
        if let Seat::Shaking(mut socket) = std::mem::replace(&mut self.seats[index], Seat::Empty) {
            let sent = socket.write(&greeting)?;
            ensure!(sent == greeting.len(), "a greeting that did not fit");
            self.seats[index] = Seat::Open(socket);
        }
        Ok(())
    }

    fn vacate(&mut self, index: usize) {
        self.seats[index] = Seat::Empty;
        self.partial.remove(&index);
        self.free.push(index);
    }
}
